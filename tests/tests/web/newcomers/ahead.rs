//! Newcomers who wait: for the podmin or for their turn, and how many are before them.

use super::{Scene, begin_by_program, choose_by_program, hand_in_by_program, state};
use crate::support::closing::said;
use crate::web::newcomers_api::with_podmin;
use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::Store;
use pappus_tests::cluster::shared_postgres;
use pappus_tests::door::Mover;
use pappus_tests::service::Service;
use reqwest::{Method, StatusCode};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_sees_how_many_are_before_them() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &section(&scene));
    let file = scene.folder.path().join("state/pods/haven.example/pappus.sqlite3");
    let now = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";
    waits(&scene, &service, &format!("sqlite://{}", file.display()), now).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_sees_how_many_are_before_them_with_a_store_on_postgresql() {
    let scene = Scene::new().await;
    let store = shared_postgres().await.unwrap().create_database("newcomers_ahead").await.unwrap();
    let service = scene.serve(Some(&store), &section(&scene));
    waits(&scene, &service, &store, "CAST(EXTRACT(EPOCH FROM now()) * 1000 AS BIGINT)").await;
}

fn section(scene: &Scene) -> String {
    format!("admission = \"approval\"\nper_address = 100\n{}", scene.trusted())
}

/// Somebody who waits for the podmin.
async fn waiting(scene: &Scene, service: &Service, name: &str) -> Mover {
    let mut mover = begin_by_program(service, json!({})).await;
    hand_in_by_program(&mut mover, &scene.archive).await;
    state(&mut mover, "checked").await;
    choose_by_program(&mut mover, name).await;
    state(&mut mover, "waiting").await;
    mover
}

async fn waits(scene: &Scene, service: &Service, store: &str, now: &str) {
    let mut podmin = with_podmin(scene, service).await;
    let mut movers = Vec::new();
    for name in ["ida_a", "ida_b", "ida_c"] {
        movers.push(waiting(scene, service, name).await);
    }
    let says = [
        "The podmin has not decided yet. This page",
        "One person asked before you.",
        "2 people asked before you.",
    ];
    for (ahead, (mover, says)) in movers.iter_mut().zip(says).enumerate() {
        assert_eq!(state(mover, "waiting").await["ahead"], ahead);
        let page = mover.open("/newcomers").await.unwrap().text();
        assert!(page.contains(says), "{says}: {page}");
    }
    let listed = said(&mut podmin, Method::GET, BOARD, None, StatusCode::OK).await;
    let first = listed["newcomers"].as_array().unwrap().last().unwrap()["id"].as_i64().unwrap();
    let no = Some(json!({ "act": "no" }));
    said(&mut podmin, Method::PATCH, &format!("{BOARD}/{first}"), no, StatusCode::OK).await;
    let declined = state(&mut movers[0], "declined").await;
    assert!(declined["ahead"].is_null(), "{declined}");
    assert_eq!(state(&mut movers[2], "waiting").await["ahead"], 1);

    // The second is being worked on, the third has its turn after that.
    let store = Store::open(&DatabaseUrl::parse(store).unwrap()).await.unwrap();
    let work = format!(
        "UPDATE pappus_newcomers SET state = 'checking', due_at = {now} + 100000, fence = CASE id WHEN {0} THEN 'x' END, \
         lease_until = CASE id WHEN {0} THEN {now} + 50000 END WHERE id > {first}",
        first + 1
    );
    assert_eq!(store.execute("a test", &work, &[]).await.unwrap(), 2);
    store.close().await;
    let running = state(&mut movers[1], "checking").await;
    assert!(running["ahead"].is_null(), "{running}");
    assert_eq!(state(&mut movers[2], "checking").await["ahead"], 1);
    let page = movers[2].open("/newcomers").await.unwrap().text();
    assert!(page.contains("In the queue: one person is before you."), "{page}");
    "de".clone_into(&mut movers[2].headers[0].1);
    let page = movers[2].open("/newcomers").await.unwrap().text();
    assert!(page.contains("Eine Person ist vor dir."), "{page}");
}

const BOARD: &str = "/api/v1/board/newcomers";
