//! How far it is, as it happens: server-sent events for the small script; without it the page reloads itself.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use chrono::{DateTime, Utc};
use futures_util::stream::{self, Stream};

use super::enter::Mine;
use super::records::{Newcomer, State};
use crate::app::App;
use crate::error::WebError;
use crate::pages::Page;
use crate::words::Words;

/// How often it is looked; newcomers are few.
const LOOK: Duration = Duration::from_secs(1);
/// A connection ends after so many looks; browsers come back by themselves.
const LOOKS: u32 = 600;

/// How one's own work goes on, until it is over.
pub(super) async fn events(
    Shared(app): Shared<App>,
    Mine(newcomer): Mine,
    page: Page,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, WebError> {
    let (words, id, state) = (page.words.clone(), newcomer.id, newcomer.state);
    let begin = (app, words, None::<(String, Option<u64>)>, 0_u32, false);
    let events = stream::unfold(begin, move |(app, words, mut said, mut looks, over)| async move {
        if over {
            return None;
        }
        loop {
            if looks > 0 {
                tokio::time::sleep(LOOK).await;
            }
            looks += 1;
            if looks > LOOKS {
                return None;
            }
            // A store that is away for a moment comes back.
            let Ok(now) = app.newcomers.table.by_id(id).await else { continue };
            let Some(now) = now.filter(|now| now.goes_on_by_itself() && now.state == state) else {
                let event = Event::default().event("over").data("over");
                return Some((Ok(event), (app, words, said, looks, true)));
            };
            let saying = (sentence(&words, &now, app.now()), now.percent());
            if said.as_ref() != Some(&saying) {
                let document = serde_json::json!({ "text": saying.0, "percent": saying.1 });
                said = Some(saying);
                let event = Event::default().event("progress").data(document.to_string());
                return Some((Ok(event), (app, words, said, looks, false)));
            }
        }
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// How it stands in a sentence.
pub(super) fn sentence(words: &Words, newcomer: &Newcomer, now: DateTime<Utc>) -> String {
    if let Some(until) = newcomer.undo_until() {
        return pause(words, until, now);
    }
    if !newcomer.state.is_work() {
        return String::new();
    }
    if newcomer.reason.is_some() {
        return words.say("newcomers-later");
    }
    match newcomer.stage.as_deref() {
        Some("verifying") => words.say("newcomers-stage-verifying"),
        Some("photos") => words.say("newcomers-stage-photos"),
        Some("people") => words.say("newcomers-stage-people"),
        Some("posts") => words.say("newcomers-stage-posts"),
        Some("records") if newcomer.state == State::Checking => words.say("newcomers-stage-planning"),
        Some("records") => words.say("newcomers-stage-records"),
        _ => words.say("newcomers-stage-next"),
    }
}

/// Until when the move can be undone.
fn pause(words: &Words, until: DateTime<Utc>, now: DateTime<Utc>) -> String {
    // A minute that has begun counts, and the last one to its end.
    let minutes = u64::try_from((until - now).num_seconds()).unwrap_or(0).div_ceil(60).max(1);
    let clock = until.format("%H:%M").to_string();
    words.with("newcomers-pause", vec![("time", clock.into()), ("minutes", minutes.into())])
}
