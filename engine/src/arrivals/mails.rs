//! Mails that are due: to podmins when a newcomer awaits their decision; to newcomers when the podmin has decided, when
//! the move is done, and when they have to act. The rows record sent mails.

use super::records::State;
use super::table::Newcomers;
use crate::store::{StoreError, StoreRow};

/// A newcomer who awaits a decision, and of whom podmins have not been notified.
#[derive(Debug, Clone)]
pub struct AwaitingDecision {
    /// Number of the newcomer.
    pub id: i64,
    /// Time of the last change, in milliseconds since 1970.
    pub changed_at: i64,
    /// The account in the archive.
    pub old_account: Option<String>,
    /// The chosen username.
    pub username: Option<String>,
    /// The proof of ownership.
    pub proof: Option<String>,
    /// True if the archive's key is under a passphrase that was not given.
    pub key_lost: bool,
    /// Size of all uploads in bytes.
    pub bytes: u64,
}

/// A newcomer to whom a mail is due.
#[derive(Debug, Clone)]
pub struct MailDue {
    /// Number of the newcomer.
    pub id: i64,
    /// The current state.
    pub state: State,
    /// Time of the last change, in milliseconds since 1970.
    pub changed_at: i64,
    /// The account in the archive.
    pub old_account: Option<String>,
    /// The chosen username.
    pub username: Option<String>,
    /// Language for messages to them.
    pub language: Option<String>,
    /// The e-mail address, encrypted.
    pub sealed_email: String,
    /// The podmin's decision, if the newcomer has not been notified of it.
    pub decision: Option<bool>,
    /// Time of the decision, in milliseconds since 1970.
    pub decided_at: Option<i64>,
    /// True during the pause for undo: nobody has to act, and nothing is final.
    pub is_in_pause: bool,
}

impl MailDue {
    fn read(row: &StoreRow) -> Result<Self, StoreError> {
        let state = row.named("state")?;
        let approved = row.get::<Option<i64>>("approved")?.map(|approved| approved != 0);
        Ok(Self {
            id: row.get("id")?,
            state,
            changed_at: row.get("changed_at")?,
            old_account: row.get("old_account")?,
            username: row.get("username")?,
            language: row.get("language")?,
            sealed_email: row.get("mail_to")?,
            decision: approved
                .filter(|_| row.get::<i64>("decision_told").is_ok_and(|notified| notified == 0)),
            decided_at: row.get("decided_at")?,
            is_in_pause: state == State::Imported && row.get::<Option<i64>>("announce_at")?.is_some(),
        })
    }
}

impl Newcomers {
    /// Lists newcomers who await a decision, and of whom podmins have not been notified, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn awaiting_decision(&self, limit: u32) -> Result<Vec<AwaitingDecision>, StoreError> {
        let sql = format!(
            "SELECT id, changed_at, old_account, username, proof, archive_bytes + photos_bytes AS all_bytes, \
             CAST(CASE WHEN key_locked <> 0 AND key_passphrase IS NULL THEN 1 ELSE 0 END AS BIGINT) AS key_lost \
             FROM pappus_newcomers WHERE pod = ? AND state = 'waiting' AND podmins_told = 0 ORDER BY id LIMIT {limit}"
        );
        let rows = self
            .store
            .rows("looking for newcomers who await a decision", &sql, &[(&self.pod).into()])
            .await?;
        let read = |row: &StoreRow| {
            Ok(AwaitingDecision {
                id: row.get("id")?,
                changed_at: row.get("changed_at")?,
                old_account: row.get("old_account")?,
                username: row.get("username")?,
                proof: row.get("proof")?,
                key_lost: row.get::<i64>("key_lost")? != 0,
                bytes: u64::try_from(row.get::<i64>("all_bytes")?).unwrap_or(0),
            })
        };
        rows.iter().map(read).collect()
    }

    /// Records that podmins have been notified of a newcomer who awaits their decision.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mark_podmins_notified(&self, waiting: &AwaitingDecision) -> Result<(), StoreError> {
        let sql = "UPDATE pappus_newcomers SET podmins_told = 1 WHERE id = ? AND state = 'waiting' AND changed_at = ?";
        let values = [waiting.id.into(), waiting.changed_at.into()];
        self.store.execute("recording a sent mail", sql, &values).await.map(drop)
    }

    /// Lists newcomers to whom a mail is due, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mails_due(&self, limit: u32) -> Result<Vec<MailDue>, StoreError> {
        let sql = format!(
            "SELECT id, state, changed_at, old_account, username, language, mail_to, approved, decision_told, announce_at, \
             decided_at FROM pappus_newcomers WHERE pod = ? AND mail_to IS NOT NULL \
             AND ((approved IS NOT NULL AND decision_told = 0) OR ((state IN ('failed', 'announced', 'undone') \
             OR (state = 'imported' AND announce_at IS NULL)) AND COALESCE(state_told, '') <> state)) \
             ORDER BY id LIMIT {limit}"
        );
        let rows = self
            .store
            .rows("looking for newcomers to whom a mail is due", &sql, &[(&self.pod).into()])
            .await?;
        rows.iter().map(MailDue::read).collect()
    }

    /// Records that a newcomer was sent a mail about the decision, and with `about_state` about the state as well.
    /// Deletes the address if no further mail can be due.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mail_written(&self, due: &MailDue, about_state: bool) -> Result<(), StoreError> {
        let is_final = matches!(due.state, State::Announced | State::Undone | State::Declined);
        let without_address = if is_final { ", mail_to = NULL" } else { "" };
        let sql = format!(
            "UPDATE pappus_newcomers SET decision_told = CASE WHEN approved IS NULL THEN 0 ELSE 1 END, \
             state_told = COALESCE(?, state_told){without_address} WHERE id = ? AND state = ? AND changed_at = ?"
        );
        let state = due.state.as_str();
        let values =
            [about_state.then_some(state).into(), due.id.into(), state.into(), due.changed_at.into()];
        self.store.execute("recording a sent mail", &sql, &values).await.map(drop)
    }
}
