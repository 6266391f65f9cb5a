//! Signatures of earlier exports, which later ones reuse.

use std::collections::HashMap;
use std::fs::{OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::StateFolder;
use crate::pod::reader::{SignatureId, SignatureMemory};
use crate::sql::{Link, Value, placeholders};

/// A small database beside the pod's archive key. Without it exports only take longer, so after a failure it counts as
/// empty and the export continues. The file may be damaged, so a stored signature is used only if its digest is right;
/// checking the digest is a hundred times faster than checking the signature.
pub struct StoredSignatures(Option<SqliteConnection>);

impl StoredSignatures {
    /// Opens the database, and creates it if it is missing.
    pub async fn open(folder: &StateFolder) -> Self {
        let path = folder.path().join("signatures.sqlite3");
        // SQLite gives the WAL files the same mode.
        if create_private(&path).is_err() {
            return Self(None);
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Off)
            .disable_statement_logging();
        let Ok(mut link) = SqliteConnection::connect_with(&options).await else { return Self(None) };
        let table = "CREATE TABLE IF NOT EXISTS remembered (id BLOB PRIMARY KEY, signature TEXT NOT NULL, \
                     digest BLOB NOT NULL) WITHOUT ROWID";
        let created = sqlx::query(table).execute(&mut link).await;
        Self(created.is_ok().then_some(link))
    }
}

/// Creates a file that only its owner can read, and gives an existing one and its WAL files the same permissions.
fn create_private(path: &Path) -> io::Result<()> {
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    for ending in ["-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        match std::fs::set_permissions(name, Permissions::from_mode(0o600)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

impl SignatureMemory for StoredSignatures {
    async fn recall(&mut self, ids: &[SignatureId]) -> HashMap<SignatureId, String> {
        let Some(link) = &mut self.0 else { return HashMap::new() };
        let placeholders = placeholders(ids.len());
        let sql = format!("SELECT id, signature, digest FROM remembered WHERE id IN ({placeholders})");
        let values: Vec<Value<'_>> = ids.iter().map(|id| Value::from(&id[..])).collect();
        let rows = Link::Sqlite(link).rows(sql, &values).await.unwrap_or_default();
        rows.iter()
            .filter_map(|row| {
                let id: SignatureId = row.strict::<&[u8]>("id").ok()?.try_into().ok()?;
                let signature: String = row.strict("signature").ok()?;
                let stored_digest: &[u8] = row.strict("digest").ok()?;
                (digest(&id, &signature) == stored_digest).then_some((id, signature))
            })
            .collect()
    }

    async fn remember(&mut self, signatures: &[(SignatureId, String)]) {
        let Some(link) = &mut self.0 else { return };
        let Ok(mut transaction) = link.begin().await else { return };
        for (id, signature) in signatures {
            let insert =
                sqlx::query("INSERT OR REPLACE INTO remembered (id, signature, digest) VALUES (?, ?, ?)");
            let insert = insert.bind(&id[..]).bind(signature).bind(&digest(id, signature)[..]);
            if insert.execute(&mut *transaction).await.is_err() {
                return;
            }
        }
        // If this fails, the signatures are created again.
        _ = transaction.commit().await;
    }
}

fn digest(id: &SignatureId, signature: &str) -> [u8; 32] {
    Sha256::new().chain_update(id).chain_update(signature).finalize().into()
}
