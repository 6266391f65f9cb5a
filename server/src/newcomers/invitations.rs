//! Invitations of the podmin, for pages and API.

use pappus_engine::arrivals::{Invitation, InvitationError, PAGE};
use serde_json::json;

use crate::app::App;
use crate::board::shared::Actor;
use crate::error::WebError;

/// Returns a page of usable invitations, newest first, with numbers below `before`; and the value of `before` for the
/// next page, if there may be one.
pub(super) async fn list(app: &App, before: Option<i64>) -> Result<(Vec<Invitation>, Option<i64>), WebError> {
    super::require_enabled(app)?;
    let invitations = app.newcomers.invitations.open(before, app.now_millis()).await?;
    let next = invitations.last().map(|last| last.id).filter(|_| invitations.len() == PAGE);
    Ok((invitations, next))
}

/// Creates an invitation with a number of uses and a note for the podmin. Also returns its code, which is not stored.
pub(super) async fn make(
    app: &App,
    actor: &Actor,
    note: &str,
    uses: i64,
) -> Result<(Invitation, String), WebError> {
    super::require_enabled(app)?;
    let note = note.trim();
    let created = app.newcomers.invitations.create(&actor.podmin.account, note, uses, app.now_millis()).await;
    let created = created.map_err(|error| match error {
        InvitationError::Store(error) => error.into(),
        invalid => WebError::BadRequest(invalid.to_string()),
    })?;
    actor.log_action(app, "invitation", note, Some(&json!({ "uses": uses }))).await;
    Ok(created)
}

/// Revokes an invitation. One that is used up or revoked already does not change.
pub(super) async fn withdraw(app: &App, actor: &Actor, id: i64) -> Result<(), WebError> {
    super::require_enabled(app)?;
    if app.newcomers.invitations.withdraw(id).await? {
        actor.log_action(app, "invitation-withdrawn", &id.to_string(), None).await;
        return Ok(());
    }
    if app.newcomers.invitations.exists(id).await? { Ok(()) } else { Err(WebError::NotFound) }
}
