//! A thousand contacts on a hundred pods are told of a move by `pappus announce` and `pappus deliver` as
//! programs, which are killed with SIGKILL in the middle. A third of the pods are dead. Ten times as much is
//! measured by `make bench`; `PAPPUS_TEST_PODS=1000` does this with ten times as much.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use pappus_tests::crowd::Crowd;
use pappus_tests::network::{Manner, Network};
use pappus_tests::program::programs;
use pappus_tests::schema::Pool;
use pappus_tests::watched::{Watched, watch};
use serde_json::Value;
use sqlx::Row as _;
use sqlx::sqlite::{SqlitePool, SqliteRow};
use tokio::runtime::Handle;

/// Contacts on each pod.
const CONTACTS: usize = 10;
/// Of one pod's deliveries so many are on their way at once.
const PER_POD: usize = 2;
/// Longer than the programs may work, also on a busy machine.
const PATIENCE: Duration = Duration::from_mins(4);
/// The most memory either program may take, in kB.
const MEMORY: u64 = 128 << 10;

/// One row of the ledger.
struct Delivery {
    id: i64,
    pod: String,
    url: String,
    state: String,
    body: Vec<u8>,
}

impl Delivery {
    fn read(row: &SqliteRow) -> Self {
        Self { id: row.get(0), pod: row.get(1), url: row.get(2), state: row.get(3), body: row.get(4) }
    }
}

/// How often each one was on its way when the program was killed.
type OnTheirWay = HashMap<i64, usize>;

struct Ledger(SqlitePool);

impl Ledger {
    async fn open(path: &Path) -> Self {
        Self(SqlitePool::connect(&format!("sqlite:{}", path.display())).await.unwrap())
    }

    async fn deliveries(&self) -> Vec<Delivery> {
        let sql = "SELECT id, pod, url, state, body FROM pappus_deliveries";
        let rows = sqlx::query(sql).fetch_all(&self.0).await.unwrap();
        rows.iter().map(Delivery::read).collect()
    }

    /// How many there are so far; nothing before the table is there.
    fn length(&self) -> usize {
        let count = sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM pappus_deliveries").fetch_one(&self.0);
        let count = tokio::task::block_in_place(|| Handle::current().block_on(count));
        usize::try_from(count.unwrap_or_default()).unwrap()
    }

    /// As if every pod had processed the move: what is tested is that everything arrives, not the order.
    async fn let_every_pod_process(&self) {
        let sql = "INSERT INTO pappus_move_pods (import_id, pod, told_at, opens_at, confirmed_at) \
                   SELECT DISTINCT import_id, pod, 0, 0, 0 FROM pappus_deliveries";
        sqlx::query(sql).execute(&self.0).await.unwrap();
    }

    /// As if the minute were over for which killed programs keep their pods.
    async fn let_a_minute_pass(&self) {
        sqlx::query("UPDATE pappus_delivery_pods SET lease_until = 1").execute(&self.0).await.unwrap();
    }
}

/// The old pod, and those of the contacts in the archive whom the target does not know: nobody finds their names.
const NOWHERE: usize = 4;

fn pods() -> usize {
    crate::support::setting("PAPPUS_TEST_PODS", 100)
}

fn json(ended: &Watched) -> Value {
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    assert!(ended.memory < MEMORY, "{} kB", ended.memory);
    serde_json::from_str(&ended.stdout).unwrap()
}

/// To the end, which comes in time.
fn finished(command: Command, crowd: &Crowd) -> Watched {
    let started = Instant::now();
    watch(command, &crowd.folder, || started.elapsed() > PATIENCE).unwrap()
}

/// `pappus announce`, killed a few times while it fills the ledger; what it has queued then is there once.
fn announced(crowd: &Crowd, ledger: &Ledger, contacts: usize) -> Value {
    let mut killed = 0;
    for quarter in 1..4 {
        // Odd, so that somebody may have half of what is theirs.
        let enough = contacts * quarter / 2 + 37;
        let ended = watch(crowd.announce(), &crowd.folder, || ledger.length() >= enough).unwrap();
        // On a busy machine it may have ended before that was seen.
        killed += u32::from(ended.killed);
    }
    assert!(killed > 0);
    let ended = finished(crowd.announce(), crowd);
    let announced = json(&ended);
    println!("announced, at last in {:?} with {} kB", ended.took, ended.memory);
    let again = json(&finished(crowd.announce(), crowd));
    assert_eq!(again["queued"], 0);
    announced
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_live_pod_is_told_once_whoever_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("target.sqlite3").display());
    let network = Network::start().await.unwrap();
    let (pods, contacts) = (pods(), pods() * CONTACTS);
    let pappus = programs().join("pappus");
    let crowd = Crowd::gather(&pappus, folder.path(), &database, &network, (contacts, pods)).await.unwrap();
    let ledger = Ledger::open(&crowd.store()).await;
    let announced = announced(&crowd, &ledger, contacts);
    let told = pods + NOWHERE;
    // The contacts in the archive, whom the target does not know, get messages of their own as well.
    let people =
        contacts + announced["unknown"].as_u64().and_then(|more| usize::try_from(more).ok()).unwrap();
    assert_eq!((&announced["pods"], &announced["people"]), (&told.into(), &people.into()));
    assert!(ledger.deliveries().await.len() >= told + contacts * 2);
    ledger.let_every_pod_process().await;

    let deliver = || crowd.command(&["deliver", "--assume-reachable"]);
    let mut on_their_way = OnTheirWay::new();
    for (kill, requests) in [pods / 3, pods * 3, pods * 7].into_iter().enumerate() {
        let before = network.clone();
        let ended = watch(deliver(), &crowd.folder, || before.requests() >= requests).unwrap();
        assert!(ended.killed, "{ended:?}");
        note_what_was_on_its_way(&ledger, &network, &mut on_their_way).await;
        if kill == 0 {
            the_next_one_says_what_is_held(&crowd);
        }
        ledger.let_a_minute_pass().await;
    }
    let started = Instant::now();
    let ended = finished(deliver(), &crowd);
    let report = json(&ended);
    let live = network.last().unwrap() - started;
    println!(
        "the rest told in {live:?}, ended after {:?}; {} kB, {} files, {} on their way when killed",
        ended.took,
        ended.memory,
        ended.files,
        on_their_way.len()
    );
    everybody_got_theirs(&ledger, &network, &on_their_way).await;
    assert_eq!(report["all"]["sending"], 0);
    assert_eq!(report["held"], 0);
    assert!(report["next_due"].is_string(), "those that do not answer now are tried again: {report}");
    let pool = Pool::connect(&database).await.unwrap();
    let sql = "SELECT COUNT(*) FROM account_migrations WHERE completed_at IS NOT NULL";
    assert_eq!(pool.number(sql).await.unwrap(), 1);
}

/// What a live pod has got and the ledger does not know of; not more than a pod is sent at once.
async fn note_what_was_on_its_way(ledger: &Ledger, network: &Network, on_their_way: &mut OnTheirWay) {
    let mut pods: HashMap<String, usize> = HashMap::new();
    for delivery in ledger.deliveries().await {
        let known = on_their_way.get(&delivery.id).copied().unwrap_or_default();
        if delivery.state == "sending" && network.times(&delivery.url, &delivery.body) > known {
            *on_their_way.entry(delivery.id).or_default() += 1;
            *pods.entry(delivery.pod).or_default() += 1;
        }
    }
    assert!(pods.values().all(|times| *times <= PER_POD), "{pods:?}");
}

/// Who starts it again at once is told why nothing happens, and until when.
fn the_next_one_says_what_is_held(crowd: &Crowd) {
    let ended = finished(crowd.command(&["deliver", "--assume-reachable"]), crowd);
    let report = json(&ended);
    assert_eq!(ended.code, Some(10), "not all has arrived");
    assert!(report["held"].as_u64().unwrap() > 500, "{report}");
    assert!(report["next_due"].is_string(), "{report}");
}

async fn everybody_got_theirs(ledger: &Ledger, network: &Network, on_their_way: &OnTheirWay) {
    assert_eq!(network.followed(), 0, "redirects are not followed");
    let manners: HashMap<String, Manner> = (0..pods())
        .map(|pod| {
            let (host, port) = network.address(pod);
            (format!("{host}:{port}"), Manner::of(pod))
        })
        .collect();
    let mut repeated = 0;
    for delivery in ledger.deliveries().await {
        let Some(manner) = manners.get(&delivery.pod) else { continue };
        let times = network.times(&delivery.url, &delivery.body);
        let expected = match manner {
            manner if manner.lives() => "delivered",
            _ => "queued",
        };
        assert_eq!(delivery.state, expected, "{}: {manner:?}", delivery.pod);
        if expected != "queued" {
            let most = 1 + on_their_way.get(&delivery.id).copied().unwrap_or_default();
            assert!(
                (1..=most).contains(&times),
                "{}, {manner:?}: {times} times instead of {most}",
                delivery.pod
            );
            repeated += times - 1;
        }
    }
    println!("{repeated} came again");
    let told = (0..pods()).filter(|pod| Manner::of(*pod).lives());
    assert!(told.into_iter().all(|pod| network.moves(pod) >= 1));
}
