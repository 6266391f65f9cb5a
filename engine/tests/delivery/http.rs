//! Ten thousand deliveries to a thousand pods over real HTTP, a third of them dead.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use pappus_engine::delivery::{Ledger, NewDelivery, Options, Scope, SystemClock, deliver};
use pappus_engine::http::{AllowedNetworks, Client, ClientOptions};
use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::Store;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::pods;

const PODS: usize = 1000;
/// Deliveries at once: far fewer than there are pods that hang, also at one moment on a busy machine.
const AT_ONCE: usize = 16;

/// How a pod behaves; a third of them are dead in one of three ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Manner {
    Accepts,
    Ok,
    NotFound,
    Broken,
    Hangs,
    Resets,
    NeverThere,
}

fn manner(pod: usize) -> Manner {
    match pod % 12 {
        0..=4 => Manner::Accepts,
        5 => Manner::Ok,
        6 => Manner::NotFound,
        7 => Manner::Broken,
        8 | 9 => Manner::Hangs,
        10 => Manner::Resets,
        _ => Manner::NeverThere,
    }
}

/// All of 127.0.0.0/8 is this machine, so every pod has an address.
fn host(pod: usize) -> String {
    format!("127.7.{}.{}", pod / 250, pod % 250 + 1)
}

/// What the pods have seen.
#[derive(Default)]
struct Seen {
    /// How often each body came to each pod.
    pods: HashMap<usize, HashMap<String, usize>>,
    /// Number of requests that wait for an answer which never comes.
    hanging: usize,
    /// The largest number of those at a moment when a live pod got something.
    beside: usize,
}

/// A request that hangs, until the other side gives up.
struct Hanging(Shared);

impl Hanging {
    fn begin(seen: &Shared) -> Self {
        seen.lock().unwrap().hanging += 1;
        Self(Arc::clone(seen))
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.lock().unwrap().hanging -= 1;
    }
}

/// Every connection is closed at once: a thousand idle ones are more than many systems allow.
type Reply = (StatusCode, [(&'static str, &'static str); 1], &'static str);

type Shared = Arc<Mutex<Seen>>;

async fn receive(State(seen): State<Shared>, method: Method, headers: HeaderMap, body: String) -> Reply {
    let host = headers["host"].to_str().unwrap();
    let numbers: Vec<usize> =
        host.split(':').next().unwrap().split('.').map(|part| part.parse().unwrap()).collect();
    let pod = numbers[2] * 250 + numbers[3] - 1;
    let manner = manner(pod);
    // What the pod runs is asked, too.
    if method == Method::POST {
        let mut seen = seen.lock().unwrap();
        *seen.pods.entry(pod).or_default().entry(body).or_default() += 1;
        if matches!(manner, Manner::Accepts | Manner::Ok) {
            seen.beside = seen.beside.max(seen.hanging);
        }
    }
    let (status, text) = match manner {
        Manner::Accepts => (StatusCode::ACCEPTED, ""),
        Manner::Ok => (StatusCode::OK, ""),
        Manner::NotFound => (StatusCode::NOT_FOUND, "no such pod\nanywhere"),
        Manner::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "We're sorry"),
        Manner::Hangs | Manner::Resets | Manner::NeverThere => {
            let _hanging = Hanging::begin(&seen);
            std::future::pending().await
        }
    };
    (status, [("Connection", "close")], text)
}

/// Serves the live pods and those that hang on one port, those that break off on another.
async fn serve(seen: &Shared) -> (u16, u16) {
    let router = Router::new().fallback(receive).with_state(Arc::clone(seen));
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let resetting = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            // Closed with something unread, so that the other side sees a reset.
            _ = connection.read(&mut [0; 10]).await;
        }
    });
    (port, resetting)
}

fn for_pod(pod: usize, (port, resetting): (u16, u16)) -> Vec<NewDelivery> {
    let port = match manner(pod) {
        Manner::Resets => resetting,
        // Nobody listens there.
        Manner::NeverThere => 1,
        _ => port,
    };
    pods::for_pod("alice", &format!("http://{}:{port}/", host(pod)), 8)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_live_pod_is_told_once_and_dead_ones_hold_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::from_file(&folder.path().join("pappus.sqlite3")).unwrap();
    let store = Store::open(&url).await.unwrap();
    pods::add_import(&store, "alice").await;
    let ledger = Ledger::new(&store);
    let seen = Shared::default();
    let ports = serve(&seen).await;
    let now = chrono::DateTime::from_timestamp_millis(1).unwrap();
    let queuing = Instant::now();
    let all = (0..PODS).flat_map(|pod| for_pod(pod, ports));
    assert_eq!(ledger.enqueue(all, now).await.unwrap(), 10_000);
    println!("10,000 queued in {:?}", queuing.elapsed());
    pods::all_processed(&store).await;

    let limit = Duration::from_secs(25);
    // The pods of this test are on this machine.
    let allowed = (0..PODS).map(|pod| for_pod(pod, ports)[0].url.authority().to_owned());
    let allowed = AllowedNetworks::new(allowed).unwrap();
    let client = Client::new(ClientOptions { allowed, total: limit, ..ClientOptions::default() }).unwrap();
    let slow_after = Duration::from_millis(500);
    let options = Options { concurrency: AT_ONCE, timeout: limit, slow_after, ..Options::default() };
    let start = Instant::now();
    let summary =
        deliver(&store, &client, None, &SystemClock, &options, CancellationToken::new()).await.unwrap();
    let (beside, pods_seen) = {
        let mut seen = seen.lock().unwrap();
        (seen.beside, std::mem::take(&mut seen.pods))
    };
    println!("ended after {:?}, {beside} hung beside live ones: {summary:?}", start.elapsed());

    let many = |wanted: &[Manner]| (0..PODS).filter(|pod| wanted.contains(&manner(*pod))).count();
    let live_pods = many(&[Manner::Accepts, Manner::Ok]);
    for pod in 0..PODS {
        let bodies = pods_seen.get(&pod);
        let expected = match manner(pod) {
            Manner::Accepts | Manner::Ok => 10,
            // Nothing follows a move that has not been taken.
            Manner::NotFound => 1,
            // It was asked what it runs, and did not say.
            Manner::Broken | Manner::Hangs | Manner::Resets | Manner::NeverThere => 0,
        };
        assert_eq!(bodies.map_or(0, HashMap::len), expected, "pod {pod}, {:?}", manner(pod));
        // On a busy machine this takes more than a minute, after which refused moves are sent again.
        let once = bodies.is_none_or(|bodies| bodies.values().all(|times| *times == 1));
        assert!(once || expected == 1, "pod {pod} is told twice");
    }
    let counts = ledger.counts(Scope::All).await.unwrap();
    assert_eq!(counts.delivered, i64::try_from(live_pods * 10).unwrap());
    assert_eq!(counts.rejected, 0, "a front end that finds nothing may be repaired");
    assert_eq!((counts.sending, counts.dead), (0, 0));
    assert!(summary.postponed >= u64::try_from(PODS - live_pods).unwrap(), "{summary:?}");
    // Those that hang are waited for beside the others, not before them.
    assert!(beside > AT_ONCE, "{beside} hung while live pods were told");

    let page = ledger.pods(Scope::All, "", 1000).await.unwrap();
    assert_eq!(page.len(), PODS);
    let late = format!("{}:{} did not answer within 25 s", host(8), ports.0);
    for (pod, expected) in [(6, "the pod answered 404: no such pod"), (8, late.as_str())] {
        let name = format!("{}:{}", host(pod), ports.0);
        let found = page.iter().find(|one| one.pod == name).unwrap();
        assert_eq!(found.last_error.as_deref(), Some(expected));
    }
    let reset = page.iter().find(|one| one.pod == format!("{}:{}", host(10), ports.1)).unwrap();
    assert!(reset.last_error.is_some() && reset.counts.queued == 10 && reset.retry_at.is_some());
}
