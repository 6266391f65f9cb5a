//! Who may do what.

use super::{INVITATIONS, NEWCOMERS, signed_in};
use crate::support::closing::{Closing, get, said, script_of};
use pappus_tests::service::{Browser, Service};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// What is only looked at.
const LOOKING: [&str; 3] = [NEWCOMERS, "/api/v1/board/newcomers/1", INVITATIONS];

/// What is done: method, path, and a body that would be good.
fn doing() -> [(Method, &'static str, Value); 3] {
    [
        (Method::PATCH, "/api/v1/board/newcomers/1", json!({ "act": "yes" })),
        (Method::POST, INVITATIONS, json!({ "note": "for anybody", "uses": 1 })),
        (Method::DELETE, "/api/v1/board/invitations/1", json!({})),
    ]
}

pub(super) async fn cannot_look(browser: &mut Browser, status: StatusCode) {
    for path in LOOKING {
        said(browser, Method::GET, path, None, status).await;
    }
}

pub(super) async fn cannot_act(browser: &mut Browser, status: StatusCode) {
    for (method, path, body) in doing() {
        said(browser, method.clone(), path, Some(body), status).await;
        // Nobody learns from a refusal whether a body would have been good.
        said(browser, method, path, Some(json!([])), status).await;
    }
}

/// Nothing of it is for anybody but podmins, and tokens are good for what they say.
pub(super) async fn refused(
    service: &Service,
    greta: &mut Browser,
    script: &mut Browser,
    newcomer: &mut Browser,
) {
    let mut stranger = Browser::new(&service.url).unwrap();
    // What says who a newcomer is, is no token.
    for nobody in [&mut stranger, newcomer] {
        cannot_look(nobody, StatusCode::UNAUTHORIZED).await;
        cannot_act(nobody, StatusCode::UNAUTHORIZED).await;
    }
    let mut ida = signed_in(service, "ida").await;
    let mut hers = script_of(service, &mut ida, &["read", "request", "download"]).await;
    let mut ordinary = script_of(service, greta, &["read", "request", "download"]).await;
    for other in [&mut ida, &mut hers, &mut ordinary] {
        cannot_look(other, StatusCode::FORBIDDEN).await;
        cannot_act(other, StatusCode::FORBIDDEN).await;
    }
    let mut looking = script_of(service, greta, &["board_read"]).await;
    for path in LOOKING {
        get(&mut looking, path).await;
    }
    cannot_act(&mut looking, StatusCode::FORBIDDEN).await;
    let mut doing_only = script_of(service, greta, &["board_write"]).await;
    cannot_look(&mut doing_only, StatusCode::FORBIDDEN).await;
    // By session as by token; but not from a page elsewhere.
    let before = get(greta, NEWCOMERS).await;
    assert_eq!(before, get(script, NEWCOMERS).await);
    let headers = [("content-type", "application/json"), ("origin", "https://evil.example")];
    let body = json!({ "uses": 1 }).to_string().into_bytes();
    let forged = greta.send(Method::POST, INVITATIONS, &headers, body).await.unwrap();
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let new = Some(json!({ "uses": 1 }));
    let made = said(greta, Method::POST, INVITATIONS, new, StatusCode::CREATED).await;
    assert_eq!(made["invitation"]["id"], 3, "what was refused has made none");
    assert_eq!(get(script, NEWCOMERS).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_takes_nobody_in_has_nothing_of_it() {
    let scene = Closing::sqlite().await;
    let mut greta = scene.signed_in("greta").await;
    cannot_look(&mut greta, StatusCode::NOT_FOUND).await;
    for (method, path, body) in doing() {
        said(&mut greta, method, path, Some(body), StatusCode::NOT_FOUND).await;
    }
    let beginning = Some(json!({}));
    said(&mut greta, Method::POST, "/api/v1/newcomers", beginning, StatusCode::NOT_FOUND).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_made_on_the_page_is_shown_once() {
    let (_scene, service) = super::by_invitation_and(None, "").await;
    let mut greta = signed_in(&service, "greta").await;
    let form = [("note", "for Ida"), ("uses", "2")];
    let answer = greta.fill("/board/newcomers", "/board/invitations", &form).await.unwrap();
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/board/newcomers"));
    let page = greta.get("/board/newcomers").await.unwrap().text();
    let code = page
        .split_once("<code class=\"code\" id=\"invitation-code\" dir=\"ltr\">")
        .unwrap()
        .1
        .split_once('<')
        .unwrap()
        .0;
    let again = greta.get("/board/newcomers").await.unwrap().text();
    assert!(code.len() > 20 && !again.contains(code), "{again}");
    assert_eq!(again.matches("action=\"/board/invitations/").count(), 1, "a reload makes no other: {again}");
}
