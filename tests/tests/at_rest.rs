//! What lies on the disk, and what stays on the way: nothing that lets anybody in.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;

use crate::newcomers::{PASSWORD, Scene, begin_by_program, choose_by_program, hand_in_by_program, state};
use crate::support::Pod;
use crate::support::closing::{Closing, MAILS, until};

/// Nobody listens at port 9: mails wait.
const NO_SERVER: &str = "[mail]\nserver = \"smtp://127.0.0.1:9\"\nfrom = \"podmin@closing.example\"\n";

/// Which of these texts stand in a file below a folder.
fn found(folder: &Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(self::found(&path, texts));
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
    assert_eq!(
        found(&store, &[&path, "/get/", "/sign-in/link/", "ida@mail.example", "greta@mail.example"]),
        Vec::<String>::new()
    );
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
async fn the_hash_of_a_newcomer_stands_nowhere() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &format!("admission = \"approval\"\n{}", scene.trusted()));
    let mut ida = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut ida, &scene.archive).await;
    state(&mut ida, "checked").await;
    choose_by_program(&mut ida, "ida").await;
    state(&mut ida, "waiting").await;
    let store = scene.folder.path().join("state");
    // As bcrypt writes them.
    assert_eq!(found(&store, &["$2a$10$", "$2b$10$", "$2y$10$"]), Vec::<String>::new());
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
    assert_eq!(found(&store, &["$2a$10$", "$2b$10$", "$2y$10$"]), Vec::<String>::new());
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
        let acts: Vec<String> = rows.iter().map(|row| row.get(0).unwrap()).collect();
        if acts == ["sign-in", "younger"] {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{acts:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn the_example_for_nginx_logs_no_secret_addresses() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/packaging/nginx.conf");
    let text = std::fs::read_to_string(example).unwrap();
    let (_, rest) = text.split_once("location ~ ^/+(get|sign-in/link|newcomers/back)/ {").unwrap();
    let (block, _) = rest.split_once('}').unwrap();
    assert!(block.contains("access_log off;") && block.contains("error_log /dev/null crit;"), "{block}");
}
