//! Pods that only pretend, a clock that jumps, and a ledger with something in it.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use pappus_engine::delivery::{Clock, Kind, NewDelivery, Transport};
use pappus_engine::http::{Answer, HttpError};
use pappus_engine::store::Store;
use url::Url;

/// Begins at 2026-01-01 and jumps wherever somebody sleeps to.
pub(crate) struct JumpingClock(AtomicI64);

impl JumpingClock {
    pub(crate) fn new() -> Self {
        Self(AtomicI64::new(1_767_225_600_000))
    }

    pub(crate) fn advance(&self, time: TimeDelta) {
        self.0.fetch_add(time.num_milliseconds(), Ordering::SeqCst);
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0.load(Ordering::SeqCst)).unwrap()
    }

    async fn sleep(&self, time: Duration) {
        self.advance(TimeDelta::from_std(time).unwrap());
        tokio::task::yield_now().await;
    }
}

/// One POST that reached a pod.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) url: String,
    pub(crate) body: String,
    pub(crate) at: DateTime<Utc>,
}

/// All pods of the network, as `answer` has them.
pub(crate) struct Pods<'a, F> {
    clock: &'a JumpingClock,
    answer: F,
    posts: Mutex<Vec<Post>>,
    now: Mutex<HashMap<String, usize>>,
    most: Mutex<(usize, usize)>,
}

impl<'a, F> Pods<'a, F>
where
    F: Fn(&str, DateTime<Utc>) -> Result<Answer, HttpError> + Sync,
{
    /// `answer` is given the address and the time.
    pub(crate) fn new(clock: &'a JumpingClock, answer: F) -> Self {
        Self { clock, answer, posts: Mutex::default(), now: Mutex::default(), most: Mutex::default() }
    }

    /// Everything sent so far, in order.
    pub(crate) fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap().clone()
    }

    /// How often each body came.
    pub(crate) fn times(&self) -> HashMap<String, usize> {
        let mut times = HashMap::new();
        for post in self.posts.lock().unwrap().iter() {
            *times.entry(post.body.clone()).or_default() += 1;
        }
        times
    }

    /// The most that were sent at once: to one pod, to all.
    pub(crate) fn most(&self) -> (usize, usize) {
        *self.most.lock().unwrap()
    }
}

/// Counts a POST as on its way, also when it is dropped.
struct OnItsWay<'a>(&'a Mutex<HashMap<String, usize>>, String);

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        *self.0.lock().unwrap().get_mut(&self.1).unwrap() -= 1;
    }
}

impl<F> Transport for Pods<'_, F>
where
    F: Fn(&str, DateTime<Utc>) -> Result<Answer, HttpError> + Sync,
{
    async fn get(&self, _: &Url, _: &str) -> Result<Answer, HttpError> {
        status(404)
    }

    async fn post(&self, url: &Url, _: &str, body: Vec<u8>) -> Result<Answer, HttpError> {
        let pod = url.authority().to_owned();
        let at = self.clock.now();
        {
            let mut now = self.now.lock().unwrap();
            *now.entry(pod.clone()).or_default() += 1;
            let mut most = self.most.lock().unwrap();
            *most = (most.0.max(now[&pod]), most.1.max(now.values().sum()));
        }
        let _way = OnItsWay(&self.now, pod);
        // Half of the time passes before the pod has it, half before it answers.
        tokio::time::sleep(Duration::from_micros(300)).await;
        let body = String::from_utf8(body).unwrap();
        self.posts.lock().unwrap().push(Post { url: url.to_string(), body, at });
        tokio::time::sleep(Duration::from_micros(300)).await;
        (self.answer)(url.as_str(), at)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is what a pod gives")]
pub(crate) fn status(status: u16) -> Result<Answer, HttpError> {
    Ok(Answer {
        status,
        content_type: None,
        retry_after: None,
        body: format!("<h1>{status}</h1>\nmore").into_bytes(),
    })
}

/// An import that deliveries can belong to, of an account that answers from outside.
pub(crate) async fn add_import(store: &Store, id: &str) {
    let sql = "INSERT INTO pappus_imports \
        (id, archive_sha256, old_id, new_username, pod_url, state, created_at, updated_at) \
        VALUES (?, 'digest', ?, 'alice', 'https://new.example/', 'imported', 1, 1)";
    store.execute("adding an import", sql, &[id.into(), account(id).into()]).await.unwrap();
    let sql = "INSERT INTO pappus_moves (import_id, seen_at) VALUES (?, 1)";
    store.execute("adding a move", sql, &[id.into()]).await.unwrap();
}

/// As if every pod had processed every move long ago, for tests that are not about the order.
pub(crate) async fn all_processed(store: &Store) {
    let sql = "INSERT INTO pappus_move_pods (import_id, pod, told_at, opens_at, confirmed_at) \
               SELECT DISTINCT import_id, pod, 0, 0, 0 FROM pappus_deliveries";
    store.execute("opening", sql, &[]).await.unwrap();
}

/// The account of an import.
pub(crate) fn account(import: &str) -> String {
    format!("{import}@old.example")
}

/// All that an import has for one pod: the move, the profile, and contacts; bodies say what they are.
pub(crate) fn for_pod(import: &str, base: &str, contacts: usize) -> Vec<NewDelivery> {
    let host = Url::parse(base).unwrap().authority().to_owned();
    let new = |kind: Kind, path: &str, recipient: Option<usize>| NewDelivery {
        import_id: import.to_owned(),
        account: account(import).parse().unwrap(),
        kind,
        url: Url::parse(base).unwrap().join(path).unwrap(),
        recipient: recipient.map(|number| format!("person{number}@{host}").parse().unwrap()),
        people: match kind {
            Kind::AccountMigration => vec![format!("stranger@{host}").parse().unwrap()],
            _ => Vec::new(),
        },
        content_type: "application/magic-envelope+xml".to_owned(),
        body: format!("{import} {} {path} {host}", kind.as_str()).into_bytes(),
        profile_digest: None,
        recipient_key: None,
    };
    let contacts =
        (0..contacts).map(|number| new(Kind::Contact, &format!("receive/users/{number:016}"), Some(number)));
    let public = [Kind::Profile, Kind::AccountMigration].map(|kind| new(kind, "receive/public", None));
    contacts.chain(public).collect()
}

/// What the client says of a pod that does not answer.
pub(crate) fn unreachable() -> Result<Answer, HttpError> {
    Err(HttpError::Connect { host: "pod".to_owned(), reason: "connection refused".to_owned() })
}
