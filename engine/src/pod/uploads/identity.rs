//! The identity of the photos' folder: in a folder that was moved away or unmounted, photos are not missing.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use super::UploadsError;
use crate::disk;

/// Device and inode of a folder; `None` while it does not exist.
#[derive(Debug, Default)]
pub(super) struct FolderIdentity(Mutex<Option<(u64, u64)>>);

impl FolderIdentity {
    /// Reads the identity of an existing, accessible folder.
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        read(folder).map(|identity| Self(Mutex::new(Some(identity))))
    }

    /// Checks that the folder is still this one. A folder that did not exist may exist by now.
    ///
    /// # Errors
    /// [`UploadsError::Unreadable`] and [`UploadsError::Replaced`].
    pub(super) fn check(&self, folder: &Path) -> Result<(), UploadsError> {
        let current = match read(folder) {
            Ok(identity) => Some(identity),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(unreadable(folder, source)),
        };
        let mut known = self.lock();
        match (*known, current) {
            (None, _) => *known = current,
            (Some(_), None) => return Err(unreadable(folder, Errno::NOENT.into())),
            (Some(before), Some(current)) if before != current => return Err(replaced(folder)),
            _ => {}
        }
        Ok(())
    }

    /// Accepts the identity of the reopened folder: the same, or that of another folder with files, such as a copy or
    /// a disk that was mounted again.
    ///
    /// # Errors
    /// As [`check`](Self::check), also for another folder without files: it is probably an unused mount point.
    pub(super) fn accept(&self, reopened: &Self, folder: &Path) -> Result<(), UploadsError> {
        let current = *reopened.lock();
        let mut known = self.lock();
        if known.is_some() && current.is_none() {
            return Err(unreadable(folder, Errno::NOENT.into()));
        }
        if known.is_some() && current != *known {
            let mut entries = std::fs::read_dir(folder).map_err(|source| unreadable(folder, source))?;
            if entries.next().is_none() {
                return Err(replaced(folder));
            }
        }
        *known = current;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<(u64, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(folder: &Path) -> io::Result<(u64, u64)> {
    // The dot makes this fail for a folder that may be listed but not entered.
    let metadata = std::fs::metadata(folder.join("."))?;
    Ok((metadata.dev(), metadata.ino()))
}

fn unreadable(folder: &Path, source: io::Error) -> UploadsError {
    UploadsError::Unreadable { path: folder.to_owned(), source }
}

fn replaced(folder: &Path) -> UploadsError {
    UploadsError::Replaced { path: folder.to_owned() }
}

/// Returns whether an error concerns the disk, its server, or the limit of open files, rather than one file.
pub(super) fn is_disk_error(error: &io::Error) -> bool {
    disk::has_failed(error) || disk::is_one_of(error, &[Errno::MFILE, Errno::NFILE])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pod::uploads::{PhotoFile, PhotoFolder};

    #[test]
    fn a_folder_that_vanishes_has_no_missing_photos() {
        let dir = tempfile::tempdir().unwrap();
        let (images, away) = (dir.path().join("images"), dir.path().join("away"));
        std::fs::create_dir(&images).unwrap();
        std::fs::write(images.join("a.png"), b"12345").unwrap();
        let folder = PhotoFolder::open(dir.path()).unwrap();
        let find = |name: &str| folder.clone().find(&[name.to_owned()]);
        let reopen = || folder.accept(&PhotoFolder::open(dir.path()).unwrap());
        assert!(matches!(find("none.png"), Ok(PhotoFile::Missing)));
        std::fs::rename(&images, &away).unwrap();
        assert!(matches!(find("a.png"), Err(UploadsError::Unreadable { .. })));
        assert!(matches!(reopen(), Err(UploadsError::Unreadable { .. })));
        // An unused mount point.
        std::fs::create_dir(&images).unwrap();
        assert!(matches!(find("a.png"), Err(UploadsError::Replaced { .. })));
        assert!(matches!(reopen(), Err(UploadsError::Replaced { .. })));
        std::fs::remove_dir(&images).unwrap();
        std::fs::rename(&away, &images).unwrap();
        reopen().unwrap();
        assert!(matches!(find("a.png"), Ok(PhotoFile::Found(_, 5))));
        // A copy is used once it is accepted.
        std::fs::rename(&images, &away).unwrap();
        std::fs::create_dir(&images).unwrap();
        std::fs::copy(away.join("a.png"), images.join("a.png")).unwrap();
        assert!(matches!(find("none.png"), Err(UploadsError::Replaced { .. })));
        reopen().unwrap();
        assert!(matches!(find("none.png"), Ok(PhotoFile::Missing)));
    }

    #[test]
    fn a_folder_that_appears_may_not_vanish_either() {
        let dir = tempfile::tempdir().unwrap();
        let images = dir.path().join("images");
        let folder = PhotoFolder::open(dir.path()).unwrap();
        let find = || folder.find(&["a.png".to_owned()]);
        assert!(matches!(find(), Ok(PhotoFile::Missing)));
        std::fs::create_dir(&images).unwrap();
        assert!(matches!(find(), Ok(PhotoFile::Missing)));
        std::fs::remove_dir(&images).unwrap();
        assert!(matches!(find(), Err(UploadsError::Unreadable { .. })));
    }

    #[test]
    fn errors_of_a_disk_are_not_those_of_a_file() {
        for (errno, of_disk) in [
            (Errno::IO, true),
            (Errno::STALE, true),
            (Errno::MFILE, true),
            (Errno::NFILE, true),
            (Errno::ACCESS, false),
            (Errno::LOOP, false),
        ] {
            assert_eq!(is_disk_error(&io::Error::from(errno)), of_disk, "{errno}");
        }
    }
}
