//! The name of somebody whose move was taken back is theirs only, at the door as well.

use std::time::{Duration, Instant};

use crate::support::closing::document;
use pappus_tests::door::Mover;
use pappus_tests::rows::{Rows, text};
use pappus_tests::service::Browser;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    PASSWORD, Scene, begin_by_program, choose_by_program, hand_in_by_program, imported_by_program, state,
};

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
    let mut ida = imported_by_program(&service, &scene.archive, "greta").await;
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

    imported_by_program(&service, &scene.archive, "greta").await;
    assert_eq!(identity(&scene, "greta").await, before, "other pods know her so");
    scene.target.is_sound().await;
    // Whoever is here already is told at once.
    let mut twice = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut twice, &scene.archive).await;
    assert_eq!(state(&mut twice, "refused").await["problem"], "imported_before");
}

/// Each name that was undone is kept for its owner for good, so nobody gets any number of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_reserves_two_names_and_no_more() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &format!("admission = \"open\"\nper_address = 10\n{}", scene.trusted()));
    for name in ["one", "two"] {
        let mut ida = imported_by_program(&service, &scene.archive, name).await;
        super::undo(&mut ida).await;
        state(&mut ida, "undone").await;
    }
    let mut ida = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut ida, &scene.archive).await;
    state(&mut ida, "checked").await;
    let choice =
        json!({ "username": "three", "email": "ida@mail.example", "password": PASSWORD }).to_string();
    let headers = [("content-type", "application/json")];
    let path = "/api/v1/newcomers/me/choice";
    let refused = ida.send(Method::POST, path, &headers, choice.into_bytes()).await.unwrap();
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text());
    choose_by_program(&mut ida, "one").await;
    state(&mut ida, "imported").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_with_the_same_archive_do_not_share_an_import() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &format!("admission = \"open\"\nper_address = 10\n{}", scene.trusted()));
    let mut both = [begin_by_program(&service, json!({})).await, begin_by_program(&service, json!({})).await];
    for person in &mut both {
        hand_in_by_program(person, &scene.archive).await;
        state(person, "checked").await;
    }
    let before = scene.users().await;
    let [first, second] = &mut both;
    // The name is free for both when they ask for it.
    let chosen = tokio::join!(first.choose("ida", PASSWORD), second.choose("ida", PASSWORD));
    assert!(chosen.0.is_ok() || chosen.1.is_ok(), "{chosen:?}");
    let (a, b) = (settled(first).await, settled(second).await);
    let (winner, loser, problem) =
        if a["state"] == "imported" { (first, second, b) } else { (second, first, a) };
    state(winner, "imported").await;
    assert_ne!(problem["state"], "imported", "{problem}");
    assert!(problem["state"] == "checked" || problem["problem"] == "imported_before", "{problem}");
    assert_eq!(scene.users().await, before + 1);
    super::undo(loser).await;
    for _ in 0..10 {
        assert!(!settled(loser).await.is_null());
    }
    assert_eq!(scene.users().await, before + 1, "somebody else's account is undone");
    scene.target.is_sound().await;
    scene.pods_are_near().await;
    assert_eq!(super::announce(winner).await, StatusCode::ACCEPTED);
    state(winner, "announced").await;
}

/// Both wait for the podmin with what they have chosen, and only one of them with the name.
#[tokio::test(flavor = "multi_thread")]
async fn two_who_choose_at_the_same_time_do_not_get_one_name() {
    let scene = Scene::new().await;
    let service =
        scene.serve(None, &format!("admission = \"approval\"\nper_address = 10\n{}", scene.trusted()));
    let archives = [scene.archive.clone(), scene.source.archive("out", "greta")];
    let mut both = [begin_by_program(&service, json!({})).await, begin_by_program(&service, json!({})).await];
    for (person, archive) in both.iter_mut().zip(&archives) {
        hand_in_by_program(person, archive).await;
        state(person, "checked").await;
    }
    let [first, second] = &mut both;
    let chosen = tokio::join!(first.choose("ida", PASSWORD), second.choose("ida", PASSWORD));
    assert!(chosen.0.is_ok() != chosen.1.is_ok(), "{chosen:?}");
    let refused = chosen.0.err().or(chosen.1.err()).unwrap().to_string();
    assert!(refused.contains("400") && refused.contains("choose another"), "{refused}");
    // Twice by one person: the second one finds the choice made.
    let third = Mover::begin(&service.url, &json!({})).await.unwrap();
    let mut twice = [third.clone(), third];
    hand_in_by_program(&mut twice[0], &archives[1]).await;
    state(&mut twice[0], "checked").await;
    let [one, other] = &mut twice;
    let chosen = tokio::join!(one.choose("nils", PASSWORD), other.choose("nina", PASSWORD));
    assert!(chosen.0.is_ok() != chosen.1.is_ok(), "{chosen:?}");
    let wanted = if chosen.0.is_ok() { "nils" } else { "nina" };
    let now = state(one, "waiting").await;
    assert!(now.to_string().contains(wanted), "{now}");
}

/// What became of somebody whose move has come to rest.
async fn settled(person: &mut Browser) -> Value {
    let begun = Instant::now();
    loop {
        let answer = person.send(Method::GET, "/api/v1/newcomers/me", &[], Vec::new()).await.unwrap();
        let now = document(&answer);
        if ["checked", "imported", "failed", "undone"].iter().any(|state| now["state"] == *state) {
            return now;
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "{now}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
