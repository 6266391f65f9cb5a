//! Pods whose front end does not answer the question for their software as it should.

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use pappus_engine::delivery::{
    Clock as _, Counts, Kind, Ledger, NewDelivery, Options, Scope, System, Transport, deliver,
};
use pappus_engine::http::{Answer, HttpError};
use url::Url;

use super::pods::{JumpingClock, Pods, for_pod, status, unreachable};
use super::{never, store, waiting};

/// Pods that take every delivery, and say of their software what `answer` says.
struct Asked<'a, F, G> {
    pods: Pods<'a, F>,
    clock: &'a JumpingClock,
    answer: G,
}

impl<F, G> Transport for Asked<'_, F, G>
where
    F: Fn(&str, DateTime<Utc>) -> Result<Answer, HttpError> + Sync,
    G: Fn(&Url, DateTime<Utc>) -> Result<Answer, HttpError> + Sync,
{
    async fn get(&self, url: &Url, _: &str) -> Result<Answer, HttpError> {
        (self.answer)(url, self.clock.now())
    }

    async fn post(&self, url: &Url, kind: &str, body: Vec<u8>) -> Result<Answer, HttpError> {
        self.pods.post(url, kind, body).await
    }
}

fn asked<G>(
    clock: &JumpingClock,
    answer: G,
) -> Asked<'_, impl Fn(&str, DateTime<Utc>) -> Result<Answer, HttpError> + Sync, G>
where
    G: Fn(&Url, DateTime<Utc>) -> Result<Answer, HttpError> + Sync,
{
    Asked { pods: Pods::new(clock, |_, _| status(202)), clock, answer }
}

async fn system(ledger: &Ledger) -> Option<System> {
    ledger.pods(Scope::All, "", 1).await.unwrap().remove(0).system
}

#[tokio::test]
async fn a_pod_that_never_names_its_software_gets_its_deliveries() {
    let answers: [fn() -> Result<Answer, HttpError>; 5] =
        [|| status(503), || status(429), late, || status(403), redirect];
    for answer in answers {
        let (_folder, store, ledger) = store().await;
        let clock = JumpingClock::new();
        let start = clock.now();
        ledger.enqueue(for_pod("alice", "https://pod.example/", 3), start).await.unwrap();
        let pods = asked(&clock, |_, _| answer());
        deliver(&store, &pods, None, &clock, &waiting(), never()).await.unwrap();
        let counts = ledger.counts(Scope::All).await.unwrap();
        assert_eq!(counts, Counts { delivered: 5, ..Counts::default() }, "{:?}", answer());
        let waited = pods.pods.posts()[0].at - start;
        assert!(waited >= TimeDelta::minutes(2) && waited < TimeDelta::minutes(5), "{waited}");
        assert_eq!(system(&ledger).await, None, "it is asked again");
    }
}

#[tokio::test]
async fn an_answer_that_fails_once_does_not_decide_the_order() {
    let answers: [fn() -> Result<Answer, HttpError>; 4] = [|| status(503), late, || status(403), redirect];
    for answer in answers {
        let (_folder, store, ledger) = store().await;
        let clock = JumpingClock::new();
        let start = clock.now();
        ledger.enqueue(for_pod("alice", "https://hub.example/", 3), start).await.unwrap();
        let hub = asked(&clock, |url: &Url, now| match url.path() {
            _ if now == start => answer(),
            "/.well-known/nodeinfo" => document(
                r#"{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"http://hub.example/2.0"}]}"#,
            ),
            "/2.0" if url.scheme() == "https" => document(r#"{"software":{"name":"hubzilla"}}"#),
            _ => status(404),
        });
        deliver(&store, &hub, None, &clock, &waiting(), never()).await.unwrap();
        assert_eq!(system(&ledger).await, Some(System::Hubzilla), "{:?}", answer());
        let posts = hub.pods.posts();
        let first_move = posts.iter().position(|post| post.body.contains("account_migration")).unwrap();
        assert_eq!((first_move, posts.len()), (3, 5), "the Contacts come first");
    }
}

/// Makes the profile one for the first of the contacts; returns the address of both.
fn with_a_profile_of_their_own(deliveries: &mut [NewDelivery]) -> Url {
    let contact = deliveries.iter().find(|delivery| delivery.kind == Kind::Contact).unwrap();
    let (url, recipient) = (contact.url.clone(), contact.recipient.clone());
    let profile = deliveries.iter_mut().find(|delivery| delivery.kind == Kind::Profile).unwrap();
    (profile.url, profile.recipient) = (url.clone(), recipient);
    url
}

/// Friendica refuses the move and Socialhome ignores it: nothing waits for it, and a profile only for the Contact of its own
/// recipient.
#[tokio::test]
async fn friendica_and_socialhome_get_everything_without_waiting_for_the_move() {
    for (name, expected) in [("friendica", System::Friendica), ("socialhome", System::Socialhome)] {
        let (_folder, store, ledger) = store().await;
        let clock = JumpingClock::new();
        let start = clock.now();
        let mut deliveries = for_pod("alice", "https://pod.example/", 3);
        let person = with_a_profile_of_their_own(&mut deliveries);
        ledger.enqueue(deliveries, start).await.unwrap();
        let software = format!(r#"{{"software":{{"name":"{name}"}}}}"#);
        let answer = |url: &Url, _: DateTime<Utc>| match url.path() {
            "/.well-known/nodeinfo" => document(
                r#"{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"https://pod.example/2.0"}]}"#,
            ),
            "/2.0" => document(&software),
            _ => status(404),
        };
        // The first Contact fails once, and the move is refused once.
        let (contact_fails, move_fails) = (AtomicBool::new(true), AtomicBool::new(true));
        let take = |url: &str, _: DateTime<Utc>| {
            let fails = if url == person.as_str() {
                contact_fails.swap(false, Ordering::SeqCst)
            } else {
                url.ends_with("/receive/public") && move_fails.swap(false, Ordering::SeqCst)
            };
            status(if fails { 404 } else { 202 })
        };
        let pods = Asked { pods: Pods::new(&clock, take), clock: &clock, answer };
        deliver(&store, &pods, None, &clock, &waiting(), never()).await.unwrap();
        assert_eq!(system(&ledger).await, Some(expected));
        let counts = ledger.counts(Scope::All).await.unwrap();
        assert_eq!(counts, Counts { delivered: 5, ..Counts::default() }, "{name}");

        let posts = pods.pods.posts();
        let kinds: Vec<&str> = posts.iter().filter_map(|post| post.body.split(' ').nth(1)).collect();
        let mut first = kinds[..4].to_vec();
        first.sort_unstable();
        assert_eq!(first, ["account_migration", "contact", "contact", "contact"], "{name}: {kinds:?}");
        assert_eq!(kinds.len(), 7, "two of them twice: {kinds:?}");
        let to_person: Vec<&str> = kinds
            .iter()
            .zip(&posts)
            .filter(|(_, post)| post.url == person.as_str())
            .map(|(kind, _)| *kind)
            .collect();
        assert_eq!(to_person, ["contact", "contact", "profile"], "{name}");
        let hours = Options::default().grace;
        assert!(posts.iter().all(|post| post.at < start + hours), "{name}: nobody waits for an echo");
    }
}

/// Only diaspora* itself says for good that something is gone; a front end may say so for a while.
#[tokio::test]
async fn gone_is_final_from_diaspora_only() {
    let others = ["hubzilla", "friendica", "socialhome", "misskey"].map(|name| (name, false));
    for (name, is_final) in [("diaspora", true)].into_iter().chain(others) {
        let (_folder, store, ledger) = store().await;
        let clock = JumpingClock::new();
        let start = clock.now();
        ledger.enqueue(for_pod("alice", "https://pod.example/", 3), start).await.unwrap();
        let software = format!(r#"{{"software":{{"name":"{name}"}}}}"#);
        let answer = |url: &Url, _: DateTime<Utc>| match url.path() {
            "/.well-known/nodeinfo" => document(
                r#"{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"https://pod.example/2.0"}]}"#,
            ),
            _ => document(&software),
        };
        // It is asked for its software and sent something in one go.
        let take =
            |_: &str, now: DateTime<Utc>| status(if now < start + TimeDelta::days(3) { 410 } else { 202 });
        let pods = Asked { pods: Pods::new(&clock, take), clock: &clock, answer };
        deliver(&store, &pods, None, &clock, &waiting(), never()).await.unwrap();
        let counts = ledger.counts(Scope::All).await.unwrap();
        let expected = if is_final {
            Counts { rejected: 5, ..Counts::default() }
        } else {
            Counts { delivered: 5, ..Counts::default() }
        };
        assert_eq!(counts, expected, "{name}");
    }
}

#[tokio::test]
async fn a_pod_without_a_connection_is_sent_nothing() {
    let (_folder, store, ledger) = store().await;
    let clock = JumpingClock::new();
    ledger.enqueue(for_pod("alice", "https://dead.example/", 3), clock.now()).await.unwrap();
    let pods = asked(&clock, |_, _| unreachable());
    for _ in 0..6 {
        deliver(&store, &pods, None, &clock, &Options::default(), never()).await.unwrap();
        clock.advance(TimeDelta::hours(1));
    }
    assert_eq!(pods.pods.posts().len(), 0);
}

fn redirect() -> Result<Answer, HttpError> {
    Err(HttpError::Redirect { host: "pod".to_owned(), status: 302, location: None })
}

fn late() -> Result<Answer, HttpError> {
    let after = std::time::Duration::from_secs(30);
    Err(HttpError::Timeout { host: "pod".to_owned(), after })
}

#[expect(clippy::unnecessary_wraps, reason = "it is what a pod gives")]
fn document(text: &str) -> Result<Answer, HttpError> {
    Ok(Answer { status: 200, content_type: None, retry_after: None, body: text.as_bytes().to_vec() })
}
