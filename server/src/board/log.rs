//! The audit log, in sentences.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::shared;
use crate::app::App;
use crate::audit::{AuditEntry, LogFilter};
use crate::error::WebError;
use crate::pages::{Moment, Page};
use crate::sessions::Podmin;
use crate::words::Words;

/// The part of the service that actions belong to.
#[derive(Clone, Copy)]
enum Part {
    All,
    Closing,
    Newcomers,
}

/// Filter choices: prefixes of action names.
const GROUPS: [(&str, Part); 10] = [
    ("sign-in", Part::All),
    ("closing", Part::Closing),
    ("campaign", Part::Closing),
    ("archive", Part::Closing),
    ("notice", Part::Closing),
    ("newcomer", Part::Newcomers),
    ("invitation", Part::Newcomers),
    ("trusted-pod", Part::Newcomers),
    ("token", Part::All),
    ("podmin-words", Part::All),
];

/// The filter and the page of the log.
#[derive(Deserialize)]
pub(super) struct LogQuery {
    before: Option<i64>,
    #[serde(default)]
    act: String,
    #[serde(default)]
    who: String,
}

#[derive(Template)]
#[template(path = "board/log.html")]
struct LogPage<'a> {
    page: &'a Page,
    groups: Vec<(&'static str, String)>,
    act: String,
    who: String,
    rows: Vec<LogRow>,
    /// The URL of the next page.
    next_page: Option<String>,
}

struct LogRow {
    at: Moment,
    actor: Option<String>,
    act: String,
    sentence: String,
    details: Option<String>,
    address: Option<String>,
}

/// Shows a page of the log, newest first.
pub(super) async fn show(
    State(app): State<App>,
    _: Podmin,
    page: Page,
    Query(query): Query<LogQuery>,
) -> Result<Response, WebError> {
    let LogQuery { before, act, who } = query;
    let filter = LogFilter { before, act, who };
    let (entries, next) = shared::log::entries(&app, &filter).await?;
    let next_page = next.map(|before| {
        let before = before.to_string();
        let pairs = [("before", before.as_str()), ("act", &filter.act), ("who", &filter.who)];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("/board/log?{query}")
    });
    let template = LogPage {
        groups: groups(&page),
        rows: entries.into_iter().map(|entry| row(&page, entry)).collect(),
        act: filter.act,
        who: filter.who,
        next_page,
        page: &page,
    };
    page.show(StatusCode::OK, &template)
}

/// Returns the filter choices for what this pod has switched on, with their names.
fn groups(page: &Page) -> Vec<(&'static str, String)> {
    let is_enabled = |part| match part {
        Part::All => true,
        Part::Closing => page.is_closing,
        Part::Newcomers => page.accepts_newcomers,
    };
    let groups = GROUPS.into_iter().filter(|(_, part)| is_enabled(*part));
    groups.map(|(group, _)| (group, page.words.say(&format!("log-group-{group}")))).collect()
}

fn row(page: &Page, entry: AuditEntry) -> LogRow {
    let at = chrono::DateTime::from_timestamp_millis(entry.done_at).unwrap_or_default();
    LogRow {
        at: page.moment(at),
        sentence: sentence(&page.words, &entry),
        actor: entry.actor,
        act: entry.act,
        details: entry.details,
        address: entry.address,
    }
}

/// Returns an entry as a sentence.
fn sentence(words: &Words, entry: &AuditEntry) -> String {
    let subject = entry.subject.clone().unwrap_or_default();
    // A stage has a translated name.
    let subject = match entry.act.as_str() {
        "closing" => words.find(&format!("stage-{subject}")).unwrap_or(subject),
        _ => subject,
    };
    let key = format!("log-act-{}", entry.act);
    match words.find(&key) {
        Some(_) => words.one(&key, "subject", subject),
        None => format!("{} {subject}", entry.act),
    }
}
