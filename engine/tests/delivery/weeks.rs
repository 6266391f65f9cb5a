//! Pods that are down, for a while or for ever; weeks pass in a moment.

use std::time::Duration;

use chrono::TimeDelta;
use pappus_engine::delivery::{
    Clock as _, Counts, Kind, Ledger, NewDelivery, Options, Scope, Summary, deliver,
};
use pappus_engine::http::{Answer, HttpError, RetryAfter};

use super::pods::{self, JumpingClock, Pods, account, add_import, for_pod, status, unreachable};
use super::{never, store, waiting};

#[tokio::test]
async fn a_dead_pod_costs_one_try_for_all() {
    let (_folder, store, ledger) = store().await;
    let clock = JumpingClock::new();
    ledger.enqueue(for_pod("alice", "https://dead.example/", 500), clock.now()).await.unwrap();
    let pods = Pods::new(&clock, |_, _| unreachable());
    let summary = deliver(&store, &pods, &clock, &Options::default(), never()).await.unwrap();
    assert_eq!(summary, Summary { postponed: 1, ..Summary::default() });
    let dead = ledger.pods(Scope::All, "", 10).await.unwrap().remove(0);
    assert_eq!((dead.pod.as_str(), dead.counts.queued), ("dead.example", 502));
    assert_eq!(dead.last_error.as_deref(), Some("pod cannot be reached: connection refused"));
    let pause = dead.retry_at.unwrap() - clock.now();
    assert!(pause >= TimeDelta::seconds(45) && pause <= TimeDelta::seconds(75), "{pause}");
    assert_eq!(ledger.next_due().await.unwrap(), dead.retry_at);
    // What is queued later waits with the others.
    add_import(&store, "bob").await;
    ledger.enqueue(for_pod("bob", "https://dead.example/", 1), clock.now()).await.unwrap();
    assert_eq!(ledger.due(clock.now()).await.unwrap(), 0);
    deliver(&store, &pods, &clock, &Options::default(), never()).await.unwrap();
    assert_eq!(pods.posts().len(), 1);
    // Asked for, it is tried at once.
    assert_eq!(ledger.resend(Scope::Pod("dead.example"), false, clock.now()).await.unwrap(), 505);
    deliver(&store, &pods, &clock, &Options::default(), never()).await.unwrap();
    assert_eq!(pods.posts().len(), 3, "both moves at once");
}

#[tokio::test]
async fn four_weeks() {
    let (_folder, store, ledger) = store().await;
    let clock = JumpingClock::new();
    let start = clock.now();
    for name in ["good", "dead", "back", "broken", "busy", "gone", "moved"] {
        let contacts = if matches!(name, "broken" | "moved") { 3 } else { 20 };
        let all = for_pod("alice", &format!("https://{name}.example/"), contacts);
        ledger.enqueue(all, start).await.unwrap();
    }
    let pods = Pods::new(&clock, |url, now| match url {
        url if url.contains("dead") => unreachable(),
        url if url.contains("back") && now < start + TimeDelta::days(10) => late(),
        url if url.contains("broken") => status(500),
        url if url.contains("busy") && now < start + TimeDelta::hours(5) => {
            let retry_after = Some(RetryAfter::Delay(Duration::from_hours(5)));
            Ok(Answer { status: 429, content_type: None, retry_after, body: Vec::new() })
        }
        url if url.contains("gone") => status(410),
        url if url.contains("moved") => status(301),
        _ => status(202),
    });
    let summary = deliver(&store, &pods, &clock, &waiting(), never()).await.unwrap();
    assert!(!summary.stopped);
    let lasted = clock.now() - start;
    assert!(lasted >= TimeDelta::weeks(4) && lasted < TimeDelta::days(30), "{lasted}");

    let counts = |name: &str| {
        let (ledger, pod) = (ledger.clone(), format!("{name}.example"));
        async move { ledger.counts(Scope::Pod(&pod)).await.unwrap() }
    };
    for name in ["good", "back", "busy"] {
        assert_eq!(counts(name).await, Counts { delivered: 22, ..Counts::default() }, "{name}");
    }
    for (name, dead) in [("dead", 22), ("broken", 5), ("moved", 5)] {
        assert_eq!(counts(name).await, Counts { dead, ..Counts::default() }, "{name}");
    }
    assert_eq!(counts("gone").await, Counts { rejected: 22, ..Counts::default() });

    let posts = pods.posts();
    let to = |name: &str| posts.iter().filter(|post| post.url.contains(name)).collect::<Vec<_>>();
    assert_eq!((to("good").len(), to("gone").len()), (22, 22));
    // All 22 deliveries together.
    assert!((40..90).contains(&to("dead").len()), "{} tries", to("dead").len());
    // Each for itself: the pod is there.
    assert!((5 * 40..5 * 90).contains(&to("broken").len()), "{} tries", to("broken").len());
    let busy = to("busy");
    assert_eq!(busy.len(), 23);
    assert_eq!(busy[1].at, start + TimeDelta::hours(5));
    let back = to("back");
    let delivered = back.iter().filter(|post| post.at >= start + TimeDelta::days(10)).count();
    assert_eq!(delivered, 22);
    assert!(back.last().unwrap().at < start + TimeDelta::days(11), "half a day at most");
    let pauses: Vec<_> = to("dead").windows(2).map(|two| two[1].at - two[0].at).collect();
    assert!(pauses.iter().all(|pause| *pause <= TimeDelta::hours(15)), "{pauses:?}");

    to_tell_by_hand(&ledger).await;

    // Four weeks more, when asked for; what was refused is left alone for that pod only.
    let account = account("alice").parse().unwrap();
    assert_eq!(ledger.resend(Scope::Pod("gone.example"), false, clock.now()).await.unwrap(), 22);
    assert_eq!(ledger.resend(Scope::Account(&account), true, clock.now()).await.unwrap(), 120);
    let again = Pods::new(&clock, |_, _| status(200));
    let summary = deliver(&store, &again, &clock, &waiting(), never()).await.unwrap();
    assert_eq!(summary, Summary { delivered: 120, ..Summary::default() });
    assert!(again.times().values().all(|times| *times == 1));
}

async fn to_tell_by_hand(ledger: &Ledger) {
    let all = ledger.by_hand(Scope::Import("alice"), None, 1000).await.unwrap();
    assert!(all.is_sorted_by_key(|one| (one.account.clone(), one.pod.clone(), one.recipient.clone())));
    let of = |pod: &str| all.iter().filter(|one| one.pod == pod).collect::<Vec<_>>();
    let gone = of("gone.example");
    assert_eq!(gone[0].recipient, None);
    assert_eq!(gone[1].recipient.as_deref(), Some("person0@gone.example"));
    assert_eq!(gone[1].last_error.as_deref(), Some("the pod answered 410: <h1>410</h1>"));
    assert_eq!(gone.len(), 21, "twenty people and everybody, each of them once");
    assert_eq!((&gone[0].people, &gone[1].people), (&vec!["stranger@gone.example".to_owned()], &Vec::new()));
    let unreachable = Some("pod cannot be reached: connection refused");
    assert!(of("dead.example").iter().all(|one| one.last_error.as_deref() == unreachable));
    let page = ledger.by_hand(Scope::All, Some(&all[9]), 5).await.unwrap();
    assert_eq!(page, all[10..15]);
}

#[tokio::test]
async fn after_five_errors_the_rest_no_longer_waits_for_the_move() {
    let (_folder, store, ledger) = store().await;
    let clock = JumpingClock::new();
    let start = clock.now();
    ledger.enqueue(for_pod("alice", "https://other.example/", 3), start).await.unwrap();
    // A public envelope of any kind makes that software fail.
    let pods = Pods::new(&clock, |url, _| status(if url.ends_with("/public") { 500 } else { 202 }));
    deliver(&store, &pods, &clock, &waiting(), never()).await.unwrap();
    let counts = ledger.counts(Scope::All).await.unwrap();
    assert_eq!(counts, Counts { delivered: 3, dead: 2, ..Counts::default() });
    let posts = pods.posts();
    assert!(posts[..5].iter().all(|post| post.body.contains("account_migration")));
    assert!(posts[5..10].iter().any(|post| post.body.contains("contact")));
    assert!(posts[9].at < start + TimeDelta::hours(1));
}

#[tokio::test]
async fn one_that_never_gets_an_answer_does_not_keep_the_others_back() {
    let (_folder, store, ledger) = store().await;
    let clock = JumpingClock::new();
    let start = clock.now();
    let all = for_pod("alice", "https://odd.example/", 30);
    // To each person goes a profile, too, after all the contacts.
    let of_people = all.iter().filter(|delivery| delivery.recipient.is_some()).cloned();
    let profiles: Vec<_> = of_people.map(|contact| NewDelivery { kind: Kind::Profile, ..contact }).collect();
    ledger.enqueue(all.into_iter().chain(profiles), start).await.unwrap();
    let pods = Pods::new(&clock, |url, _| if url.ends_with("0003") { late() } else { status(202) });
    deliver(&store, &pods, &clock, &waiting(), never()).await.unwrap();
    let counts = ledger.counts(Scope::All).await.unwrap();
    assert_eq!(counts, Counts { delivered: 60, dead: 2, ..Counts::default() });
    let late = |post: &&pods::Post| !post.url.ends_with("0003") && post.at > start + TimeDelta::hours(1);
    assert_eq!(pods.posts().iter().filter(late).count(), 0);
}

fn late() -> Result<Answer, HttpError> {
    Err(HttpError::Timeout { host: "pod".to_owned(), after: Duration::from_secs(30) })
}
