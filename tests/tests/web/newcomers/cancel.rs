//! A check or an import that is running is stopped, by the newcomer or by a podmin: the process ends at once, and what it
//! has written is removed.

use std::time::{Duration, Instant};

use super::by_program::call;
use super::pause::store;
use super::steps::{child_of, endless, hand_in, is_gone};
use super::{Scene, begin, choose_by_program, come, state};
use crate::support::closing::{said, until};
use crate::support::number;
use crate::web::newcomers_api::with_podmin;
use pappus_tests::service::Service;
use reqwest::{Method, StatusCode};
use serde_json::json;

/// Each post takes the database minutes.
const SLOW: &str = "CREATE TRIGGER slow BEFORE INSERT ON posts BEGIN SELECT COUNT(*) FROM sqlite_master a, sqlite_master b, \
                    sqlite_master c, sqlite_master d, sqlite_master e; END";

/// Waits until the account of an import stands in the pod, which has so many then. Returns the process that imports.
async fn import_is_running(scene: &Scene, service: &Service, users: i64) -> u32 {
    let begun = Instant::now();
    while scene.users().await < users {
        assert!(begun.elapsed() < Duration::from_mins(1), "nothing is imported");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    child_of(service).await
}

/// How often the audit log has an action.
async fn logged(scene: &Scene, act: &str) -> i64 {
    let store = store(scene).await;
    let found = number(&store, &format!("SELECT COUNT(*) FROM pappus_audit WHERE act = '{act}'")).await;
    store.close().await;
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_cancels_a_check() {
    let scene = Scene::new().await;
    let service = scene.serve(None, "admission = \"approval\"");
    let archive = endless(&scene);
    let mut ida = hand_in(&service, &archive).await;
    let child = child_of(&service).await;
    assert_eq!(call(&mut ida, Method::DELETE, "", None).await.status, StatusCode::NO_CONTENT);
    is_gone(child).await;
    assert_eq!(call(&mut ida, Method::GET, "", None).await.status, StatusCode::NOT_FOUND);

    let mut browser = begin(&service).await;
    super::hand_in(&mut browser, None, &std::fs::read(&archive).unwrap()).await;
    let child = child_of(&service).await;
    let page = browser.submit("/newcomers/leave", &[]).await.unwrap().text();
    assert!(page.contains("This deletes 1 upload ("), "{page}");
    browser.submit("/newcomers/leave", &[("confirmed", "yes")]).await.unwrap();
    is_gone(child).await;
    let page = browser.open("/newcomers").await.unwrap().text();
    assert!(page.contains("How it works"), "{page}");
    assert_eq!(logged(&scene, "newcomer-cancelled").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_cancels_an_import() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &format!("admission = \"open\"\n{}", scene.trusted()));
    scene.target.pool.execute(SLOW).await.unwrap();
    let mut ida = come(&service, &scene.archive, "ida").await;
    let child = import_is_running(&scene, &service, 1).await;
    "de".clone_into(&mut ida.headers[0].1);
    let page = ida.open("/newcomers").await.unwrap().text();
    assert!(page.contains("Import abbrechen"), "{page}");
    "en".clone_into(&mut ida.headers[0].1);
    ida.open("/newcomers").await.unwrap();
    let page = ida.submit("/newcomers/undo", &[]).await.unwrap().text();
    assert!(page.contains("Cancel the import?"), "it asks: {page}");
    ida.submit("/newcomers/undo", &[("confirmed", "yes")]).await.unwrap();
    is_gone(child).await;
    scene.target.pool.execute("DROP TRIGGER slow").await.unwrap();
    until(&mut ida, "/newcomers", "Move undone").await;
    assert_eq!(scene.users().await, 0);
    scene.target.is_sound().await;
    for act in ["newcomer-cancelled", "newcomer-undone"] {
        assert_eq!(logged(&scene, act).await, 1, "{act}");
    }
    assert_eq!(logged(&scene, "newcomer-imported").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_podmin_stops_a_check() {
    let scene = Scene::new().await;
    let service = scene.serve(None, "admission = \"approval\"");
    let mut podmin = with_podmin(&scene, &service).await;
    let mut ida = hand_in(&service, &endless(&scene)).await;
    let child = child_of(&service).await;
    let page = podmin.open("/board/newcomers").await.unwrap();
    assert!(page.text().contains("value=\"stop\""), "{}", page.text());
    let path = format!("/board/newcomers/{}", page.between("action=\"/board/newcomers/", "\"").unwrap());
    let page = podmin.submit(&path, &[("act", "stop")]).await.unwrap().text();
    assert!(page.contains("Stop the work on this archive?"), "it asks: {page}");
    let page = podmin.submit(&path, &[("act", "stop"), ("confirmed", "yes")]).await.unwrap().text();
    assert!(page.contains("A podmin has stopped the work on the archive."), "{page}");
    is_gone(child).await;
    assert_eq!(state(&mut ida, "refused").await["problem"], "stopped");
    let page = ida.open("/newcomers").await.unwrap().text();
    assert!(page.contains("The podmin has stopped the work on your archive."), "{page}");
    let log = podmin.open("/board/log").await.unwrap().text();
    assert!(log.contains("Stopped the work on the archive of #"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_podmin_stops_an_import() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &format!("admission = \"open\"\n{}", scene.trusted()));
    let mut podmin = with_podmin(&scene, &service).await;
    scene.target.pool.execute(SLOW).await.unwrap();
    let mut ida = hand_in(&service, &scene.archive).await;
    state(&mut ida, "checked").await;
    choose_by_program(&mut ida, "ida").await;
    let child = import_is_running(&scene, &service, 2).await;
    let listed = said(&mut podmin, Method::GET, BOARD, None, StatusCode::OK).await;
    let path = format!("{BOARD}/{}", listed["newcomers"][0]["id"]);
    let stop = || Some(json!({ "act": "stop" }));
    let stopped = said(&mut podmin, Method::PATCH, &path, stop(), StatusCode::OK).await;
    assert_eq!(
        (&stopped["approved"], &stopped["decided_by"]),
        (&json!(false), &json!("greta@haven.example"))
    );
    is_gone(child).await;
    scene.target.pool.execute("DROP TRIGGER slow").await.unwrap();
    let declined = state(&mut ida, "declined").await;
    assert_eq!(declined["problem"], "stopped", "{declined}");
    assert_eq!(scene.users().await, 1);
    scene.target.is_sound().await;
    said(&mut podmin, Method::PATCH, &path, stop(), StatusCode::CONFLICT).await;
    assert_eq!(logged(&scene, "newcomer-stop").await, 1);
}

const BOARD: &str = "/api/v1/board/newcomers";
