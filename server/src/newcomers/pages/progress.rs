//! Live progress: server-sent events for the small script; without it the page reloads itself.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use chrono::{DateTime, Utc};
use futures_util::stream::{self, Stream};
use pappus_engine::arrivals::{MoveProgress, State, percent};
use tokio::time::Instant;

use crate::app::App;
use crate::error::WebError;
use crate::newcomers::auth::CurrentNewcomer;
use crate::pages::{Moment, Page};
use crate::security::Address;
use crate::words::Words;

/// Maximum duration of a connection; browsers reconnect automatically.
const MAX_DURATION: Duration = Duration::from_mins(10);
/// Interval of updates without a change: the pause for undo counts down.
const UPDATE_INTERVAL: Duration = Duration::from_secs(5);

/// Streams the progress of the caller's move until it ends.
pub(in crate::newcomers) async fn events(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    address: Address,
    page: Page,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, WebError> {
    let slot = app.streams.open(address)?;
    let (watched, table) = (&app.newcomers.watched, app.newcomers.table.clone());
    let read_progress = move || {
        let table = table.clone();
        async move { table.progress().await.ok() }
    };
    let watched = watched.watch(read_progress).await;
    let (words, id, state) = (page.words.clone(), newcomer.id, newcomer.state);
    let deadline = Instant::now() + MAX_DURATION;
    let initial = (app, watched, None::<(String, Option<u64>)>, false, slot);
    let events = stream::unfold(initial, move |(app, mut watched, mut last_sent, is_over, slot)| {
        let words = words.clone();
        async move {
            if is_over {
                return None;
            }
            loop {
                let progress =
                    watched.borrow_and_update().get(&id).filter(|progress| progress.state == state).cloned();
                let Some(progress) = progress else {
                    let event = Event::default().event("over").data("over");
                    return Some((Ok(event), (app, watched, last_sent, true, slot)));
                };
                let current =
                    (sentence(&words, &progress, app.now()), percent(progress.advanced, progress.total));
                if last_sent.as_ref() != Some(&current) {
                    let time = progress.undo_until.map(pause_end);
                    let time = time.map(|time| (time.text().to_owned(), time.datetime()));
                    let document =
                        serde_json::json!({ "text": current.0, "percent": current.1, "time": time });
                    last_sent = Some(current);
                    let event = Event::default().event("progress").data(document.to_string());
                    return Some((Ok(event), (app, watched, last_sent, false, slot)));
                }
                tokio::select! {
                    changed = watched.changed() => changed.ok()?,
                    () = tokio::time::sleep(UPDATE_INTERVAL) => {}
                    () = tokio::time::sleep_until(deadline) => return None,
                }
            }
        }
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// Describes the progress in a sentence.
pub(in crate::newcomers) fn sentence(words: &Words, progress: &MoveProgress, now: DateTime<Utc>) -> String {
    if let Some(until) = progress.undo_until {
        return pause(words, until, now);
    }
    let queue = |next_key: &str, ahead_key: &str, ahead: u64| match ahead {
        0 => words.say(next_key),
        ahead => words.with(ahead_key, vec![("count", ahead.into()), ("shown", words.number(ahead).into())]),
    };
    if progress.state == State::Waiting {
        return queue("newcomers-waiting-still", "newcomers-waiting-ahead", progress.ahead.unwrap_or(0));
    }
    if !progress.state.is_work() {
        return String::new();
    }
    if progress.is_late {
        return words.say("newcomers-later");
    }
    if let Some(ahead) = progress.ahead {
        return queue("newcomers-stage-next", "newcomers-stage-ahead", ahead);
    }
    match progress.stage.as_deref() {
        Some("verifying") => words.say("newcomers-stage-verifying"),
        Some("photos") if progress.state == State::Checking => words.say("newcomers-stage-pictures"),
        Some("photos") => words.say("newcomers-stage-photos"),
        Some("people") => words.say("newcomers-stage-people"),
        Some("posts") => words.say("newcomers-stage-posts"),
        Some("records") if progress.state == State::Checking => words.say("newcomers-stage-planning"),
        Some("records") => words.say("newcomers-stage-records"),
        _ => words.say("newcomers-stage-next"),
    }
}

/// Describes the time left for undo.
fn pause(words: &Words, until: DateTime<Utc>, now: DateTime<Utc>) -> String {
    // Rounded up; the last minute counts until it ends.
    let minutes = u64::try_from((until - now).num_seconds()).unwrap_or(0).div_ceil(60).max(1);
    words.with("newcomers-pause", vec![("time", pause_end(until).text().into()), ("minutes", minutes.into())])
}

/// Returns the time of day at which the pause for undo ends.
pub(in crate::newcomers) fn pause_end(until: DateTime<Utc>) -> Moment {
    Moment::with_text(until, until.format("%H:%M UTC").to_string())
}
