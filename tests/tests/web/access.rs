//! Every route of the service, asked by nobody, by another person and by another newcomer: nothing of somebody else's
//! is there for them. New routes are asked as well: they come from the `OpenAPI` document and from the source.

use std::path::Path;

use crate::support::Pod;
use crate::support::closing::{Closing, MAILS, call, document, get, said, script_of, until_right};
use pappus_tests::door::{ARCHIVE, Mover, TUS};
use pappus_tests::service::{Answer, Browser};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// What is for everybody.
const PUBLIC: [&str; 26] = [
    "GET /",
    "GET /health",
    "GET /metrics",
    "GET /closing",
    "GET /closing.json",
    "GET /api/docs",
    "GET /api/docs/",
    "GET /api/openapi.json",
    "GET /assets/{digest}/{name}",
    "GET /favicon.ico",
    "GET /language/{code}",
    "GET /confirm",
    "GET /sign-in",
    "POST /sign-in",
    "GET /sign-in/code",
    "POST /sign-in/code",
    "GET /sign-in/link",
    "POST /sign-in/link",
    "GET /sign-in/link/{token}",
    "POST /sign-in/link/{token}",
    "POST /sign-out",
    "GET /newcomers",
    "POST /newcomers/begin",
    "GET /newcomers/choose",
    "GET /api/v1/newcomers",
    "POST /api/v1/newcomers",
];
/// What everybody who has signed in has for themselves.
const OWN: [&str; 7] = [
    "/archive",
    "/archive/ask",
    "/tokens",
    "/api/v1/archives",
    "/api/v1/me",
    "/api/v1/requests",
    "/api/v1/tokens",
];
/// Revokes no token of anybody else's, and says the same as for one that is revoked already.
const REVOKE: &str = "/tokens/{id}/revoke";
const FORM_IS_TOO_OLD: &str = "The page was open for too long";

/// Finds the routes in a text of the source, with their methods.
fn routes_in(source: &str) -> Vec<(Method, String)> {
    let mut found = Vec::new();
    for part in source.split(".route(\"").skip(1) {
        let (path, rest) = part.split_once('"').unwrap();
        let mut open = 1;
        let end = rest.find(|letter: char| {
            open += i32::from(letter == '(') - i32::from(letter == ')');
            open == 0
        });
        let handlers = &rest[..end.unwrap()];
        for name in ["get", "head", "post", "put", "patch", "delete"] {
            let is_method = |at: usize| {
                let before = handlers[..at].chars().next_back();
                before.is_none_or(|letter| !letter.is_alphanumeric() && !matches!(letter, '_' | ':'))
            };
            if handlers.match_indices(&format!("{name}(")).any(|(at, _)| is_method(at)) {
                found.push((name.to_uppercase().parse().unwrap(), path.to_owned()));
            }
        }
    }
    found
}

fn routes_below(folder: &Path) -> Vec<(Method, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(routes_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.extend(routes_in(&std::fs::read_to_string(path).unwrap()));
        }
    }
    found
}

/// All routes, except those that are for everybody.
async fn routes(anybody: &mut Browser) -> Vec<(Method, String)> {
    let mut found = routes_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/src"));
    let described = get(anybody, "/api/openapi.json").await;
    for (path, item) in described["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys();
        found.extend(methods.map(|method| (method.to_uppercase().parse().unwrap(), path.clone())));
    }
    for public in PUBLIC {
        let is_this = |(method, path): &(Method, String)| format!("{method} {path}") == public;
        assert!(found.iter().any(is_this), "there is no {public} any more");
        found.retain(|route| !is_this(route));
    }
    for (method, path) in [
        (Method::GET, "/archive/made/{origin}/file/{name}"),
        (Method::POST, "/archive/{id}/cancel"),
        (Method::PATCH, "/newcomers/uploads/{name}"),
        (Method::DELETE, "/api/v1/requests/{id}"),
    ] {
        assert!(found.contains(&(method, path.to_owned())), "{path}: {found:?}");
    }
    assert!(found.len() > 80, "{}", found.len());
    found
}

/// What is whose: ida's archive by name, and a newcomer's upload by path.
struct Owned {
    archive: String,
    upload: String,
}

impl Owned {
    /// The address of a route that leads to what belongs to somebody.
    fn address(&self, route: &str) -> String {
        if route.starts_with("/newcomers/uploads/{") {
            return self.upload.clone();
        }
        let mut address = route.replace("{origin}", &self.archive).replace("{name}", &self.archive);
        // The first request, token, newcomer, invitation and notice.
        address = address.replace("{id}", "1").replace("{part}", "photos");
        for secret in ["{token}", "{secret}"] {
            address = address.replace(secret, &"x".repeat(43));
        }
        assert!(!address.contains('{'), "what stands for {route}?");
        address
    }
}

/// Asks with all that a right request has; `page` has a form, whose token is sent with other forms.
async fn ask(browser: &mut Browser, method: &Method, address: &str, page: &str) -> Answer {
    let is_upload = address.starts_with("/newcomers/uploads") && address != "/newcomers/uploads/end";
    if *method == Method::POST && !address.starts_with("/api/") && !is_upload {
        let answer = browser.fill(page, address, &[]).await.unwrap();
        assert!(!answer.text().contains(FORM_IS_TOO_OLD), "{address} was not reached");
        return answer;
    }
    let kind = if is_upload { "application/offset+octet-stream" } else { "application/json" };
    let headers = [TUS, ("upload-offset", "0"), ("content-type", kind)];
    let body = if matches!(*method, Method::GET | Method::HEAD) { "" } else { "{}" };
    browser.send(method.clone(), address, &headers, body.into()).await.unwrap()
}

fn is_refused(answer: &Answer) -> bool {
    matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
        || (answer.status.is_redirection() && answer.location().starts_with("/sign-in"))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_there_for_anybody_else() {
    let newcomers =
        "[newcomers]\nenabled = true\nadmission = \"open\"\nask_pods = false\nkeep_free_megabytes = 1\n";
    let scene = Closing::on(Pod::sqlite().await, None, &format!("{MAILS}{newcomers}"));
    let mut ida = scene.signed_in("ida").await;
    let mut script = script_of(&scene.service, &mut ida, &["read", "request", "download"]).await;
    let asked =
        said(&mut script, Method::POST, "/api/v1/requests", Some(json!({})), StatusCode::CREATED).await;
    assert_eq!(asked["id"], 1);
    let done = until_right(&mut ida, "/api/v1/requests/1", |request| request["state"] == "done").await;
    let mut mover = Mover::begin(&scene.service.url, &json!({})).await.unwrap();
    let upload = mover.create(ARCHIVE, 10).await.unwrap();
    let upload = upload.location().trim_start_matches(scene.service.url.trim_end_matches('/')).to_owned();
    let owned = Owned { archive: done["archive"].as_str().unwrap().to_owned(), upload };

    let mut anybody = scene.browser();
    let all = routes(&mut anybody).await;
    for (method, route) in &all {
        let answer = ask(&mut anybody, method, &owned.address(route), "/sign-in").await;
        assert!(is_refused(&answer), "nobody: {method} {route}: {}", answer.status);
    }
    let mut emil = scene.signed_in("emil").await;
    let mut emil_script = script_of(&scene.service, &mut emil, &["read", "request", "download"]).await;
    for (method, route) in &all {
        let address = owned.address(route);
        let is_own = OWN.contains(&route.as_str());
        if route == REVOKE || (is_own && *method != Method::GET) {
            continue;
        }
        let answer = ask(&mut emil, method, &address, "/tokens").await;
        if is_own {
            assert!(!answer.text().contains("ida@closing.example"), "{route}: {}", answer.text());
        } else {
            assert!(is_refused(&answer), "another person: {method} {route}: {}", answer.status);
        }
        if !is_own && route.starts_with("/api/") {
            let answer = ask(&mut emil_script, method, &address, "/tokens").await;
            assert!(is_refused(&answer), "another's token: {method} {route}: {}", answer.status);
        }
    }
    ask(&mut emil, &Method::POST, &owned.address(REVOKE), "/tokens").await;
    let mut other = Mover::begin(&scene.service.url, &json!({})).await.unwrap();
    let is_of_newcomers =
        |route: &str| route.starts_with("/newcomers") || route.starts_with("/api/v1/newcomers");
    for (method, route) in &all {
        // A newcomer has one move: without a name in it, a path leads to their own.
        if !is_of_newcomers(route) || route.contains('{') {
            let answer = ask(&mut other, method, &owned.address(route), "/sign-in").await;
            assert!(is_refused(&answer), "another newcomer: {method} {route}: {}", answer.status);
        }
    }
    everything_is_there(&mut ida, &mut script, &mut mover, &owned).await;
}

/// The owners have what the others were refused, and nothing has changed.
async fn everything_is_there(ida: &mut Browser, script: &mut Browser, mover: &mut Mover, owned: &Owned) {
    assert_eq!(get(script, "/api/v1/requests/1").await["state"], "done");
    for browser in [&mut *ida, script] {
        let file =
            call(browser, Method::GET, &format!("/api/v1/archives/{}/file", owned.archive), None).await;
        assert!(file.status == StatusCode::OK && file.body.starts_with(b"PK"), "{}", file.status);
    }
    for path in ["", "/sha256", "/file/ida.zip", "/stock/photos"] {
        let answer = ida.get(&format!("/archive/made/{}{path}", owned.archive)).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{path}");
    }
    let tokens: Value = document(&call(ida, Method::GET, "/api/v1/tokens", None).await);
    assert!(tokens.to_string().contains("script"), "{tokens}");
    let upload = mover.send(Method::HEAD, &owned.upload, &[TUS], Vec::new()).await.unwrap();
    assert_eq!((upload.status, upload.header("upload-offset")), (StatusCode::OK, "0"));
}
