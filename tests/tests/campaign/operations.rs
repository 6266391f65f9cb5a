//! What a podmin does with a campaign while it goes on.

use std::process::Stdio;
use std::time::{Duration, Instant};

use pappus_engine::campaign::{BusyCheck, is_in_use};
use pappus_engine::pod::config::PodUrl;
use pappus_engine::pod::database::Snapshot;
use pappus_engine::sql::DatabaseUrl;
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::schema::Pool;

use super::postgres_pod;
use super::scene::{Line, Scene, ended_well};
use crate::support::number;

/// Accounts of the pods here.
const ACCOUNTS: usize = 400;

async fn until<F: Future<Output = bool>>(so: impl Fn() -> F) {
    let end = Instant::now() + Duration::from_mins(2);
    while !so().await {
        assert!(Instant::now() < end, "it was too late");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn count(lines: &[Line], state: &str) -> usize {
    lines.iter().filter(|line| line.state == state).count()
}

const DONE: &str = "SELECT COUNT(*) FROM pappus_campaign_accounts WHERE state = 'done'";
const RUNNING: &str = "SELECT COUNT(*) FROM pappus_campaigns WHERE state = 'running'";
const IN_HAND: &str = "SELECT COUNT(*) FROM pappus_campaign_accounts WHERE state = 'running'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paused_resumed_and_cancelled() {
    let pod = postgres_pod("campaign_paused", ACCOUNTS).await;
    let scene = Scene::of(tempfile::tempdir().unwrap(), pod).await;
    let mut child = scene.start(scene.export(&["--plain", "--name", "held", "--workers", "1"]));
    let store = scene.open_store().await;
    until(|| async { number(&store, RUNNING).await == 1 }).await;
    until(|| async { number(&store, DONE).await > 0 }).await;
    assert_eq!(scene.pappus("campaign", &["pause", "held"]).code, Some(0));
    until(|| async { number(&store, IN_HAND).await == 0 }).await;
    let held = number(&store, DONE).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(number(&store, DONE).await, held);
    let status = scene.status("held");
    assert_eq!((&status["campaign"]["state"], &status["totals"]["running"]), (&"paused".into(), &0.into()));
    assert_eq!(status["workers"].as_array().unwrap().len(), 1);
    assert!(child.try_wait().unwrap().is_none(), "it did not wait");
    assert_eq!(scene.pappus("campaign", &["resume", "held"]).code, Some(0));
    assert!(matches!(child.wait().unwrap().code(), Some(0 | 10)));
    assert_eq!(count(&scene.accounts("held").await, "done"), ACCOUNTS);
    scene.is_whole("held", ACCOUNTS as u64);
    let ended = scene.pappus("campaign", &["pause", "held"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("is finished and cannot be paused"), "{ended:?}");

    let mut child = scene.start(scene.export(&["--plain", "--name", "dropped", "--workers", "1"]));
    until(|| async { number(&store, DONE).await > i64::try_from(ACCOUNTS).unwrap() }).await;
    assert_eq!(scene.pappus("campaign", &["cancel", "dropped"]).code, Some(0));
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let lines = scene.accounts("dropped").await;
    assert!(count(&lines, "pending") > 0 && count(&lines, "running") == 0);
    assert_eq!(scene.pappus("campaign", &["resume", "dropped"]).code, Some(1));
    let ended = scene.run(&["--plain", "--name", "dropped"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("cancelled"), "{ended:?}");
    store.close().await;
}

/// Archives of one campaign are signed with one key.
#[tokio::test]
async fn a_machine_with_another_archive_key() {
    let scene = Scene::sample(None).await;
    let reserve = super::scene::all_but_a_little(&scene.path(""));
    let options = ["--plain", "--name", "keys", "--patience", "0", "--reserve", &reserve];
    assert_eq!(scene.run(&options).code, Some(1));
    std::fs::remove_file(scene.path("state/pods/closing.example/archive-key.pem")).unwrap();
    let ended = scene.run(&["--plain", "--name", "keys"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("Copy archive-key.pem"), "{ended:?}");
    assert_eq!(count(&scene.accounts("keys").await, "pending"), 13);
}

#[tokio::test]
async fn only_what_has_changed_since() {
    let scene = Scene::sample(Some(
        shared_postgres().await.unwrap().create_database("campaign_changed").await.unwrap(),
    ))
    .await;
    ended_well(&scene.run(&["--plain", "--name", "first"]));
    let ended = scene.run(&["--plain", "--name", "early", "--since", "none"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("no campaign \"none\""), "{ended:?}");
    // Somebody's post, somebody else's comment on it, and somebody who only looked.
    let now = "'2026-11-26 12:00:00'";
    let clara = "(SELECT id FROM people WHERE diaspora_handle = 'clara@closing.example')";
    scene
        .sql(&format!(
            "INSERT INTO posts (author_id, public, guid, type, text, created_at, updated_at, interacted_at) \
             VALUES ({clara}, true, 'newpost0123456789', 'StatusMessage', 'new', {now}, {now}, {now})"
        ))
        .await;
    let (lotte, post) = (
        "(SELECT id FROM people WHERE diaspora_handle = 'lotte@closing.example')",
        "(SELECT min(p.id) FROM posts p JOIN people a ON a.id = p.author_id \
         WHERE a.diaspora_handle = 'ida@closing.example')",
    );
    // Its author's clock says it is old; the pod has it since now.
    scene
        .sql(&format!(
            "INSERT INTO comments (text, commentable_id, commentable_type, author_id, guid, created_at, updated_at) \
             VALUES ('late', {post}, 'Post', {lotte}, 'latecomment012345', '2020-01-01 00:00:00', {now})"
        ))
        .await;
    scene.sql(&format!("UPDATE users SET last_seen = {now} WHERE username = 'ruth'")).await;
    ended_well(&scene.run(&["--plain", "--name", "second", "--since", "first"]));
    let lines = scene.accounts("second").await;
    let done: Vec<&str> =
        lines.iter().filter(|line| line.state == "done").map(|line| line.username.as_str()).collect();
    assert_eq!(done, ["clara", "ida", "lotte", "ruth"]);
    for line in lines.iter().filter(|line| line.state != "done") {
        assert_eq!(line.state, "skipped");
        let reason = line.reason.as_deref().unwrap();
        assert!(reason.contains("unchanged since the campaign \"first\""), "{reason}");
        assert!(line.file.as_deref().unwrap().starts_with(&line.account), "{line:?}");
    }
    // What was skipped is still good enough for the one after.
    ended_well(&scene.run(&["--plain", "--name", "third", "--since", "second"]));
    assert_eq!(count(&scene.accounts("third").await, "skipped"), 9);
    scene.is_whole("second", 4);
}

/// One account at a time, with rests, and none while the pod's database is busy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gently() {
    let pod = postgres_pod("campaign_gentle", 40).await;
    let scene = Scene::of(tempfile::tempdir().unwrap(), pod.clone()).await;
    let Pool::Postgres(users) = Pool::connect(&pod).await.unwrap() else { panic!("PostgreSQL") };
    // Two statements that take long: the database is busy.
    let busy: Vec<_> = (0..2)
        .map(|_| {
            let users = users.clone();
            tokio::spawn(async move { sqlx::query("SELECT pg_sleep(6)").execute(&users).await.unwrap() })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    // With somebody else connected, nobody needs to ask for it.
    let mut arguments = scene.export(&["--plain", "--name", "gentle"]);
    arguments.retain(|argument| argument != "--no-gentle");
    let mut child = scene.start(arguments);
    let store = scene.open_store().await;
    until(|| async { number(&store, RUNNING).await == 1 }).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let meanwhile = number(&store, DONE).await;
    assert!(meanwhile <= 2, "{meanwhile} accounts while the database was busy");
    // Behind the last bracket, the nineteenth field of all is the priority.
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let nice = stat.rsplit(')').next().unwrap().split_whitespace().nth(16).unwrap();
    assert_eq!(nice, "19");
    for statement in busy {
        statement.await.unwrap();
    }
    assert!(matches!(child.wait().unwrap().code(), Some(0 | 10)));
    assert_eq!(count(&scene.accounts("gentle").await, "done"), 40);
    store.close().await;
}

#[tokio::test]
async fn what_is_asked_for_must_make_sense() {
    let scene = Scene::sample(None).await;
    let refused = |arguments: &[&str], words: &str| {
        let ended = scene.run(arguments);
        assert!(matches!(ended.code, Some(1 | 2)) && ended.stderr.contains(words), "{ended:?}");
    };
    refused(&["--plain", "--only", "sometimes"], "--only takes all, active-month");
    refused(&["--plain", "--only", "file:/nowhere"], "/nowhere");
    refused(&["--encrypt-to", "age1nobody"], "age1nobody");
    for command in ["pause", "resume", "cancel", "retry"] {
        let ended = scene.pappus("campaign", &[command, "nothing"]);
        assert!(ended.code == Some(1) && ended.stderr.contains("no campaign \"nothing\""), "{ended:?}");
    }
    let ended = scene.pappus("campaign", &["--json"]);
    assert_eq!(crate::support::document(&ended)["campaigns"], serde_json::json!([]));
    let mut worker = vec!["worker".to_owned()];
    worker.extend(scene.places("state"));
    let ended = pappus_tests::program::pappus(worker).unwrap();
    assert!(ended.code == Some(1) && ended.stderr.contains("no campaign of this pod is open"), "{ended:?}");
}

/// Machines are told: a line for each account, and numbers for Prometheus while it goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_and_numbers() {
    let pod = postgres_pod("campaign_numbers", ACCOUNTS).await;
    let scene = Scene::of(tempfile::tempdir().unwrap(), pod).await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let log = scene.path("log");
    let options =
        ["--plain", "--name", "told", "--workers", "1", "--log", "json", "--metrics", &port.to_string()];
    let mut child = scene
        .command(scene.export(&options))
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut last = String::new();
    while child.try_wait().unwrap().is_none() {
        if let Ok(answer) = reqwest::get(format!("http://{port}/metrics")).await {
            last = answer.text().await.unwrap_or(last);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(matches!(child.wait().unwrap().code(), Some(0 | 10)));
    for name in ["pappus_accounts_total{state=\"done\"}", "pappus_campaign_accounts{state=\"pending\"}"] {
        assert!(last.lines().any(|line| line.starts_with(name)), "{last}");
    }
    assert!(last.contains("pappus_account_seconds_bucket"), "{last}");
    let log = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let done = |line: &&serde_json::Value| line["message"] == "account" && line["state"] == "done";
    assert_eq!(lines.iter().filter(done).count(), ACCOUNTS);
}

/// With consent, people can still be recognised when the pod is gone.
#[tokio::test]
async fn sign_in_data_comes_along() {
    let scene = Scene::sample(None).await;
    ended_well(&scene.run(&["--name", "kept", "--keep-sign-in"]));
    let store = scene.open_store().await;
    assert_eq!(number(&store, "SELECT COUNT(*) FROM pappus_sign_in").await, 13);
    ended_well(&scene.run(&["--name", "other"]));
    store.close().await;
}

/// Statements of others that are under way are counted, our own are not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whether_a_database_is_busy() {
    let postgres = shared_postgres().await.unwrap().create_database("campaign_busy").await.unwrap();
    let mariadb = shared_mariadb().await.unwrap().create_database("campaign_busy").await.unwrap();
    let sqlite = Scene::sample(None).await;
    for (url, wait) in [(postgres, "SELECT pg_sleep(3)"), (mariadb, "SELECT SLEEP(3)")] {
        let address = DatabaseUrl::parse(&url).unwrap();
        // Nothing listens there.
        let pod = PodUrl::parse("http://127.0.0.1:9/").unwrap();
        assert!(!is_in_use(&pod, &address).await.unwrap(), "{url}");
        let mut busy = BusyCheck::open(&address).await.unwrap();
        assert!(!busy.is_busy().await.unwrap(), "{url}");
        let pool = Pool::connect(&url).await.unwrap();
        let waiting: Vec<_> = (0..2)
            .map(|_| {
                let pool = pool.clone();
                tokio::spawn(async move { pool.execute(wait).await.unwrap() })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(busy.is_busy().await.unwrap(), "{url}");
        assert!(is_in_use(&pod, &address).await.unwrap(), "{url}");
        for statement in waiting {
            statement.await.unwrap();
        }
        assert!(!busy.is_busy().await.unwrap(), "{url}");
        pool.close().await;
    }
    let mut busy = BusyCheck::open(&DatabaseUrl::parse(&sqlite.database).unwrap()).await.unwrap();
    assert!(!busy.is_busy().await.unwrap());
}

/// What is written after the first connection has begun, none of the others sees.
#[tokio::test]
async fn one_snapshot_for_all() {
    let url = shared_postgres().await.unwrap().create_database("campaign_shared").await.unwrap();
    let pool = Pool::connect(&url).await.unwrap();
    pool.execute("CREATE TABLE things (id bigint)").await.unwrap();
    let address = DatabaseUrl::parse(&url).unwrap();
    let mut first = Snapshot::open(&address).await.unwrap();
    let shared = first.share().await.unwrap().unwrap();
    pool.execute("INSERT INTO things VALUES (1)").await.unwrap();
    let mut second = Snapshot::open_shared(&address, &shared).await.unwrap();
    let mut own = Snapshot::open(&address).await.unwrap();
    for (snapshot, expected) in [(&mut first, 0), (&mut second, 0), (&mut own, 1)] {
        let rows = snapshot.rows("things", "SELECT id FROM things".to_owned(), &[]).await.unwrap();
        assert_eq!(rows.len(), expected);
    }
    drop(first);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(Snapshot::open_shared(&address, &shared).await.is_err());
}
