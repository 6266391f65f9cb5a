//! Options that would change a resumed campaign, and leases that end in the future.

use std::time::{Duration, Instant};

use super::scene::{Scene, ended_well};

#[tokio::test]
async fn options_that_would_change_a_resumed_campaign_are_refused_or_reported() {
    let scene = Scene::sample(None).await;
    let list = scene.path("list");
    let only = format!("file:{}", list.display());
    std::fs::write(&list, "ida\nruth\n").unwrap();
    let first_run = ["--plain", "--name", "some", "--only", &only];
    ended_well(&scene.run(&first_run));
    let refused = |arguments: &[&str], words: &str| {
        let ended = scene.run(arguments);
        assert!(ended.code == Some(1) && ended.stderr.contains(words), "{arguments:?}: {ended:?}");
    };
    refused(&["--plain", "--name", "some", "--only", "all"], "another choice of accounts");
    refused(&["--name", "some"], "its archives are plain, with --plain");
    let time = ["--created-at", "2026-11-23T00:00:00Z"];
    refused(&[&first_run[..], &time[..]].concat(), "another time in its archives, 2026-11-26");
    refused(&[&first_run[..], &["--order", "smallest-first"]].concat(), "another order");
    // The same names in another order are the same list.
    std::fs::write(&list, "# both\nRuth\nida\n").unwrap();
    ended_well(&scene.run(&first_run));
    std::fs::write(&list, "ida\nclara\n").unwrap();
    refused(&first_run, "another list of names");
    // An option that is not given keeps its value, and the output says so.
    let ended = scene.run(&["--plain", "--name", "some"]);
    ended_well(&ended);
    assert!(ended.stdout.contains("started with --only file:"), "{ended:?}");
    assert!(ended.stdout.contains("The time in all its archives is 2026-11-26T10:00:00Z"), "{ended:?}");
    assert_eq!(scene.accounts("some").await.len(), 2);
}

/// After the clock was set back, the lease of a dead worker seems to last for years.
#[tokio::test]
async fn leases_from_the_future_count_as_expired() {
    let scene = Scene::sample(None).await;
    ended_well(&scene.run(&["--plain", "--name", "ahead"]));
    let store = scene.open_store().await;
    for ahead in ["1800000", "31536000000"] {
        for sql in [
            "UPDATE pappus_campaigns SET state = 'running'",
            "UPDATE pappus_campaign_accounts SET state = 'running', worker = 'dead', sha256 = NULL \
             WHERE username IN ('ida', 'ruth')",
            &format!(
                "INSERT INTO pappus_campaign_workers (id, campaign_id, host, pid, started_at, lease_until, lease_millis) \
                 SELECT 'dead', id, 'here', 1, 1, \
                 CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) + {ahead}, 60000 FROM pappus_campaigns"
            ),
        ] {
            store.execute("a test", sql, &[]).await.unwrap();
        }
        let status = scene.status("ahead");
        assert_eq!(status["workers"].as_array().unwrap().len(), 0, "{status}");
        let started = Instant::now();
        ended_well(&scene.run(&["--plain", "--name", "ahead", "--patience", "100"]));
        assert!(started.elapsed() < Duration::from_secs(90));
        scene.is_whole("ahead", 13);
    }
    store.close().await;
}
