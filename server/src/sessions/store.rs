//! Sessions in Pappus's own database, by a digest of their ID: a reader of the database cannot use them.

use std::fmt;

use async_trait::async_trait;
use pappus_engine::store::StoreError;
use tower_sessions::SessionStore;
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use crate::app::App;

/// The session store.
#[derive(Clone)]
pub struct StoredSessions(App);

impl StoredSessions {
    /// Creates the session store.
    pub fn new(app: App) -> Self {
        Self(app)
    }

    /// Deletes expired sessions; returns their number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sweep(&self) -> std::result::Result<u64, StoreError> {
        let sql = "DELETE FROM pappus_sessions WHERE expires_at <= ?";
        self.0.store.execute("removing expired sessions", sql, &[self.0.now_millis().into()]).await
    }

    /// Runs `sql` with data, expiry and name.
    async fn write(&self, sql: &str, record: &Record) -> std::result::Result<u64, StoreOrSessionError> {
        let data = serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
        let expires = millis(record.expiry_date);
        let values = [data.into(), expires.into(), name(&record.id).into()];
        Ok(self.0.store.execute("saving a session", sql, &values).await?)
    }
}

/// An error of the store or of the sessions.
enum StoreOrSessionError {
    Store(StoreError),
    Session(Error),
}

impl From<StoreError> for StoreOrSessionError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Error> for StoreOrSessionError {
    fn from(error: Error) -> Self {
        Self::Session(error)
    }
}

impl From<StoreOrSessionError> for Error {
    fn from(error: StoreOrSessionError) -> Self {
        match error {
            StoreOrSessionError::Store(error) => Self::Backend(error.to_string()),
            StoreOrSessionError::Session(error) => error,
        }
    }
}

impl fmt::Debug for StoredSessions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("StoredSessions")
    }
}

#[async_trait]
impl SessionStore for StoredSessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let sql = "INSERT INTO pappus_sessions (data, expires_at, name) VALUES (?, ?, ?)";
        loop {
            match self.write(sql, record).await {
                Ok(_) => return Ok(()),
                Err(StoreOrSessionError::Store(StoreError::Duplicate { .. })) => record.id = Id::default(),
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn save(&self, record: &Record) -> Result<()> {
        // Not inserted again: the person may have signed out in the meantime.
        let sql = "UPDATE pappus_sessions SET data = ?, expires_at = ? WHERE name = ?";
        self.write(sql, record).await?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let sql = "SELECT data, expires_at FROM pappus_sessions WHERE name = ? AND expires_at > ?";
        let values = [name(id).into(), self.0.now_millis().into()];
        let backend = |error: StoreError| Error::Backend(error.to_string());
        let row = self.0.store.first("looking for a session", sql, &values).await.map_err(backend)?;
        let Some(row) = row else { return Ok(None) };
        let (data, expires): (String, i64) =
            (row.get("data").map_err(backend)?, row.get("expires_at").map_err(backend)?);
        let data = serde_json::from_str(&data).map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(expires) * 1_000_000)
            .map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let sql = "DELETE FROM pappus_sessions WHERE name = ?";
        let deleted = self.0.store.execute("ending a session", sql, &[name(id).into()]).await;
        deleted.map(drop).map_err(|error| Error::Backend(error.to_string()))
    }
}

/// Returns the name of a session in the database.
fn name(id: &Id) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &id.0.to_le_bytes()).as_ref())
}

fn millis(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
