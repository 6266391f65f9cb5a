//! The podmin's list of newcomers and decisions about them, for pages and API.

use pappus_engine::arrivals::{Decision, Newcomer, PAGE, State};

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
    super::require_enabled(app)?;
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
    super::require_enabled(app)?;
    app.newcomers.table.by_id(id).await?.ok_or(WebError::NotFound)
}

/// Approves (`yes`) or declines (`no`) a waiting newcomer, retries a failed import (`again`), announces a move that
/// waited because it names many pods (`announce`), or stops a check or an import (`stop`). Returns the updated newcomer.
pub(super) async fn decide(app: &App, actor: &Actor, id: i64, act: &str) -> Result<Newcomer, WebError> {
    let newcomer = numbered(app, id).await?;
    let unknown = |_| WebError::BadRequest("there is nothing of this name to do".to_owned());
    let decision: Decision = act.parse().map_err(unknown)?;
    let noted = match decision {
        Decision::Approve => "newcomer-yes",
        Decision::Decline => "newcomer-no",
        Decision::Announce => "newcomer-announce",
        Decision::Retry => "newcomer-again",
        Decision::Stop => "newcomer-stop",
    };
    let done = app.newcomers.table.decide(id, decision, &actor.podmin.account, app.now_millis()).await?;
    if !done {
        return Err(too_late(&numbered(app, id).await?, decision));
    }
    // The account is known only after the first check.
    let subject = newcomer.old_account.clone().unwrap_or_else(|| format!("#{id}"));
    actor.has_done(app, noted, &subject, None).await;
    numbered(app, id).await
}

fn too_late(newcomer: &Newcomer, decision: Decision) -> WebError {
    let only = match decision {
        Decision::Retry => "only an import that has failed is tried again",
        Decision::Announce => "only a move that waits for a podmin because of its many pods is announced",
        Decision::Stop => "only a check or an import is stopped",
        Decision::Approve | Decision::Decline => "only who waits is let in or sent away",
    };
    WebError::Conflict(format!("{only}; this move is {}", newcomer.state.as_str()))
}
