//! The age keys that whole pods are encrypted to.
//!
//! Public keys (recipients) are in the store, so that workers on other machines can encrypt; the secret keys that
//! open archives (identities) are in one file in Pappus's own folder, and nowhere else.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use serde::Serialize;
use zeroize::Zeroizing;

use super::key_file::{CampaignIdentity, KeyFile};
use crate::archive::encryption::{DecryptWith, EncryptTo, EncryptionError, is_encrypted};
use crate::domain::Timestamp;
use crate::pod::config::PodUrl;
use crate::store::{StateFolder, Store, StoreError};

/// The maximum size of a backup, in bytes.
const MAX_BACKUP_BYTES: u64 = 1 << 20;

/// The reason the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file cannot be read or written.
    #[error("the key file {path} cannot be used: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Others may read the file.
    #[error("{0} opens every archive of the pod, but others may read it: run chmod 600 on it")]
    Exposed(PathBuf),
    /// The file has no keys.
    #[error("{0} contains no age key (AGE-SECRET-KEY-1…). Restore it from a copy with `pappus keys restore`")]
    NoKeys(PathBuf),
    /// There is no key on this machine.
    #[error(
        "there is no key file {0} on this machine, so there is nothing to copy. The file is on the machine where the first \
         campaign was started"
    )]
    NoKeyFile(PathBuf),
    /// A copy never overwrites a file.
    #[error("{0} already exists and is not overwritten: specify another file")]
    Exists(PathBuf),
    /// A copy cannot be created or opened.
    #[error("the copy {path}: {source}")]
    Copy {
        /// The file.
        path: PathBuf,
        /// The error.
        source: EncryptionError,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The public part of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CampaignKey {
    /// The recipient of archives (`age1…`).
    pub recipient: String,
    /// Counted from 1; new archives are encrypted to the newest.
    pub generation: i64,
    /// The time it was created.
    pub created_at: Timestamp,
    /// True when the identity is on this machine.
    pub identity_here: bool,
}

/// The keys of one pod.
#[derive(Debug, Clone)]
pub struct CampaignKeys {
    folder: StateFolder,
    store: Store,
    pod: String,
}

impl CampaignKeys {
    /// Returns the keys of a pod, without reading or creating them.
    pub fn new(folder: &StateFolder, store: &Store, pod: &PodUrl) -> Self {
        Self { folder: folder.clone(), store: store.clone(), pod: pod.as_str().to_owned() }
    }

    /// Returns the path of the file that opens the archives, whether or not it exists.
    pub fn identity_file(&self) -> PathBuf {
        KeyFile::path(&self.folder)
    }

    /// Returns all keys, oldest first.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn list(&self) -> Result<Vec<CampaignKey>, KeysError> {
        let sql = "SELECT generation, recipient, created_at FROM pappus_campaign_keys WHERE pod = ? \
                   ORDER BY generation";
        let rows = self.store.rows("reading the keys", sql, &[(&self.pod).into()]).await?;
        // The file is read last: a key is written to it before the store, so it has the keys of this machine that are
        // in the store.
        let key_file = KeyFile::read(&self.folder)?;
        let key = |row: &crate::store::StoreRow| {
            let recipient: String = row.get("recipient")?;
            let created_at =
                chrono::DateTime::from_timestamp_millis(row.get("created_at")?).unwrap_or_default();
            Ok(CampaignKey {
                identity_here: key_file.has(&recipient),
                recipient,
                generation: row.get("generation")?,
                created_at: created_at.into(),
            })
        };
        rows.iter().map(key).collect()
    }

    /// Returns the key for new archives, and creates one if there is none. Concurrent programs get the same key.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn current(&self, now: Timestamp) -> Result<CampaignKey, KeysError> {
        if let Some(newest) = self.list().await?.pop() {
            return Ok(newest);
        }
        // The file is written first, so that no archive is encrypted to a key that was not saved.
        let recipient = KeyFile::change(&self.folder, |keys| {
            if keys.newest().is_none() {
                keys.push(CampaignIdentity::generate(now));
            }
            Ok(keys.newest().map(CampaignIdentity::recipient).unwrap_or_default())
        })?;
        self.insert(1, &recipient, now).await?;
        self.list().await?.pop().ok_or_else(|| KeysError::NoKeyFile(self.identity_file()))
    }

    /// Creates a new key for new archives. The old ones remain, for archives that were encrypted to them.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn rotate(&self, now: Timestamp) -> Result<CampaignKey, KeysError> {
        let generation = self.list().await?.pop().map_or(0, |newest| newest.generation) + 1;
        let new = CampaignIdentity::generate(now);
        let recipient = new.recipient();
        KeyFile::change(&self.folder, |keys| {
            keys.push(new);
            Ok(())
        })?;
        self.insert(generation, &recipient, now).await?;
        self.list().await?.pop().ok_or_else(|| KeysError::NoKeyFile(self.identity_file()))
    }

    async fn insert(&self, generation: i64, recipient: &str, now: Timestamp) -> Result<(), KeysError> {
        let sql =
            "INSERT INTO pappus_campaign_keys (pod, generation, recipient, created_at) VALUES (?, ?, ?, ?)";
        let values = [
            (&self.pod).into(),
            generation.into(),
            recipient.into(),
            now.to_utc().and_utc().timestamp_millis().into(),
        ];
        match self.store.execute("storing a key", sql, &values).await {
            // Another program was faster: its key is used.
            Ok(_) | Err(StoreError::Duplicate { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns all keys on this machine that open archives; `None` if there are none.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn unlock(&self) -> Result<Option<DecryptWith>, KeysError> {
        Self::unlock_in(&self.folder)
    }

    /// Returns the keys in Pappus's own folder that open archives, as [`unlock`](Self::unlock) does, without a store.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn unlock_in(folder: &StateFolder) -> Result<Option<DecryptWith>, KeysError> {
        Ok(KeyFile::read(folder)?.unlock())
    }

    /// Returns the recipient and the key for hashes of names of each key on this machine, newest first.
    pub(crate) fn lookup_keys(&self) -> Result<Vec<(String, hmac::Key)>, KeysError> {
        let keys = KeyFile::read(&self.folder)?;
        Ok(keys.keys().iter().rev().map(|key| (key.recipient(), key.lookup_key())).collect())
    }

    /// Derives 64 bytes that only machines with the newest key can know, the same on all of them, different for each
    /// purpose. Services with several instances protect their own data with them.
    ///
    /// # Errors
    /// [`KeysError::NoKeyFile`] without a key on this machine.
    pub fn derive(&self, purpose: &str) -> Result<Zeroizing<Vec<u8>>, KeysError> {
        let keys = KeyFile::read(&self.folder)?;
        let newest = keys.newest().ok_or_else(|| KeysError::NoKeyFile(self.identity_file()))?;
        Ok(newest.derive(purpose))
    }

    /// Copies the keys to a new file, readable by its owner only, under a passphrase if there is one.
    ///
    /// # Errors
    /// [`KeysError`]; nothing is left behind then.
    pub fn backup(&self, path: &Path, passphrase: Option<&str>) -> Result<usize, KeysError> {
        let keys = KeyFile::read(&self.folder)?;
        if keys.newest().is_none() {
            return Err(KeysError::NoKeyFile(self.identity_file()));
        }
        let failed = |source| KeysError::Io { path: path.to_owned(), source };
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let mut file = file.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => KeysError::Exists(path.to_owned()),
            _ => failed(error),
        })?;
        let result = match passphrase {
            None => file.write_all(keys.text().as_bytes()).map_err(failed),
            Some(passphrase) => EncryptTo::passphrase(passphrase)
                .wrap(&mut file)
                .and_then(|mut encryptor| {
                    encryptor.write_all(keys.text().as_bytes())?;
                    Ok(encryptor.finish().map(drop)?)
                })
                .map_err(|source| KeysError::Copy { path: path.to_owned(), source }),
        };
        if let Err(error) = result.and_then(|()| file.sync_all().map_err(failed)) {
            // This program created the file.
            _ = std::fs::remove_file(path);
            return Err(error);
        }
        Ok(keys.keys().len())
    }

    /// Returns whether a copy is under a passphrase.
    ///
    /// # Errors
    /// [`KeysError::Io`].
    pub fn is_locked(path: &Path) -> Result<bool, KeysError> {
        File::open(path)
            .and_then(|mut file| is_encrypted(&mut file))
            .map_err(|source| KeysError::Io { path: path.to_owned(), source })
    }

    /// Restores the keys of a copy, or of any file of age identities; returns the number of keys that were missing on
    /// this machine.
    ///
    /// # Errors
    /// [`KeysError`]; existing keys remain.
    pub fn restore(&self, path: &Path, passphrase: Option<&str>) -> Result<usize, KeysError> {
        let failed = |source| KeysError::Io { path: path.to_owned(), source };
        let invalid_copy = |source| KeysError::Copy { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed)?;
        let text = if is_encrypted(&mut file).map_err(failed)? {
            let passphrase = passphrase.ok_or_else(|| invalid_copy(EncryptionError::Locked))?;
            crate::text::read(
                DecryptWith::passphrase(passphrase).open(file).map_err(invalid_copy)?,
                MAX_BACKUP_BYTES,
            )
        } else {
            crate::text::read(file, MAX_BACKUP_BYTES)
        };
        let text = text.map_err(failed)?;
        let restored = KeyFile::parse(&text).ok_or_else(|| invalid_copy(EncryptionError::NoIdentity))?;
        KeyFile::change(&self.folder, |keys| Ok(keys.merge(restored)))
    }
}
