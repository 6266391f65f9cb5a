//! People sign in to the web service with the accounts they have on the pod, on all three databases, and when the pod or
//! the store is gone.

mod away;
mod guessing;
mod links;
mod tokens;

use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::Pod;
use crate::support::closing::{Closing, get, said, script_of};
use aws_lc_rs::hmac;
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::sample::{OTP_SECRET, PASSWORD};
use pappus_tests::schema::Pool;
use pappus_tests::service::{Answer, Browser};
use reqwest::{Method, StatusCode};
use serde_json::json;

/// Nobody listens at port 9: mails stay in the outbox, where the tests read them.
const MORE: &str = "[mail]\nserver = \"smtp://127.0.0.1:9\"\nfrom = \"podmin@closing.example\"\n";

fn scene(pod: Pod, store: Option<String>) -> Closing {
    Closing::on(pod, store, &format!("{MORE}{ROOM}"))
}

async fn sign_in(visitor: &mut Browser, name: &str, password: &str) -> Answer {
    visitor.fill("/sign-in", "/sign-in", &[("name", name), ("password", password)]).await.unwrap()
}

/// The code of a step of time (RFC 6238), made here once more.
fn code(step: u64) -> String {
    let (mut secret, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for letter in OTP_SECRET.bytes() {
        let value = if letter.is_ascii_digit() { letter - b'2' + 26 } else { letter - b'A' };
        (bits, held) = (bits << 5 | u32::from(value), held + 5);
        if held >= 8 {
            held -= 8;
            secret.push(u8::try_from(bits >> held & 0xff).unwrap());
        }
    }
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
    let digest = hmac::sign(&key, &step.to_be_bytes());
    let digest = digest.as_ref();
    let at = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

#[expect(clippy::disallowed_methods, reason = "the service uses the system's clock")]
fn step() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 30
}

async fn is_in(visitor: &mut Browser, name: &str) {
    let answer = visitor.get("/").await.unwrap();
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/archive"), "{name}");
    assert_eq!(visitor.get("/sign-in").await.unwrap().status, StatusCode::SEE_OTHER, "{name}");
}

async fn is_out(visitor: &mut Browser) {
    assert_eq!(visitor.get("/").await.unwrap().location(), "/sign-in");
    assert_eq!(visitor.get("/archive").await.unwrap().location(), "/sign-in?next=%2Farchive");
}

async fn names_and_passwords(scene: &Closing) {
    for name in ["greta", " GRETA ", "greta@mail.example", "Greta@Mail.example", "greta@closing.example"] {
        let mut visitor = scene.browser();
        let answer = sign_in(&mut visitor, name, PASSWORD).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "/"),
            "{name}: {}",
            answer.text()
        );
        is_in(&mut visitor, name).await;
        let before = visitor.cookies.clone();
        let answer = visitor.fill("/archive", "/sign-out", &[]).await.unwrap();
        assert_eq!(answer.location(), "/sign-in?out=yes");
        // The old name of the session opens nothing any more.
        visitor.cookies = before;
        is_out(&mut visitor).await;
    }
    let mut texts = Vec::new();
    for (name, password) in [
        ("greta", "another"),
        ("greta", ""),
        ("nobody", PASSWORD),
        ("", ""),
        ("greta\0", PASSWORD),
        ("greta' OR '1'='1", PASSWORD),
        ("greta@other.example", PASSWORD),
    ] {
        let mut visitor = scene.browser();
        let answer = sign_in(&mut visitor, name, password).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name:?}");
        let problem = answer
            .text()
            .split_once("id=\"password-problem\"")
            .unwrap()
            .1
            .split_once("</p>")
            .unwrap()
            .0
            .to_owned();
        texts.push(problem);
        is_out(&mut visitor).await;
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "one text for all: {texts:?}");
}

/// The session has another name after the sign-in, and only a form of ours with its cookie is taken.
async fn cookies_and_forms(scene: &Closing) {
    let mut visitor = scene.browser();
    let page = visitor.get("/sign-in").await.unwrap();
    let token = page.token().unwrap();
    let fields = [("name", "greta"), ("password", PASSWORD), ("token", token.as_str())];
    assert_eq!(scene.browser().post("/sign-in", &fields).await.unwrap().status, StatusCode::FORBIDDEN);
    assert_eq!(visitor.post("/sign-in", &fields[..2]).await.unwrap().status, StatusCode::FORBIDDEN);
    for origin in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let mut crossing = scene.browser();
        crossing.cookies.clone_from(&visitor.cookies);
        crossing.headers = vec![(origin.0, origin.1.to_owned())];
        assert_eq!(
            crossing.post("/sign-in", &fields).await.unwrap().status,
            StatusCode::FORBIDDEN,
            "{origin:?}"
        );
    }
    let answer = visitor.post("/sign-in", &fields).await.unwrap();
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let mut cookie = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let cookie = cookie.rfind(|cookie| cookie.starts_with("pappus=")).unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!page.text().contains("<style") && !page.text().contains("style="));
    // Where somebody wanted to go, but to no other host.
    for (next, expected) in
        [("/archive?x=1", "/archive?x=1"), ("//evil.example", "/"), ("https://evil.example/", "/")]
    {
        let mut visitor = scene.browser();
        let fields = [("name", "greta"), ("password", PASSWORD), ("next", next)];
        assert_eq!(visitor.fill("/sign-in", "/sign-in", &fields).await.unwrap().location(), expected);
    }
}

async fn locked_and_closed(scene: &Closing) {
    let pool = &scene.pod.pool;
    pool.execute("UPDATE users SET locked_at = created_at WHERE username = 'ida'").await.unwrap();
    let mut visitor = scene.browser();
    let answer = sign_in(&mut visitor, "ida", PASSWORD).await;
    assert!(answer.text().contains("locked this account"), "{}", answer.text());
    // No link comes for it either.
    assert!(!answer.text().contains("href=\"/sign-in/link\""), "{}", answer.text());
    is_out(&mut visitor).await;
    // Whoever does not know the password does not learn of it.
    let wrong = sign_in(&mut visitor, "ida", "another").await.text();
    assert!(!wrong.contains("locked this account") && wrong.contains("href=\"/sign-in/link\""), "{wrong}");
    let closed = "UPDATE people SET closed_account = (1 = 1) WHERE owner_id = (SELECT id FROM users WHERE username = 'ida')";
    pool.execute(closed).await.unwrap();
    let answer = sign_in(&mut visitor, "ida", PASSWORD).await;
    assert!(answer.text().contains("account was closed"), "{}", answer.text());
    is_out(&mut visitor).await;
}

/// Who is locked or closed on the pod is out at once, with pages and tokens alike, and comes in again when it is undone.
async fn locked_meanwhile(scene: &Closing) {
    let person = "WHERE owner_id = (SELECT id FROM users WHERE username = 'yasmin')";
    let closed = |word: &str| format!("UPDATE people SET closed_account = ({word}) {person}");
    let locked = |word: &str| format!("UPDATE users SET locked_at = {word} WHERE username = 'yasmin'");
    let mut other = scene.signed_in("emil").await;
    for (out, back) in [(locked("created_at"), locked("NULL")), (closed("1 = 1"), closed("1 = 0"))] {
        let mut yasmin = scene.signed_in("yasmin").await;
        let mut script = script_of(&scene.service, &mut yasmin, &["read", "request"]).await;
        is_in(&mut yasmin, "yasmin").await;
        get(&mut script, "/api/v1/me").await;

        scene.pod.pool.execute(&out).await.unwrap();
        is_out(&mut yasmin).await;
        for browser in [&mut yasmin, &mut script] {
            said(browser, Method::GET, "/api/v1/me", None, StatusCode::UNAUTHORIZED).await;
            let wish = Some(json!({}));
            said(browser, Method::POST, "/api/v1/requests", wish, StatusCode::UNAUTHORIZED).await;
        }
        let refused = sign_in(&mut scene.browser(), "yasmin", PASSWORD).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{out}: {}", refused.text());
        is_in(&mut other, "emil").await;

        scene.pod.pool.execute(&back).await.unwrap();
        // The session is over for good; a token can be taken back by itself.
        is_out(&mut yasmin).await;
        assert_eq!(get(&mut script, "/api/v1/requests").await, json!([]), "{back}");
        let mut again = scene.signed_in("yasmin").await;
        is_in(&mut again, "yasmin").await;
    }
}

async fn codes(scene: &Closing) {
    let half_way = async || {
        let mut visitor = scene.browser();
        let answer = sign_in(&mut visitor, "jonas", PASSWORD).await;
        assert_eq!(answer.location(), "/sign-in/code?next=%2F");
        is_out(&mut visitor).await;
        visitor
    };
    let enter = async |visitor: &mut Browser, code: &str| {
        visitor.fill("/sign-in/code", "/sign-in/code", &[("code", code)]).await.unwrap()
    };
    let mut visitor = half_way().await;
    // The pod says that this step was used there.
    assert_eq!(enter(&mut visitor, &code(step())).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let unused = "UPDATE users SET consumed_timestep = NULL WHERE username = 'jonas'";
    scene.pod.pool.execute(unused).await.unwrap();
    for wrong in ["000000", "", "12345", &code(step() - 5)] {
        assert_eq!(enter(&mut visitor, wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    let good = code(step());
    let spaced = format!(" {} {} ", &good[..3], &good[3..]);
    assert_eq!(enter(&mut visitor, &spaced).await.location(), "/");
    is_in(&mut visitor, "jonas").await;
    let mut again = half_way().await;
    assert_eq!(enter(&mut again, &good).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    is_out(&mut again).await;

    let codes = pappus_tests::sample::backup_codes();
    assert_eq!(enter(&mut again, &codes[1]).await.location(), "/");
    let mut third = half_way().await;
    assert_eq!(enter(&mut third, &codes[1]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    // Of two at the same time one gets in.
    let mut fourth = half_way().await;
    let (one, other) = tokio::join!(enter(&mut third, &codes[2]), enter(&mut fourth, &codes[2]));
    let got_in = [one.status, other.status].iter().filter(|status| **status == StatusCode::SEE_OTHER).count();
    assert_eq!(got_in, 1, "{} {}", one.text(), other.text());
    // Whoever has neither app nor codes reads where new ones are, and gets out.
    let mut lost = half_way().await;
    let page = lost.open("/sign-in/code").await.unwrap().text();
    assert!(page.contains("href=\"https://closing.example/two_factor_authentication\""), "{page}");
    assert!(page.contains("one of your recovery codes"), "{page}");
    assert_eq!(lost.submit("/sign-out", &[]).await.unwrap().status, StatusCode::OK);
    assert_eq!(lost.get("/sign-in/code").await.unwrap().location(), "/sign-in", "no code is waited for");
    // Without a password there is no code to enter.
    let mut stranger = scene.browser();
    assert_eq!(stranger.get("/sign-in/code").await.unwrap().location(), "/sign-in");
}

/// The store holds neither sessions nor links that could be used, and says who has done what.
async fn what_is_kept(scene: &Closing) {
    let mut visitor = scene.browser();
    sign_in(&mut visitor, "greta", PASSWORD).await;
    let cookie = visitor.cookies["pappus"].clone();
    let store = scene.store().await;
    let rows = store.rows("looking", "SELECT name, data FROM pappus_sessions", &[]).await.unwrap();
    assert!(!rows.is_empty());
    assert!(rows.iter().all(|row| row.get::<String>("name").unwrap() != cookie));
    let rows = store.rows("looking", "SELECT act, actor, address FROM pappus_audit", &[]).await.unwrap();
    let acts: Vec<String> = rows.iter().map(|row| row.get("act").unwrap()).collect();
    for act in [
        "sign-in",
        "sign-in-failed",
        "sign-in-refused",
        "sign-in-with-code",
        "code-failed",
        "link-sent",
        "sign-in-by-link",
    ] {
        assert!(acts.iter().any(|found| found == act), "{act}: {acts:?}");
    }
    assert!(rows.iter().all(|row| row.get::<String>("address").unwrap() == "127.0.0.1"));
    store.close().await;
}

/// Nobody waits here, neither after wrong passwords nor until the pod is asked again.
const ROOM: &str =
    "[sign_in]\nattempts_per_address = 1000\nattempts_per_account = 100\nasks_again_minutes = 0\n";

async fn all(pod: Pod, store: Option<String>) {
    let scene = scene(pod, store);
    names_and_passwords(&scene).await;
    cookies_and_forms(&scene).await;
    locked_and_closed(&scene).await;
    locked_meanwhile(&scene).await;
    tokens::end_with_the_password(&scene).await;
    codes(&scene).await;
    links::links_by_mail(&scene).await;
    what_is_kept(&scene).await;
    assert!(scene.service.stop().unwrap());
}

#[tokio::test]
async fn on_sqlite() {
    all(Pod::sqlite().await, None).await;
}

#[tokio::test]
async fn on_postgresql() {
    let server = shared_postgres().await.unwrap();
    let pod = server.create_database("web_pod").await.unwrap();
    let store = server.create_database("web_store").await.unwrap();
    all(Pod::on(tempfile::tempdir().unwrap(), pod).await, Some(store)).await;
}

#[tokio::test]
async fn on_mariadb() {
    let pod = shared_mariadb().await.unwrap().create_database("web_pod").await.unwrap();
    all(Pod::on(tempfile::tempdir().unwrap(), pod).await, None).await;
}

/// A pod that a real diaspora* wrote, where it is at hand: everybody's state as it says.
#[tokio::test]
async fn on_the_reference_pod() {
    let Some(reference) = crate::support::reference::reference() else { return };
    let postgres = shared_postgres().await.unwrap().create_database("web_reference").await.unwrap();
    crate::support::reference::restore(&reference, "pod-a", &postgres);
    let mariadb = shared_mariadb().await.unwrap().create_database("web_reference").await.unwrap();
    let (from, to) = (Pool::connect(&postgres).await.unwrap(), Pool::connect(&mariadb).await.unwrap());
    pappus_tests::copy::copy_pod(&from, &to).await.unwrap();
    for database in [postgres, mariadb] {
        let (folder, pool) = (tempfile::tempdir().unwrap(), Pool::connect(&database).await.unwrap());
        std::fs::create_dir_all(folder.path().join("uploads/images")).unwrap();
        let scene = scene(Pod { folder, database, pool }, None);
        for (name, location, text) in [
            ("alice", "/", ""),
            ("dora", "/", ""),
            ("tina", "/sign-in/code?next=%2F", ""),
            ("lars", "", "locked this account"),
            ("nobody", "", "Wrong username"),
        ] {
            let answer = sign_in(&mut scene.browser(), name, PASSWORD).await;
            assert_eq!(answer.location(), location, "{name}: {}", answer.text());
            assert!(answer.text().contains(text), "{name}: {}", answer.text());
            let wrong = sign_in(&mut scene.browser(), name, "bluepin8").await;
            assert!(wrong.text().contains("Wrong username"), "{name}");
        }
        let chloe = sign_in(&mut scene.browser(), "chloe", PASSWORD).await;
        // diaspora* has put a random password in the place of hers.
        assert_eq!(chloe.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(chloe.text().contains("closed account"), "{}", chloe.text());
    }
}
