//! The folder for unfinished archives, one for each worker.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use crate::work_dir::{FOLDER, LOCK, create_locked, lock_common, remove_leftovers};

/// The reason why the folder for unfinished archives cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be used for unfinished archives: {source}")]
pub(crate) struct SpoolError {
    /// The folder, or the archive in it.
    pub(crate) path: PathBuf,
    /// The system's error.
    pub(crate) source: io::Error,
}

/// A folder that is removed on drop. If its worker is killed it remains, and the next worker on this machine removes
/// it.
pub(crate) struct Spool {
    path: PathBuf,
    /// The locked file. It is never read; closing it would release the lock.
    lock: std::sync::Mutex<File>,
}

impl Spool {
    /// Creates a folder for a worker below `root`, which must exist: a disk that is not mounted is not written to.
    pub(crate) fn create(root: &Path, worker: &str) -> Result<Self, SpoolError> {
        let path = root.join(FOLDER).join(worker);
        let result = create_locked(root, &path);
        let lock = result.map_err(|source| SpoolError { path: path.clone(), source })?;
        Ok(Self { path, lock: std::sync::Mutex::new(lock) })
    }

    /// Creates the folder again if it does not exist, for example because the disk was unmounted.
    pub(crate) fn recreate(&self) -> Result<(), SpoolError> {
        let failed = |source| SpoolError { path: self.path.clone(), source };
        if self.path.join(LOCK).try_exists().map_err(failed)? {
            return Ok(());
        }
        let Some(root) = self.path.parent().and_then(Path::parent) else { return Ok(()) };
        let lock = create_locked(root, &self.path).map_err(failed)?;
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = lock;
        Ok(())
    }

    /// Removes the folders of workers that were killed since this one started.
    pub(crate) fn sweep(&self) -> Result<(), SpoolError> {
        let Some(root) = self.path.parent() else { return Ok(()) };
        let failed = |source| SpoolError { path: root.to_owned(), source };
        let _guard = lock_common(root).map_err(failed)?;
        remove_leftovers(root).map_err(failed)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // The next worker retries.
        _ = std::fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_killed_workers_are_removed() {
        let root = tempfile::tempdir().unwrap();
        let running = Spool::create(root.path(), "living").unwrap();
        let killed = root.path().join(FOLDER).join("killed");
        std::fs::create_dir(&killed).unwrap();
        File::create(killed.join(LOCK)).unwrap();
        std::fs::write(killed.join("alice.zip"), "private").unwrap();
        let other = Spool::create(root.path(), "other").unwrap();
        assert!(!killed.exists() && running.path().exists() && other.path().exists());
        let path = other.path().to_owned();
        drop(other);
        assert!(!path.exists());
    }
}
