//! The podmin's list of newcomers and decisions about them, for pages and API.

use pappus_engine::arrivals::{Decision, Newcomer, PAGE, State};

use crate::app::App;
use crate::board::shared::Actor;
use crate::error::WebError;

/// Returns a page of newcomers in one state, or in all states but expired, newest first, with numbers below `before`;
/// and the value of `before` for the next page, if there may be one.
pub(super) async fn list(
    app: &App,
    state: Option<&str>,
    before: Option<i64>,
) -> Result<(Vec<Newcomer>, Option<i64>), WebError> {
    super::require_enabled(app)?;
    let states = match state {
        Some(state) => {
            vec![state.parse().map_err(|_| WebError::BadRequest("there is no such state".to_owned()))?]
        }
        None => State::ALL.iter().copied().filter(|state| *state != State::Expired).collect(),
    };
    let newcomers = app.newcomers.table.newest(&states, before).await?;
    let next = newcomers.last().map(|last| last.id).filter(|_| newcomers.len() == PAGE);
    Ok((newcomers, next))
}

/// Finds a newcomer by number.
pub(super) async fn by_id(app: &App, id: i64) -> Result<Newcomer, WebError> {
    super::require_enabled(app)?;
    app.newcomers.table.by_id(id).await?.ok_or(WebError::NotFound)
}

/// Approves (`yes`) or declines (`no`) a waiting newcomer, retries a failed import (`again`), announces a move that
/// waited because it names many pods (`announce`), or stops a check or an import (`stop`). Returns the updated newcomer.
pub(super) async fn decide(app: &App, actor: &Actor, id: i64, act: &str) -> Result<Newcomer, WebError> {
    let newcomer = by_id(app, id).await?;
    let unknown = |_| WebError::BadRequest("there is no such action".to_owned());
    let decision: Decision = act.parse().map_err(unknown)?;
    let logged_act = match decision {
        Decision::Approve => "newcomer-yes",
        Decision::Decline => "newcomer-no",
        Decision::Announce => "newcomer-announce",
        Decision::Retry => "newcomer-again",
        Decision::Stop => "newcomer-stop",
    };
    let is_decided =
        app.newcomers.table.decide(id, decision, &actor.podmin.account, app.now_millis()).await?;
    if !is_decided {
        return Err(too_late(&by_id(app, id).await?, decision));
    }
    // The account is known only after the first check.
    let subject = newcomer.old_account.clone().unwrap_or_else(|| format!("#{id}"));
    actor.log_action(app, logged_act, &subject, None).await;
    by_id(app, id).await
}

fn too_late(newcomer: &Newcomer, decision: Decision) -> WebError {
    let condition = match decision {
        Decision::Retry => "only a failed import can be retried",
        Decision::Announce => "only a move that waits for a podmin because of its many pods can be announced",
        Decision::Stop => "only a check or an import can be stopped",
        Decision::Approve | Decision::Decline => {
            "only a newcomer who awaits approval can be approved or declined"
        }
    };
    WebError::Conflict(format!("{condition}; this move is {}", newcomer.state.as_str()))
}
