//! Records of uploads in chunks.

use super::files::Part;
use super::table::Newcomers;
use crate::store::{StoreError, StoreRow, Transaction};

/// An upload in chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkedUpload {
    /// Its name, part of its address and of its file's name.
    pub name: String,
    /// The part that is uploaded.
    pub part: Part,
    /// Its total size in bytes.
    pub bytes: u64,
    /// The time at which it expires if it is not complete, in milliseconds since 1970.
    pub expires_at: i64,
}

impl ChunkedUpload {
    fn read(row: &StoreRow) -> Result<Self, StoreError> {
        let name: String = row.get("part")?;
        let unknown =
            || StoreError::Column { column: "part".to_owned(), reason: format!("{name:?} is unknown") };
        Ok(Self {
            name: row.get("name")?,
            part: Part::parse(&name).ok_or_else(unknown)?,
            bytes: u64::try_from(row.get::<i64>("bytes")?).unwrap_or(0),
            expires_at: row.get("expires_at")?,
        })
    }
}

/// The columns of [`ChunkedUpload`].
const UPLOAD: &str = "name, part, bytes, expires_at";

impl Newcomers {
    /// Records an upload before its first chunk.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_upload(&self, id: i64, upload: &ChunkedUpload, now: i64) -> Result<(), StoreError> {
        let sql = "INSERT INTO pappus_uploads (name, newcomer_id, part, bytes, begun_at, expires_at) \
                   VALUES (?, ?, ?, ?, ?, ?)";
        let values = [
            (&upload.name).into(),
            id.into(),
            upload.part.word().into(),
            i64::try_from(upload.bytes).unwrap_or(i64::MAX).into(),
            now.into(),
            upload.expires_at.into(),
        ];
        self.store.execute("adding an upload", sql, &values).await.map(drop)
    }

    /// Finds a newcomer's upload that has not expired.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn upload(&self, id: i64, name: &str, now: i64) -> Result<Option<ChunkedUpload>, StoreError> {
        let sql = format!(
            "SELECT {UPLOAD} FROM pappus_uploads WHERE name = ? AND newcomer_id = ? AND expires_at > ?"
        );
        let values = [name.into(), id.into(), now.into()];
        let row = self.store.first("looking for an upload", &sql, &values).await?;
        row.as_ref().map(ChunkedUpload::read).transpose()
    }

    /// Lists a newcomer's uploads that have not expired; complete ones may be among them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn uploads(&self, id: i64, now: i64) -> Result<Vec<ChunkedUpload>, StoreError> {
        let sql = format!(
            "SELECT {UPLOAD} FROM pappus_uploads WHERE newcomer_id = ? AND expires_at > ? ORDER BY part"
        );
        let rows = self.store.rows("looking for uploads", &sql, &[id.into(), now.into()]).await?;
        rows.iter().map(ChunkedUpload::read).collect()
    }

    /// Lists the names of a newcomer's incomplete uploads, of one part or of all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn incomplete_uploads(&self, id: i64, part: Option<Part>) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT name FROM pappus_uploads WHERE newcomer_id = ? AND (part = ? OR ? IS NULL) \
                   AND name NOT IN (SELECT name FROM pappus_upload_space WHERE newcomer_id = ? AND expires_at IS NULL)";
        let part = part.map(Part::word);
        let values = [id.into(), part.into(), part.into(), id.into()];
        let rows = self.store.rows("looking for uploads", sql, &values).await?;
        rows.iter().map(|row| row.get("name")).collect()
    }

    /// Lists at most 100 expired uploads, each with its newcomer's ID.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn expired_uploads(&self, now: i64) -> Result<Vec<(String, i64)>, StoreError> {
        let sql = "SELECT name, newcomer_id FROM pappus_uploads WHERE expires_at <= ? LIMIT 100";
        let rows = self.store.rows("looking for expired uploads", sql, &[now.into()]).await?;
        rows.iter().map(|row| Ok((row.get("name")?, row.get("newcomer_id")?))).collect()
    }

    /// Lists at most 100 uploads that can be resumed and whose reservations have expired: the name, the newcomer's ID
    /// and the time at which the upload expires, in milliseconds since 1970.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn paused_uploads(&self, now: i64) -> Result<Vec<(String, i64, i64)>, StoreError> {
        let sql = "SELECT u.name, u.newcomer_id, u.expires_at FROM pappus_uploads u \
                   JOIN pappus_upload_space s ON s.name = u.name \
                   WHERE s.expires_at <= ? AND u.expires_at > ? LIMIT 100";
        let rows = self.store.rows("looking for paused uploads", sql, &[now.into(), now.into()]).await?;
        rows.iter()
            .map(|row| Ok((row.get("name")?, row.get("newcomer_id")?, row.get("expires_at")?)))
            .collect()
    }

    /// Returns whether an upload has not been removed, in a transaction that has locked its newcomer's files.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_upload(&self, transaction: &mut Transaction, name: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM pappus_uploads WHERE name = ?";
        Ok(!transaction.rows("looking for an upload", sql, &[name.into()]).await?.is_empty())
    }

    /// Removes the record of an upload, so that no further writer starts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_upload(&self, name: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM pappus_uploads WHERE name = ?";
        self.store.execute("removing an upload", sql, &[name.into()]).await.map(drop)
    }
}
