//! A worker's lease on a request.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Requests;
use super::records::{REQUEST, Request};
use crate::backoff::Backoff;
use crate::production::Written;
use crate::progress::Position;
use crate::store::lease::{EXPIRES, Lease, WorkTable};
use crate::store::{Store, StoreError, millis};

/// The open requests as a queue.
pub(super) static TABLE: WorkTable = WorkTable {
    name: "pappus_requests",
    open: "state IN ('queued', 'running')",
    order: "id",
    released: "state = 'queued'",
    expires: EXPIRES,
    backoff: Backoff::new(Duration::from_secs(1), Duration::from_mins(1)),
    tries: 4,
};

/// A lease on one request.
pub(super) struct RequestLease {
    store: Store,
    lease: Lease,
    pub(super) request: Request,
    /// The encrypted passphrase for the key.
    pub(super) sealed: Option<Vec<u8>>,
    /// The number of workers that ended unexpectedly while they processed the request.
    pub(super) deaths: i64,
}

impl Requests {
    /// Acquires the next request that is waiting, or whose worker no longer runs.
    pub(super) async fn acquire(&self) -> Result<Option<RequestLease>, StoreError> {
        let set = format!(
            "deaths = deaths + CASE state WHEN 'running' THEN 1 ELSE 0 END, state = 'running', \
             started_at = COALESCE(started_at, {}), reason = NULL, advanced = 0",
            self.now()
        );
        let columns = format!("{REQUEST}, key_passphrase, deaths");
        let Some((lease, row)) = self.queue.acquire(&set, &columns).await? else { return Ok(None) };
        Ok(Some(RequestLease {
            store: self.store.clone(),
            lease,
            request: Request::from_row(&row)?,
            sealed: row.get("key_passphrase")?,
            deaths: row.get("deaths")?,
        }))
    }
}

impl RequestLease {
    pub(super) fn fence(&self) -> &str {
        self.lease.fence()
    }

    /// Returns whether this is the last attempt of a request that fails because of its account.
    pub(super) fn is_last(&self) -> bool {
        self.lease.is_last()
    }

    /// Extends the lease and records the progress.
    pub(super) async fn heartbeat(&self, position: Position) -> Result<bool, StoreError> {
        let values =
            [position.advanced, position.total].map(|count| i64::try_from(count).unwrap_or(i64::MAX).into());
        self.lease.heartbeat("advanced = ?, total = ?", &values).await
    }

    /// Records the encrypted e-mail address if the person wants an e-mail. Returns false if the lease was lost.
    pub(super) async fn set_mail_address(&self, mail_to: &str) -> Result<bool, StoreError> {
        let set = "mail_to = CASE WHEN mail_to IS NULL THEN NULL ELSE ? END";
        self.lease.change("recording an address", set, &[mail_to.into()]).await
    }

    /// Records the archive that is about to be stored, and the time in it. Returns false if the lease was lost.
    pub(super) async fn record_archive(
        &self,
        archive: &Written,
        created_at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let set = "file = ?, bytes = ?, sha256 = ?, records = ?, omissions = ?, created_at = ?";
        let values = [
            (&archive.file).into(),
            archive.bytes.into(),
            (&archive.sha256).into(),
            archive.records.into(),
            archive.omissions.into(),
            created_at.timestamp_millis().into(),
        ];
        self.lease.change("recording an archive", set, &values).await
    }

    /// Marks the request as done.
    pub(super) async fn finish(&self, keep_for: Duration) -> Result<bool, StoreError> {
        let set = format!(
            "state = 'done', key_passphrase = NULL, reason = NULL, advanced = COALESCE(records, 0), \
             total = COALESCE(records, 0), finished_at = {0}, expires_at = {0} + ?",
            self.store.now()
        );
        self.lease.finish("finishing a request", &set, &[millis(keep_for).into()]).await
    }

    /// Marks the request as failed.
    pub(super) async fn fail(&self, reason: &str) -> Result<bool, StoreError> {
        let set = format!(
            "state = 'failed', key_passphrase = NULL, reason = ?, finished_at = {}",
            self.store.now()
        );
        self.lease.finish("recording a failure", &set, &[reason.into()]).await
    }

    /// Schedules another attempt after a pause.
    pub(super) async fn retry(&self, reason: &str) -> Result<bool, StoreError> {
        self.lease.retry("reason = ?", &[reason.into()]).await
    }

    /// Makes the request available to other workers at once, without counting the attempt.
    pub(super) async fn release(&self) -> Result<bool, StoreError> {
        self.lease.release().await
    }
}
