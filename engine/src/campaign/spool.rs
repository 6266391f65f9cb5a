//! The folder for archives in the making, one for each worker.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::CampaignError;

/// Below the folder of archives, so that they need not be copied; a depot does not list what begins with a dot.
const FOLDER: &str = ".pappus-work";
/// Held as long as the worker lives.
const LOCK: &str = "lock";

/// A folder that goes when this is dropped. Killed, it stays, and the next worker on this machine removes it.
pub(crate) struct Spool {
    path: PathBuf,
    _lock: File,
}

impl Spool {
    /// Makes a folder for a worker, below `root`.
    pub(crate) fn make(root: &Path, worker: &str) -> Result<Self, CampaignError> {
        let root = root.join(FOLDER);
        let path = root.join(worker);
        let failed = |source| CampaignError::Spool { path: path.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&root).map_err(failed)?;
        let _door = close_door(&root).map_err(failed)?;
        remove_leftovers(&root).map_err(failed)?;
        DirBuilder::new().mode(0o700).create(&path).map_err(failed)?;
        let lock = File::create(path.join(LOCK)).map_err(failed)?;
        lock.lock().map_err(failed)?;
        Ok(Self { path, _lock: lock })
    }

    /// Removes what killed workers have left since.
    pub(crate) fn sweep(&self) -> Result<(), CampaignError> {
        let Some(root) = self.path.parent() else { return Ok(()) };
        let failed = |source| CampaignError::Spool { path: root.to_owned(), source };
        let _door = close_door(root).map_err(failed)?;
        remove_leftovers(root).map_err(failed)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // The next worker tries again.
        _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Held while somebody looks for leftovers: a new folder is without a lock for a moment.
fn close_door(root: &Path) -> io::Result<File> {
    let door = File::create(root.join(LOCK))?;
    door.lock()?;
    Ok(door)
}

/// Removes folders whose worker is gone: they may hold people's private keys.
fn remove_leftovers(root: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(root)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        match File::open(path.join(LOCK)) {
            Ok(lock) => match lock.try_lock() {
                Ok(()) => std::fs::remove_dir_all(&path)?,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            },
            // Killed between making the folder and its lock.
            Err(error) if error.kind() == io::ErrorKind::NotFound => std::fs::remove_dir_all(&path)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_workers_folder_goes_and_a_living_ones_stays() {
        let root = tempfile::tempdir().unwrap();
        let living = Spool::make(root.path(), "living").unwrap();
        let killed = root.path().join(FOLDER).join("killed");
        std::fs::create_dir(&killed).unwrap();
        File::create(killed.join(LOCK)).unwrap();
        std::fs::write(killed.join("alice.zip"), "private").unwrap();
        let other = Spool::make(root.path(), "other").unwrap();
        assert!(!killed.exists() && living.path().exists() && other.path().exists());
        let path = other.path().to_owned();
        drop(other);
        assert!(!path.exists());
    }
}
