//! Folders for unfinished files, beside their destination: the next program removes what a killed one leaves there,
//! because it may hold people's private keys.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::store::random_id;

/// Below the folder of archives, so that they need not be copied; a depot does not list names that begin with a dot.
pub(crate) const FOLDER: &str = ".pappus-work";
/// Held while a program works in a folder.
pub(crate) const LOCK: &str = "lock";
/// Attempts to create the common folder while others remove it.
const TRIES: usize = 1000;

/// A folder that is removed on drop, and with the last of them their common folder. After a kill it remains until the
/// next one is created.
#[derive(Debug)]
pub struct WorkDir {
    path: PathBuf,
    _lock: File,
}

impl WorkDir {
    /// Creates a folder below `root`, which must exist, for its owner only; removes what killed programs have left.
    ///
    /// # Errors
    /// The system's error.
    pub fn make(root: &Path) -> io::Result<Self> {
        let path = root.join(FOLDER).join(random_id().map_err(io::Error::other)?);
        let lock = make_locked(root, &path)?;
        Ok(Self { path, _lock: lock })
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        // The next one retries.
        _ = std::fs::remove_dir_all(&self.path);
        _ = self.path.parent().map(remove_empty);
    }
}

/// Removes a folder that is still in use: the program is ending.
pub fn remove(path: &Path) {
    // A file may be created meanwhile.
    for _ in 0..TRIES {
        match std::fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {}
            _ => break,
        }
    }
    _ = path.parent().map(remove_empty);
}

/// Removes the common folder when nobody uses it.
fn remove_empty(root: &Path) -> io::Result<()> {
    let _door = close_door(root)?;
    for entry in std::fs::read_dir(root)? {
        if entry?.file_name() != LOCK {
            return Ok(());
        }
    }
    std::fs::remove_file(root.join(LOCK))?;
    std::fs::remove_dir(root)
}

/// Creates a folder below the common one, and takes its lock.
pub(crate) fn make_locked(root: &Path, path: &Path) -> io::Result<File> {
    let all = root.join(FOLDER);
    let mut tries = 0;
    let _door = loop {
        make_one(&all)?;
        match close_door(&all) {
            // The last user has just removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => tries += 1,
            door => break door?,
        }
    };
    remove_leftovers(&all)?;
    make_one(path)?;
    let lock = File::create(path.join(LOCK))?;
    lock.lock()?;
    Ok(lock)
}

/// Creates one folder for its owner only, unless it exists.
fn make_one(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Takes the lock for finding leftovers: a new folder is without a lock for a moment.
pub(crate) fn close_door(all: &Path) -> io::Result<File> {
    loop {
        let path = all.join(LOCK);
        let door = File::create(&path)?;
        door.lock()?;
        // It may have been removed with everything during the wait.
        if std::fs::metadata(&path)?.ino() == door.metadata()?.ino() {
            return Ok(door);
        }
    }
}

/// Removes a folder that its owner may be removing too.
fn remove_all(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes folders whose owner is gone.
pub(crate) fn remove_leftovers(all: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(all)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        match File::open(path.join(LOCK)) {
            Ok(lock) => match lock.try_lock() {
                Ok(()) => remove_all(&path)?,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            },
            // Killed between creating the folder and its lock.
            Err(error) if error.kind() == io::ErrorKind::NotFound => remove_all(&path)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_ones_folder_goes_and_in_the_end_nothing_is_left() {
        let root = tempfile::tempdir().unwrap();
        let all = root.path().join(FOLDER);
        let killed = all.join("killed");
        std::fs::create_dir_all(&killed).unwrap();
        std::fs::write(killed.join(LOCK), "").unwrap();
        std::fs::write(killed.join("document"), "private").unwrap();
        let one = WorkDir::make(root.path()).unwrap();
        let other = WorkDir::make(root.path()).unwrap();
        assert!(!killed.exists() && one.path().is_dir() && other.path().is_dir());
        drop(one);
        assert!(other.path().is_dir());
        drop(other);
        assert!(!all.exists());
    }

    #[test]
    fn many_at_once() {
        let root = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let work = WorkDir::make(root.path()).unwrap();
                        std::fs::write(work.path().join("file"), "x").unwrap();
                    }
                });
            }
        });
        assert!(!root.path().join(FOLDER).exists());
    }
}
