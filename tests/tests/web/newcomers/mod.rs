//! People move to a pod over HTTP, with the service as a program of its own: the whole way and back, past the podmin,
//! and in pieces over a line that breaks and a service that is killed.

mod ahead;
mod by_program;
mod cancel;
mod friendships;
mod mails;
mod names;
mod pages;
mod pause;
mod queueing_fails;
mod reservations;
mod steps;
mod uploads;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::Pod;
use crate::support::closing::until;
use crate::support::target::{Target, fingerprint};
use pappus_tests::cluster::shared_postgres;
use pappus_tests::door::send_piece;
use pappus_tests::service::{Answer, Browser, Service};
use reqwest::{Method, StatusCode};
use tempfile::TempDir;

pub(crate) use by_program::{
    announce, begin_by_program, choose_by_program, hand_in_by_program, imported_by_program, state, undo,
};

pub(crate) const PASSWORD: &str = "a new password";
/// Pods of the contacts, each at an address of this machine.
const PODS: usize = 60;

/// A pod that takes people in, and archives from another.
pub(crate) struct Scene {
    pub(crate) source: Pod,
    pub(crate) target: Target,
    pub(crate) folder: TempDir,
    pub(crate) archive: PathBuf,
    /// Where the pods of the contacts listen.
    port: u16,
    received: Arc<AtomicUsize>,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// `change` is done to the old pod before anything is exported.
    pub(crate) async fn with(change: impl FnOnce(&Pod)) -> Self {
        let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
        change(&source);
        source.export(&["ida", "greta"], "out", &[]);
        let archive = source.archive("out", "ida");
        let (port, received) = pods_that_listen().await;
        Self { source, target, folder: tempfile::tempdir().unwrap(), archive, port, received }
    }

    /// Starts the service. `more` is the end of the section `[newcomers]`.
    pub(crate) fn serve(&self, store: Option<&str>, more: &str) -> Service {
        Service::start(self.folder.path(), &self.sections(store, more)).unwrap()
    }

    /// What stands behind `[web]` in the configuration of the service.
    pub(crate) fn sections(&self, store: Option<&str>, more: &str) -> String {
        let store = store.map_or_else(String::new, |url| format!("url = {url:?}\n"));
        let hosts: Vec<String> = (1..=PODS).map(|pod| format!("127.0.0.{pod}:{}", self.port)).collect();
        format!(
            "[pod]\ndatabase_url = {:?}\nurl = \"https://haven.example/\"\nuploads = {:?}\n\
             podmin_email = \"podmin@haven.example\"\n\
             [store]\nstate = \"state\"\n{store}[newcomers]\nenabled = true\nask_pods = false\n\
             keep_free_megabytes = 1\nallow_hosts = {hosts:?}\nassume_reachable = true\nsettle_seconds = 0\n{more}\n",
            self.target.database,
            self.target.path("uploads"),
        )
    }

    pub(crate) fn trusted(&self) -> String {
        format!("trusted_pods = [{:?}]", fingerprint(&self.archive))
    }

    /// As when the Contacts of everybody on other pods arrive, because their pods have processed the move.
    pub(crate) async fn friends_come_back(&self) {
        let sql = "UPDATE contacts SET sharing = (1 = 1), updated_at = '2100-01-01 00:00:00' \
                   WHERE person_id IN (SELECT id FROM people WHERE owner_id IS NULL)";
        self.target.pool.execute(sql).await.unwrap();
    }

    /// Moves the pods of the contacts to this machine.
    pub(crate) async fn pods_are_near(&self) {
        let place = format!("UPDATE pods SET host = '127.0.0.' || id, port = {}, ssl = 0", self.port);
        self.target.pool.execute(&place).await.unwrap();
    }

    /// Makes somebody who has come the podmin.
    pub(crate) async fn make_podmin(&self, name: &str) {
        let role = format!(
            "INSERT INTO roles (person_id, name, created_at, updated_at) SELECT p.id, 'admin', u.created_at, \
             u.created_at FROM people p JOIN users u ON u.id = p.owner_id WHERE u.username = '{name}'"
        );
        self.target.pool.execute(&role).await.unwrap();
    }

    async fn users(&self) -> i64 {
        self.target.pool.number("SELECT COUNT(*) FROM users").await.unwrap()
    }
}

/// Pods that take everything, at all addresses of this machine.
async fn pods_that_listen() -> (u16, Arc<AtomicUsize>) {
    let received = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&received);
    let take = move || {
        let count = Arc::clone(&count);
        async move {
            count.fetch_add(1, Ordering::SeqCst);
            axum::http::StatusCode::ACCEPTED
        }
    };
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let service = axum::Router::new().fallback(take);
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    (port, received)
}

pub(crate) async fn begin(service: &Service) -> Browser {
    let mut browser = Browser::new(&service.url).unwrap();
    browser.open("/newcomers").await.unwrap();
    let page = browser.submit("/newcomers/begin", &[]).await.unwrap();
    assert!(page.text().contains("Upload your archive"), "{}", page.text());
    browser
}

/// Hands a file in as a browser without a script does; gives what is shown then.
async fn hand_in(browser: &mut Browser, token: Option<&str>, bytes: &[u8]) -> Answer {
    let page = browser.open("/newcomers").await.unwrap();
    let own = page.token().unwrap_or_default();
    let token = token.unwrap_or(&own);
    let mut body = Vec::new();
    for (head, content) in [
        ("name=\"token\"", token.as_bytes()),
        ("name=\"archive\"; filename=\"archive.zip\"\r\nContent-Type: application/zip", bytes),
        ("name=\"photos\"; filename=\"\"\r\nContent-Type: application/octet-stream", b""),
        ("name=\"passphrase\"", b""),
    ] {
        body.extend_from_slice(
            format!("--limit\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--limit--\r\n");
    let headers = [("content-type", "multipart/form-data; boundary=limit")];
    let answer = browser.send(Method::POST, "/newcomers/upload", &headers, body).await.unwrap();
    browser.follow(answer).await.unwrap()
}

fn choice<'a>(name: &'a str, email: &'a str) -> [(&'static str, &'a str); 4] {
    [("username", name), ("email", email), ("password", PASSWORD), ("again", PASSWORD)]
}

/// From the archive to an account that nobody has been told of.
pub(crate) async fn come(service: &Service, archive: &Path, name: &str) -> Browser {
    let mut browser = begin(service).await;
    hand_in(&mut browser, None, &std::fs::read(archive).unwrap()).await;
    until(&mut browser, "/newcomers", "Your archive is valid").await;
    let email = format!("{name}@mail.example");
    browser.submit("/newcomers/choose", &choice(name, &email)).await.unwrap();
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_way_and_back() {
    the_whole_way(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_way_and_back_with_a_store_on_postgresql() {
    let server = shared_postgres().await.unwrap();
    let store = server.create_database("newcomers_store").await.unwrap();
    the_whole_way(Some(&store)).await;
}

async fn the_whole_way(store: Option<&str>) {
    let scene = Scene::new().await;
    let terms = "terms = \"https://haven.example/terms\"";
    let service = scene.serve(store, &format!("admission = \"open\"\n{}\n{terms}", scene.trusted()));
    let mut ida = begin(&service).await;
    hand_in(&mut ida, None, &std::fs::read(&scene.archive).unwrap()).await;
    let page = until(&mut ida, "/newcomers", "Your archive is valid").await.text();
    assert!(page.contains("ida@closing.example") && page.contains("value=\"ida\""), "{page}");
    assert!(page.contains("<th scope=\"row\">Posts</th>"), "{page}");
    assert_eq!(scene.users().await, 0, "looking at an archive changes nothing");
    let kept = scene.folder.path().join("state/pods/haven.example/newcomers/n1");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&kept), mode(&kept.join("archive"))), (0o700, 0o600));

    let wish = choice("ida", "ida@mail.example");
    for (field, value, says) in [
        ("again", "another password", "The two passwords differ"),
        ("username", "Ida!", "The name can contain only lowercase letters"),
        ("email", "nobody", "This is not a valid e-mail address"),
        ("terms", "", "Please accept the terms"),
    ] {
        ida.open("/newcomers").await.unwrap();
        let mut fields: Vec<_> = wish.into_iter().filter(|(name, _)| *name != field).collect();
        if field != "terms" {
            fields.extend([(field, value), ("terms", "yes")]);
        }
        let page = ida.submit("/newcomers/choose", &fields).await.unwrap().text();
        assert!(page.contains(says), "{says}: {page}");
        assert!(page.contains("id=\"link\""), "the private link stays: {page}");
    }
    let fields = [&wish[..], &[("terms", "yes")]].concat();
    ida.submit("/newcomers/choose", &fields).await.unwrap();
    let page = until(&mut ida, "/newcomers", "Import complete").await.text();
    // A pause for undo, with its price; the page looks again by itself, also without a script.
    for says in
        ["You can undo until ", " UTC</time>, for 10 more minutes", "may be lost", "Tell my friends now"]
    {
        assert!(page.contains(says), "{says}: {page}");
    }
    assert!(page.contains("<noscript><meta http-equiv=\"refresh\""), "{page}");
    scene.target.is_sound().await;
    let mut signed_in = Browser::new(&service.url).unwrap();
    let page = signed_in.sign_in("ida", PASSWORD).await.unwrap().text();
    assert!(page.contains("Sign out"), "{page}");

    let page = ida.submit("/newcomers/undo", &[]).await.unwrap().text();
    assert!(page.contains("ida@haven.example") && page.contains("Undo your move?"), "it asks: {page}");
    assert_eq!(scene.users().await, 1);
    ida.submit("/newcomers/undo", &[("confirmed", "yes")]).await.unwrap();
    until(&mut ida, "/newcomers", "Move undone").await;
    assert_eq!(scene.users().await, 0);
    scene.target.is_sound().await;

    let mut again = begin(&service).await;
    hand_in(&mut again, None, &std::fs::read(&scene.archive).unwrap()).await;
    until(&mut again, "/newcomers", "Your archive is valid").await;
    again.submit("/newcomers/choose", &fields).await.unwrap();
    until(&mut again, "/newcomers", "Import complete").await;
    tell(&scene, &mut again).await;
}

/// Each friend's pod takes the move, processes it, and gets the rest; the old pod is gone, and tried again for four weeks.
pub(crate) async fn everybody_comes_back(scene: &Scene, browser: &mut Browser) {
    let page = until(browser, "/newcomers/told", "<dt>Delivered</dt><dd>4</dd>").await.text();
    assert!(page.contains("<dt>Friends back</dt><dd>0 of "), "{page}");
    // The old pod has not got it: it does not process anything.
    let (_, old) = page.split_once(">closing.example</th>").unwrap();
    assert!(old.contains("Your old pod is told last") && !old.contains("has received the move"), "{page}");
    scene.friends_come_back().await;
    let page = until(browser, "/newcomers/told", "<dt>On the way</dt><dd>1</dd>").await.text();
    assert!(!page.contains("<dt>Friends back</dt><dd>0 of "), "{page}");
}

/// Everybody is told at once, and then it cannot be undone.
async fn tell(scene: &Scene, browser: &mut Browser) {
    scene.pods_are_near().await;
    browser.open("/newcomers").await.unwrap();
    browser.submit("/newcomers/announce", &[]).await.unwrap();
    let page = until(browser, "/newcomers", "Welcome").await.text();
    assert!(!page.contains("action=\"/newcomers/undo\""), "{page}");
    everybody_comes_back(scene, browser).await;
    assert!(scene.received.load(Ordering::SeqCst) > 0);
    browser.submit("/newcomers/undo", &[]).await.unwrap();
    until(browser, "/newcomers", "Welcome").await;
    assert_eq!(scene.users().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_podmin_lets_people_in() {
    let scene = Scene::new().await;
    {
        let service = scene.serve(None, &format!("admission = \"open\"\n{}", scene.trusted()));
        let mut greta = come(&service, &scene.source.archive("out", "greta"), "greta").await;
        until(&mut greta, "/newcomers", "Import complete").await;
        scene.make_podmin("greta").await;
    }
    let service = scene.serve(None, &format!("admission = \"approval\"\n{}", scene.trusted()));
    let mut podmin = Browser::new(&service.url).unwrap();
    podmin.sign_in("greta", PASSWORD).await.unwrap();
    let mut ida = come(&service, &scene.archive, "ida").await;
    until(&mut ida, "/newcomers", "Waiting for the podmin").await;
    let refused = ida.send(Method::GET, "/board/newcomers", &[], Vec::new()).await.unwrap();
    assert_eq!(refused.status, StatusCode::SEE_OTHER);
    let page = podmin.open("/board/newcomers").await.unwrap();
    let text = page.text();
    assert!(text.contains("ida@closing.example → ida@haven.example"), "{text}");
    assert!(text.contains("The archive is proven to be theirs."), "{text}");
    let path = page.between("action=\"/board/newcomers/", "\"").unwrap();
    assert_eq!(scene.users().await, 1);
    podmin.submit(&format!("/board/newcomers/{path}"), &[("act", "yes")]).await.unwrap();
    until(&mut ida, "/newcomers", "Import complete").await;
    let log = podmin.open("/board/log").await.unwrap().text();
    assert!(
        log.contains("Approved the move of ida@closing.example.") && log.contains("newcomer-imported"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn even_an_open_door_needs_a_yes_when_nothing_is_proven() {
    let scene = Scene::new().await;
    let service = scene.serve(None, "admission = \"open\"");
    let mut ida = begin(&service).await;
    hand_in(&mut ida, None, &std::fs::read(&scene.archive).unwrap()).await;
    until(&mut ida, "/newcomers", "Nothing proves that this archive is yours").await;
    until(&mut ida, "/newcomers", "Once the podmin has approved your request, your account moves").await;
    ida.submit("/newcomers/choose", &choice("ida", "ida@mail.example")).await.unwrap();
    until(&mut ida, "/newcomers", "Waiting for the podmin").await;
    assert_eq!(scene.users().await, 0);
    // Whoever does not want to wait leaves nothing behind.
    let page = ida.submit("/newcomers/leave", &[]).await.unwrap().text();
    assert!(page.contains("This deletes 1 upload ("), "{page}");
    ida.submit("/newcomers/leave", &[("confirmed", "yes")]).await.unwrap();
    let page = ida.open("/newcomers").await.unwrap().text();
    assert!(page.contains("How it works"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_is_said() {
    let scene = Scene::new().await;
    let archive = std::fs::read(&scene.archive).unwrap();
    let service =
        scene.serve(None, "admission = \"open\"\nblocked_pods = [\"closing.example\"]\nper_address = 2");
    let mut ida = begin(&service).await;
    let forged = hand_in(&mut ida, Some("forged"), b"0123456789").await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN, "{}", forged.text());
    let empty = hand_in(&mut ida, None, b"").await.text();
    assert!(empty.contains("No file arrived"), "{empty}");
    hand_in(&mut ida, None, b"this is no archive").await;
    until(&mut ida, "/newcomers", "We can’t accept this archive").await;
    hand_in(&mut ida, None, &archive).await;
    until(&mut ida, "/newcomers", "accepts no accounts from your old pod").await;
    let mut stranger = begin(&service).await;
    assert_eq!(stranger.open("/newcomers/told").await.unwrap().status, StatusCode::NOT_FOUND);
    let mut third = Browser::new(&service.url).unwrap();
    third.open("/newcomers").await.unwrap();
    let page = third.submit("/newcomers/begin", &[]).await.unwrap().text();
    assert!(page.contains("Many people have started"), "{page}");
    drop(service);

    let service = scene.serve(None, "admission = \"open\"\nmax_megabytes = 0\nper_address = 10");
    let mut ida = begin(&service).await;
    let page = hand_in(&mut ida, None, b"0123456789").await.text();
    assert!(page.contains("larger than this pod accepts"), "{page}");
    drop(service);

    let service = scene.serve(None, "admission = \"invitation\"\nper_address = 10");
    let mut guest = Browser::new(&service.url).unwrap();
    guest.open("/newcomers").await.unwrap();
    let page = guest.submit("/newcomers/begin", &[("invitation", "guessed")]).await.unwrap().text();
    assert!(page.contains("We don’t know this code"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_survive_a_killed_service() {
    let scene = Scene::new().await;
    let archive = std::fs::read(&scene.archive).unwrap();
    let mut service = scene.serve(None, &format!("admission = \"open\"\n{}", scene.trusted()));
    let mut ida = begin(&service).await;
    let tus = ("tus-resumable", "1.0.0");
    let length = archive.len().to_string();
    let headers = [tus, ("upload-length", length.as_str()), ("upload-metadata", "part YXJjaGl2ZQ==")];
    let made = ida.send(Method::POST, "/newcomers/uploads", &headers, Vec::new()).await.unwrap();
    assert_eq!(made.status, StatusCode::CREATED);
    let place = made.location().to_owned();
    let half = archive.len() / 2;
    let sent = send(&mut ida, &place, 0, archive[..half].to_vec()).await;
    assert_eq!(
        (sent.status, sent.header("upload-offset")),
        (StatusCode::NO_CONTENT, half.to_string().as_str())
    );

    service.kill_and_start().unwrap();
    let there = ida.send(Method::HEAD, &place, &[tus], Vec::new()).await.unwrap();
    assert_eq!((there.status, there.header("upload-offset")), (StatusCode::OK, half.to_string().as_str()));
    let wrong = send(&mut ida, &place, half + 1, archive[half..].to_vec()).await;
    assert_eq!(wrong.status, StatusCode::CONFLICT);
    let mut stranger = begin(&service).await;
    let hidden = stranger.send(Method::HEAD, &place, &[tus], Vec::new()).await.unwrap();
    assert_eq!(hidden.status, StatusCode::NOT_FOUND);
    let sent = send(&mut ida, &place, half, archive[half..].to_vec()).await;
    assert_eq!(sent.status, StatusCode::NO_CONTENT);
    ida.open("/newcomers").await.unwrap();
    ida.submit("/newcomers/look", &[]).await.unwrap();
    until(&mut ida, "/newcomers", "Your archive is valid").await;

    // Killed while the account is brought in, it goes on by itself.
    ida.submit("/newcomers/choose", &choice("ida", "ida@mail.example")).await.unwrap();
    service.kill_and_start().unwrap();
    until(&mut ida, "/newcomers", "Import complete").await;
    scene.target.is_sound().await;
}

/// Sends a piece that begins at an offset.
async fn send(browser: &mut Browser, place: &str, at: usize, body: Vec<u8>) -> Answer {
    send_piece(browser, place, at, body).await.unwrap()
}
