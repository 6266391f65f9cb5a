//! Mails of the door: podmins learn who waits, newcomers what became of their move.

use std::time::{Duration, Instant};

use super::{Scene, begin, choice, hand_in};
use crate::support::closing::{mail_text, until};
use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::Store;
use pappus_tests::service::Browser;

const MAIL: &str = "\n[mail]\nfolder = \"mails\"\nfrom = \"pappus@haven.example\"\nper_minute = 6000\n";

impl Scene {
    /// All mails that were sent, decoded.
    pub(crate) fn mails(&self) -> Vec<String> {
        let folder = self.folder.path().join("mails");
        let names = crate::support::names(&folder).into_iter();
        names.map(|name| mail_text(&std::fs::read_to_string(folder.join(name)).unwrap())).collect()
    }

    /// The mail to somebody with this subject, as soon as it is there.
    async fn mail(&self, to: &str, subject: &str) -> String {
        let begun = Instant::now();
        loop {
            let found = self.mails().into_iter().find(|mail| {
                mail.contains(&format!("To: {to}")) && mail.contains(&format!("Subject: {subject}"))
            });
            if let Some(found) = found {
                return found;
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "no {subject:?} to {to}: {:?}", self.mails());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// A scene whose podmin is greta, who has come before.
async fn with_podmin(store: Option<&str>, more: &str) -> (Scene, pappus_tests::service::Service) {
    let scene = Scene::new().await;
    {
        let service = scene.serve(store, &format!("admission = \"open\"\n{}", scene.trusted()));
        let mut greta = super::come(&service, &scene.source.archive("out", "greta"), "greta").await;
        until(&mut greta, "/newcomers", "Import complete").await;
        scene.make_podmin("greta").await;
    }
    let service = scene.serve(store, &format!("admission = \"approval\"\n{}\n{more}{MAIL}", scene.trusted()));
    (scene, service)
}

async fn podmin(service: &pappus_tests::service::Service) -> Browser {
    let mut podmin = Browser::new(&service.url).unwrap();
    podmin.sign_in("greta", super::PASSWORD).await.unwrap();
    podmin
}

/// Decides about whoever waits; the form asks before it declines.
async fn decide(podmin: &mut Browser, act: &str) {
    let page = podmin.open("/board/newcomers").await.unwrap();
    let id = page.between("action=\"/board/newcomers/", "\"").unwrap();
    let path = format!("/board/newcomers/{id}");
    if act == "no" {
        let page = podmin.submit(&path, &[("act", act)]).await.unwrap().text();
        assert!(page.contains("Decline this move?") && page.contains("ida@closing.example ("), "{page}");
    }
    let page = podmin.submit(&path, &[("act", act), ("confirmed", "yes")]).await.unwrap().text();
    let says = if act == "no" { "Declined." } else { "Approved." };
    assert!(page.contains(says), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_told_when_something_is_waited_for() {
    everybody_is_told(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_told_with_a_store_on_postgresql() {
    let server = pappus_tests::cluster::shared_postgres().await.unwrap();
    let store = server.create_database("newcomers_mails_store").await.unwrap();
    everybody_is_told(Some(&store)).await;
}

async fn everybody_is_told(store: Option<&str>) {
    let (scene, mut service) = with_podmin(store, "undo_minutes = 0").await;
    scene.pods_are_near().await;
    let mut ida = begin(&service).await;
    hand_in(&mut ida, None, &std::fs::read(&scene.archive).unwrap()).await;
    let page = until(&mut ida, "/newcomers", "Your archive is valid").await.text();
    assert!(page.contains("value=\"ida@mail.example\""), "the address in the archive is not there: {page}");
    ida.submit("/newcomers/choose", &choice("ida", "new-ida@mail.example")).await.unwrap();
    let page = until(&mut ida, "/newcomers", "Waiting for the podmin").await.text();
    assert!(page.contains("we’ll e-mail you"), "{page}");
    // It looks again by itself, with and without a script.
    assert!(
        page.contains("<noscript><meta http-equiv=\"refresh\"") && page.contains("data-progress="),
        "{page}"
    );

    let mail = scene.mail("greta@mail.example", "ida@closing.example").await;
    // In the language that she uses on the pod.
    assert!(mail.contains("als ida@haven.example") && mail.contains("/board/newcomers"), "{mail}");
    service.kill_and_start().unwrap();
    decide(&mut podmin(&service).await, "yes").await;
    let mail = scene.mail("new-ida@mail.example", "Your move to haven.example is approved").await;
    assert!(mail.contains("ida@haven.example") && mail.contains("podmin@haven.example"), "{mail}");
    until(&mut ida, "/newcomers", "Welcome").await;
    let mail = scene.mail("new-ida@mail.example", "Welcome to haven.example").await;
    assert!(mail.contains("https://haven.example/users/sign_in"), "{mail}");
    // Nobody gets anything twice, and the address is forgotten.
    service.kill_and_start().unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(scene.mails().len(), 3, "{:?}", scene.mails());
    let kept = match store {
        Some(url) => Store::open(&DatabaseUrl::parse(url).unwrap()).await.unwrap(),
        None => super::pause::store(&scene).await,
    };
    let sql = "SELECT COUNT(*) AS found FROM pappus_newcomers WHERE mail_to IS NOT NULL \
               AND old_account LIKE 'ida@%'";
    let row = kept.first("looking", sql, &[]).await.unwrap().unwrap();
    assert_eq!(row.get::<i64>("found").unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_declined_is_told_and_sees_no_contradiction() {
    let (scene, service) = with_podmin(None, "").await;
    let mut greta = podmin(&service).await;
    greta.open("/board/words").await.unwrap();
    let words = [("note", "Write to me before you come."), ("pods", "refuge.example friendly, in German")];
    greta.submit("/board/words", &words).await.unwrap();
    let mut ida = begin(&service).await;
    hand_in(&mut ida, None, &std::fs::read(&scene.archive).unwrap()).await;
    until(&mut ida, "/newcomers", "Your archive is valid").await;
    ida.submit("/newcomers/choose", &choice("ida", "ida@mail.example")).await.unwrap();
    until(&mut ida, "/newcomers", "Waiting for the podmin").await;
    decide(&mut greta, "no").await;
    let page = until(&mut ida, "/newcomers", "Request declined").await.text();
    for says in [
        "href=\"https://refuge.example/\"",
        "friendly, in German",
        "Write to me before",
        "podmin@haven.example",
    ] {
        assert!(page.contains(says), "{says}: {page}");
    }
    for contradiction in ["are deleted on", "delete everything", "Your link"] {
        assert!(!page.contains(contradiction), "{contradiction}: {page}");
    }
    let mail = scene.mail("ida@mail.example", "Your move to haven.example was declined").await;
    assert!(mail.contains("as good as before"), "{mail}");
    drop(service);

    // A door that is closed says so, without explaining how to come.
    let service = scene.serve(None, "admission = \"closed\"");
    let mut stranger = Browser::new(&service.url).unwrap();
    let page = stranger.open("/newcomers").await.unwrap().text();
    assert!(page.contains("accepts no newcomers") && page.contains("refuge.example"), "{page}");
    assert!(!page.contains("How it works") && !page.contains("Bring your archive"), "{page}");
}
