//! The ledger of deliveries on PostgreSQL, where several machines work on it.

use std::time::Duration;

use chrono::TimeDelta;
use pappus_engine::delivery::{Clock as _, Counts, Ledger, Options, Scope, System, Waiting, deliver};
use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::Store;
use pappus_tests::cluster::shared_postgres;
use tokio_util::sync::CancellationToken;

#[path = "../../../engine/tests/delivery/pods.rs"]
#[expect(dead_code, reason = "the tests of the engine use all of it")]
mod pods;
use pods::{JumpingClock, Pods, add_import, all_processed, for_pod, status, unreachable};

async fn database(name: &str) -> DatabaseUrl {
    let address = shared_postgres().await.unwrap().create_database(name).await.unwrap();
    DatabaseUrl::parse(&address).unwrap()
}

fn never() -> CancellationToken {
    CancellationToken::new()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_machines_share_the_pods_and_one_takes_over_from_another() {
    let url = database("delivery_shared").await;
    let (one, two) = (Store::open(&url).await.unwrap(), Store::open(&url).await.unwrap());
    let ledger = Ledger::new(&one);
    let clock = JumpingClock::new();
    // All of them queue the same at the same time.
    add_import(&one, "alice").await;
    let all = || (0..100).flat_map(|pod| for_pod("alice", &format!("https://pod{pod}.example/"), 10));
    let other = Ledger::new(&two);
    let queued = tokio::join!(ledger.enqueue(all(), clock.now()), other.enqueue(all(), clock.now()));
    assert_eq!(queued.0.unwrap() + queued.1.unwrap(), 1200);

    all_processed(&one).await;
    let pods = Pods::new(&clock, |_, _| status(202));
    let options = Options { concurrency: 10, slow_concurrency: 10, ..Options::default() };
    let killed = tokio::time::timeout(
        Duration::from_millis(80),
        deliver(&one, &pods, None, &clock, &options, never()),
    );
    assert!(killed.await.is_err(), "it was quicker than 80 ms: nothing was killed");
    let delivered = ledger.counts(Scope::All).await.unwrap().delivered;
    let on_their_way = pods.times().len() - usize::try_from(delivered).unwrap();
    assert!(delivered < 1200 && on_their_way <= 20, "{delivered} delivered, {on_their_way} on their way");
    clock.advance(TimeDelta::seconds(61));
    let (done, also) = tokio::join!(
        deliver(&one, &pods, None, &clock, &options, never()),
        deliver(&two, &pods, None, &clock, &options, never()),
    );
    let (done, also) = (done.unwrap().delivered, also.unwrap().delivered);
    assert!(done > 0 && also > 0, "{done} and {also}");
    let times = pods.times();
    assert_eq!(times.len(), 1200);
    assert!(times.values().sum::<usize>() <= 1200 + on_their_way);
    let counts = Counts { delivered: 1200, ..Counts::default() };
    assert_eq!(ledger.counts(Scope::All).await.unwrap(), counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_four_weeks_as_in_a_file() {
    let store = Store::open(&database("delivery_weeks").await).await.unwrap();
    add_import(&store, "alice").await;
    let ledger = Ledger::new(&store);
    let clock = JumpingClock::new();
    let start = clock.now();
    for name in ["good", "dead", "back", "broken", "gone"] {
        ledger.enqueue(for_pod("alice", &format!("https://{name}.example/"), 3), start).await.unwrap();
    }
    ledger.recognise(&["gone.example".to_owned()], System::Diaspora).await.unwrap();
    let pods = Pods::new(&clock, |url, now| match url {
        url if url.contains("dead") => unreachable(),
        url if url.contains("back") && now < start + TimeDelta::days(10) => status(503),
        url if url.contains("broken") => status(500),
        url if url.contains("gone") => status(410),
        _ => status(202),
    });
    let options =
        Options { wait: true, check_interval: Duration::from_hours(24 * 365), ..Options::default() };
    deliver(&store, &pods, None, &clock, &options, never()).await.unwrap();
    let counts = ledger.counts(Scope::Import("alice")).await.unwrap();
    assert_eq!(counts, Counts { delivered: 10, rejected: 5, dead: 10, ..Counts::default() });
    let tries = pods.posts().iter().filter(|post| post.url.contains("dead")).count();
    assert!((40..90).contains(&tries), "{tries} tries");

    let page = ledger.pods(Scope::All, "", 10).await.unwrap();
    let errors: Vec<_> = page.iter().map(|pod| (pod.pod.as_str(), pod.last_error.as_deref())).collect();
    assert_eq!(
        errors,
        [
            ("back.example", None),
            ("broken.example", Some("the pod answered 500: <h1>500</h1>")),
            ("dead.example", Some("pod cannot be reached: connection refused")),
            ("gone.example", Some("the pod answered 410: <h1>410</h1>")),
            ("good.example", None),
        ]
    );
    let dead = ledger.unreached(Scope::Pod("dead.example"), None, 10).await.unwrap();
    let people: Vec<_> = dead.iter().map(|unreached| unreached.recipient.as_deref()).collect();
    let [first, second, third] = ["person0", "person1", "person2"].map(|name| format!("{name}@dead.example"));
    assert_eq!(people, [None, Some(first.as_str()), Some(&second), Some(&third)]);
    let account = pods::account("alice").parse().unwrap();
    assert_eq!(ledger.resend(Scope::Account(&account), false, clock.now()).await.unwrap(), 15);
    assert_eq!(ledger.due(Scope::Account(&account), clock.now()).await.unwrap(), 3, "the moves");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_not_due_and_a_silent_pod_gets_the_move_once_more() {
    let store = Store::open(&database("delivery_repeated").await).await.unwrap();
    add_import(&store, "alice").await;
    let (ledger, clock) = (Ledger::new(&store), JumpingClock::new());
    let start = clock.now();
    for host in ["friends.example", "strangers.example"] {
        ledger.enqueue(for_pod("alice", &format!("https://{host}/"), 2), start).await.unwrap();
    }
    let sql = "INSERT INTO pappus_move_people (import_id, person, pod, is_friend) VALUES \
               ('alice', 'person0@friends.example', 'friends.example', 1), \
               ('alice', 'person0@strangers.example', 'strangers.example', 0)";
    store.execute("adding people", sql, &[]).await.unwrap();
    let pods = Pods::new(&clock, |_, _| status(202));
    deliver(&store, &pods, None, &clock, &Options::default(), never()).await.unwrap();
    assert_eq!(pods.posts().len(), 2, "the moves");

    // What has been asked for again waits all the same.
    let account = pods::account("alice").parse().unwrap();
    let (all, hours) = (Scope::Account(&account), |hours| Some(start + TimeDelta::hours(hours)));
    assert_eq!(ledger.resend(all, false, start).await.unwrap(), 6);
    assert_eq!(ledger.due(all, start).await.unwrap(), 0);
    assert_eq!(ledger.waiting(all, start).await.unwrap(), Waiting { count: 6, until: hours(24) });
    let strangers = Scope::Pod("strangers.example");
    assert_eq!(ledger.waiting(strangers, start).await.unwrap(), Waiting { count: 3, until: hours(12) });
    assert_eq!(ledger.next_due().await.unwrap(), hours(12));
    assert_eq!(ledger.resend(all, true, start).await.unwrap(), 8);
    assert_eq!(ledger.due(all, start).await.unwrap(), 2, "the moves");
    assert_eq!(ledger.waiting(all, start).await.unwrap(), Waiting::default(), "no pod has taken it again");

    let options = Options { wait: true, check_interval: Duration::from_hours(24), ..Options::default() };
    deliver(&store, &pods, None, &clock, &options, never()).await.unwrap();
    let posts = pods.posts();
    let to = |host: &str| {
        let posts = posts.iter().filter(|post| post.url.contains(host) && post.at > start);
        posts.map(|post| (post.at - start).num_hours()).collect::<Vec<_>>()
    };
    assert_eq!(to("strangers"), [12; 3], "the rest after one grace");
    assert_eq!(to("friends"), [12, 24, 24, 24], "the move once more, and the rest after another grace");
    let pod = ledger.pods(Scope::Pod("friends.example"), "", 1).await.unwrap().remove(0);
    assert_eq!((pod.repeated_at, pod.repeats_at), (hours(12), None));
    assert_eq!(ledger.next_due().await.unwrap(), None);
}
