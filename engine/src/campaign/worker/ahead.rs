//! Batches of accounts that are read at once.

use crate::campaign::CampaignError;
use crate::campaign::ledger::records::Claimed;
use crate::campaign::worker::account::WorkerState;
use crate::campaign::worker::session::{RunState, WorkerSession};
use crate::campaign::worker::source::Connection;
use crate::pod::reader::ReadAhead;

/// Bytes of rows that are read ahead by all tasks together.
const AHEAD_BYTES: usize = 96 << 20;
/// Bytes of rows that are expected for each of an account's own records, with what others wrote below it.
const RECORD_BYTES: usize = 4 << 10;

impl WorkerSession {
    /// Returns the most bytes of rows that a task reads ahead: all tasks together stay within a limit, unless there are
    /// many.
    pub(super) fn ahead_bytes(&self) -> usize {
        (AHEAD_BYTES / self.tasks()).max(AHEAD_BYTES / 8)
    }

    /// Returns whether a batch is read ahead. An account by itself takes fewer statements that way, but each of them
    /// occupies the pod's database for longer.
    fn is_read_ahead(&self, batch: &[Claimed]) -> bool {
        match batch {
            [] => false,
            [one] => {
                let size = usize::try_from(one.size).unwrap_or(usize::MAX);
                !self.setup.options.gentle && size.saturating_mul(RECORD_BYTES) <= self.ahead_bytes()
            }
            _ => true,
        }
    }

    /// Reads a batch of accounts at once. Returns false if they do not fit into memory, and after an error: then they are
    /// read one by one.
    pub(super) async fn read_ahead(
        &self,
        batch: &[Claimed],
        worker_state: &mut WorkerState,
    ) -> Result<bool, CampaignError> {
        if !self.is_read_ahead(batch) || self.run_state() != RunState::Running {
            return Ok(false);
        }
        self.connect(worker_state).await?;
        let WorkerState { connection, ahead, .. } = worker_state;
        let Some(Connection { snapshot, read_from, .. }) = connection else { return Ok(false) };
        if !std::mem::replace(read_from, true) {
            // Another connection may see another state of the pod.
            *ahead = ReadAhead::new(self.ahead_bytes());
        }
        let users: Vec<i64> = batch.iter().map(|claimed| claimed.user_id).collect();
        let read = ahead.read(snapshot, &users).await;
        if read.is_err() {
            // After a refused statement PostgreSQL accepts no other one.
            *connection = None;
        }
        Ok(read.unwrap_or(false))
    }
}
