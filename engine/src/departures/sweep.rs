//! Periodic work on requests, which several programs may do at any time.

use std::time::Duration;

use super::records::{REQUEST, Request};
use super::{RequestError, Requests};
use crate::depot::Depot;
use crate::store::{StoreError, millis};

/// The maximum number of rows processed at once.
const PAGE_ROWS: u32 = 500;
/// The time after which the worker of a cancelled request no longer stores its archive.
const CANCELLATION_TIME: Duration = Duration::from_mins(1);

impl Requests {
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
             AND file IS NOT NULL AND (state <> 'cancelled' OR finished_at < {now} - {}) ORDER BY id LIMIT {PAGE_ROWS}",
            millis(CANCELLATION_TIME)
        );
        let rows = self.store.rows("looking for old archives", &sql, &[(&self.pod).into()]).await?;
        for row in &rows {
            let (id, file): (i64, String) = (row.get("id")?, row.get("file")?);
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
    pub async fn unnotified(&self, limit: u32) -> Result<Vec<Request>, StoreError> {
        let sql = format!(
            "SELECT {REQUEST} FROM pappus_requests WHERE pod = ? AND told_at IS NULL AND mail_to <> '' \
             AND state IN ('done', 'failed') ORDER BY id LIMIT {limit}"
        );
        let rows = self.store.rows("listing people to notify", &sql, &[(&self.pod).into()]).await?;
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
    pub async fn mark_notified(&self, id: i64) -> Result<(), StoreError> {
        let sql = format!("UPDATE pappus_requests SET told_at = {}, mail_to = NULL WHERE id = ?", self.now());
        self.store.execute("recording a notification", &sql, &[id.into()]).await.map(drop)
    }
}
