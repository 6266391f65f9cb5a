//! A clock that was set back, and a disk that was unmounted: nothing waits for a time to come again, and nothing is written
//! elsewhere.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;

use crate::support::closing::{Closing, MAILS, until};
use crate::support::{Pod, names, number};
use crate::web::newcomers::{Scene, begin_by_program, hand_in_by_program, imported_by_program, state};
use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::Store;

/// A year, in milliseconds.
const YEAR: i64 = 31_536_000_000;

async fn run(store: &Store, sql: &str) {
    store.execute("a test", sql, &[]).await.unwrap();
}

async fn until_it_is(store: &Store, sql: &str, expected: i64) {
    let begun = Instant::now();
    while number(store, sql).await != expected {
        assert!(begun.elapsed() < Duration::from_mins(1), "{sql}: {}", number(store, sql).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_do_not_wait_for_a_time_of_before_the_clock_was_set_back() {
    let url =
        pappus_tests::cluster::shared_postgres().await.unwrap().create_database("clock_mails").await.unwrap();
    for store in [None, Some(url)] {
        let silent =
            "[mail]\nserver = \"smtp://127.0.0.1:9\"\nfrom = \"podmin@closing.example\"\nper_minute = 6000\n";
        let mut scene = Closing::on(Pod::sqlite().await, store, silent);
        let mut browser = scene.browser();
        for name in ["ida", "greta"] {
            browser.fill("/sign-in/link", "/sign-in/link", &[("name", name)]).await.unwrap();
        }
        let store = scene.store().await;
        until_it_is(&store, "SELECT COUNT(*) FROM pappus_outbox WHERE attempts > 0 AND state = 'queued'", 2)
            .await;
        let config = scene.folder.path().join("pappus.toml");
        let text = std::fs::read_to_string(&config).unwrap().replace(silent, MAILS);
        std::fs::write(&config, text).unwrap();
        // One was put off, another was just being sent.
        run(&store, &format!("UPDATE pappus_outbox SET due_at = due_at + {YEAR}")).await;
        let sending = "UPDATE pappus_outbox SET state = 'sending', fence = 'dead', lease_until = due_at \
                       WHERE id = (SELECT MAX(id) FROM pappus_outbox)";
        run(&store, sending).await;
        scene.service.kill_and_start().unwrap();
        until_it_is(&store, "SELECT COUNT(*) FROM pappus_outbox WHERE state = 'sent'", 2).await;
        assert_eq!(scene.mails().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn newcomers_do_not_wait_for_a_time_of_before_the_clock_was_set_back() {
    let url =
        pappus_tests::cluster::shared_postgres().await.unwrap().create_database("clock_door").await.unwrap();
    for store_url in [None, Some(url)] {
        let scene = Scene::new().await;
        let more = format!(
            "admission = \"open\"\n{}\nundo_minutes = 20\nper_address = 3\nper_day = 3",
            scene.trusted()
        );
        let mut service = scene.serve(store_url.as_deref(), &more);
        let mut ida = imported_by_program(&service, &scene.archive, "ida").await;
        let mut greta = begin_by_program(&service, json!({})).await;
        hand_in_by_program(&mut greta, &scene.source.archive("out", "greta")).await;
        state(&mut greta, "checked").await;
        let own = scene.folder.path().join("state/pods/haven.example/pappus.sqlite3");
        let url = store_url.unwrap_or_else(|| format!("sqlite:{}", own.display()));
        let store = Store::open(&DatabaseUrl::parse(&url).unwrap()).await.unwrap();
        // Everything that was written is a year ahead; greta's archive was being looked at by a program that is gone.
        let ahead = format!(
            "UPDATE pappus_newcomers SET begun_at = begun_at + {YEAR}, expires_at = expires_at + {YEAR}, \
             changed_at = changed_at + {YEAR}, announce_at = announce_at + {YEAR}, due_at = due_at + {YEAR}"
        );
        run(&store, &ahead).await;
        run(&store, &format!("UPDATE pappus_newcomer_starts SET started_at = started_at + {YEAR}")).await;
        let in_hand = "UPDATE pappus_newcomers SET state = 'checking', fence = 'dead', lease_until = due_at \
                       WHERE old_account LIKE 'greta@%'";
        run(&store, in_hand).await;
        let before =
            number(&store, "SELECT announce_at - changed_at FROM pappus_newcomers WHERE state = 'imported'")
                .await;
        service.kill_and_start().unwrap();
        until_it_is(
            &store,
            &format!("SELECT COUNT(*) FROM pappus_newcomers WHERE begun_at > {}", now() + 60_000),
            0,
        )
        .await;
        // The pause is as long as it was promised, not over at once.
        let until =
            number(&store, "SELECT COALESCE(announce_at, 0) FROM pappus_newcomers WHERE username = 'ida'")
                .await;
        assert!((now()..=now() + before).contains(&until), "{until} {before}");
        state(&mut greta, "checked").await;
        run(&store, "UPDATE pappus_newcomers SET announce_at = 1 WHERE username = 'ida'").await;
        state(&mut ida, "announced").await;
        // Who began then is no obstacle for ever; the limit of a day counts them from now on.
        let third = ida.ask(reqwest::Method::POST, "", Some(&json!({}))).await.unwrap();
        assert_eq!(third.status, StatusCode::CREATED, "{}", third.text());
    }
}

#[expect(clippy::disallowed_methods, reason = "the service knows no other clock")]
fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// Moved away; then a bare folder is at its path, as when a disk is not mounted; then it is back.
#[tokio::test(flavor = "multi_thread")]
async fn the_portal_writes_to_no_bare_mount_point() {
    let mut scene = Closing::on(Pod::sqlite().await, None, MAILS);
    let mut greta = scene.signed_in("greta").await;
    greta.submit("/archive/ask", &[]).await.unwrap();
    until(&mut greta, "/archive", "/file/").await;
    let out = scene.folder.path().join("state/pods/closing.example/archives");
    assert!(out.join(".pappus-place").is_file(), "{:?}", names(&out));
    let away = scene.folder.path().join("away");
    std::fs::rename(&out, &away).unwrap();
    std::fs::create_dir(&out).unwrap();
    let mut ida = scene.signed_in("ida").await;
    ida.submit("/archive/ask", &[]).await.unwrap();
    let store = scene.store().await;
    let waiting = "SELECT COUNT(*) FROM pappus_requests WHERE username = 'ida' AND state = 'queued' AND attempts > 1 \
                   AND reason LIKE '%is its disk mounted?%'";
    until_it_is(&store, waiting, 1).await;
    assert_eq!(all_names(&out), Vec::<String>::new());
    // What is not there is not taken for lost, or for removed.
    run(&store, "UPDATE pappus_requests SET expires_at = 1 WHERE username = 'greta'").await;
    // A service that is started now does not begin anew in the bare folder.
    assert!(scene.service.kill_and_start().is_err());
    assert_eq!(all_names(&out), Vec::<String>::new());
    let log = std::fs::read_to_string(scene.folder.path().join("log")).unwrap();
    assert!(log.contains("is not the folder it was: is its disk mounted?"), "{log}");
    std::fs::remove_dir(&out).unwrap();
    std::fs::rename(&away, &out).unwrap();
    scene.service.kill_and_start().unwrap();
    let mut ida = scene.signed_in("ida").await;
    until(&mut ida, "/archive", "/file/").await;
    until_it_is(&store, "SELECT COUNT(*) FROM pappus_requests WHERE username = 'greta' AND file IS NULL", 1)
        .await;
    let kept = all_names(&out.join("requests"));
    assert!(kept.iter().all(|name| !name.starts_with("greta@")) && kept.len() == 1, "{kept:?}");
}

/// Hidden files as well.
fn all_names(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
