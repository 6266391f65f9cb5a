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

/// Maximum number of pods per page, and of unreached recipients shown.
const PAGE: u32 = 200;

/// Selects a page of pods.
#[derive(Deserialize)]
pub(in crate::newcomers) struct From {
    #[serde(default)]
    after: String,
}

#[derive(Template)]
#[template(path = "newcomers/told.html")]
struct DeliveryStatusPage<'a> {
    page: &'a Page,
    friends: String,
    arrived: String,
    waiting: String,
    failed: String,
    is_over: bool,
    pods: Vec<Pod>,
    /// By software of their pod: the instructions for friends, and their names.
    elsewhere: Vec<(String, Vec<String>)>,
    more: Option<String>,
    by_hand: Vec<(String, Reason)>,
    /// True if there may be more of them.
    more_by_hand: bool,
}

struct Pod {
    name: String,
    friends: String,
    arrived: String,
    waiting: String,
    failed: String,
    error: Option<Reason>,
    retry: Option<Moment>,
    /// The time until which the pod may process the move.
    processing: Option<Moment>,
    /// The time at which the old pod is told at the latest, after all others.
    last: Option<Moment>,
}

/// The reason why someone was not notified.
enum Reason {
    /// In the reader's language.
    Translated(String),
    /// The error message, in English.
    Program(String),
}

impl Reason {
    fn of(page: &Page, sentence: String) -> Self {
        reason(&page.words, &sentence).map_or(Self::Program(sentence), Self::Translated)
    }
}

/// Shows the page.
pub(in crate::newcomers) async fn show(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    page: Page,
    Query(from): Query<From>,
) -> Result<Response, WebError> {
    let told = read(&app, &newcomer, &from.after, PAGE).await?;
    let number = |count: i64| page.words.number(count.unsigned_abs());
    let template = DeliveryStatusPage {
        friends: back(&page, told.friends),
        elsewhere: elsewhere(&page, &told.elsewhere),
        arrived: number(told.counts.delivered),
        waiting: number(told.counts.queued + told.counts.sending),
        failed: number(told.counts.rejected + told.counts.dead),
        is_over: told.counts.is_finished(),
        more_by_hand: told.lost.len() >= PAGE as usize,
        by_hand: told
            .by_hand(|pod| page.words.one("told-everybody", "pod", pod))
            .into_iter()
            .map(|(who, why)| (who, Reason::of(&page, why)))
            .collect(),
        pods: told.pods.into_iter().map(|told| pod(&page, told)).collect(),
        more: told.after.map(|name| in_link(&name)),
        page: &page,
    };
    page.show(StatusCode::OK, &template)
}

/// Formats `3 of 5`.
fn back(page: &Page, friends: Friends) -> String {
    let number = |count: i64| page.words.number(count.unsigned_abs());
    page.words.with(
        "told-back-of",
        vec![("back", number(friends.back).into()), ("all", number(friends.all).into())],
    )
}

fn elsewhere(page: &Page, people: &[AdvisedFriend]) -> Vec<(String, Vec<String>)> {
    let of_system = people.chunk_by(|one, next| one.system == next.system);
    of_system
        .filter_map(|people| {
            let key = match people.first()?.system {
                System::Hubzilla => "told-hubzilla",
                System::Friendica => "told-friendica",
                System::Socialhome => "told-socialhome",
                System::Diaspora | System::Unknown => return None,
            };
            Some((page.words.say(key), people.iter().map(|one| one.person.clone()).collect()))
        })
        .collect()
}

fn pod(page: &Page, told: PodDeliveries) -> Pod {
    let number = |count: i64| page.words.number(count.unsigned_abs());
    let counts = told.counts;
    let waits = told.waits_until.filter(|_| told.confirmed_at.is_none() && !counts.is_finished());
    let waits = waits.map(|at| page.moment(at));
    // Only the old pod waits for a time before it gets the move.
    let (processing, last) = if told.accepted_at.is_some() { (waits, None) } else { (None, waits) };
    Pod {
        name: told.pod,
        friends: if told.friends.all > 0 { back(page, told.friends) } else { String::new() },
        processing,
        last,
        arrived: number(counts.delivered),
        waiting: number(counts.queued + counts.sending),
        failed: number(counts.rejected + counts.dead),
        error: told.last_error.map(|error| Reason::of(page, error)),
        retry: told.retry_at.filter(|_| !counts.is_finished()).map(|at| page.moment(at)),
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
    unreachable: Vec<(String, String)>,
    /// Unreached recipients, each of them once.
    lost: Vec<Unreached>,
}

impl DeliveryStatus {
    /// Returns whom to notify by hand, and the reason: an account, or all of a pod in the words of `everybody`.
    pub(in crate::newcomers) fn by_hand(
        &self,
        everybody: impl Fn(String) -> String,
    ) -> Vec<(String, String)> {
        let lost = self.lost.iter().flat_map(|lost| {
            let who = lost.recipient.clone().unwrap_or_else(|| everybody(lost.pod.clone()));
            let why = lost.last_error.clone().unwrap_or_default();
            std::iter::once(who).chain(lost.people.iter().cloned()).map(move |who| (who, why.clone()))
        });
        self.unreachable.iter().cloned().chain(lost).collect()
    }
}

/// Returns the deliveries: at most `many` pods after `after` (empty for the first page).
pub(in crate::newcomers) async fn read(
    app: &App,
    newcomer: &Newcomer,
    after: &str,
    many: u32,
) -> Result<DeliveryStatus, WebError> {
    let import = newcomer.import_id.as_deref().filter(|_| newcomer.announced.is_some());
    let import = import.ok_or(WebError::NotFound)?;
    // PostgreSQL text cannot contain NUL.
    if after.contains('\0') {
        return Err(WebError::BadRequest("no pod has such a name".to_owned()));
    }
    let (ledger, scope) = (Ledger::new(&app.store), Scope::Import(import));
    let pods = ledger.pods(scope, after, many).await?;
    Ok(DeliveryStatus {
        counts: ledger.counts(scope).await?,
        friends: ledger.friends(scope).await?,
        elsewhere: ledger.advised_friends(scope, None, many).await?,
        after: pods.last().filter(|_| pods.len() >= many as usize).map(|pod| pod.pod.clone()),
        pods,
        unreachable: unreachable(newcomer.announced.as_deref()),
        lost: ledger.unreached(scope, None, many).await?,
    })
}

fn unreachable(announced: Option<&str>) -> Vec<(String, String)> {
    #[derive(Deserialize)]
    struct Announced {
        by_hand: Vec<(String, String)>,
    }
    let announced = announced.and_then(|text| serde_json::from_str::<Announced>(text).ok());
    announced.map(|announced| announced.by_hand).unwrap_or_default()
}

fn in_link(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect()
}
