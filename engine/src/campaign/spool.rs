//! The folder for archives in the making, one for each worker.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::CampaignError;

/// Below the folder of archives, so that they need not be copied; a depot does not list what begins with a dot.
const FOLDER: &str = ".pappus-work";
/// Held as long as the worker lives.
const LOCK: &str = "lock";

/// A folder that goes when this is dropped. Killed, it stays, and the next worker on this machine removes it.
pub(crate) struct Spool {
    path: PathBuf,
    /// Held, not looked at.
    lock: std::sync::Mutex<File>,
}

impl Spool {
    /// Makes a folder for a worker, below `root`, which must be there: a disk that is not mounted is not written to.
    pub(crate) fn make(root: &Path, worker: &str) -> Result<Self, CampaignError> {
        let path = root.join(FOLDER).join(worker);
        let made = make_locked(root, &path);
        let lock = made.map_err(|source| CampaignError::Spool { path: path.clone(), source })?;
        Ok(Self { path, lock: std::sync::Mutex::new(lock) })
    }

    /// Makes the folder again when it is gone: what held its lock may have been unmounted.
    pub(crate) fn make_again(&self) -> Result<(), CampaignError> {
        let failed = |source| CampaignError::Spool { path: self.path.clone(), source };
        if self.path.join(LOCK).try_exists().map_err(failed)? {
            return Ok(());
        }
        let Some(root) = self.path.parent().and_then(Path::parent) else { return Ok(()) };
        let lock = make_locked(root, &self.path).map_err(failed)?;
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = lock;
        Ok(())
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

/// Makes a worker's folder and takes its lock.
fn make_locked(root: &Path, path: &Path) -> io::Result<File> {
    let root = root.join(FOLDER);
    make_one(&root)?;
    let _door = close_door(&root)?;
    remove_leftovers(&root)?;
    make_one(path)?;
    let lock = File::create(path.join(LOCK))?;
    lock.lock()?;
    Ok(lock)
}

/// Makes one folder for its owner only, unless it is there.
fn make_one(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
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
