//! Periodic work: expires inactive moves, ends pauses for undo, and adjusts times after the clock was set back.

use std::time::Duration;

use super::table::Newcomers;
use crate::store::{StoreError, millis};

/// Tolerance for times recorded by other machines.
const CLOCK_TOLERANCE: Duration = Duration::from_mins(1);
/// Maximum validity of an upload or a space reservation.
const LONGEST_VALIDITY: Duration = Duration::from_hours(72);

impl Newcomers {
    /// Deletes addresses to which no mail will be sent, where the service sends none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_addresses(&self) -> Result<u64, StoreError> {
        let sql = "UPDATE pappus_newcomers SET mail_to = NULL WHERE pod = ? AND mail_to IS NOT NULL \
                   AND state IN ('imported', 'declined', 'announced', 'undone')";
        self.store.execute("deleting addresses", sql, &[(&self.pod).into()]).await
    }

    /// Expires inactive moves, and erases IP addresses after a day.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn expire(&self, now: i64) -> Result<u64, StoreError> {
        let sql = "DELETE FROM pappus_newcomer_starts WHERE pod = ? AND started_at < ?";
        let day_ago = now - millis(Duration::from_hours(24));
        self.store.execute("deleting IP addresses", sql, &[(&self.pod).into(), day_ago.into()]).await?;
        let sql = "UPDATE pappus_newcomers SET state = 'expired', username = NULL, \
                   encrypted_password = NULL, mail_to = NULL, archive_passphrase = NULL, key_passphrase = NULL, plan = NULL, \
                   changed_at = ? WHERE pod = ? AND expires_at <= ? \
                   AND state IN ('uploading', 'refused', 'checked', 'waiting', 'declined')";
        self.store.execute("expiring moves", sql, &[now.into(), (&self.pod).into(), now.into()]).await
    }

    /// Lists newcomers whose files are no longer needed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn with_needless_files(&self) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT id FROM pappus_newcomers WHERE pod = ? AND has_files <> 0 \
                   AND state IN ('expired', 'declined', 'announced', 'undone') ORDER BY id LIMIT 100";
        let rows = self
            .store
            .rows("looking for files that are no longer needed", sql, &[(&self.pod).into()])
            .await?;
        rows.iter().map(|row| row.get("id")).collect()
    }

    /// Records that a newcomer's files are deleted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_removed_files(&self, id: i64) -> Result<(), StoreError> {
        // Another move of this newcomer may ask all pods again.
        let sql = "DELETE FROM pappus_newcomer_hosts WHERE newcomer_id = ?";
        self.store.execute("deleting which pods were asked", sql, &[id.into()]).await?;
        let sql = "UPDATE pappus_newcomers SET has_files = 0 WHERE id = ?";
        self.store.execute("recording removed files", sql, &[id.into()]).await.map(drop)
    }

    /// Starts the announcement of each newcomer whose pause for undo is over, once even if several processes call this.
    /// Returns the number of newcomers.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn announce_due(&self, now: i64) -> Result<u64, StoreError> {
        let sql = format!(
            "UPDATE pappus_newcomers SET {}, changed_at = ? \
             WHERE pod = ? AND state = 'imported' AND announce_at <= ?",
            self.announcing()
        );
        let values = [now.into(), (&self.pod).into(), now.into()];
        let started = self.store.execute("ending pauses for undo", &sql, &values).await?;
        if started > 0 {
            self.queue.wake();
        }
        Ok(started)
    }

    /// Shifts the times of rows that were written before the clock was set back, by the same amount, so that the pause
    /// for undo does not become longer. Start times in the future become now. Returns the number of shifted rows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn adjust_to_clock(&self, now: i64) -> Result<u64, StoreError> {
        let latest = now + millis(CLOCK_TOLERANCE);
        let sql = format!(
            "UPDATE pappus_newcomers SET announce_at = announce_at - (changed_at - {now}), \
             expires_at = expires_at - (changed_at - {now}), changed_at = {now} WHERE pod = ? AND changed_at > {latest}"
        );
        let shifted = self.store.execute("adjusting times to the clock", &sql, &[(&self.pod).into()]).await?;
        for (table, column) in [("pappus_newcomers", "begun_at"), ("pappus_newcomer_starts", "started_at")] {
            let sql = format!("UPDATE {table} SET {column} = {now} WHERE pod = ? AND {column} > {latest}");
            self.store.execute("adjusting times to the clock", &sql, &[(&self.pod).into()]).await?;
        }
        let latest_end = now + millis(LONGEST_VALIDITY);
        let too_late = latest_end + millis(CLOCK_TOLERANCE);
        for table in ["pappus_uploads", "pappus_upload_space"] {
            let sql = format!("UPDATE {table} SET expires_at = {latest_end} WHERE expires_at > {too_late}");
            self.store.execute("adjusting times to the clock", &sql, &[]).await?;
        }
        Ok(shifted)
    }
}
