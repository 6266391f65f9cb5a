//! The folder of Pappus's own state, with one subfolder for each pod.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::domain::{KeyError, PrivateKey, SigningKey};
use crate::pod::config::PodUrl;
use crate::sql::{AddressError, DatabaseUrl};

/// The name of the file with the pod's archive key.
const ARCHIVE_KEY: &str = "archive-key.pem";
/// The name of the file with the fingerprint of the archive key, by which a lost key is recognized.
const FINGERPRINT: &str = "archive-key.fingerprint";
/// The name of the file with Pappus's own database.
const DATABASE: &str = "pappus.sqlite3";

/// The name of the file with the second queue of earlier versions, and the endings of its WAL files and its own.
const OLD_QUEUE: (&str, [&str; 3]) = ("jobs.sqlite3", ["-wal", "-shm", ""]);
/// The first bytes of an SQLite file.
const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";

/// The reason Pappus's own state could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file system failed.
    #[error("Pappus's own folder {path} cannot be used: {source}. Specify another with --state")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Other users may read the private key.
    #[error("{0} contains a private key, but others may read it: run chmod 600 on it")]
    Exposed(PathBuf),
    /// The key is invalid.
    #[error(
        "the pod's archive key in {path} cannot be used: {source}. Restore a copy of the key, or move the file away: Pappus then creates a new key, which other pods do not know yet"
    )]
    Key {
        /// The file.
        path: PathBuf,
        /// The error in it.
        source: KeyError,
    },
}

/// Removes all permissions of other users on a folder.
fn close_to_others(path: &Path) -> io::Result<()> {
    let is_open = std::fs::metadata(path)?.permissions().mode() & 0o077 != 0;
    if is_open { std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)) } else { Ok(()) }
}

/// The folder for one pod.
#[derive(Debug, Clone)]
pub struct StateFolder(PathBuf);

impl StateFolder {
    /// Opens the pod's folder below `root`, and creates it if it is missing; only its owner may enter it.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn open(root: &Path, pod: &PodUrl) -> Result<Self, StateError> {
        let path = Self::path_below(root, pod);
        let result = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        // An existing folder that was copied or unpacked may be open to other users.
        let result = result.and_then(|()| close_to_others(&path));
        match result {
            Ok(()) => Ok(Self(path)),
            Err(source) => Err(StateError::Io { path, source }),
        }
    }

    /// Returns the pod's folder below `root`, if it exists; nothing is created.
    pub fn find(root: &Path, pod: &PodUrl) -> Option<Self> {
        let path = Self::path_below(root, pod);
        path.is_dir().then_some(Self(path))
    }

    fn path_below(root: &Path, pod: &PodUrl) -> PathBuf {
        root.join("pods").join(pod.diaspora_host().replace(':', "_"))
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the address of Pappus's own database unless the podmin specifies another: an SQLite file in this folder.
    ///
    /// # Errors
    /// [`AddressError`] when the folder's path is not UTF-8.
    pub fn database(&self) -> Result<DatabaseUrl, AddressError> {
        DatabaseUrl::from_file(&self.0.join(DATABASE))
    }

    /// Removes the separate database with the second queue of earlier versions. Returns whether it existed.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn remove_old_queue(&self) -> Result<bool, StateError> {
        let (name, endings) = OLD_QUEUE;
        let path = self.0.join(name);
        let failed = |source| StateError::Io { path: path.clone(), source };
        let head = match File::open(&path) {
            Ok(file) => {
                let mut head = Vec::new();
                file.take(SQLITE_MAGIC.len() as u64).read_to_end(&mut head).map_err(failed)?;
                head
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(failed(error)),
        };
        // Another kind of file with this name is not Pappus's.
        if head != SQLITE_MAGIC {
            return Ok(false);
        }
        for ending in endings {
            match std::fs::remove_file(self.0.join(format!("{name}{ending}"))) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        Ok(true)
    }

    /// Returns the key that the pod signs archives with. It is created at first use and never replaced, because other
    /// pods pin it; an RSA key of an earlier version remains.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn archive_key(&self) -> Result<SigningKey, StateError> {
        if let Some(key) = self.known_archive_key()? {
            self.record_fingerprint(&key, false)?;
            return Ok(key);
        }
        let path = self.0.join(ARCHIVE_KEY);
        let invalid = |source| StateError::Key { path: path.clone(), source };
        let new = PrivateKey::generate_archive_key().map_err(invalid)?;
        self.publish(&path, new.expose_pem().as_bytes())
            .map_err(|source| StateError::Io { path: path.clone(), source })?;
        // Another program may have been faster: its key is used.
        let key = match self.known_archive_key()? {
            Some(key) => key,
            None => new.archive_signing_key().map_err(invalid)?,
        };
        self.record_fingerprint(&key, true)?;
        Ok(key)
    }

    /// Returns the fingerprint of an archive key that this folder had and that is lost.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn lost_archive_key(&self) -> Result<Option<String>, StateError> {
        if self.known_archive_key()?.is_some() {
            return Ok(None);
        }
        let path = self.0.join(FINGERPRINT);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StateError::Io { path, source }),
        }
    }

    /// Records the key's fingerprint; that of a new key replaces an earlier one.
    fn record_fingerprint(&self, key: &SigningKey, is_new: bool) -> Result<(), StateError> {
        let path = self.0.join(FINGERPRINT);
        let failed = |source| StateError::Io { path: path.clone(), source };
        if !is_new && path.try_exists().map_err(failed)? {
            return Ok(());
        }
        let invalid = |source| StateError::Key { path: self.0.join(ARCHIVE_KEY), source };
        let public_key = key.public_key().map_err(invalid)?;
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        file.and_then(|mut file| writeln!(file, "{}", public_key.fingerprint())).map_err(failed)
    }

    /// Returns the archive key if it has been created already.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn known_archive_key(&self) -> Result<Option<SigningKey>, StateError> {
        let path = self.0.join(ARCHIVE_KEY);
        let failed = |source| StateError::Io { path: path.clone(), source };
        if !path.try_exists().map_err(failed)? {
            return Ok(None);
        }
        let file = File::open(&path).map_err(failed)?;
        if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(StateError::Exposed(path));
        }
        let mut pem = crate::text::read(file, 64 * 1024).map_err(failed)?;
        let key = PrivateKey::from_pem(std::mem::take(&mut *pem));
        key.archive_signing_key().map(Some).map_err(|source| StateError::Key { path, source })
    }

    /// Writes a secret file completely or not at all; of two processes, the first wins.
    fn publish(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.0.join(format!(".{ARCHIVE_KEY}.{}", std::process::id()));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        let result = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| {
            match std::fs::hard_link(&temporary, path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                result => result,
            }
        });
        std::fs::remove_file(&temporary)?;
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_key_is_created_once_and_is_secret() {
        let root = tempfile::tempdir().unwrap();
        let pod = PodUrl::parse("https://closing.example:3000").unwrap();
        let state = StateFolder::open(root.path(), &pod).unwrap();
        let fingerprint = |key: SigningKey| key.public_key().unwrap().fingerprint();
        let first = fingerprint(state.archive_key().unwrap());
        let again = StateFolder::open(root.path(), &pod).unwrap().archive_key().unwrap();
        assert_eq!(first, fingerprint(again));
        let path = state.path().join(ARCHIVE_KEY);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::metadata(state.path()).unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(state.archive_key(), Err(StateError::Exposed(_))));
        // Earlier versions created RSA keys.
        let earlier = PrivateKey::generate().unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, earlier.expose_pem()).unwrap();
        let unchanged = state.archive_key().unwrap();
        assert_eq!(fingerprint(unchanged), fingerprint(earlier.signing_key().unwrap()));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), earlier.expose_pem());
    }

    #[test]
    fn the_second_queue_of_earlier_versions_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let state = StateFolder::open(root.path(), &PodUrl::parse("https://a.example").unwrap()).unwrap();
        assert!(!state.remove_old_queue().unwrap());
        let path = |ending: &str| state.path().join(format!("jobs.sqlite3{ending}"));
        std::fs::write(path(""), "notes about jobs").unwrap();
        assert!(!state.remove_old_queue().unwrap());
        assert!(path("").exists(), "it is not Pappus's");
        std::fs::write(path(""), b"SQLite format 3\0and so on").unwrap();
        std::fs::write(path("-wal"), "").unwrap();
        assert!(state.remove_old_queue().unwrap());
        assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_lost_archive_key_is_recognized_by_its_fingerprint() {
        let root = tempfile::tempdir().unwrap();
        let state = StateFolder::open(root.path(), &PodUrl::parse("https://a.example").unwrap()).unwrap();
        let fingerprint = |key: &SigningKey| key.public_key().unwrap().fingerprint().to_string();
        assert_eq!(state.lost_archive_key().unwrap(), None);
        let first = state.archive_key().unwrap();
        assert_eq!(state.lost_archive_key().unwrap(), None);
        std::fs::remove_file(state.path().join(ARCHIVE_KEY)).unwrap();
        assert_eq!(state.lost_archive_key().unwrap(), Some(fingerprint(&first)));
        let second = state.archive_key().unwrap();
        std::fs::remove_file(state.path().join(ARCHIVE_KEY)).unwrap();
        assert_eq!(state.lost_archive_key().unwrap(), Some(fingerprint(&second)));
    }
}
