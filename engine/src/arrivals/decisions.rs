//! Decisions of podmins about newcomers, and moves that newcomers cancel.

use super::records::{Newcomer, State};
use super::steps::{MANY_PODS, STOPPED};
use super::table::Newcomers;
use crate::store::{AuditLine, StoreError};

/// States in which a move can be cancelled with nothing to undo ([`State::can_leave`]), except [`State::Checking`].
const IDLE_STATES: [State; 5] =
    [State::Uploading, State::Refused, State::Checked, State::Waiting, State::Declined];

/// A podmin's decision about a newcomer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum Decision {
    /// Approves a newcomer who waits.
    #[strum(serialize = "yes")]
    Approve,
    /// Declines a newcomer who waits.
    #[strum(serialize = "no")]
    Decline,
    /// Retries a failed import.
    #[strum(serialize = "again")]
    Retry,
    /// Announces a move that waits because it would notify many pods.
    Announce,
    /// Stops a check or an import that is running or queued.
    Stop,
}

impl Newcomers {
    /// Records a podmin's decision. Returns whether the newcomer's state allowed it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn decide(
        &self,
        id: i64,
        decision: Decision,
        podmin: &str,
        now: i64,
    ) -> Result<bool, StoreError> {
        match decision {
            Decision::Approve => self.approve(id, true, podmin, now).await,
            Decision::Decline => self.approve(id, false, podmin, now).await,
            Decision::Retry => self.start_step(id, &[State::Failed], State::Importing, now).await,
            Decision::Announce => self.announce_approved(id, podmin, now).await,
            Decision::Stop => self.stop(id, podmin, now).await,
        }
    }

    /// Stops a check, so that the archive is refused, or an import, which is undone and then declined.
    async fn stop(&self, id: i64, podmin: &str, now: i64) -> Result<bool, StoreError> {
        let set = format!(
            "state = 'refused', problem = '{STOPPED}', reason = NULL, stage = NULL, {}",
            self.revoked_lease()
        );
        if self.change(id, &[State::Checking], &set, &[], now).await? {
            return Ok(true);
        }
        // The newcomer is notified of the decision when everything is undone.
        let set = format!(
            "state = 'undoing', approved = 0, decided_at = ?, decided_by = ?, decision_told = 1, problem = NULL, \
             reason = NULL, {}, {}",
            self.new_step(),
            self.revoked_lease()
        );
        self.change(id, &[State::Importing], &set, &[now.into(), podmin.into()], now).await
    }

    /// Ends a move that its newcomer cancels. A check in progress ends as well. Returns whether the state allowed it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leave(&self, newcomer: &Newcomer, now: i64) -> Result<bool, StoreError> {
        let set = format!(
            "state = 'expired', username = NULL, encrypted_password = NULL, mail_to = NULL, \
             archive_passphrase = NULL, key_passphrase = NULL, plan = NULL, {}",
            self.revoked_lease()
        );
        Ok(self.cancel_step(newcomer, State::Checking, &set, now).await?
            || self.change(newcomer.id, &IDLE_STATES, &set, &[], now).await?)
    }

    /// Stops an import that its newcomer cancels, and starts to undo it. Returns whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cancel_import(&self, newcomer: &Newcomer, now: i64) -> Result<bool, StoreError> {
        let set = format!(
            "state = 'undoing', problem = NULL, reason = NULL, {}, {}",
            self.new_step(),
            self.revoked_lease()
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
        let (sql, values) = self.change_statement(newcomer.id, &[from], set, &[], now);
        let mut transaction = self.store.begin().await?;
        let is_cancelled = transaction.execute("cancelling a step", &sql, &values).await? > 0;
        if is_cancelled {
            // The account is known only after the first check.
            let id = format!("#{}", newcomer.id);
            let subject = newcomer.old_account.as_deref().unwrap_or(&id);
            let (pod, act) = (self.pod.as_str(), "newcomer-cancelled");
            let line = AuditLine { pod, done_at: now, act, subject: Some(subject), ..AuditLine::default() };
            line.record_in(&mut transaction).await?;
        }
        transaction.commit().await?;
        self.queue.wake();
        Ok(is_cancelled)
    }

    /// Approves or declines a newcomer who waits.
    async fn approve(&self, id: i64, is_approved: bool, podmin: &str, now: i64) -> Result<bool, StoreError> {
        // The password of a declined newcomer is not needed.
        let password = if is_approved { "" } else { "encrypted_password = NULL, " };
        let set =
            format!("state = ?, approved = ?, decided_at = ?, decided_by = ?, {password}{}", self.new_step());
        let to = if is_approved { State::Importing } else { State::Declined };
        let values = [to.as_str().into(), i64::from(is_approved).into(), now.into(), podmin.into()];
        self.change(id, &[State::Waiting], &set, &values, now).await
    }

    /// Approves and starts an announcement that waited for a podmin.
    async fn announce_approved(&self, id: i64, podmin: &str, now: i64) -> Result<bool, StoreError> {
        let set = format!("{}, approved = 1, decided_at = ?, decided_by = ?", self.announcing());
        let (sql, values) =
            self.change_statement(id, &[State::Imported], &set, &[now.into(), podmin.into()], now);
        let sql = format!("{sql} AND problem = '{MANY_PODS}'");
        let is_started = self.store.execute("changing a newcomer", &sql, &values).await? > 0;
        self.queue.wake();
        Ok(is_started)
    }
}
