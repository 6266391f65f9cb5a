//! Records of downloaded archives.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Origin, Requests};
use crate::store::{StoreError, StoreRow, time};

/// The reason of a request whose archive its owner has deleted.
pub const DELETED: &str = "deleted by its owner";

/// The complete downloads of an archive by a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Downloads {
    /// The first time.
    pub first_at: DateTime<Utc>,
    /// The last time.
    pub last_at: DateTime<Utc>,
    /// The number of downloads.
    pub times: i64,
}

impl Requests {
    /// Records that a person has downloaded an archive.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn downloaded(&self, user_id: i64, origin: &Origin) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO pappus_archive_downloads (pod, user_id, archive, first_at, last_at, times) \
             VALUES (?, ?, ?, {0}, {0}, 1) ON CONFLICT (pod, user_id, archive) DO UPDATE SET last_at = {0}, \
             times = pappus_archive_downloads.times + 1",
            self.now()
        );
        let values = [(&self.pod).into(), user_id.into(), origin.to_string().into()];
        self.store.execute("recording the download of an archive", &sql, &values).await?;
        let sql = format!(
            "INSERT INTO pappus_downloads (pod, user_id, first_at, last_at, times) VALUES (?, ?, {0}, {0}, 1) \
             ON CONFLICT (pod, user_id) DO UPDATE SET last_at = {0}, times = pappus_downloads.times + 1",
            self.now()
        );
        let values = [(&self.pod).into(), user_id.into()];
        self.store.execute("recording a download", &sql, &values).await.map(drop)
    }

    /// Returns a person's downloads of any archives.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn downloads(&self, user_id: i64) -> Result<Option<Downloads>, StoreError> {
        let sql = "SELECT first_at, last_at, times FROM pappus_downloads WHERE pod = ? AND user_id = ?";
        let row = self.store.first("reading downloads", sql, &[(&self.pod).into(), user_id.into()]).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Downloads {
            first_at: time(row.get("first_at")?),
            last_at: time(row.get("last_at")?),
            times: row.get("times")?,
        }))
    }

    /// Returns a person's downloads by archive, except those before downloads were recorded by archive.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn archive_downloads(&self, user_id: i64) -> Result<Vec<(String, Downloads)>, StoreError> {
        let sql = "SELECT archive, first_at, last_at, times FROM pappus_archive_downloads WHERE pod = ? AND user_id = ?";
        let rows = self.store.rows("reading downloads", sql, &[(&self.pod).into(), user_id.into()]).await?;
        let read = |row: &StoreRow| {
            let downloads = Downloads {
                first_at: time(row.get("first_at")?),
                last_at: time(row.get("last_at")?),
                times: row.get("times")?,
            };
            Ok((row.get("archive")?, downloads))
        };
        rows.iter().map(read).collect()
    }

    /// Returns the SHA-256 of an archive as people download it, if recorded; `depot_sha256` is that of the file in the
    /// depot.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn digest(&self, depot_sha256: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT sha256 FROM pappus_archive_digests WHERE depot_sha256 = ?";
        let row = self.store.first("looking for a digest", sql, &[depot_sha256.into()]).await?;
        row.map(|row| row.get("sha256")).transpose()
    }

    /// Records the SHA-256 of an archive as people download it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_digest(&self, depot_sha256: &str, sha256: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO pappus_archive_digests (depot_sha256, sha256) VALUES (?, ?) \
                   ON CONFLICT (depot_sha256) DO NOTHING";
        self.store.execute("recording a digest", sql, &[depot_sha256.into(), sha256.into()]).await.map(drop)
    }

    /// Deletes an archive that a person requested, and all links to it. The next [`sweep`](Self::sweep) removes its
    /// file. Returns false if the person has no archive of this number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete(&self, user_id: i64, id: i64) -> Result<bool, StoreError> {
        let sql = format!(
            "UPDATE pappus_requests SET state = 'expired', expires_at = {}, reason = '{DELETED}' \
             WHERE pod = ? AND user_id = ? AND id = ? AND state = 'done'",
            self.now()
        );
        let mut transaction = self.store.begin().await?;
        let values = [(&self.pod).into(), user_id.into(), id.into()];
        let deleted = transaction.execute("deleting an archive", &sql, &values).await? > 0;
        if deleted {
            let sql = "DELETE FROM pappus_links WHERE request_id = ?";
            transaction.execute("deleting links to an archive", sql, &[id.into()]).await?;
        }
        transaction.commit().await?;
        Ok(deleted)
    }
}
