//! People move to a pod by program.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{PASSWORD, Scene};
use crate::support::closing::document;
use pappus_tests::door::{ARCHIVE, Mover, PHOTOS};
use pappus_tests::service::{Answer, Browser, Service};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_way_by_program() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &format!("admission = \"open\"\n{}", scene.trusted()));
    let mut nobody = Browser::new(&service.url).unwrap();
    let unknown = call(&mut nobody, Method::GET, "", None).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let wrong = nobody
        .send(
            Method::POST,
            "/api/v1/newcomers",
            &[("content-type", "application/json")],
            b"{\"x\":1}".to_vec(),
        )
        .await
        .unwrap();
    assert_eq!(
        (wrong.status, wrong.header("content-type")),
        (StatusCode::BAD_REQUEST, "application/problem+json")
    );
    let mut ida = begin_by_program(&service, json!({})).await;
    let too_early = call(&mut ida, Method::POST, "/look", Some("{}")).await;
    assert_eq!(too_early.status, StatusCode::CONFLICT, "{}", too_early.text());
    hand_in_by_program(&mut ida, &scene.archive).await;
    let checked = state(&mut ida, "checked").await;
    assert_eq!(checked["old_account"], "ida@closing.example");
    assert_eq!(checked["suggested_username"], "ida");
    let posts = &checked["plan"]["kinds"]["status_messages"];
    assert!(posts["in_archive"].as_u64() > Some(0), "{checked}");

    let short = r#"{"username": "ida", "email": "ida@mail.example", "password": "short"}"#;
    assert_eq!(call(&mut ida, Method::POST, "/choice", Some(short)).await.status, StatusCode::BAD_REQUEST);
    choose_by_program(&mut ida, "ida").await;
    let arrived = state(&mut ida, "imported").await;
    let until: chrono::DateTime<chrono::Utc> = arrived["undo_until"].as_str().unwrap().parse().unwrap();
    let left = until.timestamp() - i64::try_from(now().as_secs()).unwrap();
    assert!((60..=600).contains(&left), "ten minutes for undo: {arrived}");
    assert_eq!(arrived["report"]["kinds"]["status_messages"]["in_archive"], posts["in_archive"]);
    scene.pods_are_near().await;
    let told = call(&mut ida, Method::POST, "/announce", Some("{}")).await;
    assert_eq!(told.status, StatusCode::ACCEPTED, "{}", told.text());
    assert_eq!(state(&mut ida, "announced").await["undo_until"], Value::Null);
    let waiting = Instant::now();
    loop {
        let deliveries = document(&call(&mut ida, Method::GET, "/deliveries", None).await);
        // Each friend's pod has the move; the old pod is gone, and tried again for four weeks.
        if deliveries["all"]["delivered"] == 4 {
            scene.friends_come_back().await;
        }
        if deliveries["all"]["waiting"] == 1 {
            assert!(deliveries["friends"]["back"].as_i64() > Some(0), "{deliveries}");
            assert_eq!(deliveries["finished"], false);
            break;
        }
        assert!(waiting.elapsed() < Duration::from_mins(2), "{deliveries}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let late = call(&mut ida, Method::POST, "/undo", None).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
}

fn now() -> Duration {
    std::time::UNIX_EPOCH.elapsed().unwrap()
}

/// A script that has begun.
pub(crate) async fn begin_by_program(service: &Service, beginning: Value) -> Mover {
    Mover::begin(&service.url, &beginning).await.unwrap()
}

/// Hands an archive in, and has it looked at.
pub(crate) async fn hand_in_by_program(script: &mut Mover, archive: &Path) {
    upload(script, ARCHIVE, archive).await;
    script.look().await.unwrap();
}

async fn upload(script: &mut Mover, part: &str, file: &Path) {
    script.upload(part, std::fs::read(file).unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn photos_that_were_uploaded_count_unless_they_are_refused() {
    let scene = Scene::new().await;
    let out = scene.folder.path().join("stock");
    std::fs::create_dir(&out).unwrap();
    let (archive, out_dir) = (scene.archive.display().to_string(), out.display().to_string());
    let ended =
        pappus_tests::program::pappus(["convert", "--to", "diaspora", &archive, "--out", &out_dir]).unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (stock, photos) = (out.join("ida.json.gz"), out.join("ida_photos.zip"));
    let service = scene.serve(None, "admission = \"open\"\nper_address = 100\nper_day = 100\n");
    for (with_photos, body, expected) in [
        (true, "{}", true),
        (true, r#"{"photos": true}"#, true),
        (true, r#"{"photos": null}"#, true),
        (true, r#"{"photos": false}"#, false),
        (false, "{}", false),
        (false, r#"{"photos": false}"#, false),
    ] {
        let mut ida = begin_by_program(&service, json!({})).await;
        upload(&mut ida, ARCHIVE, &stock).await;
        if with_photos {
            upload(&mut ida, PHOTOS, &photos).await;
        }
        let asked = call(&mut ida, Method::POST, "/look", Some(body)).await;
        assert_eq!(asked.status, StatusCode::ACCEPTED, "{body}: {}", asked.text());
        let checked = state(&mut ida, "checked").await;
        let files = checked["plan"]["kinds"]["photo_files"]["in_archive"].as_u64().unwrap_or(0);
        assert_eq!(files > 0, expected, "{with_photos} {body}: {checked}");
    }
    let mut ida = begin_by_program(&service, json!({})).await;
    upload(&mut ida, ARCHIVE, &stock).await;
    let asked = call(&mut ida, Method::POST, "/look", Some(r#"{"photos": true}"#)).await;
    assert_eq!(asked.status, StatusCode::CONFLICT, "{}", asked.text());
    assert!(asked.text().contains("The photos have not arrived"), "{}", asked.text());
    upload(&mut ida, PHOTOS, &photos).await;
    let asked = call(&mut ida, Method::POST, "/look", Some(r#"{"photos": true}"#)).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text());
    let checked = state(&mut ida, "checked").await;
    assert!(checked["plan"]["kinds"]["photo_files"]["in_archive"].as_u64() > Some(0), "{checked}");
}

/// Chooses a name, and [`PASSWORD`].
pub(crate) async fn choose_by_program(script: &mut Mover, name: &str) {
    script.choose(name, PASSWORD).await.unwrap();
}

/// Comes with an archive, under this name; nobody has been told of the move.
pub(crate) async fn imported_by_program(service: &Service, archive: &Path, name: &str) -> Mover {
    let mut mover = begin_by_program(service, json!({})).await;
    hand_in_by_program(&mut mover, archive).await;
    state(&mut mover, "checked").await;
    choose_by_program(&mut mover, name).await;
    state(&mut mover, "imported").await;
    mover
}

/// Undoes the move; gives the status of the answer.
pub(crate) async fn undo(script: &mut Browser) -> StatusCode {
    call(script, Method::POST, "/undo", None).await.status
}

/// Asks that the contacts' pods be notified now.
pub(crate) async fn announce(script: &mut Browser) -> StatusCode {
    call(script, Method::POST, "/announce", Some("{}")).await.status
}

pub(crate) async fn call(browser: &mut Browser, method: Method, path: &str, body: Option<&str>) -> Answer {
    let headers: &[_] = if body.is_some() { &[("content-type", "application/json")] } else { &[] };
    let path = format!("/api/v1/newcomers/me{path}");
    browser.send(method, &path, headers, body.unwrap_or_default().as_bytes().to_vec()).await.unwrap()
}

/// Looks until somebody is so far.
pub(crate) async fn state(browser: &mut Browser, state: &str) -> Value {
    let begun = Instant::now();
    loop {
        let document = document(&call(browser, Method::GET, "", None).await);
        if document["state"] == state {
            return document;
        }
        assert!(begun.elapsed() < Duration::from_mins(5), "never {state}: {document}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
