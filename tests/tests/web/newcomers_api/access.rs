//! Access control.

use super::trusted_pods::TRUSTED_PODS;
use super::{INVITATIONS, NEWCOMERS, signed_in};
use crate::support::closing::{Closing, get, said, script_of};
use pappus_tests::service::{Browser, Service};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Paths that are only read.
const READS: [&str; 4] = [NEWCOMERS, "/api/v1/board/newcomers/1", INVITATIONS, TRUSTED_PODS];

/// Requests that change something: method, path, and a valid body.
fn writes() -> [(Method, &'static str, Value); 5] {
    let fingerprint = format!("SHA256:{}", "ab".repeat(32));
    [
        (Method::PATCH, "/api/v1/board/newcomers/1", json!({ "act": "yes" })),
        (Method::POST, INVITATIONS, json!({ "note": "for anybody", "uses": 1 })),
        (Method::DELETE, "/api/v1/board/invitations/1", json!({})),
        (Method::POST, TRUSTED_PODS, json!({ "host": "closing.example", "fingerprint": fingerprint })),
        (Method::DELETE, "/api/v1/board/trusted-pods/1", json!({})),
    ]
}

pub(super) async fn cannot_read(browser: &mut Browser, status: StatusCode) {
    for path in READS {
        said(browser, Method::GET, path, None, status).await;
    }
}

pub(super) async fn cannot_write(browser: &mut Browser, status: StatusCode) {
    for (method, path, body) in writes() {
        said(browser, method.clone(), path, Some(body), status).await;
        // A refusal does not reveal whether the body was valid.
        said(browser, method, path, Some(json!([])), status).await;
    }
}

/// Checks that only podmins have access, and that a token has only its scopes.
pub(super) async fn only_podmins_have_access(
    service: &Service,
    greta: &mut Browser,
    script: &mut Browser,
    newcomer: &mut Browser,
) {
    let mut stranger = Browser::new(&service.url).unwrap();
    // A newcomer's secret is no token.
    for browser in [&mut stranger, newcomer] {
        cannot_read(browser, StatusCode::UNAUTHORIZED).await;
        cannot_write(browser, StatusCode::UNAUTHORIZED).await;
    }
    let mut ida = signed_in(service, "ida").await;
    let mut ida_script = script_of(service, &mut ida, &["read", "request", "download"]).await;
    let mut ordinary = script_of(service, greta, &["read", "request", "download"]).await;
    for browser in [&mut ida, &mut ida_script, &mut ordinary] {
        cannot_read(browser, StatusCode::FORBIDDEN).await;
        cannot_write(browser, StatusCode::FORBIDDEN).await;
    }
    let mut read_only = script_of(service, greta, &["board_read"]).await;
    for path in READS {
        get(&mut read_only, path).await;
    }
    cannot_write(&mut read_only, StatusCode::FORBIDDEN).await;
    let mut write_only = script_of(service, greta, &["board_write"]).await;
    cannot_read(&mut write_only, StatusCode::FORBIDDEN).await;
    // A session works like a token, but not from a page of another site.
    let before = get(greta, NEWCOMERS).await;
    assert_eq!(before, get(script, NEWCOMERS).await);
    let headers = [("content-type", "application/json"), ("origin", "https://evil.example")];
    let body = json!({ "uses": 1 }).to_string().into_bytes();
    let forged = greta.send(Method::POST, INVITATIONS, &headers, body).await.unwrap();
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let new = Some(json!({ "uses": 1 }));
    let created = said(greta, Method::POST, INVITATIONS, new, StatusCode::CREATED).await;
    assert_eq!(created["invitation"]["id"], 3, "refused requests created none");
    assert_eq!(get(script, NEWCOMERS).await, before);
    assert_eq!(get(script, TRUSTED_PODS).await["added"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_without_newcomers_answers_not_found() {
    let scene = Closing::sqlite().await;
    let mut greta = scene.signed_in("greta").await;
    cannot_read(&mut greta, StatusCode::NOT_FOUND).await;
    for (method, path, body) in writes() {
        said(&mut greta, method, path, Some(body), StatusCode::NOT_FOUND).await;
    }
    let body = Some(json!({}));
    said(&mut greta, Method::POST, "/api/v1/newcomers", body, StatusCode::NOT_FOUND).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_created_on_the_page_is_shown_once() {
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
    assert_eq!(
        again.matches("action=\"/board/invitations/").count(),
        1,
        "a reload creates no other: {again}"
    );
}
