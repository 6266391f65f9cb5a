//! Pods that are down, for a while or for ever; weeks pass in a moment.

use std::time::Duration;

use chrono::TimeDelta;
use pappus_engine::delivery::{
    Clock as _, Counts, Kind, Ledger, NewDelivery, Options, Scope, Summary, System, deliver,
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
    let summary = deliver(&store, &pods, None, &clock, &Options::default(), never()).await.unwrap();
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
    assert_eq!(ledger.due(Scope::All, clock.now()).await.unwrap(), 0);
    deliver(&store, &pods, None, &clock, &Options::default(), never()).await.unwrap();
    assert_eq!(pods.posts().len(), 1);
    // Asked for, it is tried at once.
    assert_eq!(ledger.resend(Scope::Pod("dead.example"), false, clock.now()).await.unwrap(), 505);
    deliver(&store, &pods, None, &clock, &Options::default(), never()).await.unwrap();
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
    ledger.recognise(&["gone.example".to_owned()], System::Diaspora).await.unwrap();
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
    let summary = deliver(&store, &pods, None, &clock, &waiting(), never()).await.unwrap();
    assert!(!summary.is_stopped);
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
    assert_eq!((to("good").len(), to("gone").len()), (22, 1), "what waits for a refused move is not tried");
    // All 22 deliveries together.
    assert!((40..90).contains(&to("dead").len()), "{} tries", to("dead").len());
    // The move, for which the others wait.
    assert!((40..90).contains(&to("broken").len()), "{} tries", to("broken").len());
    let busy = to("busy");
    assert_eq!(busy.len(), 23);
    assert_eq!(busy[1].at, start + TimeDelta::hours(5));
    let back = to("back");
    let delivered = back.iter().filter(|post| post.at >= start + TimeDelta::days(10)).count();
    assert_eq!(delivered, 22);
    // Half a day until it is tried, and as long again as it was away to process the move, a week at most.
    assert!(back.last().unwrap().at < start + TimeDelta::days(18));
    let pauses: Vec<_> = to("dead").windows(2).map(|two| two[1].at - two[0].at).collect();
    assert!(pauses.iter().all(|pause| *pause <= TimeDelta::hours(15)), "{pauses:?}");

    to_tell_by_hand(&ledger).await;

    // Four weeks more, when asked for; what was refused is left alone for that pod only.
    let account = account("alice").parse().unwrap();
    assert_eq!(ledger.resend(Scope::Pod("gone.example"), false, clock.now()).await.unwrap(), 22);
    assert_eq!(ledger.resend(Scope::Account(&account), true, clock.now()).await.unwrap(), 120);
    let again = Pods::new(&clock, |_, _| status(200));
    let summary = deliver(&store, &again, None, &clock, &waiting(), never()).await.unwrap();
    assert_eq!(summary, Summary { delivered: 120, ..Summary::default() });
    assert!(again.times().values().all(|times| *times == 1));
}

async fn to_tell_by_hand(ledger: &Ledger) {
    let all = ledger.unreached(Scope::Import("alice"), None, 1000).await.unwrap();
    assert!(all.is_sorted_by_key(|one| (one.account.clone(), one.pod.clone(), one.recipient.clone())));
    let of = |pod: &str| all.iter().filter(|one| one.pod == pod).collect::<Vec<_>>();
    let gone = of("gone.example");
    assert_eq!(gone[0].recipient, None);
    assert_eq!(gone[1].recipient.as_deref(), Some("person0@gone.example"));
    let refused = "the pod did not take the move: the pod answered 410: <h1>410</h1>";
    assert_eq!(gone[1].last_error.as_deref(), Some(refused));
    assert_eq!(gone.len(), 21, "twenty people and everybody, each of them once");
    assert_eq!((&gone[0].people, &gone[1].people), (&vec!["stranger@gone.example".to_owned()], &Vec::new()));
    let unreachable = "pod cannot be reached: connection refused";
    assert!(of("dead.example").iter().all(|one| one.last_error.as_deref().unwrap().ends_with(unreachable)));
    let page = ledger.unreached(Scope::All, Some(&all[9]), 5).await.unwrap();
    assert_eq!(page, all[10..15]);
}

#[tokio::test]
async fn what_would_do_harm_without_the_move_is_never_sent_without_it() {
    let (_folder, store, ledger) = store().await;
    let clock = JumpingClock::new();
    for pod in ["refusing", "failing"] {
        let all = for_pod("alice", &format!("https://{pod}.example/"), 3);
        ledger.enqueue(all, clock.now()).await.unwrap();
    }
    ledger.recognise(&["refusing.example".to_owned()], System::Diaspora).await.unwrap();
    let pods = Pods::new(&clock, |url, _| match url.ends_with("/public") {
        true if url.contains("refusing") => status(410),
        true => status(500),
        false => status(202),
    });
    deliver(&store, &pods, None, &clock, &waiting(), never()).await.unwrap();
    assert!(pods.posts().iter().all(|post| post.body.contains("account_migration")));
    let counts = ledger.counts(Scope::Pod("refusing.example")).await.unwrap();
    assert_eq!(counts, Counts { rejected: 5, ..Counts::default() });
    let counts = ledger.counts(Scope::Pod("failing.example")).await.unwrap();
    assert_eq!(counts, Counts { dead: 5, ..Counts::default() });
    let by_hand = ledger.unreached(Scope::Pod("refusing.example"), None, 10).await.unwrap();
    let reason = by_hand[1].last_error.as_deref().unwrap();
    assert_eq!(reason, "the pod did not take the move: the pod answered 410: <h1>410</h1>");
    // Asked for again, it goes the whole way again.
    let good = Pods::new(&clock, |_, _| status(202));
    let sent = clock.now();
    ledger.resend(Scope::All, false, sent).await.unwrap();
    deliver(&store, &good, None, &clock, &waiting(), never()).await.unwrap();
    let counts = ledger.counts(Scope::All).await.unwrap();
    assert_eq!(counts, Counts { delivered: 10, ..Counts::default() });
    let early = |post: &&pods::Post| {
        !post.body.contains("account_migration") && post.at < sent + TimeDelta::hours(12)
    };
    assert_eq!(good.posts().iter().filter(early).count(), 0);
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
    deliver(&store, &pods, None, &clock, &waiting(), never()).await.unwrap();
    let counts = ledger.counts(Scope::All).await.unwrap();
    assert_eq!(counts, Counts { delivered: 60, dead: 2, ..Counts::default() });
    let late = |post: &&pods::Post| !post.url.ends_with("0003") && post.at > start + TimeDelta::hours(14);
    assert_eq!(pods.posts().iter().filter(late).count(), 0);
}

/// Without the connection that a Contact makes, a hub ends the friendship when it gets the move.
#[tokio::test]
async fn a_hub_gets_the_move_after_it_took_a_contact() {
    for (days, refused) in [(3, 0), (3, 1), (40, 0)] {
        let (_folder, store, ledger) = store().await;
        let clock = JumpingClock::new();
        let start = clock.now();
        ledger.recognise(&["hub.example".to_owned()], System::Hubzilla).await.unwrap();
        ledger.enqueue(for_pod("alice", "https://hub.example/", 3), start).await.unwrap();
        let knows_from = start + TimeDelta::days(days);
        let never_taken = format!("{:016}", 3 - refused);
        let hub = Pods::new(&clock, |url, now| match url {
            url if url.ends_with("/public") => status(200),
            _ if now < knows_from => status(400),
            url if url.ends_with(&never_taken) => status(500),
            _ => status(200),
        });
        deliver(&store, &hub, None, &clock, &waiting(), never()).await.unwrap();
        let posts = hub.posts();
        let first_move = posts.iter().find(|post| post.body.contains("account_migration")).unwrap().at;
        let contacts_end = knows_from.min(start + TimeDelta::weeks(4));
        assert!(first_move >= contacts_end, "{days}, {refused}: {}", first_move - start);
        assert!(first_move < contacts_end + TimeDelta::days(2), "{days}, {refused}: {}", first_move - start);
    }
}

fn late() -> Result<Answer, HttpError> {
    Err(HttpError::Timeout { host: "pod".to_owned(), after: Duration::from_secs(30) })
}
