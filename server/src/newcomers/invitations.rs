//! Invitation codes: creating, using and revoking them. For pages and API.

use std::time::Duration;

use chrono::{DateTime, Utc};
use pappus_engine::requests::{random_token, token_digest};
use pappus_engine::store::{StoreError, StoreRow, Transaction};
use serde_json::json;

use super::ledger::records::time;
use super::ledger::table::millis;
use crate::app::App;
use crate::board::shared::Actor;
use crate::error::WebError;

/// Validity of an invitation.
const GOOD_FOR: Duration = Duration::from_hours(24 * 90);
/// Maximum length of a code that is looked up.
const MAX_CODE: usize = 100;
/// Maximum length of a note, in characters.
const LONG: usize = 200;
/// Maximum number of uses of one invitation.
const MOST: i64 = 1000;
/// Invitations per page.
const PAGE: usize = 200;
/// The columns of [`Invitation`].
const INVITATION: &str = "id, note, made_by, made_at, uses_left, expires_at";

/// A usable invitation.
pub(super) struct Invitation {
    pub(super) id: i64,
    pub(super) note: String,
    pub(super) by: String,
    pub(super) made_at: DateTime<Utc>,
    pub(super) uses_left: i64,
    pub(super) until: DateTime<Utc>,
}

impl Invitation {
    fn read(row: &StoreRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get(0)?,
            note: row.get(1)?,
            by: row.get(2)?,
            made_at: time(row.get(3)?),
            uses_left: row.get(4)?,
            until: time(row.get(5)?),
        })
    }
}

/// Uses an invitation once, effective when the transaction is committed; returns its number.
pub(super) async fn take(
    app: &App,
    transaction: &mut Transaction,
    code: &str,
) -> Result<Option<i64>, StoreError> {
    if code.is_empty() || code.len() > MAX_CODE {
        return Ok(None);
    }
    let sql = "UPDATE pappus_invitations SET uses_left = uses_left - 1 WHERE pod = ? AND code_sha256 = ? \
               AND uses_left > 0 AND expires_at > ? RETURNING id";
    let values = [app.config.pod_url.as_str().into(), token_digest(code).into(), app.now_millis().into()];
    let rows = transaction.rows("using an invitation", sql, &values).await?;
    rows.first().map(|row| row.get(0)).transpose()
}

/// Returns a page of usable invitations, newest first, with numbers below `before`; and the value of `before` for the
/// next page, if there may be one.
pub(super) async fn open(app: &App, before: Option<i64>) -> Result<(Vec<Invitation>, Option<i64>), WebError> {
    super::is_there(app)?;
    let sql = format!(
        "SELECT {INVITATION} FROM pappus_invitations WHERE pod = ? AND id < ? AND uses_left > 0 \
         AND expires_at > ? ORDER BY id DESC LIMIT {PAGE}"
    );
    let before = before.unwrap_or(i64::MAX);
    let values = [app.config.pod_url.as_str().into(), before.into(), app.now_millis().into()];
    let rows = app.store.rows("listing invitations", &sql, &values).await?;
    let found = rows.iter().map(Invitation::read).collect::<Result<Vec<_>, _>>()?;
    let older = found.last().map(|last| last.id).filter(|_| found.len() == PAGE);
    Ok((found, older))
}

/// Creates an invitation with a number of uses and a note for the podmin. Also returns its code, which is not stored.
pub(super) async fn make(
    app: &App,
    actor: &Actor,
    note: &str,
    uses: i64,
) -> Result<(Invitation, String), WebError> {
    super::is_there(app)?;
    let note = note.trim();
    check(note, uses)?;
    let (code, now) = (random_token()?, app.now_millis());
    let sql = format!(
        "INSERT INTO pappus_invitations (pod, code_sha256, note, made_by, made_at, expires_at, uses_left) \
         VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING {INVITATION}"
    );
    let values = [
        app.config.pod_url.as_str().into(),
        token_digest(&code).into(),
        note.into(),
        (&actor.podmin.account).into(),
        now.into(),
        (now + millis(GOOD_FOR)).into(),
        uses.into(),
    ];
    let row = app.store.first("writing an invitation down", &sql, &values).await?;
    let row =
        row.ok_or_else(|| WebError::Internal("an invitation was written down and is not there".to_owned()))?;
    let invitation = Invitation::read(&row)?;
    actor.has_done(app, "invitation", note, Some(&json!({ "uses": uses }))).await;
    Ok((invitation, code))
}

fn check(note: &str, uses: i64) -> Result<(), WebError> {
    let bad = |reason: &str| Err(WebError::BadRequest(reason.to_owned()));
    if note.chars().count() > LONG || note.contains(char::is_control) {
        return bad("a note is one line of at most 200 characters");
    }
    if !(1..=MOST).contains(&uses) {
        return bad("an invitation is for 1 to 1,000 people");
    }
    Ok(())
}

/// Revokes an invitation. One that is used up or revoked already does not change.
pub(super) async fn withdraw(app: &App, actor: &Actor, id: i64) -> Result<(), WebError> {
    super::is_there(app)?;
    let values = [app.config.pod_url.as_str().into(), id.into()];
    let sql = "UPDATE pappus_invitations SET uses_left = 0 WHERE pod = ? AND id = ? AND uses_left > 0";
    if app.store.execute("withdrawing an invitation", sql, &values).await? > 0 {
        actor.has_done(app, "invitation-withdrawn", &id.to_string(), None).await;
        return Ok(());
    }
    let sql = "SELECT id FROM pappus_invitations WHERE pod = ? AND id = ?";
    let known = app.store.first("looking for an invitation", sql, &values).await?;
    known.map(drop).ok_or(WebError::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_invitation_may_be() {
        let (long, longer) = ("ä".repeat(200), "ä".repeat(201));
        for (note, uses) in [("", 1), ("für Anna", 1000), (long.as_str(), 7)] {
            assert!(check(note, uses).is_ok(), "{note:?} {uses}");
        }
        for (note, uses, says) in [
            ("", 0, "1 to 1,000"),
            ("", -1, "1 to 1,000"),
            ("", 1001, "1 to 1,000"),
            (longer.as_str(), 1, "at most 200"),
            ("two\nlines", 1, "one line"),
            ("\0", 1, "one line"),
        ] {
            assert!(check(note, uses).unwrap_err().to_string().contains(says), "{note:?} {uses}");
        }
    }
}
