//! Space for uploads is for those who send: announcements alone keep nobody out, and not for long.

use std::time::{Duration, Instant};

use super::pause::store;
use super::{Scene, begin_by_program};
use pappus_tests::cluster::shared_postgres;
use pappus_tests::door::{ARCHIVE, Mover, send_piece};
use pappus_tests::service::Service;
use reqwest::StatusCode;
use serde_json::json;

/// More than is reserved at first, and as much as one person may upload here.
const LARGE: usize = 30_000_000;
/// What is reserved for an upload of which nothing has arrived.
const FIRST: i64 = 16 << 20;

fn limits(together: u32) -> String {
    format!(
        "admission = \"open\"\nper_address = 1000\nper_day = 1000\nmax_megabytes = 30\n\
         max_total_megabytes = {together}"
    )
}

/// Somebody who has announced a large upload, if there is space, and the address of it.
async fn announce(service: &Service) -> Result<(Mover, String), StatusCode> {
    let mut person = begin_by_program(service, json!({})).await;
    let made = person.create(ARCHIVE, LARGE).await.unwrap();
    match made.status {
        StatusCode::CREATED => Ok((person, made.location().to_owned())),
        other => Err(other),
    }
}

async fn number(scene: &Scene, sql: &str) -> i64 {
    let store = store(scene).await;
    let row = store.first("a test", sql, &[]).await.unwrap().unwrap();
    let found = row.get("found").unwrap();
    store.close().await;
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn who_announces_and_sends_nothing_keeps_nobody_out() {
    only_announced(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_nothing_keeps_nobody_out_with_a_store_on_postgresql() {
    let server = shared_postgres().await.unwrap();
    only_announced(Some(&server.create_database("only_announced").await.unwrap())).await;
}

async fn only_announced(store: Option<&str>) {
    let scene = Scene::new().await;
    let service = scene.serve(store, &limits(100));
    // Together they announce 90 of 100 MB.
    for _ in 0..3 {
        announce(&service).await.unwrap();
    }
    let (mut sender, place) = announce(&service).await.unwrap();
    let sent = send_piece(&mut sender, &place, 0, vec![7; LARGE]).await.unwrap();
    assert_eq!(sent.status, StatusCode::NO_CONTENT, "{}", sent.text());
    // What has arrived counts in full, and what was announced with its first bytes.
    assert_eq!(announce(&service).await.err(), Some(StatusCode::INSUFFICIENT_STORAGE));
}

#[tokio::test(flavor = "multi_thread")]
async fn space_is_reserved_for_some_minutes_and_for_those_who_send() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &limits(50));
    let (mut first, place) = announce(&service).await.unwrap();
    let reserved = "SELECT bytes AS found FROM pappus_upload_space WHERE newcomer_id = 1";
    assert_eq!(number(&scene, reserved).await, FIRST);
    let held = "SELECT s.expires_at - u.begun_at AS found FROM pappus_upload_space s \
                JOIN pappus_uploads u ON u.name = s.name";
    assert_eq!(number(&scene, held).await, 600_000, "ten minutes");

    let (mut second, other) = announce(&service).await.unwrap();
    let part = send_piece(&mut first, &place, 0, vec![7; 20_000_000]).await.unwrap();
    assert_eq!(part.status, StatusCode::NO_CONTENT, "{}", part.text());
    assert_eq!(number(&scene, reserved).await, 30_000_000, "who sends gets the rest");
    // The other one no longer fits, and can wait.
    let full = send_piece(&mut second, &other, 0, vec![7; 1000]).await.unwrap();
    assert_eq!(full.status, StatusCode::INSUFFICIENT_STORAGE, "{}", full.text());
    let rest = send_piece(&mut first, &place, 20_000_000, vec![7; 10_000_000]).await.unwrap();
    assert_eq!(rest.status, StatusCode::NO_CONTENT, "{}", rest.text());
    let left = first.ask(reqwest::Method::DELETE, "/me", None).await.unwrap();
    assert_eq!(left.status, StatusCode::NO_CONTENT, "{}", left.text());
    // Within a minute their files are deleted.
    let begun = Instant::now();
    loop {
        // A refusal may end the connection while the body is still being sent.
        let whole = send_piece(&mut second, &other, 0, vec![7; LARGE]).await;
        if whole.as_ref().is_ok_and(|whole| whole.status == StatusCode::NO_CONTENT) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_mins(3), "{:?}", whole.map(|whole| whole.text()));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
