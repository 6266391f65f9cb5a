//! Killed with SIGKILL at any moment and started again, a campaign ends as if nothing had happened.

use std::time::{Duration, Instant};

use pappus_tests::cluster::{shared_postgres, shared_s3};

use super::scene::{Line, Scene, ended_well, until};
use super::{postgres_pod, sqlite_pod};
use crate::support::{number, setting};

/// Accounts of the pods that are exported again and again.
const ACCOUNTS: usize = 240;
/// Accounts where something must happen before all of them are exported.
const MANY: usize = 900;

/// Numbers that are random enough for a test (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        use std::hash::{BuildHasher as _, Hasher as _};
        let seed = setting("PAPPUS_TEST_SEED", std::hash::RandomState::new().build_hasher().finish());
        println!("PAPPUS_TEST_SEED={seed}");
        Self(seed)
    }

    fn moment(&mut self, most: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let micros = u64::try_from(most.as_micros()).unwrap();
        Duration::from_micros((mixed ^ (mixed >> 31)) % micros)
    }
}

/// Everybody is stored, once.
fn all_done(lines: &[Line], accounts: usize) {
    assert_eq!(lines.len(), accounts);
    let mut files: Vec<&str> = lines.iter().filter_map(|line| line.file.as_deref()).collect();
    files.sort_unstable();
    files.dedup();
    assert_eq!(files.len(), accounts);
    for line in lines {
        assert_eq!(line.state, "done", "{line:?}");
    }
}

/// Kills it so often, or until it has ended before that; campaigns with names of their own, until there were
/// enough kills.
async fn killed(scene: &Scene, kills: u32) {
    let mut dice = Dice::new();
    let (mut killed, mut round) = (0, 0);
    while killed < kills {
        round += 1;
        let name = format!("round{round}");
        let out = scene.out();
        let arguments = || {
            let mut arguments = scene.export(&["--plain", "--name", &name, "--lease", "2"]);
            let place = arguments.iter().position(|argument| *argument == out.display().to_string()).unwrap();
            arguments[place] = out.join(&name).display().to_string();
            arguments
        };
        loop {
            let mut child = scene.start(arguments());
            let until =
                Instant::now() + Duration::from_millis(100) + dice.moment(Duration::from_millis(1200));
            let ended = loop {
                if let Some(status) = child.try_wait().unwrap() {
                    break Some(status);
                }
                if Instant::now() >= until {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    break None;
                }
                std::thread::sleep(Duration::from_millis(1));
            };
            match ended {
                None => killed += 1,
                Some(status) => {
                    assert!(matches!(status.code(), Some(0 | 10)), "{status:?}");
                    break;
                }
            }
        }
        all_done(&scene.accounts(&name).await, ACCOUNTS);
        scene.is_whole(&name, ACCOUNTS as u64);
    }
    println!("{killed} kills in {round} campaigns");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_many_moments_on_postgresql() {
    let pod = postgres_pod("campaign_killed", ACCOUNTS).await;
    let mut scene = Scene::of(tempfile::tempdir().unwrap(), pod).await;
    scene.store = Some(shared_postgres().await.unwrap().create_database("campaign_store").await.unwrap());
    killed(&scene, setting("PAPPUS_TEST_KILLS", 24)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_many_moments_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let pod = sqlite_pod("campaign_killed_too", ACCOUNTS, folder.path()).await;
    let scene = Scene::of(folder, pod).await;
    killed(&scene, setting("PAPPUS_TEST_KILLS", 12)).await;
}

/// Two programs with folders of their own, as on two machines: work is shared, and what the one that is killed had
/// in hand is done by the other within the lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_workers() {
    let pod = postgres_pod("campaign_two", ACCOUNTS).await;
    let mut scene = Scene::of(tempfile::tempdir().unwrap(), pod).await;
    let s3 = shared_s3().await.unwrap();
    s3.create_bucket("campaign-two").await.unwrap();
    scene.environment = s3.environment("AKIA", "secret");
    scene.bucket = Some("s3://campaign-two/pod".to_owned());
    scene.store = Some(shared_postgres().await.unwrap().create_database("campaign_two_store").await.unwrap());
    // The other machine has the pod's archive key, and nothing else.
    let there = scene.path("there/pods/closing.example");
    std::fs::create_dir_all(&there).unwrap();
    let key = scene.path("state/pods/closing.example/archive-key.pem");
    std::fs::copy(key, there.join("archive-key.pem")).unwrap();
    let options = ["--plain", "--name", "two", "--lease", "3", "--workers", "1"];
    let mut first = scene.start(scene.export(&options));
    let mut arguments = vec!["worker".to_owned(), "--campaign".to_owned(), "two".to_owned()];
    arguments.extend(scene.places("there"));
    arguments.extend(["--no-gentle", "--lease", "3", "--workers", "1"].map(str::to_owned));
    // There is nothing to join before the list is written.
    let store = scene.open_store().await;
    let running = "SELECT COUNT(*) FROM pappus_campaigns WHERE state = 'running'";
    until(&mut first, async || number(&store, running).await == 1).await;
    let mut second = scene.start(arguments);
    let workers = "SELECT COUNT(DISTINCT worker) FROM pappus_campaign_accounts WHERE state = 'running'";
    until(&mut first, async || number(&store, workers).await == 2).await;
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(matches!(second.wait().unwrap().code(), Some(0 | 10)));
    let lines = scene.accounts("two").await;
    all_done(&lines, ACCOUNTS);
    assert!(lines.iter().any(|line| line.attempts == 2), "the first had nothing in hand");
    assert!(lines.iter().filter(|line| line.attempts == 2).count() < ACCOUNTS / 2);
    scene.is_whole("two", ACCOUNTS as u64);
}

/// Told to stop, it finishes what is begun and gives the rest back at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_stop() {
    let pod = postgres_pod("campaign_stopped", MANY).await;
    let scene = Scene::of(tempfile::tempdir().unwrap(), pod).await;
    let options = ["--plain", "--name", "stopped", "--lease", "3600"];
    let mut child = scene.start(scene.export(&options));
    let done = "SELECT COUNT(*) FROM pappus_campaign_accounts WHERE state = 'done'";
    let store = scene.open_store().await;
    until(&mut child, async || number(&store, done).await > 0).await;
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let lines = scene.accounts("stopped").await;
    let (done, pending) = (count(&lines, "done"), count(&lines, "pending"));
    assert!(done > 0 && pending > 0 && done + pending == MANY, "{done} {pending}");
    // Nobody waits for the lease.
    ended_well(&scene.run(&options));
    all_done(&scene.accounts("stopped").await, MANY);
    assert!(scene.accounts("stopped").await.iter().all(|line| line.attempts == 1));
    scene.is_whole("stopped", MANY as u64);
}

fn count(lines: &[Line], state: &str) -> usize {
    lines.iter().filter(|line| line.state == state).count()
}
