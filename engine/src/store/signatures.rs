//! Signatures made before, so that the next export need not make them again.

use std::collections::HashMap;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row as _, SqliteConnection};

use super::StateFolder;
use crate::pod::reader::{SignatureId, SignatureMemory};

/// A small database beside the pod's archive key. Losing it costs time and nothing else, so every failure
/// here means "nothing known" and the export goes on.
pub struct StoredSignatures(Option<SqliteConnection>);

impl StoredSignatures {
    /// Opens the memory, making it when needed.
    pub async fn open(folder: &StateFolder) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("signatures.sqlite3"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Off)
            .disable_statement_logging();
        let Ok(mut link) = SqliteConnection::connect_with(&options).await else { return Self(None) };
        let table = "CREATE TABLE IF NOT EXISTS signatures (id BLOB PRIMARY KEY, signature TEXT NOT NULL) WITHOUT ROWID";
        let made = sqlx::query(table).execute(&mut link).await;
        Self(made.is_ok().then_some(link))
    }
}

impl SignatureMemory for StoredSignatures {
    async fn recall(&mut self, ids: &[SignatureId]) -> HashMap<SignatureId, String> {
        let Some(link) = &mut self.0 else { return HashMap::new() };
        let places = vec!["?"; ids.len()].join(",");
        let sql = format!("SELECT id, signature FROM signatures WHERE id IN ({places})");
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for id in ids {
            query = query.bind(&id[..]);
        }
        let rows = query.fetch_all(link).await.unwrap_or_default();
        rows.iter()
            .filter_map(|row| {
                let id: &[u8] = row.try_get(0).ok()?;
                Some((id.try_into().ok()?, row.try_get(1).ok()?))
            })
            .collect()
    }

    async fn remember(&mut self, signatures: &[(SignatureId, String)]) {
        let Some(link) = &mut self.0 else { return };
        let Ok(mut transaction) = link.begin().await else { return };
        for (id, signature) in signatures {
            let insert = sqlx::query("INSERT OR REPLACE INTO signatures (id, signature) VALUES (?, ?)");
            if insert.bind(&id[..]).bind(signature).execute(&mut *transaction).await.is_err() {
                return;
            }
        }
        // A failed commit forgets; see above.
        _ = transaction.commit().await;
    }
}
