//! Somebody with 353 friends on 104 pods moves: what is left of the friendships on the friends' pods and on the target
//! pod, whatever the pods' queues do, and whenever the program is killed.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use chrono::TimeDelta;
use pappus_engine::delivery::{Clock as _, Ledger, Options, Scope, System, TargetPod, deliver};
use pappus_engine::pod::config::PodUrl;
use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::Store;
use pappus_tests::program::programs;
use pappus_tests::twin::clock::TwinClock;
use pappus_tests::twin::pod::{Delays, Software};
use pappus_tests::twin::scene::{FriendsPod, Scene};
use pappus_tests::twin::transport::TwinTransport;
use tokio_util::sync::CancellationToken;

pub(super) const URL: &str = "https://haven.example/";

pub(super) fn pods() -> Vec<FriendsPod> {
    let pod = |host: String, software, friends| FriendsPod { host, software, friends };
    let large = std::iter::once(pod("large.example".to_owned(), Software::Diaspora, 53));
    let small = (0..100).map(|number| pod(format!("pod{number}.example"), Software::Diaspora, 3));
    let hubs = (0..3).map(|number| pod(format!("hub{number}.example"), Software::Hubzilla, 2));
    large.chain(small).chain(hubs).collect()
}

/// As many as there are friends.
pub(super) fn all() -> usize {
    pods().iter().map(|pod| pod.friends).sum()
}

/// A number below `limit` that follows from a seed, the same each time.
pub(super) fn random(seed: u64, limit: i64) -> i64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x1234_5678_9ABC_DEF1);
    state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    i64::try_from((state ^ (state >> 31)) >> 1).unwrap() % limit
}

pub(super) async fn scene(folder: &tempfile::TempDir) -> Scene {
    let database = format!("sqlite:{}", folder.path().join("target.sqlite3").display());
    let pappus = programs().join("pappus");
    Scene::build(&pappus, folder.path(), &database, URL, &pods()).await.unwrap()
}

/// Queues of up to ten minutes, and now and then a first try that fails.
fn make_slow(scene: &Scene, seed: u64) {
    for (number, pod) in (0..).zip(scene.world.inner().pods.values_mut()) {
        pod.delays = Delays {
            urgent: random(seed + number, 60_000),
            high: random(seed + 1000 + number, 600_000),
            race: random(seed + 2000 + number, 3) == 0,
        };
    }
}

pub(super) fn announced(scene: &Scene, more: &[&str]) -> serde_json::Value {
    let output = scene.announce(more).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 10)), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

pub(super) async fn open_store(scene: &Scene) -> Store {
    Store::open(&DatabaseUrl::from_file(&scene.store()).unwrap()).await.unwrap()
}

pub(super) fn target(scene: &Scene) -> TargetPod {
    TargetPod::new(&DatabaseUrl::parse(&scene.database).unwrap(), &PodUrl::parse(URL).unwrap())
}

pub(super) fn clock(scene: &Scene) -> TwinClock {
    TwinClock::new(&scene.world, &scene.home)
}

pub(super) fn never() -> CancellationToken {
    CancellationToken::new()
}

/// Delivers until nothing is left, but for an old pod that no longer runs, and lets the pods do their work.
pub(super) async fn deliver_all(scene: &Scene, clock: &TwinClock) {
    let store = open_store(scene).await;
    let host = scene.host().to_owned();
    let transport = TwinTransport { world: &scene.world, home: &scene.home, home_host: &host, clock };
    let (target, ledger) = (target(scene), Ledger::new(&store));
    let start = clock.now();
    loop {
        deliver(&store, &transport, Some(&target), clock, &Options::default(), never()).await.unwrap();
        let all = ledger.counts(Scope::All).await.unwrap();
        let old_pod = ledger.counts(Scope::Pod("closing.example")).await.unwrap();
        let old_pod_runs = scene.world.inner().pods.contains_key("closing.example");
        let unreachable = if old_pod_runs { 0 } else { old_pod.queued };
        if all.queued + all.sending == unreachable {
            break;
        }
        // After two hours only long graces are waited for.
        let is_begun = clock.now() - start > TimeDelta::hours(2);
        clock.pass(if is_begun { TimeDelta::minutes(10) } else { TimeDelta::seconds(30) }).await;
    }
    while !scene.world.is_idle() {
        clock.pass(TimeDelta::minutes(10)).await;
    }
    target.record_friends(&store, clock.now(), TimeDelta::zero()).await.unwrap();
    store.close().await;
}

async fn friends(scene: &Scene) -> (i64, i64) {
    let store = open_store(scene).await;
    let friends = Ledger::new(&store).friends(Scope::All).await.unwrap();
    store.close().await;
    (friends.back, friends.all)
}

pub(super) async fn everybody_is_a_friend(scene: &Scene) {
    let (kept, lost) = scene.kept();
    assert_eq!((kept, lost), (all(), Vec::new()));
    let on_diaspora = i64::try_from(all() - 6).unwrap();
    let (back, in_aspect) = scene.back().await.unwrap();
    assert_eq!(back, on_diaspora, "friends who share with the new account, on the target pod");
    assert_eq!(in_aspect, i64::try_from(all()).unwrap(), "friends in the account's own aspect");
    assert_eq!(friends(scene).await, (on_diaspora, i64::try_from(all()).unwrap()));
}

/// Posts in public and for friends alone; how many of both each friend has got.
async fn read_by(scene: &Scene, clock: &TwinClock) -> Vec<(String, usize)> {
    scene.post(clock.millis()).await.unwrap();
    clock.pass(TimeDelta::minutes(10)).await;
    scene.read_by()
}

async fn everybody_reads_what_is_posted(scene: &Scene, clock: &TwinClock) {
    let read = read_by(scene, clock).await;
    assert_eq!(read.len(), all());
    let without: Vec<_> = read.into_iter().filter(|(_, posts)| *posts != 2).collect();
    assert!(without.is_empty(), "{without:?}");
}

/// Hubzilla stores nothing of an account before its user permits it to post: what the move alone would leave.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hubzilla_refuses_posts_of_whoever_sent_no_contact() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    announced(&scene, &[]);
    // As for diaspora*: the move comes first.
    let store = open_store(&scene).await;
    let hubs: Vec<String> = (0..3).map(|number| format!("hub{number}.example")).collect();
    Ledger::new(&store).recognise(&hubs, System::Diaspora).await.unwrap();
    store.close().await;
    let clock = clock(&scene);
    deliver_all(&scene, &clock).await;
    let read = read_by(&scene, &clock).await;
    let (hubs, pods): (Vec<_>, Vec<_>) = read.into_iter().partition(|(friend, _)| friend.contains("@hub"));
    assert_eq!((hubs.len(), pods.len()), (6, all() - 6));
    assert!(hubs.iter().all(|(_, posts)| *posts == 0), "{hubs:?}");
    assert!(pods.iter().all(|(_, posts)| *posts == 2), "{pods:?}");
    let inner = scene.world.inner();
    assert!((0..3).all(|number| inner.pods[&format!("hub{number}.example")].posts.is_empty()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_friend_is_kept_whatever_the_queues_do() {
    for seed in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let scene = scene(&folder).await;
        make_slow(&scene, seed * 10_000);
        if seed == 1 {
            // The old pod is still there, and closes the account as well.
            scene.add_old_pod().await.unwrap();
        }
        let told = announced(&scene, &[]);
        assert_eq!(told["friends"], all());
        let clock = clock(&scene);
        let start = clock.now();
        deliver_all(&scene, &clock).await;
        everybody_is_a_friend(&scene).await;
        let closes = scene.world.inner().pods.get("closing.example").map(|pod| pod.performed.len());
        assert_eq!(closes, (seed == 1).then_some(1), "the old pod has closed the account");
        assert!(clock.now() - start < TimeDelta::hours(4), "seed {seed}: {}", clock.now() - start);
        // Nobody is told what they know: whoever is back needs no Contact.
        let posts = scene.world.inner().posts.clone();
        let personal = posts.iter().filter(|(_, path, _)| path.starts_with("/receive/users/")).count();
        assert!(personal < all() + all() / 2, "{personal} messages of their own for {} friends", all());
        everybody_reads_what_is_posted(&scene, &clock).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_that_says_nothing_is_given_half_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    // Eleven hours behind with moves, up to date with what is urgent: an early Contact would overtake the move.
    for pod in scene.world.inner().pods.values_mut() {
        pod.delays = Delays { urgent: 1_000, high: 11 * 3_600_000, race: false };
    }
    announced(&scene, &[]);
    let clock = clock(&scene);
    deliver_all(&scene, &clock).await;
    everybody_is_a_friend(&scene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn announcement_and_deliveries_count_the_same_friends() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    assert_eq!(announced(&scene, &[])["friends"], all());
    // Two of them close their accounts, and are friends in the ledger for ever.
    let pool = pappus_tests::schema::Pool::connect(&scene.database).await.unwrap();
    let sql = "UPDATE people SET closed_account = 1 WHERE diaspora_handle IN ('friend0@pod0.example', 'friend1@pod0.example')";
    pool.execute(sql).await.unwrap();
    pool.close().await;
    let again = announced(&scene, &[]);
    let report = scene.command(&["deliveries"]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(again["friends"], report["friends"]["all"]);
    let pods = report["pods"].as_array().unwrap().iter();
    let of_pods: i64 = pods.map(|pod| pod["friends"]["all"].as_i64().unwrap()).sum();
    assert_eq!(again["friends"], of_pods);
}

/// The pods of these tests are worth something: they do what real ones did with the order that this replaced.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_that_overtakes_the_move_ends_the_friendship() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    announced(&scene, &[]);
    for pod in scene.world.inner().pods.values_mut() {
        pod.delays = Delays { urgent: 0, high: 30_000, race: false };
    }
    // As if every pod had processed the move before it was told.
    let store = open_store(&scene).await;
    let sql = "INSERT INTO pappus_move_pods (import_id, pod, told_at, opens_at, confirmed_at) \
               SELECT DISTINCT import_id, pod, 0, 0, 0 FROM pappus_deliveries";
    store.execute("opening", sql, &[]).await.unwrap();
    store.close().await;
    let clock = clock(&scene);
    deliver_all(&scene, &clock).await;
    let hubzilla = 6;
    assert_eq!(scene.kept().0, hubzilla);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_friend_is_kept_when_it_is_killed_at_fifty_points() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    make_slow(&scene, 77);
    announced(&scene, &[]);
    let clock = clock(&scene);
    let host = scene.host().to_owned();
    let transport = TwinTransport { world: &scene.world, home: &scene.home, home_host: &host, clock: &clock };
    let options = Options { wait: true, ..Options::default() };
    let mut kills = 0;
    for kill in 0..50 {
        // As a new program would.
        let store = open_store(&scene).await;
        let target = target(&scene);
        let work = deliver(&store, &transport, Some(&target), &clock, &options, never());
        let polls = usize::try_from(10 + random(kill, 400)).unwrap();
        kills += usize::from(killed_after(polls, work).await.is_none());
        store.close().await;
        clock.pass(TimeDelta::seconds(61)).await;
    }
    assert!(kills >= 40, "{kills} of 50 were killed before the end");
    deliver_all(&scene, &clock).await;
    everybody_is_a_friend(&scene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_before_the_new_account_answers() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    announced(&scene, &["--farewell"]);
    let clock = clock(&scene);
    let store = open_store(&scene).await;
    let elsewhere = TwinTransport {
        world: &scene.world,
        home: &scene.home,
        // The pod is there, and nothing leads to it.
        home_host: "nobody.example",
        clock: &clock,
    };
    let options = Options::default();
    deliver(&store, &elsewhere, Some(&target(&scene)), &clock, &options, never()).await.unwrap();
    assert_eq!(scene.world.inner().posts, []);
    let unseen = Ledger::new(&store).unreachable_accounts().await.unwrap();
    assert_eq!(unseen.len(), 1);
    assert!(unseen[0].problem.starts_with("ida@haven.example does not answer from outside"), "{unseen:?}");
    store.close().await;
    clock.pass(TimeDelta::minutes(5)).await;
    deliver_all(&scene, &clock).await;
    everybody_is_a_friend(&scene).await;
    // The farewell came before the move.
    let inner = scene.world.inner();
    for (host, pod) in &inner.pods {
        assert_eq!(pod.posts, ["ida@closing.example"], "{host}");
    }
}

/// Polls a future so often, then drops it. Gives what it gave if it was quicker.
pub(super) async fn killed_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut left) = (pin!(future), polls);
    let killed = poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    });
    tokio::time::timeout(Duration::from_mins(2), killed).await.unwrap()
}
