//! The podmin's list of newcomers and decisions about them, for pages and API.

use super::ledger::records::{Newcomer, State};
use super::ledger::table::PAGE;
use crate::app::App;
use crate::board::shared::Actor;
use crate::error::WebError;

/// Returns a page of newcomers in one state, or of all who have not left, newest first, with numbers below `before`;
/// and the value of `before` for the next page, if there may be one.
pub(super) async fn list(
    app: &App,
    state: Option<&str>,
    before: Option<i64>,
) -> Result<(Vec<Newcomer>, Option<i64>), WebError> {
    super::is_there(app)?;
    let states = match state {
        Some(word) => {
            vec![word.parse().map_err(|_| WebError::BadRequest("there is no such state".to_owned()))?]
        }
        None => State::ALL.iter().copied().filter(|state| *state != State::Expired).collect(),
    };
    let found = app.newcomers.table.newest(&states, before).await?;
    let older = found.last().map(|last| last.id).filter(|_| found.len() == PAGE);
    Ok((found, older))
}

/// Finds a newcomer by number.
pub(super) async fn numbered(app: &App, id: i64) -> Result<Newcomer, WebError> {
    super::is_there(app)?;
    app.newcomers.table.by_id(id).await?.ok_or(WebError::NotFound)
}

/// Approves (`yes`) or declines (`no`) a waiting newcomer, retries a failed import (`again`), or announces a move
/// that waited because it names many pods (`announce`). Returns the updated newcomer.
pub(super) async fn decide(app: &App, actor: &Actor, id: i64, act: &str) -> Result<Newcomer, WebError> {
    let newcomer = numbered(app, id).await?;
    let (table, by, now) = (&app.newcomers.table, &actor.podmin.account, app.now_millis());
    let (done, noted) = match act {
        "yes" => (table.decide(id, true, by, now).await?, "newcomer-yes"),
        "no" => (table.decide(id, false, by, now).await?, "newcomer-no"),
        "announce" => (table.announce_seen(id, by, now).await?, "newcomer-announce"),
        "again" => (table.work(id, &[State::Failed], State::Importing, now).await?, "newcomer-again"),
        _ => return Err(WebError::BadRequest("there is nothing of this name to do".to_owned())),
    };
    if !done {
        return Err(too_late(&numbered(app, id).await?, act));
    }
    actor.has_done(app, noted, newcomer.old_account.as_deref().unwrap_or_default(), None).await;
    numbered(app, id).await
}

fn too_late(newcomer: &Newcomer, act: &str) -> WebError {
    let only = match act {
        "again" => "only an import that has failed is tried again",
        "announce" => "only a move that waits for a podmin because of its many pods is announced",
        _ => "only who waits is let in or sent away",
    };
    WebError::Conflict(format!("{only}; this move is {}", newcomer.state.as_str()))
}
