//! A worker that is stopped with its archives written down and not yet named, overtaken by another, and continued.

use std::process::Child;
use std::time::{Duration, Instant};

use pappus_engine::store::Store;

use super::scene::{Scene, ended_well};

/// Rounds at a time: most of the time is spent waiting for leases.
const LANES: usize = 5;

/// All rounds; `PAPPUS_TEST_ROUNDS=50` tries more of them.
fn rounds() -> usize {
    crate::support::setting("PAPPUS_TEST_ROUNDS", 10)
}

/// Says whether the program was there to be told.
fn signal(child: &Child, name: &str) -> bool {
    let sent = std::process::Command::new("kill").args([name, &child.id().to_string()]).output().unwrap();
    sent.status.success()
}

async fn number(store: &Store, sql: &str, name: &str) -> i64 {
    let sql = format!("SELECT ({sql}) AS found");
    store.first("counting", &sql, &[name.into()]).await.unwrap().unwrap().get("found").unwrap()
}

/// Archives that are written down and whose accounts are not done.
const INTENDED: &str = "SELECT COUNT(*) FROM pappus_campaign_accounts a JOIN pappus_campaigns c \
                        ON c.id = a.campaign_id WHERE c.name = ? AND a.state = 'running' AND a.sha256 IS NOT NULL";

/// One round; gives the archives that were written down when the worker was stopped.
async fn round(scene: &Scene, store: &Store, lane: usize, number_of: usize) -> i64 {
    let name = format!("round{number_of}");
    let out = scene.out().join(&name);
    // Small ones: what takes time here is waiting.
    let only = format!("file:{}", scene.path("some").display());
    let options = ["--name", &name, "--only", &only, "--lease", "2", "--workers", "1"];
    let mut first = scene.start(scene.export_to(&out, &options));
    let until = Instant::now() + Duration::from_mins(1);
    let mut stopped = 0;
    while Instant::now() < until {
        if number(store, INTENDED, &name).await > 0 {
            if signal(&first, "-STOP") {
                stopped = number(store, INTENDED, &name).await;
            }
            break;
        }
        if first.try_wait().unwrap().is_some() {
            break;
        }
    }
    let mut second = scene.start(scene.export_to(&out, &options));
    // Some are continued while the other works, some when it has ended.
    if (lane + number_of).is_multiple_of(2) {
        tokio::time::sleep(Duration::from_millis(2000 + 150 * (number_of as u64 % 10))).await;
        signal(&first, "-CONT");
    }
    // Stopped while it wrote, a program holds the lock of an SQLite store, and everybody waits for it.
    let until = Instant::now() + Duration::from_secs(25);
    while second.try_wait().unwrap().is_none() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    signal(&first, "-CONT");
    let ended = second.wait().unwrap().code();
    assert!(matches!(ended, Some(0 | 10)), "{name}: {ended:?}");
    let ended = first.wait().unwrap().code();
    assert!(matches!(ended, Some(0 | 10)), "{name}: {ended:?}");
    // The signed list and the files agree, and nothing else is there.
    let ended = scene.pappus("campaign", &["verify", &name]);
    assert_eq!(ended.code, Some(0), "{name}: {ended:?}");
    stopped
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_and_continued() {
    let lanes = (0..LANES).map(|lane| {
        tokio::spawn(async move {
            let scene = Scene::sample(None).await;
            std::fs::write(scene.path("some"), "clara\nemil\ngreta\nlotte\nmoritz\nnils\noskar_1\n").unwrap();
            ended_well(&scene.run(&["--name", "warm"]));
            let store = scene.open_store().await;
            let mut in_time = 0;
            for number_of in 0..rounds() / LANES {
                in_time += usize::from(round(&scene, &store, lane, number_of).await > 0);
            }
            store.close().await;
            in_time
        })
    });
    let mut in_time = 0;
    for lane in lanes.collect::<Vec<_>>() {
        in_time += lane.await.unwrap();
    }
    let rounds = rounds();
    println!("{in_time} of {rounds} were stopped with archives written down");
    assert!(in_time > rounds / 4, "only {in_time} of {rounds} were stopped in time");
}
