//! People move to a pod by program.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{PASSWORD, Scene, send};
use crate::support::closing::{document, said};
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
pub(crate) async fn begin_by_program(service: &Service, beginning: Value) -> Browser {
    let mut script = Browser::new(&service.url).unwrap();
    let path = "/api/v1/newcomers";
    let begun = said(&mut script, Method::POST, path, Some(beginning), StatusCode::CREATED).await;
    script.headers.push(("authorization", format!("Bearer {}", begun["secret"].as_str().unwrap())));
    script
}

/// Hands an archive in, and has it looked at.
pub(crate) async fn hand_in_by_program(script: &mut Browser, archive: &Path) {
    let archive = std::fs::read(archive).unwrap();
    let length = archive.len().to_string();
    let headers = [
        ("tus-resumable", "1.0.0"),
        ("upload-length", length.as_str()),
        ("upload-metadata", "part YXJjaGl2ZQ=="),
    ];
    let made = script.send(Method::POST, "/newcomers/uploads", &headers, Vec::new()).await.unwrap();
    let place = made.location().to_owned();
    assert_eq!(send(script, &place, 0, archive).await.status, StatusCode::NO_CONTENT);
    let asked = call(script, Method::POST, "/look", Some("{}")).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text());
}

/// Chooses a name, and [`PASSWORD`].
pub(crate) async fn choose_by_program(script: &mut Browser, name: &str) {
    let email = format!("{name}@mail.example");
    let choice = json!({ "username": name, "email": email, "password": PASSWORD }).to_string();
    let chosen = call(script, Method::POST, "/choice", Some(&choice)).await;
    assert_eq!(chosen.status, StatusCode::ACCEPTED, "{}", chosen.text());
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
        assert!(begun.elapsed() < Duration::from_mins(2), "never {state}: {document}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
