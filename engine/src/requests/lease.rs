//! The worker's side of a request: each change checks the fence.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Requests;
use super::records::{REQUEST, Request, millis};
use crate::campaign::lapsed;
use crate::store::{StoreError, Value, random_id};

/// Time without a heartbeat after which others may take over a request: as long as its job takes to come back.
pub(super) const LEASE: Duration = crate::jobs::ORPHANED;

/// A lease on one request.
pub(super) struct Lease {
    requests: Requests,
    pub(super) request: Request,
    /// The encrypted passphrase for the key.
    pub(super) sealed: Option<Vec<u8>>,
    pub(super) fence: String,
}

/// A complete archive that is about to get its name in the depot.
pub(super) struct Intended<'a> {
    pub(super) file: &'a str,
    pub(super) bytes: i64,
    pub(super) sha256: &'a str,
    pub(super) created_at: DateTime<Utc>,
    pub(super) records: i64,
    pub(super) omissions: i64,
}

impl Requests {
    /// Returns a condition: the request is due. One that would wait longer than any pause was postponed before the
    /// clock was set back.
    pub(super) fn due(&self) -> String {
        let now = self.now();
        format!("(due_at <= {now} OR due_at > {now} + {})", 2 * millis(super::archive_worker::LONGEST))
    }

    /// Returns a condition: the lease on the request has expired.
    pub(super) fn silent(&self) -> String {
        lapsed("lease_until", &millis(LEASE).to_string(), self.now())
    }

    /// Claims a request that waits or whose worker is gone.
    pub(super) async fn acquire(&self, id: i64) -> Result<Option<Lease>, StoreError> {
        let fence = random_id()?;
        let sql = format!(
            "UPDATE pappus_requests SET state = 'running', fence = ?, lease_until = {0} + ?, \
             attempts = attempts + 1, started_at = COALESCE(started_at, {0}), reason = NULL, advanced = 0 \
             WHERE pod = ? AND id = ? AND ((state = 'queued' AND {1}) OR (state = 'running' AND {2})) \
             RETURNING {REQUEST}, key_passphrase",
            self.now(),
            self.due(),
            self.silent()
        );
        let values = [(&fence).into(), millis(LEASE).into(), (&self.pod).into(), id.into()];
        let Some(row) = self.store.first("leasing a request", &sql, &values).await? else {
            return Ok(None);
        };
        let columns = REQUEST.split(", ").count();
        Ok(Some(Lease {
            requests: self.clone(),
            request: Request::from_row(&row)?,
            sealed: row.get(columns)?,
            fence,
        }))
    }
}

impl Lease {
    /// Changes the row if the lease is still held. Returns whether it was.
    async fn change(&self, what: &'static str, set: &str, values: &[Value<'_>]) -> Result<bool, StoreError> {
        let sql =
            format!("UPDATE pappus_requests SET {set} WHERE id = ? AND state = 'running' AND fence = ?");
        let mut all = values.to_vec();
        all.extend([self.request.id.into(), (&self.fence).into()]);
        Ok(self.requests.store.execute(what, &sql, &all).await? > 0)
    }

    fn now(&self) -> &'static str {
        self.requests.now()
    }

    /// Extends the lease and records the progress.
    pub(super) async fn heartbeat(&self, advanced: i64, total: i64) -> Result<bool, StoreError> {
        let set = format!("advanced = ?, total = ?, lease_until = {} + ?", self.now());
        let values = [advanced.into(), total.into(), millis(LEASE).into()];
        self.change("recording how far a request is", &set, &values).await
    }

    /// Records the e-mail address, if an e-mail is wanted.
    pub(super) async fn address(&self, mail_to: &str) -> Result<bool, StoreError> {
        self.change(
            "writing an address down",
            "mail_to = CASE WHEN mail_to IS NULL THEN NULL ELSE ? END",
            &[mail_to.into()],
        )
        .await
    }

    /// Records the archive that is about to get its name.
    pub(super) async fn intend(&self, archive: &Intended<'_>) -> Result<bool, StoreError> {
        let set = "file = ?, bytes = ?, sha256 = ?, created_at = ?, records = ?, omissions = ?";
        let values = [
            archive.file.into(),
            archive.bytes.into(),
            archive.sha256.into(),
            archive.created_at.timestamp_millis().into(),
            archive.records.into(),
            archive.omissions.into(),
        ];
        self.change("recording an archive", set, &values).await
    }

    /// Marks the request as done.
    pub(super) async fn finish(&self, keep_for: Duration) -> Result<bool, StoreError> {
        let set = format!(
            "state = 'done', fence = NULL, lease_until = NULL, key_passphrase = NULL, reason = NULL, \
             advanced = COALESCE(records, 0), total = COALESCE(records, 0), finished_at = {0}, expires_at = {0} + ?",
            self.now()
        );
        self.change("finishing a request", &set, &[millis(keep_for).into()]).await
    }

    /// Marks the request as failed.
    pub(super) async fn fail(&self, reason: &str) -> Result<bool, StoreError> {
        let set = format!(
            "state = 'failed', fence = NULL, lease_until = NULL, key_passphrase = NULL, reason = ?, finished_at = {}",
            self.now()
        );
        self.change("recording a failure", &set, &[reason.into()]).await
    }

    /// Schedules another attempt after a pause.
    pub(super) async fn reschedule(&self, reason: &str, pause: Duration) -> Result<bool, StoreError> {
        let set = format!(
            "state = 'queued', fence = NULL, lease_until = NULL, pushed_at = NULL, reason = ?, due_at = {} + ?",
            self.now()
        );
        self.change("postponing a request", &set, &[reason.into(), millis(pause).into()]).await
    }

    /// Frees the request at once, as if it had never been started.
    pub(super) async fn release(&self) -> Result<bool, StoreError> {
        let set =
            "state = 'queued', fence = NULL, lease_until = NULL, pushed_at = NULL, attempts = attempts - 1";
        self.change("releasing a request", set, &[]).await
    }
}
