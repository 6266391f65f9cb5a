//! The audit log, in sentences.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::shared;
use crate::app::App;
use crate::audit::{Done, LogFilter};
use crate::error::WebError;
use crate::pages::{Moment, Page};
use crate::sessions::Podmin;
use crate::words::Words;

/// The part of the service that actions belong to.
#[derive(Clone, Copy)]
enum Part {
    Every,
    Closing,
    Newcomers,
}

/// Filter choices: prefixes of action names.
const GROUPS: [(&str, Part); 10] = [
    ("sign-in", Part::Every),
    ("closing", Part::Closing),
    ("campaign", Part::Closing),
    ("archive", Part::Closing),
    ("notice", Part::Closing),
    ("newcomer", Part::Newcomers),
    ("invitation", Part::Newcomers),
    ("trusted-pod", Part::Newcomers),
    ("token", Part::Every),
    ("podmin-words", Part::Every),
];

/// The filter and the page of the log.
#[derive(Deserialize)]
pub(super) struct From {
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
    lines: Vec<Line>,
    /// The URL of the next page.
    older: Option<String>,
}

struct Line {
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
    Query(from): Query<From>,
) -> Result<Response, WebError> {
    let From { before, act, who } = from;
    let wanted = LogFilter { before, act, who };
    let (done, older) = shared::log::lines(&app, &wanted).await?;
    let older = older.map(|before| {
        let before = before.to_string();
        let pairs = [("before", before.as_str()), ("act", &wanted.act), ("who", &wanted.who)];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("/board/log?{query}")
    });
    let template = LogPage {
        groups: groups(&page),
        lines: done.into_iter().map(|done| line(&page, done)).collect(),
        act: wanted.act,
        who: wanted.who,
        older,
        page: &page,
    };
    page.show(StatusCode::OK, &template)
}

/// Returns the filter choices for what this pod has switched on, with their names.
fn groups(page: &Page) -> Vec<(&'static str, String)> {
    let is_on = |part| match part {
        Part::Every => true,
        Part::Closing => page.closing,
        Part::Newcomers => page.newcomers,
    };
    let shown = GROUPS.into_iter().filter(|(_, part)| is_on(*part));
    shown.map(|(group, _)| (group, page.words.say(&format!("log-group-{group}")))).collect()
}

fn line(page: &Page, done: Done) -> Line {
    let at = chrono::DateTime::from_timestamp_millis(done.done_at).unwrap_or_default();
    Line {
        at: page.moment(at),
        sentence: sentence(&page.words, &done),
        actor: done.actor,
        act: done.act,
        details: done.details,
        address: done.address,
    }
}

/// Returns an entry as a sentence.
fn sentence(words: &Words, done: &Done) -> String {
    let subject = done.subject.clone().unwrap_or_default();
    // A stage has a translated name.
    let subject = match done.act.as_str() {
        "closing" => words.find(&format!("stage-{subject}")).unwrap_or(subject),
        _ => subject,
    };
    let key = format!("log-act-{}", done.act);
    match words.find(&key) {
        Some(_) => words.one(&key, "subject", subject),
        None => format!("{} {subject}", done.act),
    }
}
