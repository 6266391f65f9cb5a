//! Batches of accounts that are read at once.

use crate::campaign::CampaignError;
use crate::campaign::ledger::records::ClaimedAccount;
use crate::campaign::worker::account::WorkerState;
use crate::campaign::worker::session::{RunState, WorkerSession};
use crate::campaign::worker::source::Connection;
use crate::pod::reader::ReadAhead;

/// The maximum bytes of rows that all tasks together read ahead.
const MAX_AHEAD_BYTES: usize = 96 << 20;
/// The expected bytes of rows for each of an account's own records, with what others wrote below it.
const RECORD_BYTES: usize = 4 << 10;

impl WorkerSession {
    /// Returns the maximum bytes of rows that a task reads ahead: all tasks together stay within a limit, unless there
    /// are many.
    pub(super) fn ahead_bytes(&self) -> usize {
        (MAX_AHEAD_BYTES / self.tasks()).max(MAX_AHEAD_BYTES / 8)
    }

    /// Returns whether a batch is read ahead. An account by itself takes fewer statements that way, but each of them
    /// occupies the pod's database for longer.
    fn is_read_ahead(&self, batch: &[ClaimedAccount]) -> bool {
        match batch {
            [] => false,
            [account] => {
                let size = usize::try_from(account.size).unwrap_or(usize::MAX);
                !self.setup.options.gentle && size.saturating_mul(RECORD_BYTES) <= self.ahead_bytes()
            }
            _ => true,
        }
    }

    /// Reads a batch of accounts at once. Returns false if they do not fit into memory, and after an error: then they
    /// are read one by one.
    pub(super) async fn read_ahead(
        &self,
        batch: &[ClaimedAccount],
        worker_state: &mut WorkerState,
    ) -> Result<bool, CampaignError> {
        if !self.is_read_ahead(batch) || self.run_state() != RunState::Running {
            return Ok(false);
        }
        self.connect(worker_state).await?;
        let WorkerState { connection, ahead, .. } = worker_state;
        let Some(Connection { snapshot, has_read_ahead, .. }) = connection else { return Ok(false) };
        if !std::mem::replace(has_read_ahead, true) {
            // Another connection may see another state of the pod.
            *ahead = ReadAhead::new(self.ahead_bytes());
        }
        let users: Vec<i64> = batch.iter().map(|claimed| claimed.user_id).collect();
        let result = ahead.read(snapshot, &users).await;
        if result.is_err() {
            // After a refused statement PostgreSQL accepts no other one.
            *connection = None;
        }
        Ok(result.unwrap_or(false))
    }
}
