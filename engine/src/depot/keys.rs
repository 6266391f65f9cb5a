//! The age keys that whole pods are encrypted to.
//!
//! What everybody may know (recipients) is in the store, so that workers on other machines can encrypt; what opens
//! archives (identities) is in one file in Pappus's own folder, and nowhere else.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use serde::Serialize;
use zeroize::Zeroizing;

use super::key_file::{CampaignIdentity, KeyFile};
use crate::archive::encryption::{EncryptionError, Lock, Unlock, is_encrypted};
use crate::domain::Timestamp;
use crate::pod::config::PodUrl;
use crate::store::{StateFolder, Store, StoreError};

/// Largest backup that is read.
const MAX_BACKUP: u64 = 1 << 20;

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file cannot be read or written.
    #[error("the key file {path} cannot be used: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read it.
    #[error("{0} opens every archive of the pod and others may read it: run chmod 600 on it")]
    Exposed(PathBuf),
    /// There is nothing in it.
    #[error("{0} holds no age key (AGE-SECRET-KEY-1…). Restore it from a copy, with: pappus keys restore")]
    NoKeys(PathBuf),
    /// There is no key on this machine.
    #[error(
        "there is no key file {0} on this machine: nothing to copy. The file is where the first campaign was started"
    )]
    NotHere(PathBuf),
    /// A copy is never written over something.
    #[error("{0} is there already and is not overwritten: name another file")]
    Exists(PathBuf),
    /// A copy cannot be made or opened.
    #[error("the copy {path}: {source}")]
    Copy {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: EncryptionError,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A key as everybody may know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CampaignKey {
    /// What archives are encrypted to (`age1…`).
    pub recipient: String,
    /// Counted from 1; new archives are encrypted to the newest.
    pub generation: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether what opens the archives is on this machine.
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
    /// The keys of a pod; nothing is read or made yet.
    pub fn new(folder: &StateFolder, store: &Store, pod: &PodUrl) -> Self {
        Self { folder: folder.clone(), store: store.clone(), pod: pod.as_str().to_owned() }
    }

    /// Where the file is, or would be, that opens the archives.
    pub fn identity_file(&self) -> PathBuf {
        KeyFile::path(&self.folder)
    }

    /// All keys, the oldest first.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn list(&self) -> Result<Vec<CampaignKey>, KeysError> {
        let sql = "SELECT generation, recipient, created_at FROM pappus_campaign_keys WHERE pod = ? \
                   ORDER BY generation";
        let rows = self.store.rows("reading the keys", sql, &[(&self.pod).into()]).await?;
        // The file last: a key is in it before it is in the store, so none of these was made in between.
        let here = KeyFile::read(&self.folder)?;
        let read = |row: &crate::store::StoreRow| {
            let recipient: String = row.get(1)?;
            let created_at = chrono::DateTime::from_timestamp_millis(row.get(2)?).unwrap_or_default();
            Ok(CampaignKey {
                identity_here: here.has(&recipient),
                recipient,
                generation: row.get(0)?,
                created_at: created_at.into(),
            })
        };
        rows.iter().map(read).collect()
    }

    /// The key for new archives; made when there is none. When several programs make one at a time, all get the
    /// same.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn current(&self, now: Timestamp) -> Result<CampaignKey, KeysError> {
        if let Some(newest) = self.list().await?.pop() {
            return Ok(newest);
        }
        // The file first: no archive is ever encrypted to a key that is nowhere.
        let recipient = KeyFile::change(&self.folder, |keys| {
            if keys.newest().is_none() {
                keys.push(CampaignIdentity::generate(now));
            }
            Ok(keys.newest().map(CampaignIdentity::recipient).unwrap_or_default())
        })?;
        self.insert(1, &recipient, now).await?;
        self.list().await?.pop().ok_or_else(|| KeysError::NotHere(self.identity_file()))
    }

    /// A new key for new archives. The old ones stay, for what was encrypted to them.
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
        self.list().await?.pop().ok_or_else(|| KeysError::NotHere(self.identity_file()))
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
        match self.store.execute("keeping a key", sql, &values).await {
            // Another program was quicker: its key is the one.
            Ok(_) | Err(StoreError::Duplicate { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What opens archives, with all keys that are on this machine; nothing when there is none.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn unlock(&self) -> Result<Option<Unlock>, KeysError> {
        Self::unlock_in(&self.folder)
    }

    /// The same without a store.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn unlock_in(folder: &StateFolder) -> Result<Option<Unlock>, KeysError> {
        Ok(KeyFile::read(folder)?.unlock())
    }

    /// For each key on this machine its recipient and what hashes names, the newest first.
    pub(crate) fn lookup_keys(&self) -> Result<Vec<(String, hmac::Key)>, KeysError> {
        let keys = KeyFile::read(&self.folder)?;
        Ok(keys.keys().iter().rev().map(|key| (key.recipient(), key.lookup_key())).collect())
    }

    /// 64 bytes that only machines with the newest key can know, the same on all of them, other ones for each purpose:
    /// what a service with several instances protects its own things with.
    ///
    /// # Errors
    /// [`KeysError::NotHere`] without a key on this machine.
    pub fn derive(&self, purpose: &str) -> Result<Zeroizing<Vec<u8>>, KeysError> {
        let keys = KeyFile::read(&self.folder)?;
        let newest = keys.newest().ok_or_else(|| KeysError::NotHere(self.identity_file()))?;
        Ok(newest.derive(purpose))
    }

    /// Copies what opens the archives to a new file, readable by its owner only, under a passphrase if there is one.
    ///
    /// # Errors
    /// [`KeysError`]; nothing is left behind then.
    pub fn backup(&self, path: &Path, passphrase: Option<&str>) -> Result<usize, KeysError> {
        let keys = KeyFile::read(&self.folder)?;
        if keys.newest().is_none() {
            return Err(KeysError::NotHere(self.identity_file()));
        }
        let failed = |source| KeysError::Io { path: path.to_owned(), source };
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let mut file = file.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => KeysError::Exists(path.to_owned()),
            _ => failed(error),
        })?;
        let written = match passphrase {
            None => file.write_all(keys.text().as_bytes()).map_err(failed),
            Some(passphrase) => Lock::passphrase(passphrase)
                .wrap(&mut file)
                .and_then(|mut locked| {
                    locked.write_all(keys.text().as_bytes())?;
                    Ok(locked.finish().map(drop)?)
                })
                .map_err(|source| KeysError::Copy { path: path.to_owned(), source }),
        };
        if let Err(error) = written.and_then(|()| file.sync_all().map_err(failed)) {
            // It is ours: it was not there before.
            _ = std::fs::remove_file(path);
            return Err(error);
        }
        Ok(keys.keys().len())
    }

    /// Whether a copy is under a passphrase.
    ///
    /// # Errors
    /// [`KeysError::Io`].
    pub fn is_locked(path: &Path) -> Result<bool, KeysError> {
        File::open(path)
            .and_then(|mut file| is_encrypted(&mut file))
            .map_err(|source| KeysError::Io { path: path.to_owned(), source })
    }

    /// Takes the keys of a copy back, or those of any file of age identities; gives how many were not here.
    ///
    /// # Errors
    /// [`KeysError`]; the keys that are here stay.
    pub fn restore(&self, path: &Path, passphrase: Option<&str>) -> Result<usize, KeysError> {
        let failed = |source| KeysError::Io { path: path.to_owned(), source };
        let copy = |source| KeysError::Copy { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed)?;
        let text = if is_encrypted(&mut file).map_err(failed)? {
            let passphrase = passphrase.ok_or_else(|| copy(EncryptionError::Locked))?;
            crate::text::read(Unlock::passphrase(passphrase).open(file).map_err(copy)?, MAX_BACKUP)
        } else {
            crate::text::read(file, MAX_BACKUP)
        };
        let text = text.map_err(failed)?;
        let found = KeyFile::parse(&text).ok_or_else(|| copy(EncryptionError::NoIdentity))?;
        KeyFile::change(&self.folder, |keys| Ok(keys.merge(found)))
    }
}
