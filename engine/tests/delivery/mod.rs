//! The ledger of deliveries in a file, worked through against pods that pretend.

use std::time::Duration;

use chrono::{DateTime, Utc};
use pappus_engine::delivery::{Clock as _, Counts, Ledger, Options, Scope, Summary, Transport, deliver};
use pappus_engine::http::{Answer, HttpError};
use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::Store;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

mod http;
mod kill;
mod ledger;
mod pods;
mod software;
mod weeks;

use pods::{JumpingClock, Pods, add_import, all_processed, for_pod, status};

async fn open(folder: &TempDir) -> Store {
    Store::open(&DatabaseUrl::from_file(&folder.path().join("pappus.sqlite3")).unwrap()).await.unwrap()
}

/// A ledger with one import, `alice`.
async fn store() -> (TempDir, Store, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    add_import(&store, "alice").await;
    let ledger = Ledger::new(&store);
    (folder, store, ledger)
}

fn never() -> CancellationToken {
    CancellationToken::new()
}

/// Until the end of time, without a look every minute.
fn waiting() -> Options {
    Options { wait: true, check_interval: Duration::from_hours(24 * 365), ..Options::default() }
}

#[tokio::test]
async fn the_move_goes_first_and_everything_goes_once() {
    let (_folder, store, ledger) = store().await;
    add_import(&store, "bob").await;
    let clock = JumpingClock::new();
    for import in ["alice", "bob"] {
        let all = (0..40).flat_map(|pod| for_pod(import, &format!("https://pod{pod}.example/"), 40));
        ledger.enqueue(all, clock.now()).await.unwrap();
    }
    let pods = Pods::new(&clock, |_, _| status(202));
    let start = clock.now();
    let options = Options { concurrency: 20, ..Options::default() };
    let summary = deliver(&store, &pods, None, &clock, &options, never()).await.unwrap();
    assert_eq!(summary, Summary { delivered: 80, ..Summary::default() }, "only the moves");
    let patient = Options { concurrency: 20, ..waiting() };
    let summary = deliver(&store, &pods, None, &clock, &patient, never()).await.unwrap();
    assert_eq!(summary, Summary { delivered: 3280, ..Summary::default() });
    let early =
        |post: &&pods::Post| !post.body.contains("account_migration") && post.at < start + options.grace;
    assert_eq!(pods.posts().iter().filter(early).count(), 0, "pods get time to process the move");
    assert!(pods.times().values().all(|times| *times == 1));
    assert_eq!(pods.times().len(), 3360);
    let (one_pod, all) = pods.most();
    assert!(one_pod == 2 && all <= 20, "{one_pod} to one pod, {all} at once");
    let posts = pods.posts();
    for pod in 0..40 {
        for import in ["alice", "bob"] {
            let to_pod = |post: &&pods::Post| {
                post.url.contains(&format!("//pod{pod}.")) && post.body.starts_with(import)
            };
            let kinds: Vec<_> = posts.iter().filter(to_pod).map(|post| post.body.as_str()).collect();
            assert!(kinds[0].contains("account_migration"), "{kinds:?}");
        }
    }
    let counts = Counts { delivered: 3360, ..Counts::default() };
    assert_eq!(ledger.counts(Scope::All).await.unwrap(), counts);
    assert_eq!(ledger.next_due().await.unwrap(), None);
    let again = deliver(&store, &pods, None, &clock, &waiting(), never()).await.unwrap();
    assert_eq!(again, Summary::default());
}

#[tokio::test]
async fn several_share_the_pods() {
    let (folder, store, ledger) = store().await;
    let clock = JumpingClock::new();
    let all = (0..100).flat_map(|pod| for_pod("alice", &format!("https://pod{pod}.example/"), 10));
    ledger.enqueue(all, clock.now()).await.unwrap();
    all_processed(&store).await;
    let other = open(&folder).await;
    let pods = Pods::new(&clock, |_, _| status(202));
    let options = Options { concurrency: 10, slow_concurrency: 10, ..Options::default() };
    let (one, two) = tokio::join!(
        deliver(&store, &pods, None, &clock, &options, never()),
        deliver(&other, &pods, None, &clock, &options, never()),
    );
    let (one, two) = (one.unwrap().delivered, two.unwrap().delivered);
    assert!(one + two == 1200 && one > 0 && two > 0, "{one} and {two}");
    assert_eq!(pods.times().len(), 1200);
    assert!(pods.times().values().all(|times| *times == 1));
    assert!(pods.most().0 <= 2);
}

/// Whether it can be given to a task of its own.
#[tokio::test]
async fn it_can_be_spawned() {
    struct Good;
    impl Transport for Good {
        async fn get(&self, _: &url::Url, _: &str) -> Result<Answer, HttpError> {
            status(404)
        }

        async fn post(&self, _: &url::Url, _: &str, _: Vec<u8>) -> Result<Answer, HttpError> {
            status(200)
        }
    }
    let (_folder, store, ledger) = store().await;
    let now: DateTime<Utc> = JumpingClock::new().now();
    ledger.enqueue(for_pod("alice", "https://pod.example/", 3), now).await.unwrap();
    all_processed(&store).await;
    let task = tokio::spawn(async move {
        deliver(&store, &Good, None, &JumpingClock::new(), &Options::default(), never()).await
    });
    assert_eq!(task.await.unwrap().unwrap().delivered, 5);
}
