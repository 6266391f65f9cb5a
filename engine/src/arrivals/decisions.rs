//! What podmins decide about newcomers.

use super::records::State;
use super::steps::MANY_PODS;
use super::table::Newcomers;
use crate::store::StoreError;

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
        }
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
