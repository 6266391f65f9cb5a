//! Killed, told to stop, and started again.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use chrono::TimeDelta;
use pappus_engine::delivery::{Clock as _, Options, Scope, SystemClock, Transport, deliver};
use pappus_engine::http::{Answer, HttpError};
use pappus_engine::store::Store;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::pods::{JumpingClock, Pods, all_processed, for_pod, status, unreachable};
use super::{never, open, store, waiting};

#[tokio::test]
async fn killed_anywhere_it_loses_nothing_and_repeats_only_what_was_on_its_way() {
    let (folder, first_store, ledger) = store().await;
    let clock = JumpingClock::new();
    let all = (0..60).flat_map(|pod| for_pod("alice", &format!("https://pod{pod}.example/"), 18));
    assert_eq!(ledger.enqueue(all, clock.now()).await.unwrap(), 1200);
    all_processed(&first_store).await;
    first_store.close().await;
    let pods = Pods::new(&clock, |_, _| status(202));
    let options = Options { concurrency: 8, slow_concurrency: 2, ..Options::default() };
    let (mut kills, mut on_their_way) = (0, 0);
    for polls in (1..).map(|kill: usize| kill * 17 % 101) {
        // As a new program would.
        let store = open(&folder).await;
        let before = pods.times();
        killed_after(polls, deliver(&store, &pods, None, &clock, &options, never()))
            .await
            .transpose()
            .unwrap();
        let unknown = not_delivered(&store).await;
        if unknown.is_empty() {
            break;
        }
        // What came now and is not known to have come: it was on its way, and will come again.
        let times = pods.times();
        let came = |body: &&String| times.get(*body) > before.get(*body);
        let unknown = unknown.iter().filter(came).count();
        assert!(unknown <= 10, "{unknown} on their way");
        on_their_way += unknown;
        kills += 1;
        // Its leases have to run out.
        clock.advance(TimeDelta::seconds(61));
        store.close().await;
    }
    let times = pods.times();
    assert_eq!(times.len(), 1200, "everything arrived");
    let repeated = times.values().sum::<usize>() - 1200;
    assert!(kills > 20 && repeated <= on_their_way, "{repeated} repeated, {on_their_way} were on their way");
    println!("{kills} kills, {on_their_way} on their way then, {repeated} came again");
}

#[tokio::test]
async fn told_to_stop_it_finishes_what_it_began_and_leaves_the_rest() {
    let (_folder, store, ledger) = store().await;
    let clock = JumpingClock::new();
    let all = (0..50).flat_map(|pod| for_pod("alice", &format!("https://pod{pod}.example/"), 18));
    ledger.enqueue(all, clock.now()).await.unwrap();
    all_processed(&store).await;
    let stop = CancellationToken::new();
    let pods = Pods::new(&clock, |_, _| {
        // While the pod answers the first one.
        stop.cancel();
        status(202)
    });
    let summary = deliver(&store, &pods, None, &clock, &waiting(), stop.clone()).await.unwrap();
    assert!(summary.is_stopped && summary.delivered >= 1, "{summary:?}");
    let sent = u64::try_from(pods.posts().len()).unwrap();
    assert!(sent == summary.delivered && sent < 200, "{sent} sent");
    let counts = ledger.counts(Scope::All).await.unwrap();
    assert_eq!((counts.sending, counts.queued), (0, 1000 - counts.delivered));
    // Nothing is leased any more: the next one goes on at once.
    let summary = deliver(&store, &pods, None, &clock, &waiting(), never()).await.unwrap();
    assert!(!summary.is_stopped);
    assert_eq!(pods.posts().len(), 1000);
    assert!(pods.times().values().all(|times| *times == 1));

    // It also stops while it waits.
    let dead = Pods::new(&clock, |_, _| unreachable());
    ledger.resend(Scope::All, true, clock.now()).await.unwrap();
    let summary = deliver(&store, &dead, None, &clock, &waiting(), stop.clone()).await.unwrap();
    assert!(summary.is_stopped && dead.posts().is_empty());
}

/// Polls a future so often, then drops it. Gives what it gave if it was quicker.
async fn killed_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// The bodies of what has not been delivered.
async fn not_delivered(store: &Store) -> Vec<String> {
    let sql = "SELECT body FROM pappus_deliveries WHERE state <> 'delivered'";
    let rows = store.rows("reading", sql, &[]).await.unwrap();
    rows.iter().map(|row| String::from_utf8(row.get("body").unwrap()).unwrap()).collect()
}

/// Takes its time.
struct Slow(AtomicUsize);

impl Transport for Slow {
    async fn get(&self, _: &Url, _: &str) -> Result<Answer, HttpError> {
        status(404)
    }

    async fn post(&self, _: &Url, _: &str, _: Vec<u8>) -> Result<Answer, HttpError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(1500)).await;
        status(202)
    }
}

#[tokio::test]
async fn a_pod_that_is_slower_than_the_lease_stays_with_who_sends_to_it() {
    let (folder, store, ledger) = store().await;
    let now = SystemClock.now();
    ledger.enqueue(for_pod("alice", "https://pod.example/", 0), now).await.unwrap();
    all_processed(&store).await;
    let other = open(&folder).await;
    let (pods, impatient) = (Slow(AtomicUsize::new(0)), Slow(AtomicUsize::new(0)));
    let options = Options { lease: Duration::from_millis(300), ..Options::default() };
    let first = deliver(&store, &pods, None, &SystemClock, &options, never());
    let second = async {
        for _ in 0..12 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            deliver(&other, &impatient, None, &SystemClock, &options, never()).await.unwrap();
        }
    };
    let (first, ()) = tokio::join!(first, second);
    assert_eq!(first.unwrap().delivered, 2);
    assert_eq!((pods.0.into_inner(), impatient.0.into_inner()), (2, 0));
}
