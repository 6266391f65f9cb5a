//! What lies on the disk, and what stays on the way: nothing that lets anybody in.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;

use crate::support::Pod;
use crate::support::closing::{Closing, MAILS, until};
use crate::web::newcomers::{
    PASSWORD, Scene, begin_by_program, choose_by_program, hand_in_by_program, state,
};

/// Nobody listens at port 9: mails wait.
const NO_SERVER: &str = "[mail]\nserver = \"smtp://127.0.0.1:9\"\nfrom = \"podmin@closing.example\"\n";

/// Which of these texts stand in a file below a folder.
fn found(folder: &Path, texts: &[&str]) -> Vec<String> {
    // Another process reads: whoever closes a file of SQLite gives up all locks that their process has on it.
    // It fails when the service removes a file meanwhile: its work folder goes a little after the archive is there.
    for _ in 0..100 {
        let copy = tempfile::tempdir().unwrap();
        if std::process::Command::new("cp").arg("-r").arg(folder).arg(copy.path()).status().unwrap().success()
        {
            return found_in(copy.path(), texts);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{} could not be copied", folder.display());
}

fn found_in(folder: &Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(found_in(&path, texts));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        for text in texts {
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(format!("{text} in {}", path.display()));
            }
        }
    }
    found
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_waits_is_sealed() {
    let scene = Closing::on(Pod::sqlite().await, None, NO_SERVER);
    let mut greta = scene.signed_in("greta").await;
    greta.submit("/archive/ask", &[("mail", "yes")]).await.unwrap();
    until(&mut greta, "/archive", "/file/").await;
    let mut forgotten = scene.browser();
    forgotten.fill("/sign-in/link", "/sign-in/link", &[("name", "ida")]).await.unwrap();
    let begun = Instant::now();
    let mails = loop {
        let mails = scene.waiting_mails("%").await;
        if mails.len() == 2 {
            break mails;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{} mails", mails.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let link = mails.iter().find_map(|(_, body)| body.lines().find(|line| line.contains("/get/"))).unwrap();
    let path = format!("/get/{}", link.trim().split_once("/get/").unwrap().1);
    assert_eq!(scene.browser().get(&path).await.unwrap().status, StatusCode::OK, "the link is alive");
    let store = scene.folder.path().join("state");
    // Subjects as well.
    let clear =
        [&path, "/get/", "/sign-in/link/", "ida@mail.example", "greta@mail.example", "Your archive is ready"];
    assert_eq!(found(&store, &clear), Vec::<String>::new());
    // Nobody keeps what is private on the way.
    for path in ["/archive", &path] {
        let answer = greta.get(path).await.unwrap();
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn private_answers_are_kept_by_nobody() {
    let scene = Closing::on(Pod::sqlite().await, None, MAILS);
    let mut greta = scene.signed_in("greta").await;
    greta.submit("/archive/ask", &[]).await.unwrap();
    let page = until(&mut greta, "/archive", "/file/").await;
    let file = page.between("href=\"/archive/", "/file/").unwrap();
    let name = page.between("/file/", "\"").unwrap();
    let mut script = crate::support::closing::script_of(&scene.service, &mut greta, &["read"]).await;
    let file = format!("/archive/{file}/file/{name}");
    for (browser, path) in [(&mut greta, file.as_str()), (&mut script, "/api/v1/me")] {
        let answer = browser.get(path).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(answer.header("cache-control").contains("no-store"), "{path}: {:?}", answer.headers);
    }
    // A style is the same for everybody.
    let page = greta.get("/archive").await.unwrap();
    let style = page.between("rel=\"stylesheet\" href=\"", "\"").unwrap();
    assert!(!greta.get(&style).await.unwrap().header("cache-control").contains("no-store"));
}

#[tokio::test(flavor = "multi_thread")]
async fn hash_and_address_of_a_newcomer_are_encrypted() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &format!("admission = \"approval\"\n{}", scene.trusted()));
    let mut ida = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut ida, &scene.archive).await;
    state(&mut ida, "checked").await;
    choose_by_program(&mut ida, "ida").await;
    state(&mut ida, "waiting").await;
    let store = scene.folder.path().join("state");
    // As bcrypt writes them.
    let clear = ["$2a$10$", "$2b$10$", "$2y$10$", "ida@mail.example", "greta@mail.example"];
    assert_eq!(found(&store, &clear), Vec::<String>::new());
    drop(service);
    // And it is the right one.
    let service = scene.serve(None, &format!("admission = \"open\"\n{}", scene.trusted()));
    let mut greta = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut greta, &scene.source.archive("out", "greta")).await;
    state(&mut greta, "checked").await;
    choose_by_program(&mut greta, "greta").await;
    state(&mut greta, "imported").await;
    let mut browser = pappus_tests::service::Browser::new(&service.url).unwrap();
    assert!(browser.sign_in("greta", PASSWORD).await.unwrap().text().contains("Sign out"));
    assert_eq!(found(&store, &clear), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_closed_and_leftovers_wiped_at_the_start() {
    let mut scene = Closing::on(Pod::sqlite().await, None, MAILS);
    let own = scene.folder.path().join("state/pods/closing.example");
    let left = own.join("converted/.tmpAbCdEf");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("ida.json.gz"), "a private key").unwrap();
    std::fs::write(own.join("signatures.sqlite3"), "").unwrap();
    for (path, mode) in [(own.clone(), 0o755), (own.join("signatures.sqlite3"), 0o644)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    scene.service.kill_and_start().unwrap();
    assert!(!left.exists());
    assert_eq!(mode(&own), 0o700);
    // The memory of signatures is opened with the first archive.
    let mut greta = scene.signed_in("greta").await;
    greta.submit("/archive/ask", &[]).await.unwrap();
    until(&mut greta, "/archive", "/file/").await;
    assert_eq!(mode(&own.join("signatures.sqlite3")), 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_kept_as_long_as_the_configuration_says() {
    let mut scene = Closing::on(Pod::sqlite().await, None, MAILS);
    let _greta = scene.signed_in("greta").await;
    let store = scene.store().await;
    let sql = "INSERT INTO pappus_audit (pod, done_at, act) SELECT pod, done_at - 86400000 * ?, ? FROM pappus_audit \
               WHERE act = 'sign-in'";
    for (days, act) in [(364_i64, "younger"), (366, "older")] {
        store.execute("a test", sql, &[days.into(), act.into()]).await.unwrap();
    }
    scene.service.kill_and_start().unwrap();
    let begun = Instant::now();
    loop {
        let rows = store.rows("a test", "SELECT act FROM pappus_audit ORDER BY act", &[]).await.unwrap();
        let acts: Vec<String> = rows.iter().map(|row| row.get("act").unwrap()).collect();
        if acts == ["sign-in", "younger"] {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{acts:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Writes texts in clear into a service's store, as earlier versions did. The file beside the store stays as long as
/// the connection is open.
async fn write_in_clear(folder: &Path) -> sqlx::SqlitePool {
    let url = format!("sqlite://{}", folder.join("pappus.sqlite3").display());
    let earlier = sqlx::SqlitePool::connect(&url).await.unwrap();
    for sql in [
        "DELETE FROM pappus_once",
        "INSERT INTO pappus_outbox (key, recipient, subject, body, state, queued_at, due_at) VALUES \
         ('earlier', 'clear@mail.example', 'A clear subject', 'Hello, https://closing.example/get/clear-token', 'queued', 1, \
         4000000000000), ('sent', 'gone-token', 'gone-token', 'gone-token', 'sent', 1, 1)",
        "UPDATE pappus_outbox SET recipient = NULL, subject = NULL, body = NULL WHERE key = 'sent'",
        "INSERT INTO pappus_newcomers (pod, secret_sha256, state, language, begun_at, expires_at, due_at, changed_at, \
         encrypted_password, mail_to) VALUES ('https://closing.example/', 'x', 'waiting', 'en', 1, 4000000000000, 1, 1, \
         '$2a$10$clearhash', 'clear@mail.example')",
        "UPDATE pappus_requests SET mail_to = 'clear@mail.example'",
    ] {
        sqlx::query(sql).execute(&earlier).await.unwrap();
    }
    sqlx::query("PRAGMA wal_checkpoint(FULL)").execute(&earlier).await.unwrap();
    // Many rows: several transactions.
    let many = "INSERT INTO pappus_outbox (key, recipient, subject, body, state, queued_at, due_at) \
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100) \
                SELECT 'many-' || i, 'clear@mail.example', 'A clear subject', 'gone-token', 'queued', 1, 4000000000000 FROM n";
    sqlx::query(many).execute(&earlier).await.unwrap();
    earlier
}

/// A store as earlier versions left it: texts in clear in rows, in what was deleted, and in the file beside it.
#[tokio::test(flavor = "multi_thread")]
async fn what_earlier_versions_left_in_clear_is_sealed_at_the_start() {
    let mut scene = Closing::on(Pod::sqlite().await, None, NO_SERVER);
    let mut greta = scene.signed_in("greta").await;
    greta.submit("/archive/ask", &[("mail", "yes")]).await.unwrap();
    until(&mut greta, "/archive", "/file/").await;
    let clear = [
        "clear@mail.example",
        "A clear subject",
        "https://closing.example/get/clear-token",
        "$2a$10$clearhash",
        "gone-token",
    ];
    let folder = scene.folder.path().join("state/pods/closing.example");
    let earlier = write_in_clear(&folder).await;
    let lies = |texts: &[&str]| found(&folder, texts).len();
    assert!(lies(&clear) >= 6, "{:?}", found(&folder, &clear));
    scene.service.kill_and_start().unwrap();
    assert!(folder.join("pappus.sqlite3-wal").exists());
    assert_eq!(found(&folder, &clear), Vec::<String>::new());
    let store = scene.store().await;
    let sound = store.first("a test", "PRAGMA integrity_check", &[]).await.unwrap().unwrap();
    assert_eq!(sound.get::<String>("integrity_check").unwrap(), "ok");
    store.close().await;
    let mails = scene.waiting_mails("earlier").await;
    assert_eq!(mails, [(clear[0].to_owned(), format!("Hello, {}", clear[2]))]);
    assert_eq!(scene.waiting_mails("many-%").await.len(), 1100);
    drop(earlier);
    // Once: and they are sent as they were written.
    let config = scene.folder.path().join("pappus.toml");
    let text = std::fs::read_to_string(&config).unwrap().replace(NO_SERVER, MAILS);
    std::fs::write(&config, text).unwrap();
    let store = scene.store().await;
    store.execute("a test", "DELETE FROM pappus_outbox WHERE key LIKE 'many-%'", &[]).await.unwrap();
    store.execute("a test", "UPDATE pappus_outbox SET due_at = 1", &[]).await.unwrap();
    scene.service.kill_and_start().unwrap();
    let begun = Instant::now();
    while !scene
        .mails()
        .iter()
        .any(|mail| mail.contains("To: clear@mail.example") && mail.contains("A clear subject"))
    {
        assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", scene.mails());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(scene.mails().iter().any(|mail| mail.contains(clear[2])), "{:?}", scene.mails());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_earlier_versions_left_in_clear_is_sealed_in_a_store_on_postgresql() {
    let url = pappus_tests::cluster::shared_postgres()
        .await
        .unwrap()
        .create_database("left_in_clear")
        .await
        .unwrap();
    let mut scene = Closing::on(Pod::sqlite().await, Some(url), NO_SERVER);
    let store = scene.store().await;
    for sql in [
        "DELETE FROM pappus_once",
        "INSERT INTO pappus_outbox (key, recipient, subject, body, state, queued_at, due_at) VALUES \
         ('earlier', 'clear@mail.example', 'A clear subject', 'clear-token', 'queued', 1, 4000000000000)",
    ] {
        store.execute("a test", sql, &[]).await.unwrap();
    }
    scene.service.kill_and_start().unwrap();
    let sql = "SELECT recipient, subject, body FROM pappus_outbox WHERE key = 'earlier'";
    let row = store.first("a test", sql, &[]).await.unwrap().unwrap();
    for column in ["recipient", "subject", "body"] {
        assert!(row.get::<String>(column).unwrap().starts_with("sealed:"));
    }
    assert_eq!(
        scene.waiting_mails("earlier").await,
        [("clear@mail.example".to_owned(), "clear-token".to_owned())]
    );
}
