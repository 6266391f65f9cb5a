//! Who was told of the move.

use askama::Template;
use axum::extract::{Query, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use pappus_engine::delivery::{DeliveryState, Ledger, PodDeliveries, Scope};
use serde::Deserialize;

use super::enter::Mine;
use crate::app::App;
use crate::error::WebError;
use crate::pages::Page;

/// Pods of one page.
const PODS: u32 = 200;
/// People to be told by hand that are shown.
const PEOPLE: u32 = 200;

/// Where the page begins.
#[derive(Deserialize)]
pub(super) struct From {
    #[serde(default)]
    after: String,
}

#[derive(Template)]
#[template(path = "newcomers/told.html")]
struct ToldPage<'a> {
    page: &'a Page,
    arrived: String,
    waiting: String,
    failed: String,
    is_over: bool,
    pods: Vec<Pod>,
    more: Option<String>,
    by_hand: Vec<(String, String)>,
}

struct Pod {
    name: String,
    arrived: String,
    waiting: String,
    failed: String,
    error: Option<String>,
    retry: Option<String>,
}

/// Shows it.
pub(super) async fn show(
    Shared(app): Shared<App>,
    Mine(newcomer): Mine,
    page: Page,
    Query(from): Query<From>,
) -> Result<Response, WebError> {
    let import = newcomer.import_id.as_deref().filter(|_| newcomer.announced.is_some());
    let import = import.ok_or(WebError::NotFound)?;
    let (ledger, scope) = (Ledger::new(&app.store), Scope::Import(import));
    let counts = ledger.counts(scope).await?;
    let pods = ledger.pods(scope, &from.after, PODS).await?;
    let lost = [DeliveryState::Rejected, DeliveryState::Dead];
    let lost = ledger.undelivered(scope, &lost, 0, PEOPLE).await?;
    let more = pods.last().filter(|_| pods.len() >= PODS as usize).map(|pod| in_link(&pod.pod));
    let mut by_hand = unreachable(newcomer.announced.as_deref());
    by_hand.extend(lost.into_iter().map(|lost| {
        let who = lost.recipient.unwrap_or_else(|| page.words.one("told-everybody", "pod", lost.pod));
        (who, lost.last_error.unwrap_or_default())
    }));
    let number = |count: i64| page.words.number(count.unsigned_abs());
    let template = ToldPage {
        arrived: number(counts.delivered),
        waiting: number(counts.queued + counts.sending),
        failed: number(counts.rejected + counts.dead),
        is_over: counts.finished(),
        pods: pods.into_iter().map(|told| pod(&page, told)).collect(),
        more,
        by_hand,
        page: &page,
    };
    page.show(StatusCode::OK, &template)
}

fn pod(page: &Page, told: PodDeliveries) -> Pod {
    let number = |count: i64| page.words.number(count.unsigned_abs());
    let counts = told.counts;
    Pod {
        name: told.pod,
        arrived: number(counts.delivered),
        waiting: number(counts.queued + counts.sending),
        failed: number(counts.rejected + counts.dead),
        error: told.last_error,
        retry: told.retry_at.filter(|_| !counts.finished()).map(|at| page.words.moment(at)),
    }
}

/// People of whom nobody knew, when it was announced, how to reach them.
pub(super) fn unreachable(announced: Option<&str>) -> Vec<(String, String)> {
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
