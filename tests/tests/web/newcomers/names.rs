//! The name of somebody whose move was taken back is theirs only, at the door as well.

use pappus_tests::rows::{Rows, text};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{PASSWORD, Scene, begin_by_program, choose_by_program, hand_in_by_program, state};

/// GUID and key by which other pods know somebody.
async fn identity(scene: &Scene, name: &str) -> (String, String) {
    let rows = Rows::read(&scene.target.pool).await.unwrap();
    let person = rows.by("people", "diaspora_handle")[format!("{name}@haven.example").as_str()];
    (text(person, "guid").to_owned(), text(person, "serialized_public_key").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_was_taken_back_is_its_owners_only() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &format!("admission = \"open\"\nper_address = 10\n{}", scene.trusted()));
    let mut ida = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut ida, &scene.archive).await;
    state(&mut ida, "checked").await;
    choose_by_program(&mut ida, "greta").await;
    state(&mut ida, "imported").await;
    let before = identity(&scene, "greta").await;
    let me = "/api/v1/newcomers/me";
    let undo = ida.send(Method::POST, &format!("{me}/undo"), &[], Vec::new()).await.unwrap();
    assert_eq!(undo.status, StatusCode::ACCEPTED, "{}", undo.text());
    state(&mut ida, "undone").await;

    let mut greta = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut greta, &scene.source.archive("out", "greta")).await;
    let checked = state(&mut greta, "checked").await;
    assert_eq!(checked["suggested_username"], "greta_2", "her own name is not free here: {checked}");
    let choice =
        json!({ "username": "greta", "email": "greta@mail.example", "password": PASSWORD }).to_string();
    let headers = [("content-type", "application/json")];
    let refused =
        greta.send(Method::POST, &format!("{me}/choice"), &headers, choice.into_bytes()).await.unwrap();
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text().contains("choose another name"), "{}", refused.text());
    choose_by_program(&mut greta, "greta_2").await;
    state(&mut greta, "imported").await;

    let mut ida = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut ida, &scene.archive).await;
    state(&mut ida, "checked").await;
    choose_by_program(&mut ida, "greta").await;
    state(&mut ida, "imported").await;
    assert_eq!(identity(&scene, "greta").await, before, "other pods know her so");
    scene.target.is_sound().await;
    // Whoever is here already is told at once.
    let mut twice = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut twice, &scene.archive).await;
    assert_eq!(state(&mut twice, "refused").await["problem"], "imported_before");
}
