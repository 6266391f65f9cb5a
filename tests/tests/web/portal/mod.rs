//! "My archive" over HTTP, with the service as a program of its own: asked for, watched, fetched in parts, by link, as
//! two files, by script; not reachable for anybody else; and through kills.

mod outages;
mod own;
mod requests;

use std::time::{Duration, Instant};

use crate::support::closing::{
    Closing, archive_on, call, document, get, said, script_of, until, until_right,
};
use pappus_tests::service::{Answer, Browser};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn from_the_button_to_the_file() {
    let scene = Closing::sqlite().await;
    let mut greta = scene.signed_in("greta").await;
    let page = greta.submit("/archive/ask", &[("mail", "yes")]).await.unwrap();
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    greta.submit("/archive/ask", &[]).await.unwrap();
    let page = until(&mut greta, "/archive", "/file/").await;
    assert_eq!(page.text().matches("/file/").count(), 1, "however often they click");
    let path = archive_on(&page);
    let whole = greta.open(&path).await.unwrap();
    assert_eq!((whole.status, whole.header("content-type")), (StatusCode::OK, "application/zip"));
    assert!(whole.header("content-disposition").contains("greta@closing.example-"));
    let file = scene.folder.path().join("greta.zip");
    std::fs::write(&file, &whole.body).unwrap();
    assert_eq!(
        crate::support::json(&file, "manifest.json")["account"]["diaspora_id"],
        "greta@closing.example"
    );

    parts(&mut greta, &path, &whole).await;
    let contents = greta.open(path.split("/file/").next().unwrap()).await.unwrap();
    assert!(contents.text().contains("<th scope=\"row\">Posts</th>"), "{}", contents.text());
    two_files(&mut greta, path.split("/file/").next().unwrap()).await;
    by_mail(&scene, &whole).await;
    nobody_else(&scene, &path).await;
}

/// Any part of it; only as long as it is the same file.
async fn parts(browser: &mut Browser, path: &str, whole: &Answer) {
    let (tag, size) = (whole.header("etag"), whole.body.len());
    let get = async |browser: &mut Browser, method: Method, headers: &[(&str, &str)]| {
        browser.send(method, path, headers, Vec::new()).await.unwrap()
    };
    let part = get(browser, Method::GET, &[("range", "bytes=1000-"), ("if-range", tag)]).await;
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.header("content-range"), format!("bytes 1000-{}/{size}", size - 1));
    assert_eq!(part.body, whole.body[1000..]);
    let other = get(browser, Method::GET, &[("range", "bytes=1000-"), ("if-range", "\"other\"")]).await;
    assert_eq!((other.status, other.body.len()), (StatusCode::OK, size));
    let beyond = get(browser, Method::GET, &[("range", "bytes=99999999-")]).await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.header("content-range"), format!("bytes */{size}"));
    let known = get(browser, Method::GET, &[("if-none-match", tag)]).await;
    assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0));
    let head = get(browser, Method::HEAD, &[]).await;
    assert_eq!((head.status, head.header("content-length")), (StatusCode::OK, size.to_string().as_str()));
    assert!(head.body.is_empty());
}

async fn two_files(browser: &mut Browser, base: &str) {
    let photos = browser.open(&format!("{base}/stock/photos")).await.unwrap();
    assert!(photos.body.starts_with(b"PK"), "{}", photos.text());
    let document = browser.open(&format!("{base}/stock/document")).await.unwrap();
    assert!(document.header("content-disposition").contains("greta.json.gz"));
    let text = std::io::read_to_string(flate2::read::GzDecoder::new(document.body.as_slice())).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["user"]["username"], "greta");
}

/// One mail, whose link needs no session and cannot be guessed.
async fn by_mail(scene: &Closing, whole: &Answer) {
    let begun = Instant::now();
    let mails = loop {
        let mails = scene.mails();
        if !mails.is_empty() {
            break mails;
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "no mail");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert!(
        mail.contains("To: greta@mail.example") && mail.contains("Auto-Submitted: auto-generated"),
        "{mail}"
    );
    let unfolded = mail.replace("=\r\n", "").replace("=3D", "=");
    let link = unfolded.split(&format!("{}get/", scene.service.url)).nth(1).unwrap();
    let token: String =
        link.chars().take_while(|letter| letter.is_ascii_alphanumeric() || "-_".contains(*letter)).collect();
    let mut anybody = scene.browser();
    let page = anybody.open(&format!("/get/{token}")).await.unwrap();
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let file = anybody.open(&format!("/get/{token}/greta.zip")).await.unwrap();
    assert_eq!(file.body, whole.body);
    for wrong in [token.to_uppercase(), token[1..].to_owned(), "x".repeat(5000)] {
        let answer = anybody.open(&format!("/get/{wrong}/greta.zip")).await.unwrap();
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert!(answer.text().contains("This link no longer works"), "{}", answer.text());
    }
}

/// Neither by number nor by path, with a session of one's own or without.
async fn nobody_else(scene: &Closing, path: &str) {
    let mut ida = scene.signed_in("ida").await;
    for path in
        [path, "/archive/made/r1", "/archive/made/r1/stock/photos", "/archive/made/c1", "/archive/1/progress"]
    {
        let answer = ida.open(path).await.unwrap();
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    ida.open("/archive").await.unwrap();
    let answer = ida.submit("/archive/1/cancel", &[]).await.unwrap();
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let mut anybody = scene.browser();
    let answer = anybody.open(path).await.unwrap();
    assert!(answer.text().contains("name=\"password\""), "sent to sign in");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_script() {
    let scene = Closing::sqlite().await;
    let mut browser = scene.signed_in("greta").await;
    let new = json!({ "name": "backup", "scopes": ["read", "request"], "days": 7 });
    let made = call(&mut browser, Method::POST, "/api/v1/tokens", Some(new)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let token = document(&made)["token"].as_str().unwrap().to_owned();
    let mut script = scene.browser();
    let unknown = call(&mut script, Method::GET, "/api/v1/me", None).await;
    assert_eq!(unknown.status, StatusCode::UNAUTHORIZED);
    assert_eq!(unknown.header("content-type"), "application/problem+json");
    assert_eq!(document(&unknown)["status"], 401);
    script.headers.push(("authorization", format!("Bearer {token}")));
    let me = document(&call(&mut script, Method::GET, "/api/v1/me", None).await);
    assert_eq!(
        (me["account"].as_str(), me["podmin"].as_bool()),
        (Some("greta@closing.example"), Some(false))
    );

    let asked = call(&mut script, Method::POST, "/api/v1/requests", Some(json!({}))).await;
    assert_eq!(asked.status, StatusCode::CREATED, "{}", asked.text());
    let id = document(&asked)["id"].as_i64().unwrap();
    let again = call(&mut script, Method::POST, "/api/v1/requests", Some(json!({}))).await;
    assert!(again.status == StatusCode::OK || document(&again)["id"] != id);
    let path = format!("/api/v1/requests/{id}");
    let request = until_right(&mut script, &path, |request| request["state"] == "done").await;
    let name = request["archive"].as_str().unwrap().to_owned();
    // What the token is not good for.
    let file = call(&mut script, Method::GET, &format!("/api/v1/archives/{name}/file"), None).await;
    assert_eq!(file.status, StatusCode::FORBIDDEN);
    let more = json!({ "name": "more", "scopes": ["download"], "days": 7 });
    let more = call(&mut script, Method::POST, "/api/v1/tokens", Some(more)).await;
    assert_eq!(more.status, StatusCode::FORBIDDEN, "a token makes no tokens");
    same_as_the_file(&scene, &mut browser, &mut script, &name).await;
    stock_files(&scene, &mut browser, &mut script, &name).await;
    for (body, status) in [
        (json!({ "key_passphrase": "short" }), StatusCode::BAD_REQUEST),
        (json!({ "unknown": 1 }), StatusCode::BAD_REQUEST),
        (json!([]), StatusCode::BAD_REQUEST),
    ] {
        let answer = call(&mut script, Method::POST, "/api/v1/requests", Some(body)).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, "application/problem+json"));
    }
    // Somebody else's are not there, and a removed token opens nothing.
    let mut ida = scene.signed_in("ida").await;
    for path in [format!("/api/v1/requests/{id}"), format!("/api/v1/archives/{name}/file")] {
        assert_eq!(call(&mut ida, Method::GET, &path, None).await.status, StatusCode::NOT_FOUND);
    }
    let removed = call(&mut ida, Method::DELETE, "/api/v1/tokens/1", None).await;
    assert_eq!(removed.status, StatusCode::NOT_FOUND);
    let removed = call(&mut browser, Method::DELETE, "/api/v1/tokens/1", None).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert_eq!(call(&mut script, Method::GET, "/api/v1/me", None).await.status, StatusCode::UNAUTHORIZED);
    let described = document(&call(&mut script, Method::GET, "/api/openapi.json", None).await);
    assert!(described["paths"]["/api/v1/requests/{id}"]["delete"].is_object());
}

/// What is said of an archive is so.
async fn same_as_the_file(scene: &Closing, greta: &mut Browser, reading: &mut Browser, name: &str) {
    let file = call(greta, Method::GET, &format!("/api/v1/archives/{name}/file"), None).await;
    assert!(file.status == StatusCode::OK && file.body.starts_with(b"PK"));
    let path = scene.folder.path().join("greta.zip");
    std::fs::write(&path, &file.body).unwrap();
    let manifest = crate::support::json(&path, "manifest.json");
    let contents = get(reading, &format!("/api/v1/archives/{name}")).await;
    assert!(contents["counts"]["status_messages"].as_i64().unwrap() > 0, "{contents}");
    assert_eq!(contents["counts"], manifest["counts"]);
    assert!(contents["key_fingerprint"].is_string(), "{contents}");
    assert_eq!(contents["key_fingerprint"], manifest["account"]["key_fingerprint"]);
    let listed = get(reading, "/api/v1/archives").await;
    assert_eq!((&listed[0]["name"], &listed[0]["by_podmin"]), (&json!(name), &json!(false)));
    assert!(listed[0]["bytes"].as_u64().unwrap() >= file.body.len() as u64, "it is kept encrypted: {listed}");
}

/// What a stock pod takes, for whose archive it is, and with a token that is good for it.
async fn stock_files(scene: &Closing, greta: &mut Browser, reading: &mut Browser, name: &str) {
    let path = |name: &str, part: &str| format!("/api/v1/archives/{name}/stock/{part}");
    let mut script = script_of(&scene.service, greta, &["download"]).await;
    for (part, file, kind, begins) in [
        ("document", "greta.json.gz", "application/gzip", &b"\x1f\x8b"[..]),
        ("photos", "greta_photos.zip", "application/zip", b"PK"),
    ] {
        let path = path(name, part);
        let whole = call(&mut script, Method::GET, &path, None).await;
        assert_eq!((whole.status, whole.header("content-type")), (StatusCode::OK, kind), "{}", whole.text());
        assert!(whole.body.starts_with(begins) && whole.header("content-disposition").contains(file));
        let from = whole.body.len() / 2;
        let headers = [("range", format!("bytes={from}-")), ("if-range", whole.header("etag").to_owned())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let part = script.send(Method::GET, &path, &headers, Vec::new()).await.unwrap();
        assert_eq!((part.status, &part.body[..]), (StatusCode::PARTIAL_CONTENT, &whole.body[from..]));
        said(reading, Method::GET, &path, None, StatusCode::FORBIDDEN).await;
        said(&mut scene.browser(), Method::GET, &path, None, StatusCode::UNAUTHORIZED).await;
    }
    for (name, part) in
        [(name, "nonsense"), (name, "%00"), (name, "%ff"), ("r4711", "photos"), ("nothing", "document")]
    {
        said(&mut script, Method::GET, &path(name, part), None, StatusCode::NOT_FOUND).await;
    }
    let mut ida = scene.signed_in("ida").await;
    said(&mut ida, Method::GET, &path(name, "document"), None, StatusCode::NOT_FOUND).await;
    // A stock pod cannot open a key that is under a passphrase.
    let wish = json!({ "key_passphrase": "a long passphrase" });
    let asked = said(&mut ida, Method::POST, "/api/v1/requests", Some(wish), StatusCode::CREATED).await;
    let request = format!("/api/v1/requests/{}", asked["id"]);
    let done = until_right(&mut ida, &request, |request| request["state"] == "done").await;
    let locked = path(done["archive"].as_str().unwrap(), "document");
    said(&mut ida, Method::GET, &locked, None, StatusCode::CONFLICT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_nothing() {
    let mut scene = Closing::sqlite().await;
    let names = ["greta", "ida", "yasmin", "emil"];
    let mut people = Vec::new();
    for name in names {
        let mut browser = scene.signed_in(name).await;
        browser.submit("/archive/ask", &[]).await.unwrap();
        people.push(browser);
    }
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        scene.service.kill_and_start().unwrap();
    }
    for browser in &mut people {
        let page = until(browser, "/archive", "/file/").await;
        assert_eq!(page.text().matches("/file/").count(), 1);
    }
    let kept = scene.folder.path().join("state/pods/closing.example/archives/requests");
    assert_eq!(crate::support::names(&kept).len(), names.len());
}
