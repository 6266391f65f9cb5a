//! Invitation codes. The store has only their digests.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::arrivals::PAGE;
use crate::pod::config::PodUrl;
use crate::store::{Store, StoreError, StoreRow, Transaction, millis, random_token, time, token_digest};

/// Validity of an invitation.
const VALID_FOR: Duration = Duration::from_hours(24 * 90);
/// Maximum length in bytes of a code that is looked up.
const MAX_CODE_BYTES: usize = 100;
/// Maximum length of a note, in characters.
const MAX_NOTE_CHARS: usize = 200;
/// Maximum number of uses of one invitation.
const MAX_USES: i64 = 1000;
/// The columns of [`Invitation`].
const INVITATION: &str = "id, note, made_by, made_at, uses_left, expires_at";

/// A usable invitation.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Its ID.
    pub id: i64,
    /// A note for the podmin on its recipient.
    pub note: String,
    /// The diaspora* ID of its creator.
    pub created_by: String,
    /// Time of creation.
    pub created_at: DateTime<Utc>,
    /// Number of remaining uses.
    pub uses_left: i64,
    /// The time at which it expires.
    pub expires_at: DateTime<Utc>,
}

impl Invitation {
    fn read(row: &StoreRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            note: row.get("note")?,
            created_by: row.get("made_by")?,
            created_at: time(row.get("made_at")?),
            uses_left: row.get("uses_left")?,
            expires_at: time(row.get("expires_at")?),
        })
    }
}

/// The reason why an invitation is not created.
#[derive(Debug, thiserror::Error)]
pub enum InvitationError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The note is too long, or not one line.
    #[error("a note is one line of at most 200 characters")]
    Note,
    /// The number of uses is too small or too large.
    #[error("an invitation is for 1 to 1,000 people")]
    Uses,
}

/// The invitations of one pod. Clones share the store.
#[derive(Debug, Clone)]
pub struct Invitations {
    store: Store,
    pod: String,
}

impl Invitations {
    /// Opens the invitations of a pod.
    pub fn new(store: &Store, pod: &PodUrl) -> Self {
        Self { store: store.clone(), pod: pod.as_str().to_owned() }
    }

    /// Uses an invitation once, effective when the transaction is committed; returns its ID, or `None` if the code is
    /// not valid.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn redeem(
        &self,
        transaction: &mut Transaction,
        code: &str,
        now: i64,
    ) -> Result<Option<i64>, StoreError> {
        if code.is_empty() || code.len() > MAX_CODE_BYTES {
            return Ok(None);
        }
        let sql = "UPDATE pappus_invitations SET uses_left = uses_left - 1 WHERE pod = ? AND code_sha256 = ? \
                   AND uses_left > 0 AND expires_at > ? RETURNING id";
        let values = [(&self.pod).into(), token_digest(code).into(), now.into()];
        let rows = transaction.rows("using an invitation", sql, &values).await?;
        rows.first().map(|row| row.get("id")).transpose()
    }

    /// Lists usable invitations, newest first, at most [`PAGE`], with IDs below `before`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(&self, before: Option<i64>, now: i64) -> Result<Vec<Invitation>, StoreError> {
        let sql = format!(
            "SELECT {INVITATION} FROM pappus_invitations WHERE pod = ? AND id < ? AND uses_left > 0 \
             AND expires_at > ? ORDER BY id DESC LIMIT {PAGE}"
        );
        let values = [(&self.pod).into(), before.unwrap_or(i64::MAX).into(), now.into()];
        let rows = self.store.rows("listing invitations", &sql, &values).await?;
        rows.iter().map(Invitation::read).collect()
    }

    /// Creates an invitation with a number of uses and a note for the podmin. Also returns its code, which is not
    /// stored.
    ///
    /// # Errors
    /// [`InvitationError`].
    pub async fn create(
        &self,
        podmin: &str,
        note: &str,
        uses: i64,
        now: i64,
    ) -> Result<(Invitation, String), InvitationError> {
        check(note, uses)?;
        let code = random_token()?;
        let sql = format!(
            "INSERT INTO pappus_invitations (pod, code_sha256, note, made_by, made_at, expires_at, uses_left) \
             VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING {INVITATION}"
        );
        let values = [
            (&self.pod).into(),
            token_digest(&code).into(),
            note.into(),
            podmin.into(),
            now.into(),
            (now + millis(VALID_FOR)).into(),
            uses.into(),
        ];
        let row = self.store.first("recording an invitation", &sql, &values).await?;
        let missing = || StoreError::Column {
            column: "id".to_owned(),
            reason: "the new row was not returned".to_owned(),
        };
        let row = row.ok_or_else(missing)?;
        Ok((Invitation::read(&row)?, code))
    }

    /// Withdraws an invitation. Returns whether it could still be used.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn withdraw(&self, id: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE pappus_invitations SET uses_left = 0 WHERE pod = ? AND id = ? AND uses_left > 0";
        let values = [(&self.pod).into(), id.into()];
        Ok(self.store.execute("withdrawing an invitation", sql, &values).await? > 0)
    }

    /// Returns whether there is an invitation with this ID, usable or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn exists(&self, id: i64) -> Result<bool, StoreError> {
        let sql = "SELECT id FROM pappus_invitations WHERE pod = ? AND id = ?";
        let values = [(&self.pod).into(), id.into()];
        Ok(self.store.first("looking for an invitation", sql, &values).await?.is_some())
    }
}

fn check(note: &str, uses: i64) -> Result<(), InvitationError> {
    if note.chars().count() > MAX_NOTE_CHARS || note.contains(char::is_control) {
        return Err(InvitationError::Note);
    }
    if (1..=MAX_USES).contains(&uses) { Ok(()) } else { Err(InvitationError::Uses) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_and_uses_are_checked() {
        let (longest, too_long) = ("ä".repeat(200), "ä".repeat(201));
        for (note, uses) in [("", 1), ("für Anna", 1000), (longest.as_str(), 7)] {
            assert!(check(note, uses).is_ok(), "{note:?} {uses}");
        }
        for (note, uses, says) in [
            ("", 0, "1 to 1,000"),
            ("", -1, "1 to 1,000"),
            ("", 1001, "1 to 1,000"),
            (too_long.as_str(), 1, "at most 200"),
            ("two\nlines", 1, "one line"),
            ("\0", 1, "one line"),
        ] {
            assert!(check(note, uses).unwrap_err().to_string().contains(says), "{note:?} {uses}");
        }
    }
}
