//! The podmin's board over HTTP, with the service as a program of its own, on SQLite and on PostgreSQL.

mod api;
mod pages;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::support::Pod;
use crate::support::closing::{Closing, MAILS, archive_on, document, until};
use pappus_tests::cluster::shared_postgres;
use pappus_tests::schema::Pool;
use pappus_tests::service::Browser;
use reqwest::StatusCode;
use serde_json::{Value, json};

/// Accounts of the sample pod.
const ACCOUNTS: u64 = 13;

/// What everybody sees is what is expected, after some seconds.
async fn numbers_are(browser: &mut Browser, expected: Value) {
    let begun = Instant::now();
    loop {
        let found = document(&browser.open("/closing.json").await.unwrap())["accounts"].clone();
        if found == expected {
            return;
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "{found} instead of {expected}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Mails that were sent: whom to, and all they say.
fn mails(scene: &Closing) -> Vec<(String, String)> {
    let to = |text: &str| text.lines().find_map(|line| line.strip_prefix("To: ")).unwrap().to_owned();
    scene.mails().into_iter().map(|text| (to(&text), text)).collect()
}

/// One account of the sample pod has moved.
fn numbers(with_archive: u64, downloaded: u64, untouched: u64) -> Value {
    json!({ "accounts": ACCOUNTS, "with_archive": with_archive, "downloaded": downloaded, "moved": 1,
        "untouched": untouched })
}

#[tokio::test(flavor = "multi_thread")]
async fn through_all_stages_on_sqlite() {
    through_all_stages(Closing::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn through_all_stages_on_postgresql() {
    let server = shared_postgres().await.unwrap();
    let (pod, store) = (server.create_database("board").await, server.create_database("board_store").await);
    let pod = Pod::on(tempfile::tempdir().unwrap(), pod.unwrap()).await;
    through_all_stages(Closing::on(pod, Some(store.unwrap()), MAILS)).await;
}

async fn through_all_stages(scene: Closing) {
    let mut greta = scene.signed_in("greta").await;
    // Nobody else sees anything of it before it is decided.
    let mut stranger = scene.browser();
    assert_eq!(stranger.open("/closing").await.unwrap().status, StatusCode::NOT_FOUND);
    let days =
        [("read_only_on", "2036-12-01"), ("switch_off_on", "2037-01-31"), ("downloads_until", "2037-06-30")];
    for stage in ["announced", "read-only", "exporting", "downloads-open", "closed"] {
        greta.open("/board").await.unwrap();
        let fields: Vec<_> = days.into_iter().chain([("stage", stage), ("confirmed", "yes")]).collect();
        let page = greta.submit("/board/closing", &fields).await.unwrap().text();
        assert!(page.contains(&format!("aria-current=\"step\" id=\"stage-{stage}\"")), "{page}");
        let page = stranger.open("/closing").await.unwrap().text();
        assert!(page.contains(&format!("aria-current=\"step\" id=\"stage-{stage}\"")), "{page}");
        assert!(page.contains("31 January 2037") && !page.contains("Progress"), "{page}");
        // Once downloads are over, no date promises them.
        let until = "30 June 2037";
        assert_eq!(page.contains(until), stage != "closed", "{stage}: {page}");
        assert_eq!(greta.open("/archive").await.unwrap().text().contains(until), stage != "closed");
    }
    numbers_are(&mut stranger, Value::Null).await;
    greta.open("/board").await.unwrap();
    greta.submit("/board/closing", &[("stage", "exporting"), ("public", "yes")]).await.unwrap();
    numbers_are(&mut stranger, numbers(0, 0, ACCOUNTS - 1)).await;

    campaign(&scene, &mut greta).await;
    people(&scene, &mut greta).await;
    stages_count(&scene, &mut greta).await;
    letters(&scene, &mut greta).await;
    let log = greta.open("/board/log").await.unwrap().text();
    for act in ["sign-in", "closing", "campaign-begin", "archive-for", "notice"] {
        assert!(log.contains(&format!("data-act=\"{act}\"")), "{act}: {log}");
    }
}

/// When the pod is off, people fetch what is there; when it is closed, not even that.
async fn stages_count(scene: &Closing, greta: &mut Browser) {
    let mut ida = scene.signed_in("ida").await;
    let page = ida.open("/archive").await.unwrap();
    let (file, asks) = (archive_on(&page), "action=\"/archive/ask\"");
    assert!(page.text().contains(asks), "{}", page.text());
    for (stage, says, fetched) in [
        ("downloads-open", "no new archives are created", StatusCode::OK),
        ("closed", "can no longer be downloaded", StatusCode::GONE),
    ] {
        greta.open("/board").await.unwrap();
        greta
            .submit("/board/closing", &[("stage", stage), ("public", "yes"), ("confirmed", "yes")])
            .await
            .unwrap();
        let page = ida.open("/archive").await.unwrap().text();
        assert!(page.contains(says) && !page.contains(asks), "{stage}: {page}");
        assert_eq!(ida.submit("/archive/ask", &[]).await.unwrap().status, StatusCode::CONFLICT, "{stage}");
        assert_eq!(ida.open(&file).await.unwrap().status, fetched, "{stage}");
    }
    greta.open("/board").await.unwrap();
    greta.submit("/board/closing", &[("stage", "exporting"), ("public", "yes")]).await.unwrap();
    assert_eq!(ida.open(&file).await.unwrap().status, StatusCode::OK);
}

/// A campaign of the board is worked on by the service itself, and people find their archives.
async fn campaign(scene: &Closing, greta: &mut Browser) {
    greta.open("/board/campaigns").await.unwrap();
    greta.submit("/board/campaigns", &[("only", "all"), ("keep_sign_in", "yes")]).await.unwrap();
    let page = until(greta, "/board/campaigns", "finished</h2>").await.text();
    assert!(page.contains("13 of 13 accounts are done"), "{page}");
    numbers_are(greta, numbers(ACCOUNTS, 0, 0)).await;
    let mut ida = scene.signed_in("ida").await;
    let page = ida.open("/archive").await.unwrap();
    let whole = ida.open(&archive_on(&page)).await.unwrap();
    assert_eq!((whole.status, whole.header("content-type")), (StatusCode::OK, "application/zip"));
    numbers_are(greta, numbers(ACCOUNTS, 1, 0)).await;
    let again = greta.submit("/board/campaigns/nothing", &[("act", "pause")]).await.unwrap();
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

/// Somebody is found by name, address and ID; an archive is made for them, and they are told.
async fn people(scene: &Closing, greta: &mut Browser) {
    for name in ["ida", "ida@mail.example", "ida@closing.example"] {
        let page = greta.open(&format!("/board/people?name={name}")).await.unwrap().text();
        assert!(page.contains("ida@closing.example") && page.contains("Downloaded once"), "{page}");
    }
    let page = greta.open("/board/people?name=nobody-here").await.unwrap().text();
    assert!(page.contains("There is no account of this name."), "{page}");
    greta.open("/board/people?name=ida").await.unwrap();
    greta.submit("/board/people/archive", &[("name", "ida")]).await.unwrap();
    until(greta, "/board/people?name=ida", ": created</li>").await;
    let begun = Instant::now();
    while !mails(scene).iter().any(|(to, _)| to == "ida@mail.example") {
        assert!(begun.elapsed() < Duration::from_mins(2), "ida was not told");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Everybody who has not fetched an archive gets one letter, also when the service is killed meanwhile.
async fn letters(scene: &Closing, greta: &mut Browser) {
    greta.open("/board/notices").await.unwrap();
    let letter = [("audience", "not-fetched"), ("subject", "{pod} closes"), ("body", "Hello {name}!")];
    let page = greta.submit("/board/notices", &letter).await.unwrap().text();
    assert!(page.contains("closing.example closes") && page.contains("Hello greta!"), "{page}");
    assert_eq!(mails(scene).len(), 1, "nothing is sent before it was seen");
    let confirmed: Vec<_> = letter.into_iter().chain([("confirmed", "yes")]).collect();
    greta.submit("/board/notices", &confirmed).await.unwrap();
    until(greta, "/board/notices", "handed over for sending").await;
    let expected: BTreeSet<String> = unfetched(&scene.pod.pool).await;
    let begun = Instant::now();
    loop {
        let letters: Vec<_> =
            mails(scene).into_iter().filter(|(_, text)| text.contains("closing.example closes")).collect();
        let to: BTreeSet<String> = letters.iter().map(|(to, _)| to.clone()).collect();
        if to == expected {
            assert_eq!(letters.len(), expected.len(), "somebody has two");
            break;
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "{to:?} instead of {expected:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Whoever can be written to and is not ida, who has fetched an archive.
async fn unfetched(pool: &Pool) -> BTreeSet<String> {
    let sql = "SELECT u.email FROM users u JOIN people p ON p.owner_id = u.id WHERE u.username <> 'ida' \
               AND u.email <> '' AND NOT COALESCE(p.closed_account, FALSE)";
    let texts: Vec<String> = match pool {
        Pool::Postgres(pool) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
        Pool::Sqlite(pool) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
        Pool::MySql(pool) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
    };
    texts.into_iter().collect()
}

#[tokio::test]
async fn for_podmins_only() {
    let scene = Closing::sqlite().await;
    let mut stranger = scene.browser();
    let mut ida = scene.signed_in("ida").await;
    for path in ["/board", "/board/people", "/board/campaigns", "/board/notices", "/board/log"] {
        assert!(stranger.open(path).await.unwrap().text().contains("Sign in"), "{path}");
        assert_eq!(ida.open(path).await.unwrap().status, StatusCode::FORBIDDEN, "{path}");
    }
    ida.open("/archive").await.unwrap();
    for (path, fields) in [
        ("/board/closing", vec![("stage", "closed")]),
        ("/board/people/archive", vec![("name", "greta")]),
        ("/board/campaigns", vec![("only", "all")]),
        ("/board/notices", vec![("audience", "all"), ("subject", "s"), ("body", "b"), ("confirmed", "yes")]),
    ] {
        let answer = ida.submit(path, &fields).await.unwrap();
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    // A form from elsewhere has no token.
    let mut greta = scene.signed_in("greta").await;
    let answer = greta.post("/board/closing", &[("stage", "closed")]).await.unwrap();
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    greta.open("/board").await.unwrap();
    let answer =
        greta.submit("/board/closing", &[("stage", "closed"), ("read_only_on", "soon")]).await.unwrap();
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text().contains("write it as 2027-01-31"), "{}", answer.text());
    // Who is no administrator any more has no board any more.
    scene.pod.pool.execute("DELETE FROM roles WHERE name = 'admin'").await.unwrap();
    assert_eq!(greta.open("/board").await.unwrap().status, StatusCode::FORBIDDEN);
}
