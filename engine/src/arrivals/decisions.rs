//! What podmins decide about newcomers, and moves that are cancelled: by their newcomers, or by podmins.

use super::records::{Newcomer, State};
use super::steps::{MANY_PODS, STOPPED};
use super::table::Newcomers;
use crate::store::{AuditLine, StoreError};

/// States besides [`State::Checking`] in which a move can be cancelled with nothing to undo: see
/// [`State::can_leave`].
const IDLE: [State; 5] = [State::Uploading, State::Refused, State::Checked, State::Waiting, State::Declined];

/// A podmin's decision about a newcomer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum Decision {
    /// Approves one who waits.
    #[strum(serialize = "yes")]
    Approve,
    /// Declines one who waits.
    #[strum(serialize = "no")]
    Decline,
    /// Retries a failed import.
    #[strum(serialize = "again")]
    Retry,
    /// Announces a move that waited because it names many pods.
    Announce,
    /// Stops a check or an import that is running or queued.
    Stop,
}

impl Newcomers {
    /// Records a podmin's decision. Returns whether the newcomer's state allowed it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn decide(&self, id: i64, decision: Decision, by: &str, now: i64) -> Result<bool, StoreError> {
        match decision {
            Decision::Approve => self.approve(id, true, by, now).await,
            Decision::Decline => self.approve(id, false, by, now).await,
            Decision::Retry => self.work(id, &[State::Failed], State::Importing, now).await,
            Decision::Announce => self.announce_seen(id, by, now).await,
            Decision::Stop => self.stop(id, by, now).await,
        }
    }

    /// Stops a check, which refuses the archive, or an import, which is undone and then declined.
    async fn stop(&self, id: i64, by: &str, now: i64) -> Result<bool, StoreError> {
        let set = format!(
            "state = 'refused', problem = '{STOPPED}', reason = NULL, stage = NULL, {}",
            self.taken_back()
        );
        if self.change(id, &[State::Checking], &set, &[], now).await? {
            return Ok(true);
        }
        // The newcomer is told of the decision when everything is undone.
        let set = format!(
            "state = 'undoing', approved = 0, decided_at = ?, decided_by = ?, decision_told = 1, problem = NULL, \
             reason = NULL, {}, {}",
            self.to_do(),
            self.taken_back()
        );
        self.change(id, &[State::Importing], &set, &[now.into(), by.into()], now).await
    }

    /// Ends a move that its newcomer cancels. A check in progress ends as well. Returns whether the state allowed it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leave(&self, newcomer: &Newcomer, now: i64) -> Result<bool, StoreError> {
        let set = format!(
            "state = 'expired', username = NULL, encrypted_password = NULL, mail_to = NULL, \
             archive_passphrase = NULL, key_passphrase = NULL, plan = NULL, {}",
            self.taken_back()
        );
        Ok(self.cancel_step(newcomer, State::Checking, &set, now).await?
            || self.change(newcomer.id, &IDLE, &set, &[], now).await?)
    }

    /// Stops an import that its newcomer cancels; what it has written is undone. Returns whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cancel_import(&self, newcomer: &Newcomer, now: i64) -> Result<bool, StoreError> {
        let set = format!(
            "state = 'undoing', problem = NULL, reason = NULL, {}, {}",
            self.to_do(),
            self.taken_back()
        );
        self.cancel_step(newcomer, State::Importing, &set, now).await
    }

    /// Ends a step that its newcomer cancels, and logs it.
    async fn cancel_step(
        &self,
        newcomer: &Newcomer,
        from: State,
        set: &str,
        now: i64,
    ) -> Result<bool, StoreError> {
        let (sql, values) = self.changing(newcomer.id, &[from], set, &[], now);
        let mut transaction = self.store.begin().await?;
        let cancelled = transaction.execute("cancelling a step", &sql, &values).await? > 0;
        if cancelled {
            // The account is known only after the first check.
            let number = format!("#{}", newcomer.id);
            let subject = newcomer.old_account.as_deref().unwrap_or(&number);
            let (pod, act) = (self.pod.as_str(), "newcomer-cancelled");
            let line = AuditLine { pod, done_at: now, act, subject: Some(subject), ..AuditLine::default() };
            line.record_in(&mut transaction).await?;
        }
        transaction.commit().await?;
        self.queue.wake();
        Ok(cancelled)
    }

    async fn approve(&self, id: i64, yes: bool, by: &str, now: i64) -> Result<bool, StoreError> {
        // Nobody needs the password of somebody who was declined.
        let password = if yes { "" } else { "encrypted_password = NULL, " };
        let set =
            format!("state = ?, approved = ?, decided_at = ?, decided_by = ?, {password}{}", self.to_do());
        let to = if yes { State::Importing } else { State::Declined };
        let values = [to.as_str().into(), i64::from(yes).into(), now.into(), by.into()];
        self.change(id, &[State::Waiting], &set, &values, now).await
    }

    /// Starts an announcement that waited for a podmin's approval.
    async fn announce_seen(&self, id: i64, by: &str, now: i64) -> Result<bool, StoreError> {
        let set = format!("{}, approved = 1, decided_at = ?, decided_by = ?", self.announcing());
        let (sql, values) = self.changing(id, &[State::Imported], &set, &[now.into(), by.into()], now);
        let sql = format!("{sql} AND problem = '{MANY_PODS}'");
        let begun = self.store.execute("changing a newcomer", &sql, &values).await? > 0;
        self.queue.wake();
        Ok(begun)
    }
}
