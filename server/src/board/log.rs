//! What was done, and by whom.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::shared;
use crate::app::App;
use crate::error::WebError;
use crate::pages::Page;
use crate::sessions::Podmin;

/// Where the page begins.
#[derive(Deserialize)]
pub(super) struct From {
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "board/log.html")]
struct LogPage<'a> {
    page: &'a Page,
    lines: Vec<Line>,
    older: Option<i64>,
}

struct Line {
    at: String,
    actor: Option<String>,
    act: String,
    subject: Option<String>,
    details: Option<String>,
    address: Option<String>,
}

/// Shows a page of it, the newest first.
pub(super) async fn show(
    State(app): State<App>,
    _: Podmin,
    page: Page,
    Query(from): Query<From>,
) -> Result<Response, WebError> {
    let (done, older) = shared::log::lines(&app, from.before).await?;
    let lines = done.into_iter().map(|line| Line {
        at: page.words.moment(chrono::DateTime::from_timestamp_millis(line.done_at).unwrap_or_default()),
        actor: line.actor,
        act: line.act,
        subject: line.subject,
        details: line.details,
        address: line.address,
    });
    page.show(StatusCode::OK, &LogPage { lines: lines.collect(), older, page: &page })
}
