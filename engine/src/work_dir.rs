//! Folders for unfinished files, next to their destination. Files that a killed program leaves there may contain
//! people's private keys, so the next program removes them.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::store::random_id;

/// The name of the common folder. It is below the folder of archives, so that they are renamed rather than copied; a
/// depot does not list names that begin with a dot.
pub(crate) const FOLDER: &str = ".pappus-work";
/// The name of the file that is locked while a program uses a folder.
pub(crate) const LOCK: &str = "lock";
/// The maximum number of attempts to create or remove a folder that other threads or programs change.
const MAX_ATTEMPTS: usize = 1000;

/// A folder that is removed on drop; the last of them also removes their common folder. If its program is killed, it
/// remains until the next one is created.
#[derive(Debug)]
pub struct WorkDir {
    path: PathBuf,
    _lock: File,
}

impl WorkDir {
    /// Creates a folder below `root`, which must exist, for its owner only. Removes the folders of killed programs.
    ///
    /// # Errors
    /// The system's error.
    pub fn make(root: &Path) -> io::Result<Self> {
        let path = root.join(FOLDER).join(random_id().map_err(io::Error::other)?);
        let lock = create_locked(root, &path)?;
        Ok(Self { path, _lock: lock })
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        // The next folder's creation retries.
        _ = std::fs::remove_dir_all(&self.path);
        _ = self.path.parent().map(remove_empty);
    }
}

/// Removes a folder that is still in use: the program is ending.
pub fn remove(path: &Path) {
    // A file may be created in the meantime.
    for _ in 0..MAX_ATTEMPTS {
        match std::fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {}
            _ => break,
        }
    }
    _ = path.parent().map(remove_empty);
}

/// Removes the common folder if no program uses it.
fn remove_empty(root: &Path) -> io::Result<()> {
    let _guard = lock_common(root)?;
    for entry in std::fs::read_dir(root)? {
        if entry?.file_name() != LOCK {
            return Ok(());
        }
    }
    std::fs::remove_file(root.join(LOCK))?;
    std::fs::remove_dir(root)
}

/// Creates a folder below the common one, and locks it.
pub(crate) fn create_locked(root: &Path, path: &Path) -> io::Result<File> {
    let common = root.join(FOLDER);
    let mut attempts = 0;
    let _guard = loop {
        create_private(&common)?;
        match lock_common(&common) {
            // The last user has just removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempts < MAX_ATTEMPTS => attempts += 1,
            result => break result?,
        }
    };
    remove_leftovers(&common)?;
    create_private(path)?;
    let lock = File::create(path.join(LOCK))?;
    lock.lock()?;
    Ok(lock)
}

/// Creates one folder for its owner only, unless it exists.
fn create_private(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Locks the common folder. Creating a folder and removing leftovers need this lock, because a new folder is not
/// locked for a moment.
pub(crate) fn lock_common(common: &Path) -> io::Result<File> {
    loop {
        let path = common.join(LOCK);
        let lock = File::create(&path)?;
        lock.lock()?;
        // The common folder may have been removed, and created again, during the wait.
        if std::fs::metadata(&path)?.ino() == lock.metadata()?.ino() {
            return Ok(lock);
        }
    }
}

/// Removes a folder, which its owner may remove at the same time.
fn remove_if_present(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes the folders of programs that no longer run.
pub(crate) fn remove_leftovers(common: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(common)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        match File::open(path.join(LOCK)) {
            Ok(lock) => match lock.try_lock() {
                Ok(()) => remove_if_present(&path)?,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            },
            // Its program was killed between creating the folder and its lock.
            Err(error) if error.kind() == io::ErrorKind::NotFound => remove_if_present(&path)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_killed_programs_and_the_common_folder_are_removed() {
        let root = tempfile::tempdir().unwrap();
        let common = root.path().join(FOLDER);
        let killed = common.join("killed");
        std::fs::create_dir_all(&killed).unwrap();
        std::fs::write(killed.join(LOCK), "").unwrap();
        std::fs::write(killed.join("document"), "private").unwrap();
        let first = WorkDir::make(root.path()).unwrap();
        let second = WorkDir::make(root.path()).unwrap();
        assert!(!killed.exists() && first.path().is_dir() && second.path().is_dir());
        drop(first);
        assert!(second.path().is_dir());
        drop(second);
        assert!(!common.exists());
    }

    #[test]
    fn concurrent_use_leaves_no_folder() {
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
