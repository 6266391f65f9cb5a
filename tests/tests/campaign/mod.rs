//! A whole pod, exported as a podmin does it: to the end, with everything that can get in the way.
//!
//! `PAPPUS_TEST_SEED` repeats the moments at which programs are killed; what happens until then is the
//! scheduler's word, too.

mod changes;
mod going_on;
mod keys;
mod kills;
mod list;
mod lost;
mod numbers;
mod operations;
mod outages;
mod overtaken;
mod owners;
mod places;
mod restored;
mod scene;
mod starts;
mod uploads_away;

use std::collections::BTreeMap;

use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::heavy::{KeyBits, WholePod, whole_pod};
use pappus_tests::sample::{Damage, damage};
use pappus_tests::schema::Pool;
use scene::{Scene, ended_well};

#[tokio::test]
async fn to_the_end_on_three_databases() {
    let postgres = shared_postgres().await.unwrap();
    let databases = [
        None,
        Some(postgres.create_database("campaign_pod").await.unwrap()),
        Some(shared_mariadb().await.unwrap().create_database("campaign_pod").await.unwrap()),
    ];
    let mut digests: Vec<BTreeMap<String, String>> = Vec::new();
    for database in databases {
        let scene = Scene::sample(database).await;
        let ended = scene.run(&["--plain", "--name", "closing"]);
        ended_well(&ended);
        scene.is_whole("closing", 13);
        let status = scene.status("closing");
        assert_eq!((&status["totals"]["done"], &status["totals"]["failed"]), (&13.into(), &0.into()));
        assert_eq!(status["campaign"]["state"], "finished");
        let lines = scene.accounts("closing").await;
        digests.push(lines.into_iter().map(|line| (line.account, line.sha256.unwrap())).collect());
        // There is nothing left to do.
        ended_well(&scene.run(&["--plain", "--name", "closing"]));
        // Another one does all again, and says so.
        let again = "is finished and has stored 13 archives";
        for (more, is_said) in
            [(&["--name", "again"][..], true), (&["--name", "since", "--since", "again"], false)]
        {
            let ended = scene.run(&[&["--plain"], more].concat());
            ended_well(&ended);
            assert_eq!(ended.stdout.contains(again), is_said, "{ended:?}");
        }
    }
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[0], digests[2]);
}

#[tokio::test]
async fn encrypted_unless_told_otherwise() {
    let scene = Scene::sample(None).await;
    ended_well(&scene.run(&["--name", "closed"]));
    let lines = scene.accounts("closed").await;
    for line in &lines {
        let file = line.file.as_ref().unwrap();
        assert!(file.ends_with(".zip.age"), "{file}");
        let bytes = std::fs::read(scene.out().join(file)).unwrap();
        assert!(bytes.starts_with(b"age-encryption.org/"), "{file}");
    }
    // The key of the store opens them.
    let ended = scene.pappus("campaign", &["verify", "closed"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // It is another campaign with another name, or none.
    let ended = scene.run(&["--plain", "--name", "closed"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("another encryption"), "{ended:?}");
}

#[tokio::test]
async fn one_broken_account_stops_nobody() {
    let scene = Scene::sample(None).await;
    damage(&scene.pod, Damage::PrivateKey).await.unwrap();
    damage(&scene.pod, Damage::PhotoFile).await.unwrap();
    // emil and jonas have no usable person.
    let unchecked = |sql: &str| format!("PRAGMA foreign_keys = OFF; {sql}; PRAGMA foreign_keys = ON");
    let broken = "CREATE TABLE copied AS SELECT * FROM people; DROP TABLE people; ALTER TABLE copied RENAME TO people; \
                  UPDATE people SET id = id || '?' WHERE diaspora_handle IN ('emil@closing.example', 'jonas@closing.example')";
    scene.sql(&unchecked(broken)).await;
    let ended = scene.run(&["--plain", "--name", "broken"]);
    assert_eq!(ended.code, Some(10), "{ended:?}");
    let lines = scene.accounts("broken").await;
    let failed: Vec<_> = lines.iter().filter(|line| line.state == "failed").collect();
    let names: Vec<&str> = failed.iter().map(|line| line.username.as_str()).collect();
    assert_eq!(names, ["emil", "jonas"], "{lines:?}");
    for line in failed {
        let reason = line.reason.as_deref().unwrap();
        assert!(reason.contains("no usable person"), "{reason}");
        assert!(ended.stderr.contains(reason), "{ended:?}");
    }
    let ida = lines.iter().find(|line| line.username == "ida").unwrap();
    assert!(ida.state == "done" && ida.omissions.unwrap() >= 2, "{ida:?}");
    scene.is_whole("broken", 11);
    // Mended, those that failed get another turn and the others none.
    let sql = "UPDATE people SET id = CAST(REPLACE(id, '?', '') AS INTEGER) WHERE diaspora_handle = 'jonas@closing.example'";
    scene.sql(&unchecked(sql)).await;
    assert_eq!(scene.pappus("campaign", &["retry", "broken"]).code, Some(0));
    assert_eq!(scene.run(&["--plain", "--name", "broken"]).code, Some(10));
    let again = scene.accounts("broken").await;
    assert_eq!(again.iter().filter(|line| line.state == "failed").count(), 1);
    for (before, after) in lines.iter().zip(&again) {
        let once = before.username != "emil" && before.username != "jonas";
        assert!(!once || before == after, "{before:?} {after:?}");
    }
    scene.is_whole("broken", 12);
}

#[tokio::test]
async fn chosen_accounts_in_the_asked_order() {
    let scene = Scene::sample(None).await;
    let list = scene.path("list");
    std::fs::write(
        &list,
        "ida\n# nobody else from here\nEmil@closing.example  # moved\n\nx@other.example\nnobody\n",
    )
    .unwrap();
    let ended = scene.run(&["--plain", "--name", "some", "--only", &format!("file:{}", list.display())]);
    ended_well(&ended);
    let lines = scene.accounts("some").await;
    let found: Vec<_> = lines.iter().map(|line| (line.username.as_str(), line.state.as_str())).collect();
    assert_eq!(
        found,
        [("emil", "done"), ("ida", "done"), ("nobody", "skipped"), ("x@other.example", "skipped")]
    );
    scene.is_whole("some", 2);

    for order in ["biggest-first", "smallest-first"] {
        ended_well(&scene.run(&["--plain", "--name", order, "--order", order, "--workers", "1"]));
        let lines = scene.accounts(order).await;
        let time = |name: &str| lines.iter().find(|line| line.username == name).unwrap().finished_at.unwrap();
        // Small ones that are exported together are finished together; emil has nothing at all.
        let in_order =
            if order == "biggest-first" { time("ida") < time("emil") } else { time("emil") < time("ida") };
        assert!(in_order, "{order}: {lines:?}");
    }
    // In the sample nobody has been seen for long but those that the story says.
    scene.sql("UPDATE users SET last_seen = '2001-01-01 00:00:00'").await;
    scene.sql("UPDATE users SET last_seen = '2026-11-01 00:00:00' WHERE username = 'ruth'").await;
    scene.sql("UPDATE users SET last_seen = '2026-07-01 00:00:00' WHERE username = 'nils'").await;
    scene.sql("UPDATE users SET last_seen = '2026-01-01 00:00:00' WHERE username = 'ida'").await;
    for (only, expected) in [("active-month", 1), ("active-half-year", 2), ("active-year", 3)] {
        ended_well(&scene.run(&["--plain", "--name", only, "--only", only]));
        assert_eq!(scene.accounts(only).await.len(), expected, "{only}");
    }
    let closed =
        scene.count("SELECT COUNT(*) FROM people WHERE owner_id IS NOT NULL AND closed_account").await;
    ended_well(&scene.run(&["--plain", "--name", "open", "--only", "not-closed"]));
    assert_eq!(scene.accounts("open").await.len(), 13 - usize::try_from(closed).unwrap());
}

/// A pod with so many small accounts on PostgreSQL, in a database of this name.
async fn postgres_pod(name: &str, accounts: usize) -> String {
    let url = shared_postgres().await.unwrap().create_database(name).await.unwrap();
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    let size = WholePod { accounts, posts: 20, keys: KeyBits::Small };
    whole_pod(&pool, &size).await.unwrap();
    pool.close().await;
    url
}

/// The same as an SQLite file.
async fn sqlite_pod(name: &str, accounts: usize, folder: &std::path::Path) -> String {
    let from = Pool::connect(&postgres_pod(name, accounts).await).await.unwrap();
    let url = format!("sqlite:{}", folder.join("db.sqlite3").display());
    let to = Pool::connect(&url).await.unwrap();
    pappus_tests::copy::copy_pod(&from, &to).await.unwrap();
    from.close().await;
    to.close().await;
    url
}

/// Where a program of this workspace is.
fn programs(name: &str) -> String {
    pappus_tests::program::programs().join(name).display().to_string()
}
