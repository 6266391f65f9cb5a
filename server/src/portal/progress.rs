//! Live progress: server-sent events for the small script; without it the page reloads itself.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::stream::{self, Stream};

use super::watch::RequestProgress;
use crate::app::App;
use crate::error::WebError;
use crate::pages::Page;
use crate::security::Address;
use crate::sessions::SignedIn;
use crate::words::Words;

/// Maximum duration of a connection; browsers reconnect automatically.
const MAX_DURATION: Duration = Duration::from_mins(10);

/// Streams the progress of one's own request, until it has ended.
pub(super) async fn events(
    State(app): State<App>,
    SignedIn(person): SignedIn,
    address: Address,
    page: Page,
    Path(id): Path<i64>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, WebError> {
    app.portal.requests.of(person.user_id, id).await?.ok_or(WebError::NotFound)?;
    let permit = app.streams.open(address)?;
    let watched = app.portal.queue.watch().await;
    let words = page.words.clone();
    let deadline = tokio::time::Instant::now() + MAX_DURATION;
    let initial = (watched, None::<Option<RequestProgress>>, permit);
    let events = stream::unfold(initial, move |(mut watched, mut sent, permit)| {
        let words = words.clone();
        async move {
            loop {
                // The end has been sent already.
                if sent == Some(None) {
                    return None;
                }
                let progress = watched.borrow_and_update().get(&id).copied();
                if sent != Some(progress) {
                    sent = Some(progress);
                    return Some((Ok(event(&words, progress.as_ref())), (watched, sent, permit)));
                }
                tokio::select! {
                    changed = watched.changed() => changed.ok()?,
                    () = tokio::time::sleep_until(deadline) => return None,
                }
            }
        }
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

fn event(words: &Words, progress: Option<&RequestProgress>) -> Event {
    let Some(progress) = progress else { return Event::default().event("over").data("over") };
    let document = serde_json::json!({ "text": sentence(words, progress), "percent": progress.percent });
    Event::default().event("progress").data(document.to_string())
}

/// Returns the progress as a sentence.
pub(super) fn sentence(words: &Words, progress: &RequestProgress) -> String {
    match (progress.is_running, progress.percent, progress.ahead) {
        (true, Some(percent), _) => words.one("archive-percent", "percent", percent.to_string()),
        (true, None, _) => words.say("archive-beginning"),
        (false, _, 0) => words.say("archive-next"),
        (false, _, ahead) => {
            words.with("archive-ahead", vec![("count", ahead.into()), ("shown", words.number(ahead).into())])
        }
    }
}
