//! Folders for files in the making, beside where they are to be: what a killed program leaves there is removed by the next
//! one, for it may hold people's private keys.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::store::random_id;

/// Below the folder of archives, so that they need not be copied; a depot does not list what begins with a dot.
pub(crate) const FOLDER: &str = ".pappus-work";
/// Held as long as whoever works in a folder lives.
pub(crate) const LOCK: &str = "lock";
/// How often the folder of all work is made when others remove it just then.
const TRIES: usize = 1000;

/// A folder that goes when this is dropped, and with the last of them what held them. Killed, it stays until the next
/// one is made.
#[derive(Debug)]
pub struct WorkDir {
    path: PathBuf,
    _lock: File,
}

impl WorkDir {
    /// Makes a folder below `root`, which must be there, for its owner only; removes what killed programs have left.
    ///
    /// # Errors
    /// What the system says.
    pub fn make(root: &Path) -> io::Result<Self> {
        let path = root.join(FOLDER).join(random_id().map_err(io::Error::other)?);
        let lock = make_locked(root, &path)?;
        Ok(Self { path, _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        // The next one tries again.
        _ = std::fs::remove_dir_all(&self.path);
        _ = self.path.parent().map(remove_empty);
    }
}

/// Removes a folder while whoever works in it still does: the program ends.
pub fn remove(path: &Path) {
    // A file may be made just now.
    for _ in 0..TRIES {
        match std::fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {}
            _ => break,
        }
    }
    _ = path.parent().map(remove_empty);
}

/// Removes the folder of all work when nobody works.
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

/// Makes a folder below that of all work, and takes its lock.
pub(crate) fn make_locked(root: &Path, path: &Path) -> io::Result<File> {
    let all = root.join(FOLDER);
    let mut tries = 0;
    let _door = loop {
        make_one(&all)?;
        match close_door(&all) {
            // Whoever was the last has just removed it.
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

/// Makes one folder for its owner only, unless it is there.
fn make_one(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Held while somebody looks for leftovers: a new folder is without a lock for a moment.
pub(crate) fn close_door(all: &Path) -> io::Result<File> {
    loop {
        let path = all.join(LOCK);
        let door = File::create(&path)?;
        door.lock()?;
        // While it was waited for, it may have been removed with everything.
        if std::fs::metadata(&path)?.ino() == door.metadata()?.ino() {
            return Ok(door);
        }
    }
}

/// Removes a folder; its owner may be doing the same just now.
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
            // Killed between making the folder and its lock.
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
