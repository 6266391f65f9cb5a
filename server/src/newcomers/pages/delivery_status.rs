//! The page about deliveries of the move.

use askama::Template;
use axum::extract::{Query, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use pappus_engine::arrivals::Newcomer;
use pappus_engine::delivery::{
    AdvisedFriend, Counts, Friends, Ledger, PodDeliveries, Scope, System, Unreached,
};
use serde::Deserialize;

use crate::app::App;
use crate::error::WebError;
use crate::newcomers::auth::CurrentNewcomer;
use crate::newcomers::pages::delivery_reason::reason;
use crate::pages::{Moment, Page};

/// Maximum number of pods, and of unreached recipients, on a page.
const PAGE_ROWS: u32 = 200;

/// Selects a page of pods.
#[derive(Deserialize)]
pub(in crate::newcomers) struct DeliveryStatusQuery {
    #[serde(default)]
    after: String,
}

#[derive(Template)]
#[template(path = "newcomers/told.html")]
struct DeliveryStatusPage<'a> {
    page: &'a Page,
    friends: String,
    delivered: String,
    waiting: String,
    failed: String,
    is_over: bool,
    pods: Vec<Pod>,
    /// By software of their pod: the instructions for friends, and their names.
    elsewhere: Vec<(String, Vec<String>)>,
    /// The URL-encoded cursor of the next page.
    next_page: Option<String>,
    by_hand: Vec<(String, Reason)>,
    /// True if there may be more of them.
    has_more_by_hand: bool,
}

struct Pod {
    name: String,
    friends: String,
    delivered: String,
    waiting: String,
    failed: String,
    error: Option<Reason>,
    retry: Option<Moment>,
    /// The time until which the pod may process the move.
    processing: Option<Moment>,
    /// The time until which the old pod is notified, after all others.
    notified_until: Option<Moment>,
}

/// The reason why someone was not notified.
enum Reason {
    /// In the reader's language.
    Translated(String),
    /// The original error message, in English.
    Original(String),
}

impl Reason {
    fn of(page: &Page, message: String) -> Self {
        reason(&page.words, &message).map_or(Self::Original(message), Self::Translated)
    }
}

/// Shows the page.
pub(in crate::newcomers) async fn show(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    page: Page,
    Query(query): Query<DeliveryStatusQuery>,
) -> Result<Response, WebError> {
    let status = read(&app, &newcomer, &query.after, PAGE_ROWS).await?;
    let number = |count: i64| page.words.number(count.unsigned_abs());
    let template = DeliveryStatusPage {
        friends: sharing_friends(&page, status.friends),
        elsewhere: elsewhere(&page, &status.elsewhere),
        delivered: number(status.counts.delivered),
        waiting: number(status.counts.queued + status.counts.sending),
        failed: number(status.counts.rejected + status.counts.dead),
        is_over: status.counts.is_finished(),
        has_more_by_hand: status.unreached.len() >= PAGE_ROWS as usize,
        by_hand: status
            .by_hand(|pod| page.words.one("told-everybody", "pod", pod))
            .into_iter()
            .map(|(recipient, reason)| (recipient, Reason::of(&page, reason)))
            .collect(),
        pods: status.pods.into_iter().map(|deliveries| pod(&page, deliveries)).collect(),
        next_page: status.after.map(|name| url_encoded(&name)),
        page: &page,
    };
    page.show(StatusCode::OK, &template)
}

/// Formats the number of friends who share with the new account: `3 of 5`.
fn sharing_friends(page: &Page, friends: Friends) -> String {
    let number = |count: i64| page.words.number(count.unsigned_abs());
    page.words.with(
        "told-back-of",
        vec![("back", number(friends.back).into()), ("all", number(friends.all).into())],
    )
}

fn elsewhere(page: &Page, people: &[AdvisedFriend]) -> Vec<(String, Vec<String>)> {
    let of_system = people.chunk_by(|friend, next| friend.system == next.system);
    of_system
        .filter_map(|people| {
            let key = match people.first()?.system {
                System::Hubzilla => "told-hubzilla",
                System::Friendica => "told-friendica",
                System::Socialhome => "told-socialhome",
                System::Diaspora | System::Unknown => return None,
            };
            Some((page.words.say(key), people.iter().map(|friend| friend.person.clone()).collect()))
        })
        .collect()
}

fn pod(page: &Page, deliveries: PodDeliveries) -> Pod {
    let number = |count: i64| page.words.number(count.unsigned_abs());
    let counts = deliveries.counts;
    let waits_until =
        deliveries.waits_until.filter(|_| deliveries.confirmed_at.is_none() && !counts.is_finished());
    let waits_until = waits_until.map(|at| page.moment(at));
    // Only the old pod waits for a time before it gets the move.
    let (processing, notified_until) =
        if deliveries.accepted_at.is_some() { (waits_until, None) } else { (None, waits_until) };
    Pod {
        name: deliveries.pod,
        friends: if deliveries.friends.all > 0 {
            sharing_friends(page, deliveries.friends)
        } else {
            String::new()
        },
        processing,
        notified_until,
        delivered: number(counts.delivered),
        waiting: number(counts.queued + counts.sending),
        failed: number(counts.rejected + counts.dead),
        error: deliveries.last_error.map(|error| Reason::of(page, error)),
        retry: deliveries.retry_at.filter(|_| !counts.is_finished()).map(|at| page.moment(at)),
    }
}

/// Deliveries of the move, for page and API.
pub(in crate::newcomers) struct DeliveryStatus {
    pub(in crate::newcomers) counts: Counts,
    /// Number of friends who share with the new account.
    pub(in crate::newcomers) friends: Friends,
    /// The first friends who have to act themselves.
    pub(in crate::newcomers) elsewhere: Vec<AdvisedFriend>,
    /// Deliveries by pod, in order of name.
    pub(in crate::newcomers) pods: Vec<PodDeliveries>,
    /// Cursor of the next page, if there may be one.
    pub(in crate::newcomers) after: Option<String>,
    /// Accounts that could not be resolved at the announcement, and the reason.
    unresolved: Vec<(String, String)>,
    /// Unreached recipients, each of them once.
    unreached: Vec<Unreached>,
}

impl DeliveryStatus {
    /// Returns the recipients to notify by hand, and the reason: an account, or all people of a pod, as `pod_text`
    /// formats it.
    pub(in crate::newcomers) fn by_hand(&self, pod_text: impl Fn(String) -> String) -> Vec<(String, String)> {
        let unreached = self.unreached.iter().flat_map(|unreached| {
            let recipient = unreached.recipient.clone().unwrap_or_else(|| pod_text(unreached.pod.clone()));
            let reason = unreached.last_error.clone().unwrap_or_default();
            let people = unreached.people.iter().cloned();
            std::iter::once(recipient).chain(people).map(move |person| (person, reason.clone()))
        });
        self.unresolved.iter().cloned().chain(unreached).collect()
    }
}

/// Returns the deliveries: at most `limit` pods after `after` (empty for the first page).
pub(in crate::newcomers) async fn read(
    app: &App,
    newcomer: &Newcomer,
    after: &str,
    limit: u32,
) -> Result<DeliveryStatus, WebError> {
    let import = newcomer.import_id.as_deref().filter(|_| newcomer.announced.is_some());
    let import = import.ok_or(WebError::NotFound)?;
    // PostgreSQL text cannot contain NUL.
    if after.contains('\0') {
        return Err(WebError::BadRequest("no pod has such a name".to_owned()));
    }
    let (ledger, scope) = (Ledger::new(&app.store), Scope::Import(import));
    let pods = ledger.pods(scope, after, limit).await?;
    Ok(DeliveryStatus {
        counts: ledger.counts(scope).await?,
        friends: ledger.friends(scope).await?,
        elsewhere: ledger.advised_friends(scope, None, limit).await?,
        after: pods.last().filter(|_| pods.len() >= limit as usize).map(|pod| pod.pod.clone()),
        pods,
        unresolved: unresolved(newcomer.announced.as_deref()),
        unreached: ledger.unreached(scope, None, limit).await?,
    })
}

fn unresolved(announced: Option<&str>) -> Vec<(String, String)> {
    #[derive(Deserialize)]
    struct Announced {
        by_hand: Vec<(String, String)>,
    }
    let announced = announced.and_then(|text| serde_json::from_str::<Announced>(text).ok());
    announced.map(|announced| announced.by_hand).unwrap_or_default()
}

fn url_encoded(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect()
}
