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

/// Open requests as a queue.
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
    /// The number of workers that vanished while they had the request.
    pub(super) deaths: i64,
}

impl Requests {
    /// Acquires the next request that waits or whose worker is gone.
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

    /// Returns whether no attempts are left at an account for which the pod's database refuses statements.
    pub(super) fn is_last(&self) -> bool {
        self.lease.is_last()
    }

    /// Extends the lease and records the progress.
    pub(super) async fn heartbeat(&self, now: Position) -> Result<bool, StoreError> {
        let values = [now.advanced, now.total].map(|count| i64::try_from(count).unwrap_or(i64::MAX).into());
        self.lease.heartbeat("advanced = ?, total = ?", &values).await
    }

    /// Records the e-mail address, if an e-mail is wanted.
    pub(super) async fn address(&self, mail_to: &str) -> Result<bool, StoreError> {
        let set = "mail_to = CASE WHEN mail_to IS NULL THEN NULL ELSE ? END";
        self.lease.change("writing an address down", set, &[mail_to.into()]).await
    }

    /// Records the archive that is about to get its name, and the time in it.
    pub(super) async fn intend(
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

    /// Frees the request at once, as if it had never been started.
    pub(super) async fn release(&self) -> Result<bool, StoreError> {
        self.lease.release().await
    }
}
