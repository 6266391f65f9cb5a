//! Periodic work that any program may do, as often as it likes.

use std::time::Duration;

use super::records::{REQUEST, Request, millis};
use super::{QUEUE, RequestError, Requests};
use crate::depot::Depot;
use crate::jobs::{Jobs, JobsError};
use crate::store::StoreError;

/// Age from which a job at the head of the queue is pushed again: it may be lost.
const OVERDUE: Duration = Duration::from_secs(30);
/// Requests at the head of the queue that are checked.
const HEAD: u32 = 20;
/// Rows processed together.
const MANY: u32 = 500;
/// Time in which a cancelled request may still be getting its archive's name.
const SETTLED: Duration = Duration::from_mins(1);

impl Requests {
    /// Pushes a job for every request that is due and has none, and for those whose job may be lost. Returns their
    /// number.
    ///
    /// # Errors
    /// [`StoreError`] within, or [`JobsError`].
    pub async fn push_due(&self, jobs: &Jobs) -> Result<usize, RequestsOrJobs> {
        let overdue = millis(OVERDUE);
        let (now, due, silent) = (self.now(), self.due(), self.silent());
        // A time in the future was recorded before the clock was set back.
        let old = format!("(pushed_at < {now} - {overdue} OR pushed_at > {now} + {overdue})");
        let new = format!(
            "SELECT id FROM pappus_requests WHERE pod = ? AND state = 'queued' AND pushed_at IS NULL \
             AND {due} ORDER BY id LIMIT {MANY}"
        );
        let head = format!(
            "SELECT id FROM (SELECT id, pushed_at FROM pappus_requests WHERE pod = ? AND state = 'queued' \
             AND {due} ORDER BY id LIMIT {HEAD}) h WHERE {old}"
        );
        let silent = format!(
            "SELECT id FROM pappus_requests WHERE pod = ? AND state = 'running' AND {silent} \
             AND (pushed_at IS NULL OR {old} OR pushed_at < lease_until) ORDER BY id LIMIT {MANY}"
        );
        let mut pushed = 0;
        for sql in [new, head, silent] {
            for row in self.store.rows("looking for open requests", &sql, &[(&self.pod).into()]).await? {
                let id = row.get(0)?;
                jobs.push(QUEUE, id).await?;
                self.pushed(id).await?;
                pushed += 1;
            }
        }
        Ok(pushed)
    }

    /// Removes expired archives, and files of cancelled and failed requests. Returns the number of files.
    ///
    /// # Errors
    /// [`RequestError`]; the rest is removed the next time.
    pub async fn sweep(&self, depot: &Depot) -> Result<usize, RequestError> {
        let now = self.now();
        let sql = format!(
            "UPDATE pappus_requests SET state = 'expired' WHERE pod = ? AND state = 'done' AND expires_at <= {now}"
        );
        self.store.execute("expiring archives", &sql, &[(&self.pod).into()]).await?;
        let sql = format!("DELETE FROM pappus_links WHERE expires_at <= {now}");
        self.store.execute("removing old links", &sql, &[]).await?;
        let sql = format!(
            "SELECT id, file FROM pappus_requests WHERE pod = ? AND state IN ('failed', 'cancelled', 'expired') \
             AND file IS NOT NULL AND (state <> 'cancelled' OR finished_at < {now} - {}) ORDER BY id LIMIT {MANY}",
            millis(SETTLED)
        );
        let rows = self.store.rows("looking for old archives", &sql, &[(&self.pod).into()]).await?;
        for row in &rows {
            let (id, file): (i64, String) = (row.get(0)?, row.get(1)?);
            depot.remove(&file).await?;
            let sql = "UPDATE pappus_requests SET file = NULL WHERE id = ? AND file = ?";
            self.store.execute("recording a removed archive", sql, &[id.into(), file.into()]).await?;
        }
        Ok(rows.len())
    }

    /// Returns requests that are done or have failed, and whose person has not been notified.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn untold(&self, limit: u32) -> Result<Vec<Request>, StoreError> {
        let sql = format!(
            "SELECT {REQUEST} FROM pappus_requests WHERE pod = ? AND told_at IS NULL AND mail_to <> '' \
             AND state IN ('done', 'failed') ORDER BY id LIMIT {limit}"
        );
        let rows = self.store.rows("listing whom to notify", &sql, &[(&self.pod).into()]).await?;
        rows.iter().map(Request::from_row).collect()
    }

    /// Returns all open requests, in the order of the queue, those being processed first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all_open(&self) -> Result<Vec<Request>, StoreError> {
        let sql = format!(
            "SELECT {REQUEST} FROM pappus_requests WHERE pod = ? AND state IN ('queued', 'running') \
             ORDER BY CASE state WHEN 'running' THEN 0 ELSE 1 END, id"
        );
        let rows = self.store.rows("reading the queue", &sql, &[(&self.pod).into()]).await?;
        rows.iter().map(Request::from_row).collect()
    }

    /// Records that the person has been notified, and deletes the address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn told(&self, id: i64) -> Result<(), StoreError> {
        let sql = format!("UPDATE pappus_requests SET told_at = {}, mail_to = NULL WHERE id = ?", self.now());
        self.store.execute("recording who was told", &sql, &[id.into()]).await.map(drop)
    }
}

/// The reason open requests cannot be pushed.
#[derive(Debug, thiserror::Error)]
pub enum RequestsOrJobs {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue failed.
    #[error(transparent)]
    Jobs(#[from] JobsError),
}
