//! Between import and announcement: a pause for undo, and then everybody is told by itself.

use std::sync::atomic::Ordering;
use std::time::Duration;

use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::Store;
use pappus_tests::service::{Answer, Browser, Service};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::by_program::{announce, call};
use super::everybody_comes_back;
use super::{
    PASSWORD, Scene, begin, begin_by_program, choice, choose_by_program, come, hand_in, hand_in_by_program,
    imported_by_program, state,
};
use crate::support::closing::{said, until};

/// How often the target knows that the account has moved here, and its old person is closed.
async fn moves(scene: &Scene) -> i64 {
    let sql = "SELECT COUNT(*) FROM account_migrations m JOIN people o ON o.id = m.old_person_id \
               JOIN people n ON n.id = m.new_person_id WHERE o.diaspora_handle = 'ida@closing.example' \
               AND o.closed_account AND n.diaspora_handle = 'ida@haven.example'";
    scene.target.pool.number(sql).await.unwrap()
}

pub(super) async fn store(scene: &Scene) -> Store {
    let path = scene.folder.path().join("state/pods/haven.example/pappus.sqlite3");
    Store::open(&DatabaseUrl::parse(&format!("sqlite:{}", path.display())).unwrap()).await.unwrap()
}

async fn number(scene: &Scene, sql: &str) -> i64 {
    let store = store(scene).await;
    let sql = format!("SELECT ({sql}) AS found");
    let found = store.first("counting", &sql, &[]).await.unwrap().unwrap().get("found").unwrap();
    store.close().await;
    found
}

/// Everything that the announcement has left, each once.
async fn announced_once(scene: &Scene) {
    assert_eq!(moves(scene).await, 1);
    let notes = "SELECT COUNT(*) FROM pappus_audit WHERE act = 'newcomer-announced'";
    assert_eq!(number(scene, notes).await, 1, "announced once");
    let pods = "SELECT COUNT(*) FROM pappus_deliveries WHERE kind = 'account_migration'";
    let different = "SELECT COUNT(DISTINCT pod) FROM pappus_deliveries WHERE kind = 'account_migration'";
    assert_eq!(number(scene, pods).await, number(scene, different).await, "each pod is told once");
    assert!(number(scene, pods).await > 1);
}

async fn nobody_was_told(scene: &Scene) {
    assert_eq!(moves(scene).await, 0);
    assert_eq!(number(scene, "SELECT COUNT(*) FROM pappus_deliveries").await, 0);
    assert_eq!(scene.received.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_is_trusted_no_longer_proves_no_announcement() {
    let scene = Scene::new().await;
    let open = "admission = \"open\"\nundo_minutes = 1000";
    let service = scene.serve(None, &format!("{open}\n{}", scene.trusted()));
    let ida = imported_by_program(&service, &scene.archive, "ida").await;
    scene.pods_are_near().await;
    drop(service);
    let service = scene.serve(None, open);
    let mut there = ida.at(&service.url).unwrap();
    assert_eq!(announce(&mut there).await, StatusCode::ACCEPTED);
    let now = loop {
        let now = state(&mut there, "imported").await;
        if !now["problem"].is_null() {
            break now;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(now["problem"], "announce", "{now}");
    assert!(now["reason"].as_str().unwrap().contains("is not trusted now"), "{now}");
    nobody_was_told(&scene).await;
    // Trusted again, it goes on.
    drop(service);
    let service = scene.serve(None, &format!("{open}\n{}", scene.trusted()));
    let mut there = ida.at(&service.url).unwrap();
    assert_eq!(announce(&mut there).await, StatusCode::ACCEPTED);
    state(&mut there, "announced").await;
    announced_once(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_pause_everybody_is_told_by_itself_also_by_a_killed_service() {
    let scene = Scene::new().await;
    let mut service =
        scene.serve(None, &format!("admission = \"open\"\n{}\nundo_minutes = 0.25", scene.trusted()));
    let mut ida = come(&service, &scene.archive, "ida").await;
    let page = until(&mut ida, "/newcomers", "Import complete").await.text();
    assert!(page.contains(" UTC</time>, for one more minute"), "{page}");
    scene.pods_are_near().await;
    nobody_was_told(&scene).await;
    service.kill_and_start().unwrap();
    until(&mut ida, "/newcomers", "Welcome").await;
    announced_once(&scene).await;
    everybody_comes_back(&scene, &mut ida).await;
    assert!(scene.received.load(Ordering::SeqCst) > 0);

    // Killed once more, nothing is announced again.
    service.kill_and_start().unwrap();
    until(&mut ida, "/newcomers", "Welcome").await;
    announced_once(&scene).await;
    ida.submit("/newcomers/undo", &[]).await.unwrap();
    until(&mut ida, "/newcomers", "Welcome").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_ended_while_the_service_was_down_is_over() {
    let scene = Scene::new().await;
    let more = format!("admission = \"open\"\n{}\nundo_minutes = 0.1", scene.trusted());
    let secret = {
        let service = scene.serve(None, &more);
        let ida = imported_by_program(&service, &scene.archive, "ida").await;
        ida.headers.clone()
    };
    tokio::time::sleep(Duration::from_secs(7)).await;
    nobody_was_told(&scene).await;
    let service = scene.serve(None, &more);
    let mut ida = Browser::new(&service.url).unwrap();
    ida.headers = secret;
    state(&mut ida, "announced").await;
    announced_once(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_within_the_pause_tells_nobody() {
    let scene = Scene::new().await;
    let service =
        scene.serve(None, &format!("admission = \"open\"\n{}\nundo_minutes = 0.2", scene.trusted()));
    let mut ida = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut ida, &scene.archive).await;
    state(&mut ida, "checked").await;
    choose_by_program(&mut ida, "ida").await;
    assert!(state(&mut ida, "imported").await["undo_until"].is_string());
    let undo = call(&mut ida, Method::POST, "/undo", Some("{}")).await;
    assert_eq!(undo.status, StatusCode::ACCEPTED, "{}", undo.text());
    state(&mut ida, "undone").await;
    // The pause would be over by now.
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(state(&mut ida, "undone").await["undo_until"], Value::Null);
    nobody_was_told(&scene).await;
    assert_eq!(scene.users().await, 0);
    scene.target.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_pause_the_announcement_follows_at_once() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &format!("admission = \"open\"\n{}\nundo_minutes = 0", scene.trusted()));
    let mut door = Browser::new(&service.url).unwrap();
    let said = said(&mut door, Method::GET, "/api/v1/newcomers", None, StatusCode::OK).await;
    assert_eq!(said["undo_minutes"].as_f64(), Some(0.0), "{said}");
    let mut ida = come(&service, &scene.archive, "ida").await;
    until(&mut ida, "/newcomers", "Welcome").await;
    announced_once(&scene).await;
    let both = "SELECT COUNT(*) FROM pappus_audit WHERE act IN ('newcomer-imported', 'newcomer-announced')";
    assert_eq!(number(&scene, both).await, 2);
}

/// A pod whose key is under a passphrase, in the archive.
fn locked(scene: &Scene) -> Vec<u8> {
    let file = scene.folder.path().join("passphrase");
    std::fs::write(&file, "a key to a key\n").unwrap();
    scene.source.export(&["ida"], "locked", &[&format!("--key-passphrase={}", file.display())]);
    std::fs::read(scene.source.archive("locked", "ida")).unwrap()
}

async fn begin_with(service: &Service, archive: &[u8]) -> Browser {
    let mut browser = begin(service).await;
    hand_in(&mut browser, None, archive).await;
    until(&mut browser, "/newcomers", "Your archive is valid").await;
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn the_passphrase_of_a_key_is_asked_for_before_the_move() {
    let scene = Scene::new().await;
    let archive = locked(&scene);
    let service =
        scene.serve(None, &format!("admission = \"open\"\n{}\nundo_minutes = 0.1", scene.trusted()));
    let mut ida = begin_with(&service, &archive).await;
    let mut fields = choice("ida", "ida@mail.example").to_vec();
    let page = ida.submit("/newcomers/choose", &fields).await.unwrap().text();
    assert!(page.contains("Please enter the passphrase of your key"), "{page}");
    fields.push(("key_passphrase", "another key"));
    let page = ida.submit("/newcomers/choose", &fields).await.unwrap();
    says_at_the_field(&page, "key-passphrase", "This passphrase does not open your key");
    assert_eq!(scene.users().await, 0, "nothing is written before the key is known to open");
    *fields.last_mut().unwrap() = ("key_passphrase", "a key to a key");
    ida.submit("/newcomers/choose", &fields).await.unwrap();
    until(&mut ida, "/newcomers", "Welcome").await;
    announced_once(&scene).await;
    let kept = "SELECT COUNT(*) FROM pappus_newcomers WHERE key_passphrase IS NOT NULL";
    assert_eq!(number(&scene, kept).await, 0, "it is not kept any longer");
    let kept = "SELECT COUNT(*) FROM pappus_newcomers WHERE plan LIKE '%\"locked_key\":\"%'";
    assert_eq!(number(&scene, kept).await, 0, "nor is the key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_passphrase_of_a_key_shows_before_the_podmin_is_asked() {
    let scene = Scene::new().await;
    let archive = locked(&scene);
    let service = scene.serve(None, &format!("admission = \"approval\"\n{}", scene.trusted()));
    let mut ida = begin_with(&service, &archive).await;
    let kept = "SELECT COUNT(*) FROM pappus_newcomers WHERE plan LIKE '%\"locked_key\":\"sealed:%'";
    assert_eq!(number(&scene, kept).await, 1, "the key is encrypted once more");
    let wrong = [&choice("ida", "ida@mail.example")[..], &[("key_passphrase", "another key")]].concat();
    let page = ida.submit("/newcomers/choose", &wrong).await.unwrap();
    says_at_the_field(&page, "key-passphrase", "This passphrase does not open your key");
    let state = "SELECT COUNT(*) FROM pappus_newcomers WHERE state = 'checked' AND key_passphrase IS NULL";
    assert_eq!(number(&scene, state).await, 1, "nobody waits with it");
    let right = [&choice("ida", "ida@mail.example")[..], &[("key_passphrase", "a key to a key")]].concat();
    ida.submit("/newcomers/choose", &right).await.unwrap();
    until(&mut ida, "/newcomers", "Waiting for the podmin").await;
}

/// The message stands at the field, which has the focus, and nowhere else.
fn says_at_the_field(page: &Answer, field: &str, message: &str) {
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.text());
    let text = page.between(&format!("id=\"{field}-problem\">"), "</p>").unwrap();
    assert!(text.contains(message), "{text}");
    assert_eq!(page.text().matches(message).count(), 1, "it is said once: {}", page.text());
    let input = page.between(&format!("<input id=\"{field}\""), ">").unwrap();
    assert!(input.contains(" autofocus") && input.contains(&format!("{field}-problem")), "{input}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_lost_the_passphrase_is_told_what_waits() {
    let scene = Scene::new().await;
    let archive = locked(&scene);
    let service =
        scene.serve(None, &format!("admission = \"open\"\n{}\nundo_minutes = 0.05", scene.trusted()));
    let mut ida = begin_with(&service, &archive).await;
    let lost = [&choice("ida", "ida@mail.example")[..], &[("passphrase_lost", "yes")]].concat();
    ida.submit("/newcomers/choose", &lost).await.unwrap();
    // Whoever stole the file has no passphrase either: a podmin looks first.
    let page = until(&mut ida, "/newcomers", "Waiting for the podmin").await.text();
    assert!(page.contains("you tell your friends yourself") && !page.contains("we tell your"), "{page}");
    assert_eq!(scene.users().await, 0);
    let store = store(&scene).await;
    let approved = "UPDATE pappus_newcomers SET state = 'importing', approved = 1 WHERE state = 'waiting'";
    assert_eq!(store.execute("a test", approved, &[]).await.unwrap(), 1);
    store.close().await;
    let page = until(&mut ida, "/newcomers", "Import complete").await.text();
    for says in ["under a passphrase", "lost for good", "name=\"passphrase\"", "action=\"/newcomers/undo\""] {
        assert!(page.contains(says), "{says}: {page}");
    }
    assert!(!page.contains("You can undo until"), "{page}");
    tokio::time::sleep(Duration::from_secs(6)).await;
    nobody_was_told(&scene).await;
    // Found again, it announces.
    ida.open("/newcomers").await.unwrap();
    ida.submit("/newcomers/announce", &[("passphrase", "another key")]).await.unwrap();
    let page = until(&mut ida, "/newcomers", "This passphrase does not open your key").await;
    let text = page.between("id=\"key-passphrase-problem\">", "</p>").unwrap();
    assert_eq!(page.text().matches(text.as_str()).count(), 1, "it stands at the field only: {}", page.text());
    ida.submit("/newcomers/announce", &[("passphrase", "a key to a key")]).await.unwrap();
    until(&mut ida, "/newcomers", "Welcome").await;
    announced_once(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_program_the_passphrase_comes_with_the_choice() {
    let scene = Scene::new().await;
    let archive = locked(&scene);
    let service =
        scene.serve(None, &format!("admission = \"open\"\n{}\nundo_minutes = 0.05", scene.trusted()));
    let mut ida = begin_by_program(&service, json!({})).await;
    let file = scene.folder.path().join("archive.zip");
    std::fs::write(&file, archive).unwrap();
    hand_in_by_program(&mut ida, &file).await;
    assert_eq!(state(&mut ida, "checked").await["key_locked"], true);
    let mut wish = json!({ "username": "ida", "email": "ida@mail.example", "password": PASSWORD });
    let missing = call(&mut ida, Method::POST, "/choice", Some(&wish.to_string())).await;
    assert_eq!(missing.status, StatusCode::BAD_REQUEST, "{}", missing.text());
    wish["key_passphrase"] = json!("another key");
    let wrong = call(&mut ida, Method::POST, "/choice", Some(&wish.to_string())).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{}", wrong.text());
    assert!(wrong.text().contains("This passphrase does not open your key"), "{}", wrong.text());
    wish["key_passphrase"] = json!("a key to a key");
    let chosen = call(&mut ida, Method::POST, "/choice", Some(&wish.to_string())).await;
    assert_eq!(chosen.status, StatusCode::ACCEPTED, "{}", chosen.text());
    state(&mut ida, "announced").await;
    announced_once(&scene).await;
}
