//! The end of moves that go no further, and what is deleted of them.

use std::time::Duration;

use pappus_engine::store::StoreError;

use super::records::State;
use super::table::{Newcomers, millis};

impl Newcomers {
    /// Deletes addresses to which no mail will be sent, where the service sends none.
    pub(in crate::newcomers) async fn forget_addresses(&self) -> Result<u64, StoreError> {
        let sql = "UPDATE pappus_newcomers SET mail_to = NULL WHERE pod = ? AND mail_to IS NOT NULL \
                   AND state IN ('imported', 'declined', 'announced', 'undone')";
        self.store.execute("deleting addresses", sql, &[(&self.pod).into()]).await
    }

    /// Ends a move that was cancelled or has expired.
    pub(in crate::newcomers) async fn leave(&self, id: i64, now: i64) -> Result<bool, StoreError> {
        let set = "state = 'expired', username = NULL, encrypted_password = NULL, mail_to = NULL, \
                   archive_passphrase = NULL, key_passphrase = NULL, plan = NULL";
        let from = [State::Uploading, State::Refused, State::Checked, State::Waiting, State::Declined];
        self.change(id, &from, set, &[], now).await
    }

    /// Expires inactive moves, and erases IP addresses after a day.
    pub(in crate::newcomers) async fn expire(&self, now: i64) -> Result<u64, StoreError> {
        let sql = "UPDATE pappus_newcomers SET address = NULL WHERE pod = ? AND address IS NOT NULL AND begun_at < ?";
        let day_ago = now - millis(Duration::from_hours(24));
        self.store.execute("forgetting addresses", sql, &[(&self.pod).into(), day_ago.into()]).await?;
        let sql = "UPDATE pappus_newcomers SET state = 'expired', username = NULL, \
                   encrypted_password = NULL, mail_to = NULL, archive_passphrase = NULL, key_passphrase = NULL, plan = NULL, \
                   changed_at = ? WHERE pod = ? AND expires_at <= ? \
                   AND state IN ('uploading', 'refused', 'checked', 'waiting', 'declined')";
        self.store.execute("ending old uploads", sql, &[now.into(), (&self.pod).into(), now.into()]).await
    }

    /// Lists newcomers whose files are no longer needed.
    pub(in crate::newcomers) async fn with_needless_files(&self) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT id FROM pappus_newcomers WHERE pod = ? AND has_files <> 0 \
                   AND state IN ('expired', 'declined', 'announced', 'undone') ORDER BY id LIMIT 100";
        let rows = self.store.rows("looking for old uploads", sql, &[(&self.pod).into()]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Records that a newcomer's files are deleted.
    pub(in crate::newcomers) async fn files_gone(&self, id: i64) -> Result<(), StoreError> {
        let sql = "UPDATE pappus_newcomers SET has_files = 0 WHERE id = ?";
        self.store.execute("recording removed files", sql, &[id.into()]).await.map(drop)
    }
}
