//! Who has fetched an archive.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Requests;
use super::records::time;
use crate::store::StoreError;

/// When a person has fetched an archive to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Downloads {
    /// For the first time.
    pub first_at: DateTime<Utc>,
    /// For the last time.
    pub last_at: DateTime<Utc>,
    /// How often.
    pub times: i64,
}

impl Requests {
    /// Notes that a person has fetched an archive.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn downloaded(&self, user_id: i64) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO pappus_downloads (pod, user_id, first_at, last_at, times) VALUES (?, ?, {0}, {0}, 1) \
             ON CONFLICT (pod, user_id) DO UPDATE SET last_at = {0}, times = pappus_downloads.times + 1",
            self.now()
        );
        let values = [(&self.pod).into(), user_id.into()];
        self.store.execute("noting a download", &sql, &values).await.map(drop)
    }

    /// When a person has fetched an archive.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn downloads(&self, user_id: i64) -> Result<Option<Downloads>, StoreError> {
        let sql = "SELECT first_at, last_at, times FROM pappus_downloads WHERE pod = ? AND user_id = ?";
        let row =
            self.store.first("looking at downloads", sql, &[(&self.pod).into(), user_id.into()]).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Downloads { first_at: time(row.get(0)?), last_at: time(row.get(1)?), times: row.get(2)? }))
    }
}
