//! The keys that a podmin compares: in the queue and for programs, and asked for again before anybody is told.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{NEWCOMERS, by_invitation, script_of, signed_in};
use crate::support::closing::{get, said};
use crate::support::json as json_of;
use crate::support::living_pods::LivingPods;
use crate::web::newcomers::{
    PASSWORD, Scene, announce, begin_by_program, choose_by_program, hand_in_by_program, state,
};
use pappus_tests::sample::PEPPER;
use pappus_tests::service::{Browser, Service};

/// A key that is nobody's here.
const OTHER: &str = include_str!("../../../fixtures/keys/4096-2.public.pem");

fn fingerprint(pem: &str) -> String {
    pappus_engine::domain::PublicKey::from_pem(pem).unwrap().fingerprint().to_string()
}

/// The digits of the fingerprints that a page shows.
pub(super) fn shown(page: &str) -> Vec<String> {
    page.split("<code dir=\"ltr\"><span>SHA256:")
        .skip(1)
        .map(|rest| {
            let (code, _) = rest.split_once("</code>").unwrap();
            format!("SHA256:{}", code.replace("</span>", "").replace("<span>", ""))
        })
        .collect()
}

fn account_key(archive: &std::path::Path) -> String {
    json_of(archive, "manifest.json")["account"]["key_fingerprint"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_proves_is_compared_with_what_the_person_reads_out() {
    let (scene, service) = by_invitation(None).await;
    let mut greta = signed_in(&service, "greta").await;
    let invitation = json!({ "uses": 1 });
    let mut script = script_of(&service, &mut greta, &["board_read", "board_write"]).await;
    let made =
        said(&mut script, Method::POST, super::INVITATIONS, Some(invitation), StatusCode::CREATED).await;
    let mut ida = begin_by_program(&service, json!({ "invitation": made["code"] })).await;
    hand_in_by_program(&mut ida, &scene.archive).await;
    state(&mut ida, "checked").await;
    choose_by_program(&mut ida, "ida").await;
    state(&mut ida, "waiting").await;
    let own = account_key(&scene.archive);
    let page = greta.open("/board/newcomers").await.unwrap().text();
    assert_eq!(shown(&page), [own.as_str()]);
    for says in
        ["read out the fingerprint", "this pod has not met this account", "closing.example does not answer"]
    {
        assert!(page.contains(says), "{says}: {page}");
    }
    // It is about the account, not about one contact.
    assert!(page.contains("<li>Account: accepted on your word: nothing proves"), "{page}");
    let listed = get(&mut script, &format!("{NEWCOMERS}?state=waiting")).await;
    let evidence = &listed["newcomers"][0]["evidence"];
    assert_eq!(evidence["archive"], own);
    assert_eq!((&evidence["known"], &evidence["published"]), (&Value::Null, &Value::Null));
    assert_eq!(evidence["advice"], "compare");
    assert!(evidence["signed_by"].as_str().unwrap().starts_with("SHA256:"), "{evidence}");
    assert!(evidence["advice_text"].as_str().unwrap().contains("digit for digit"), "{evidence}");
    // The newcomer is not told what the podmin compares.
    let own = said(&mut ida, Method::GET, "/api/v1/newcomers/me", None, StatusCode::OK).await;
    assert!(own.get("evidence").is_none(), "{own}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_differs_stands_beside_the_one_in_the_archive() {
    let (scene, service) = by_invitation(None).await;
    let mut greta = signed_in(&service, "greta").await;
    let mut script = script_of(&service, &mut greta, &["board_read", "board_write"]).await;
    let made =
        said(&mut script, Method::POST, super::INVITATIONS, Some(json!({ "uses": 1 })), StatusCode::CREATED)
            .await;
    let forget = "DELETE FROM people WHERE diaspora_handle = 'ida@closing.example'";
    scene.target.pool.execute(forget).await.unwrap();
    let known = format!(
        "INSERT INTO people (guid, diaspora_handle, serialized_public_key, pod_id, created_at, updated_at) VALUES \
         ('00112233445566778899aabbccddeeff', 'ida@closing.example', '{OTHER}', (SELECT MAX(id) FROM pods), \
         '2026-01-01', '2026-01-01')"
    );
    scene.target.pool.execute(&known).await.unwrap();
    let mut ida = begin_by_program(&service, json!({ "invitation": made["code"] })).await;
    hand_in_by_program(&mut ida, &scene.archive).await;
    assert_eq!(state(&mut ida, "refused").await["problem"], "wrong_key");
    let (own, other) = (account_key(&scene.archive), fingerprint(OTHER));
    let page = greta.open("/board/newcomers").await.unwrap().text();
    assert_eq!(shown(&page), [own.as_str(), other.as_str()]);
    for says in [
        "ida@closing.example</strong>",
        "has known the account by another key",
        "Key by which this pod knows",
    ] {
        assert!(page.contains(says), "{says}: {page}");
    }
    let listed = get(&mut script, &format!("{NEWCOMERS}?state=refused")).await;
    let evidence = &listed["newcomers"][0]["evidence"];
    assert_eq!((&evidence["archive"], &evidence["known"]), (&json!(own), &json!(other)), "{evidence}");
    assert_eq!(evidence["advice"], "known_differs");
    // In the podmin's language.
    greta.headers[0].1 = "de".to_owned();
    let page = greta.open("/board/newcomers").await.unwrap().text();
    assert!(page.contains("nicht angenommen") && page.contains("Schlüssel, mit dem dieser Pod"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_key_that_cannot_be_read_is_for_the_podmin() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &format!("admission = \"open\"\n{}", scene.trusted()));
    let mut greta = with_podmin(&scene, &service).await;
    for sql in [
        "DELETE FROM people WHERE diaspora_handle = 'ida@closing.example'",
        "INSERT INTO people (guid, diaspora_handle, serialized_public_key, pod_id, created_at, updated_at) VALUES \
         ('00112233445566778899aabbccddeeff', 'ida@closing.example', 'a key', (SELECT MAX(id) FROM pods), \
         '2026-01-01', '2026-01-01')",
    ] {
        scene.target.pool.execute(sql).await.unwrap();
    }
    let mut ida = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut ida, &scene.archive).await;
    assert_eq!(state(&mut ida, "refused").await["problem"], "unreadable_key");
    let page = greta.open("/board/newcomers").await.unwrap().text();
    assert!(page.contains("has stored for the account cannot be read"), "{page}");
    greta.headers[0].1 = "de".to_owned();
    let page = greta.open("/board/newcomers").await.unwrap().text();
    assert!(page.contains("ein leerer Schlüssel gilt als unbekannt"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_key_that_is_not_the_trusted_one_is_shown_beside_it() {
    let scene = Scene::new().await;
    let other = fingerprint(OTHER);
    let trusted = format!("admission = \"open\"\ntrusted_pods = [\"closing.example={other}\"]");
    let service = scene.serve(None, &trusted);
    let mut greta = with_podmin(&scene, &service).await;
    let mut ida = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut ida, &scene.archive).await;
    state(&mut ida, "checked").await;
    choose_by_program(&mut ida, "ida").await;
    state(&mut ida, "waiting").await;
    let page = greta.open("/board/newcomers").await.unwrap().text();
    let signed = json_of(&scene.archive, "manifest.json")["pod"]["archive_key"].clone();
    let keys = shown(&page);
    assert_eq!((keys.len(), &keys[1]), (3, &other), "{keys:?} {signed}");
    assert_ne!(keys[0], other);
    assert!(page.contains("another pod key than the one you trust for closing.example"), "{page}");
}

/// A podmin, greta, who has come by the command line.
pub(crate) async fn with_podmin(scene: &Scene, service: &Service) -> Browser {
    scene.target.import(&scene.source.archive("out", "greta"), "greta", &["--accept-unproven"]);
    let hash = bcrypt::hash(format!("{PASSWORD}{PEPPER}"), 4).unwrap();
    let password = format!("UPDATE users SET encrypted_password = '{hash}' WHERE username = 'greta'");
    scene.target.pool.execute(&password).await.unwrap();
    scene.make_podmin("greta").await;
    signed_in(service, "greta").await
}

#[tokio::test(flavor = "multi_thread")]
async fn move_now_asks_the_old_pod_again() {
    let (scene, pods) = (Scene::new().await, LivingPods::start().await);
    let archive = pods.export("ida");
    let guid = json_of(&archive, "manifest.json")["account"]["guid"].as_str().unwrap().to_owned();
    let near = format!("allow_hosts = [{:?}, {:?}, ", pods.closing, pods.contacts);
    let sections = scene.sections(None, "admission = \"open\"\nundo_minutes = 1000");
    let sections = sections.replace("ask_pods = false", "ask_pods = true").replace("allow_hosts = [", &near);
    let service = Service::start(scene.folder.path(), &sections).unwrap();
    let mut greta = with_podmin(&scene, &service).await;
    let mut ida = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut ida, &archive).await;
    assert_eq!(state(&mut ida, "checked").await["proof"], "hcard");
    choose_by_program(&mut ida, "ida").await;
    state(&mut ida, "imported").await;
    // Somebody else has the old pod's address by now.
    let card = format!("/hcard/users/{guid}");
    let asked = pods.asked_for(&card).len();
    pods.lies.lock().unwrap().insert(card.clone(), hcard(&guid));
    let sql = "SELECT COUNT(*) FROM account_migrations";
    announce(&mut ida).await;
    let begun = std::time::Instant::now();
    let stopped = loop {
        let now = state(&mut ida, "imported").await;
        if !now["problem"].is_null() {
            break now;
        }
        assert!(begun.elapsed() < std::time::Duration::from_mins(1), "{now}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    assert_eq!(stopped["problem"], "wrong_key", "{stopped}");
    assert!(pods.asked_for(&card).len() > asked);
    assert_eq!(scene.target.pool.number(sql).await.unwrap(), 0);
    let page = greta.open("/board/newcomers").await.unwrap().text();
    let (own, other) = (account_key(&archive), fingerprint(OTHER));
    // This pod knows the account by the key in the archive.
    let keys = shown(&page);
    assert_eq!((keys.first(), keys.last()), (Some(&own), Some(&other)), "{page}");
    assert!(page.contains("The old pod publishes another key"), "{page}");
    // A pod that does not answer says nothing.
    pods.lies.lock().unwrap().insert(card, "nothing here".to_owned());
    announce(&mut ida).await;
    state(&mut ida, "announced").await;
    assert_eq!(scene.target.pool.number(sql).await.unwrap(), 1);
}

/// What somebody else publishes at an account's address.
fn hcard(guid: &str) -> String {
    format!(
        "<!DOCTYPE html><html><body><div class=\"entity_profile vcard author\"><span class=\"uid\">{guid}</span>\
         <span class=\"nickname\">ida</span><span class=\"fn\">Ida</span><span class=\"given_name\">Ida</span>\
         <span class=\"family_name\"></span><pre class=\"key\">{OTHER}</pre></div></body></html>"
    )
}
