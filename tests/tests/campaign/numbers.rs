//! Numbers that people are told of a campaign: true, weighted, and only where there is something to count.

use std::process::Stdio;
use std::time::Duration;

use super::scene::{Scene, ended_well};

#[tokio::test]
async fn the_time_left_is_weighted_by_records() {
    let scene = Scene::sample(None).await;
    ended_well(&scene.run(&["--plain", "--name", "heavy"]));
    let store = scene.open_store().await;
    let set = async |sql: &str| {
        store.execute("changing the list", sql, &[]).await.unwrap();
    };
    // Twelve small accounts in the last ten seconds; the thirteenth is as large as a thousand of them.
    let now = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";
    set(&format!("UPDATE pappus_campaign_accounts SET size = 60, millis = 800, finished_at = {now} - 100"))
        .await;
    set(&format!("UPDATE pappus_campaign_accounts SET finished_at = {now} - 9200 WHERE username = 'emil'"))
        .await;
    set("UPDATE pappus_campaign_accounts SET size = 120000, state = 'pending', finished_at = NULL, millis = NULL \
         WHERE username = 'ida'")
    .await;
    set("UPDATE pappus_campaigns SET state = 'running'").await;
    // Nobody works on it.
    assert!(scene.status("heavy")["seconds_left"].is_null());
    set(&format!(
        "INSERT INTO pappus_campaign_workers (id, campaign_id, host, pid, started_at, lease_until, lease_millis) \
         SELECT 'w', id, 'vm', 1, {now}, {now} + 50000, 60000 FROM pappus_campaigns"
    ))
    .await;
    let status = scene.status("heavy");
    // 1,200 records in ten seconds, 120,040 to come.
    let left = status["seconds_left"].as_f64().unwrap();
    assert!((600.0..1200.0).contains(&left), "{status}");
    let said = scene.pappus("campaign", &["heavy"]).stdout;
    assert!(said.contains("1 waiting") && said.contains("minutes left"), "{said}");

    // An account that took an hour counts with the minute of it that has just passed.
    set("UPDATE pappus_campaign_accounts SET size = 216000, millis = 3600000 WHERE username = 'nils'").await;
    let status = scene.status("heavy");
    let left = status["seconds_left"].as_f64().unwrap();
    assert!((1200.0..1800.0).contains(&left), "{status}");

    // All its workers wait, or it is paused.
    set("UPDATE pappus_campaign_workers SET waits_for = 'the pod'").await;
    assert!(scene.status("heavy")["seconds_left"].is_null());
    set("UPDATE pappus_campaign_workers SET waits_for = NULL").await;
    set("UPDATE pappus_campaigns SET state = 'paused'").await;
    assert!(scene.status("heavy")["seconds_left"].is_null());
    store.close().await;
}

#[tokio::test]
async fn one_is_one_and_nothing_is_not_counted() {
    let scene = Scene::sample(None).await;
    let list = scene.path("list");
    std::fs::write(&list, "nobody\n").unwrap();
    let only = format!("file:{}", list.display());
    let said = scene.run(&["--plain", "--name", "none", "--only", &only]);
    assert!(said.stdout.contains("1 account: 0 stored") && !said.stdout.contains("0 B"), "{said:?}");
    assert!(!said.stdout.contains("0 records"), "{said:?}");
    std::fs::write(&list, "ida\n").unwrap();
    let said = scene.run(&["--plain", "--name", "one", "--only", &only]).stdout;
    assert!(said.contains("1 account: 1 stored"), "{said}");
    assert!(said.contains("1 left out or incomplete in 1 archive\n"), "{said}");
    let said = scene.pappus("campaign", &["verify", "one"]).stdout;
    assert!(
        said.contains(": 1 account, 1 with an archive") && said.contains("contents included: 1 archive."),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_waits_for_the_campaign_and_for_its_end() {
    let scene = Scene::sample(None).await;
    for name in [Some("later"), None] {
        let mut arguments = vec!["campaign".to_owned()];
        arguments.extend(name.map(str::to_owned));
        arguments.push("--watch".to_owned());
        arguments.extend(scene.places("state"));
        let mut watching =
            scene.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let early = watching.try_wait().unwrap();
        assert!(early.is_none(), "it does not wait for {name:?}: {early:?}");
        let campaign = name.unwrap_or("another");
        ended_well(&scene.run(&["--plain", "--name", campaign]));
        let output = watching.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(10), "{said}");
        assert!(said.contains(&format!("The campaign {campaign:?} is finished")), "{said}");
        let waited = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(waited.starts_with("Waiting for "), "{waited}");
    }
}
