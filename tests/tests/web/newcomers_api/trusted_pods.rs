//! Pod keys that podmins trust on the board: added and removed by page and by program, and what they prove then.

use std::time::{Duration, Instant};

use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::Store;
use pappus_tests::cluster::shared_postgres;
use pappus_tests::service::Browser;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::evidence::{shown, with_podmin};
use super::{NEWCOMERS, by_invitation_and, script_of, signed_in};
use crate::support::closing::{get, said};
use crate::support::target::fingerprint;
use crate::web::newcomers::{
    Scene, announce, begin_by_program, choose_by_program, hand_in_by_program, imported_by_program, state,
};

pub(super) const TRUSTED_PODS: &str = "/api/v1/board/trusted-pods";
const PAGE: &str = "/board/trusted-pods";

/// A fingerprint that no pod's key has.
fn made_up(byte: &str) -> String {
    format!("SHA256:{}", byte.repeat(32))
}

/// Trusts a key, given as `HOST=SHA256:…`; returns its number.
async fn trust(podmin: &mut Browser, pin: &str) -> Value {
    let new = Some(json!({ "host": pin }));
    said(podmin, Method::POST, TRUSTED_PODS, new, StatusCode::CREATED).await["id"].clone()
}

async fn distrust(podmin: &mut Browser, id: &Value) {
    said(podmin, Method::DELETE, &format!("{TRUSTED_PODS}/{id}"), None, StatusCode::NO_CONTENT).await;
}

/// Returns the hosts of the keys that were added.
async fn hosts(podmin: &mut Browser) -> Vec<Value> {
    let listed = get(podmin, TRUSTED_PODS).await;
    listed["added"].as_array().unwrap().iter().map(|pin| pin["host"].clone()).collect()
}

/// Returns the first newcomer, as the podmin sees them.
async fn first(podmin: &mut Browser) -> Value {
    get(podmin, &format!("{NEWCOMERS}/1")).await["newcomer"].clone()
}

async fn users(scene: &Scene) -> i64 {
    scene.target.pool.number("SELECT COUNT(*) FROM users").await.unwrap()
}

async fn store(scene: &Scene) -> Store {
    let path = scene.folder.path().join("state/pods/haven.example/pappus.sqlite3");
    Store::open(&DatabaseUrl::parse(&format!("sqlite:{}", path.display())).unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_added_and_removed_on_sqlite() {
    keys_are_added_and_removed(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_added_and_removed_on_postgresql() {
    let store = shared_postgres().await.unwrap().create_database("trusted_pods").await.unwrap();
    keys_are_added_and_removed(Some(&store)).await;
}

async fn keys_are_added_and_removed(store: Option<&str>) {
    let configured = format!("trusted_pods = [\"configured.example={}\"]", made_up("cd"));
    let (scene, service) = by_invitation_and(store, &configured).await;
    let mut greta = signed_in(&service, "greta").await;
    let page = greta.open(PAGE).await.unwrap().text();
    assert_eq!(shown(&page), [made_up("cd")]);
    assert!(page.contains("newcomers.trusted_pods. They can be changed only there"), "{page}");
    assert!(!page.contains(&format!("action=\"{PAGE}/")), "what the file says is only shown: {page}");

    invalid(&mut greta).await;
    assert!(hosts(&mut greta).await.is_empty());
    added(&mut greta).await;
    forged(&mut greta).await;
    removed(&mut greta).await;
    let mut script = script_of(&service, &mut greta, &["board_read", "board_write"]).await;
    by_program(&mut script).await;
    in_the_log(&mut greta).await;

    "de".clone_into(&mut greta.headers[0].1);
    let page = greta.open(PAGE).await.unwrap().text();
    assert!(page.contains("Vertrauenswürdige Pods") && page.contains("In der Konfigurationsdatei"), "{page}");

    // Who is no podmin sees and changes nothing.
    scene.target.pool.execute("DELETE FROM roles WHERE name = 'admin'").await.unwrap();
    assert_eq!(greta.get(PAGE).await.unwrap().status, StatusCode::FORBIDDEN);
    let pin = format!("eve.example={}", made_up("ee"));
    for (path, fields) in
        [(PAGE, [("host", pin.as_str())]), ("/board/trusted-pods/2", [("confirmed", "yes")])]
    {
        let refused = greta.fill("/tokens", path, &fields).await.unwrap();
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
    }
    let mut stranger = Browser::new(&service.url).unwrap();
    let refused = stranger.get(PAGE).await.unwrap();
    assert_eq!(refused.status, StatusCode::SEE_OTHER);
    assert!(refused.location().starts_with("/sign-in"), "{}", refused.location());
}

/// What is wrong is said at its field, and what was typed stays.
async fn invalid(greta: &mut Browser) {
    let (own, known) = (made_up("ab"), made_up("cd"));
    let whole = format!("closing.example={own}");
    for (host, fingerprint, field, says) in [
        ("", "", "host", "not a host as in diaspora* IDs"),
        ("https://closing.example/", own.as_str(), "host", "not a host as in diaspora* IDs"),
        ("ida@closing.example", own.as_str(), "host", "not a host as in diaspora* IDs"),
        ("closing.example", "", "fingerprint", "Enter SHA256: followed by 64 digits"),
        ("closing.example", "SHA256:12", "fingerprint", "Enter SHA256: followed by 64 digits"),
        ("other.example", whole.as_str(), "fingerprint", "Enter SHA256: followed by 64 digits"),
        ("configured.example", known.as_str(), "host", "You already trust this key"),
    ] {
        let answer = greta.fill(PAGE, PAGE, &[("host", host), ("fingerprint", fingerprint)]).await.unwrap();
        let page = answer.text();
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{host} {fingerprint}: {page}");
        assert!(page.contains(&format!("id=\"{field}-problem\">")) && page.contains(says), "{host}: {page}");
        assert!(page.contains(&format!("name=\"host\" value=\"{host}\"")), "{host}: {page}");
    }
}

/// Adds closing.example in two fields, and other.example pasted whole.
async fn added(greta: &mut Browser) {
    let own = made_up("ab");
    let fields = [("host", "Closing.Example"), ("fingerprint", own.as_str())];
    let answer = greta.fill(PAGE, PAGE, &fields).await.unwrap();
    let done = "/board/trusted-pods?done=pod-trusted";
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, done));
    let whole = format!(" other.example={} ", made_up("ab"));
    let answer = greta.fill(PAGE, PAGE, &[("host", whole.as_str()), ("fingerprint", "")]).await.unwrap();
    assert_eq!(answer.location(), done);
    let page = greta.follow(answer).await.unwrap().text();
    assert!(page.contains("The key is trusted from now on."), "{page}");
    assert_eq!(shown(&page), [made_up("ab"), made_up("ab"), made_up("cd")]);
    let mut listed = get(greta, TRUSTED_PODS).await;
    for pin in listed["added"].as_array_mut().unwrap() {
        super::without_time(pin, &["added_at"]);
    }
    let pin = |id: i64, host: &str| {
        json!({ "id": id, "host": host, "fingerprint": made_up("ab"), "added_by": "greta@haven.example",
            "added_at": "a time" })
    };
    let expected = json!({
        "configured": [{ "host": "configured.example", "fingerprint": made_up("cd") }],
        "added": [pin(1, "closing.example"), pin(2, "other.example")],
    });
    assert_eq!(listed, expected);
    // Once is enough.
    let again = greta.fill(PAGE, PAGE, &fields).await.unwrap();
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.text().contains("You already trust this key"), "{}", again.text());
}

/// A form of another site changes nothing.
async fn forged(greta: &mut Browser) {
    let pin = format!("eve.example={}", made_up("ee"));
    for (path, field) in [(PAGE, ("host", pin.as_str())), ("/board/trusted-pods/1", ("confirmed", "yes"))] {
        let answer = greta.post(path, &[("token", "forged"), field]).await.unwrap();
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}: {}", answer.text());
    }
    let headers = [("content-type", "application/json"), ("origin", "https://evil.example")];
    let body = json!({ "host": pin }).to_string().into_bytes();
    let answer = greta.send(Method::POST, TRUSTED_PODS, &headers, body).await.unwrap();
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(hosts(greta).await, ["closing.example", "other.example"]);
}

/// Removes closing.example, after a question.
async fn removed(greta: &mut Browser) {
    let answer = greta.fill(PAGE, "/board/trusted-pods/1", &[]).await.unwrap();
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/confirm"));
    let page = greta.follow(answer).await.unwrap().text();
    for says in ["Remove this key?", "people of closing.example", "No move that is under way depends on it"] {
        assert!(page.contains(says), "{says}: {page}");
    }
    assert_eq!(hosts(greta).await, ["closing.example", "other.example"]);
    let page = greta.submit("/board/trusted-pods/1", &[("confirmed", "yes")]).await.unwrap().text();
    assert!(page.contains("The key is removed."), "{page}");
    assert_eq!(hosts(greta).await, ["other.example"]);
    // Twice is once.
    let answer = greta.fill(PAGE, "/board/trusted-pods/1", &[("confirmed", "yes")]).await.unwrap();
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, PAGE));
}

async fn by_program(script: &mut Browser) {
    let own = made_up("ab");
    for (bad, sentence) in [
        (json!({ "host": "a b", "fingerprint": own }), "not a host as in diaspora* IDs"),
        (json!({ "host": "third.example" }), "not the fingerprint of an archive key"),
        (
            json!({ "host": "third.example", "fingerprint": "MD5:00" }),
            "not the fingerprint of an archive key",
        ),
        (json!({ "host": "third.example", "fingerprint": own, "for": "all" }), "unknown field `for`"),
        (json!({ "fingerprint": own }), "missing field `host`"),
    ] {
        let problem = said(script, Method::POST, TRUSTED_PODS, Some(bad), StatusCode::BAD_REQUEST).await;
        assert!(problem["detail"].as_str().unwrap().contains(sentence), "{sentence}: {problem}");
    }
    let known = json!({ "host": "other.example", "fingerprint": own });
    said(script, Method::POST, TRUSTED_PODS, Some(known), StatusCode::CONFLICT).await;
    let id = trust(script, &format!("third.example={}", made_up("ef"))).await;
    assert_eq!(hosts(script).await, ["other.example", "third.example"]);
    distrust(script, &id).await;
    for missing in [id.to_string().as_str(), "1", "0", "-1", "nobody"] {
        let path = format!("{TRUSTED_PODS}/{missing}");
        said(script, Method::DELETE, &path, None, StatusCode::NOT_FOUND).await;
    }
    assert_eq!(hosts(script).await, ["other.example"]);
}

/// Each change is in the log once; what was refused is not.
async fn in_the_log(greta: &mut Browser) {
    let log = get(greta, "/api/v1/board/log?act=trusted-pod").await;
    let lines = log["lines"].as_array().unwrap().iter().rev();
    let lines: Vec<Value> = lines.map(|line| json!([line["actor"], line["act"], line["subject"]])).collect();
    let by = "greta@haven.example";
    let (closing, other) =
        (format!("closing.example={}", made_up("ab")), format!("other.example={}", made_up("ab")));
    let third = format!("third.example={}", made_up("ef"));
    let expected = [
        json!([by, "trusted-pod", closing]),
        json!([by, "trusted-pod", other]),
        json!([by, "trusted-pod-removed", closing]),
        json!([by, "trusted-pod", third]),
        json!([by, "trusted-pod-removed", third]),
    ];
    assert_eq!(lines, expected);
    let page = greta.open("/board/log?act=trusted-pod").await.unwrap().text();
    assert!(page.contains(&format!("Ceased to trust the pod key {closing}.")), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_trusted_once_its_pod_is() {
    let scene = Scene::new().await;
    let service = scene.serve(None, "admission = \"open\"\nundo_minutes = 1000");
    let mut greta = with_podmin(&scene, &service).await;
    let mut ida = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut ida, &scene.archive).await;
    assert_eq!(state(&mut ida, "checked").await["proof"], "unproven");
    choose_by_program(&mut ida, "ida").await;
    state(&mut ida, "waiting").await;

    // The queue leads to the form, filled in.
    let page = greta.open("/board/newcomers").await.unwrap();
    let query = page.between("href=\"/board/trusted-pods?", "\"").unwrap();
    let query = query.replace("&#38;", "&").replace("&amp;", "&");
    let form = greta.open(&format!("{PAGE}?{query}")).await.unwrap();
    let host = form.between("name=\"host\" value=\"", "\"").unwrap();
    let key = form.between("name=\"fingerprint\" value=\"", "\"").unwrap();
    assert_eq!(format!("{host}={key}"), fingerprint(&scene.archive));
    assert!(hosts(&mut greta).await.is_empty(), "a link trusts nobody");
    greta.submit(PAGE, &[("host", host.as_str()), ("fingerprint", key.as_str())]).await.unwrap();

    let page = greta.open("/board/newcomers").await.unwrap().text();
    assert!(page.contains("The archive is proven to be theirs."), "{page}");
    for gone in ["/board/trusted-pods?", "Nothing proves", "accepted on your word"] {
        assert!(!page.contains(gone), "{gone}: {page}");
    }
    assert_eq!(first(&mut greta).await["proof"], "pinned_pod_key");
    // Whoever comes now is proven from the start.
    let mut another = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut another, &scene.archive).await;
    assert_eq!(state(&mut another, "checked").await["proof"], "pinned_pod_key");
    // The import itself establishes the proof again, with the key.
    let yes = Some(json!({ "act": "yes" }));
    said(&mut greta, Method::PATCH, &format!("{NEWCOMERS}/1"), yes, StatusCode::OK).await;
    state(&mut ida, "imported").await;
    let store = store(&scene).await;
    let sql = "SELECT report FROM pappus_imports WHERE old_id = 'ida@closing.example'";
    let report: String = store.first("a test", sql, &[]).await.unwrap().unwrap().get("report").unwrap();
    store.close().await;
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["proof"], "pinned_pod_key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_trusted_for_another_pod_proves_nothing() {
    let scene = Scene::new().await;
    let service = scene.serve(None, "admission = \"open\"");
    let mut greta = with_podmin(&scene, &service).await;
    let own = fingerprint(&scene.archive);
    let (_, key) = own.split_once('=').unwrap();
    trust(&mut greta, &format!("other.example={key}")).await;
    let mut ida = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut ida, &scene.archive).await;
    assert_eq!(state(&mut ida, "checked").await["proof"], "unproven");
    choose_by_program(&mut ida, "ida").await;
    state(&mut ida, "waiting").await;
    assert_eq!(first(&mut greta).await["evidence"]["advice"], "compare");
    assert_eq!(users(&scene).await, 1, "only greta is here");
    // Nor does another key of the pod itself, and the queue shows both.
    trust(&mut greta, &format!("closing.example={}", made_up("ab"))).await;
    let newcomer = first(&mut greta).await;
    assert_eq!(
        (&newcomer["proof"], &newcomer["evidence"]["advice"]),
        (&json!("unproven"), &json!("pin_differs"))
    );
    assert_eq!(newcomer["evidence"]["pinned"], json!([made_up("ab")]));
    let page = greta.open("/board/newcomers").await.unwrap().text();
    assert_eq!(shown(&page)[..2], [key.to_owned(), made_up("ab")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_key_proves_no_next_step() {
    let scene = Scene::new().await;
    let service = scene.serve(None, "admission = \"approval\"\nundo_minutes = 1000");
    let mut greta = with_podmin(&scene, &service).await;
    let own = fingerprint(&scene.archive);
    let id = trust(&mut greta, &own).await;
    let mut ida = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut ida, &scene.archive).await;
    assert_eq!(state(&mut ida, "checked").await["proof"], "pinned_pod_key");
    choose_by_program(&mut ida, "ida").await;
    state(&mut ida, "waiting").await;
    let answer = greta.fill(PAGE, &format!("{PAGE}/{id}"), &[]).await.unwrap();
    let page = greta.follow(answer).await.unwrap().text();
    assert!(page.contains("One move that is under way depends on it"), "{page}");
    distrust(&mut greta, &id).await;
    let page = greta.open("/board/newcomers").await.unwrap().text();
    assert!(page.contains("Nothing proves that this archive is theirs"), "{page}");
    assert_eq!(first(&mut greta).await["proof"], "unproven");

    // Approved while the key was trusted, and removed before the import begins: that was no word for an unproven archive.
    trust(&mut greta, &own).await;
    assert_eq!(first(&mut greta).await["proof"], "pinned_pod_key");
    let store = store(&scene).await;
    let mut transaction = store.begin().await.unwrap();
    for sql in [
        "DELETE FROM pappus_trusted_pods",
        "UPDATE pappus_newcomers SET state = 'importing', approved = 1, decided_by = 'greta@haven.example'",
    ] {
        transaction.execute("a test", sql, &[]).await.unwrap();
    }
    transaction.commit().await.unwrap();
    store.close().await;
    state(&mut ida, "waiting").await;
    let newcomer = first(&mut greta).await;
    assert_eq!((&newcomer["proof"], &newcomer["approved"]), (&json!("unproven"), &Value::Null), "{newcomer}");
    assert_eq!(users(&scene).await, 1, "only greta is here");
    let yes = Some(json!({ "act": "yes" }));
    said(&mut greta, Method::PATCH, &format!("{NEWCOMERS}/1"), yes, StatusCode::OK).await;
    state(&mut ida, "imported").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_key_announces_nobody() {
    let scene = Scene::new().await;
    let service = scene.serve(None, "admission = \"open\"\nundo_minutes = 1000");
    let mut greta = with_podmin(&scene, &service).await;
    let own = fingerprint(&scene.archive);
    let id = trust(&mut greta, &own).await;
    let mut ida = imported_by_program(&service, &scene.archive, "ida").await;
    scene.pods_are_near().await;
    distrust(&mut greta, &id).await;
    assert_eq!(announce(&mut ida).await, StatusCode::ACCEPTED);
    let begun = Instant::now();
    let stopped = loop {
        let now = state(&mut ida, "imported").await;
        if !now["problem"].is_null() {
            break now;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{now}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(stopped["problem"], "announce", "{stopped}");
    assert!(stopped["reason"].as_str().unwrap().contains("is not trusted now"), "{stopped}");
    let moves = "SELECT COUNT(*) FROM account_migrations";
    assert_eq!(scene.target.pool.number(moves).await.unwrap(), 0);
    trust(&mut greta, &own).await;
    assert_eq!(announce(&mut ida).await, StatusCode::ACCEPTED);
    state(&mut ida, "announced").await;
    assert_eq!(scene.target.pool.number(moves).await.unwrap(), 1);
}
