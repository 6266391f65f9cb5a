//! Photo files in a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::identity::{FolderIdentity, is_disk_error};
use super::{Comparison, NewPhotoFile, PhotoBytes, PhotoFile, UploadsError, is_original, is_plain_file_name};
use crate::disk::name_once;

/// The folder `images/`.
#[derive(Debug, Clone)]
pub struct PhotoFolder {
    images: PathBuf,
    /// Shared by all clones.
    identity: Arc<FolderIdentity>,
}

impl PhotoFolder {
    /// Checks that the folder `path` contains a readable `images/`, or may never have contained one: a pod creates
    /// `images/`, and `public/uploads` as well, when the first photo is stored.
    pub(super) fn open(path: &Path) -> Result<Self, UploadsError> {
        let images = path.join("images");
        let identity = match std::fs::read_dir(&images).and_then(|_| FolderIdentity::of(&images)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && may_be_new(path) => {
                FolderIdentity::default()
            }
            Err(source) => return Err(UploadsError::Unreadable { path: images, source }),
            Ok(identity) => identity,
        };
        Ok(Self { images, identity: Arc::new(identity) })
    }

    /// Checks after a failure that the reopened folder can be used in place of this one.
    pub(super) fn accept(&self, reopened: &Self) -> Result<(), UploadsError> {
        self.identity.accept(&reopened.identity, &self.images)
    }

    /// Returns whether the folder does not exist yet.
    pub(super) fn is_new(&self) -> bool {
        matches!(self.images.try_exists(), Ok(false))
    }

    /// Returns the nearest existing ancestor of the folder, which is on the photos' disk.
    pub(crate) fn existing_ancestor(&self) -> &Path {
        self.images.ancestors().find(|folder| folder.is_dir()).unwrap_or(&self.images)
    }

    /// Returns the folder itself.
    pub(crate) fn images(&self) -> &Path {
        &self.images
    }

    /// Opens the first nonempty readable file of these names.
    ///
    /// # Errors
    /// [`UploadsError`], when the folder or its disk has failed, rather than one file.
    pub(super) fn find(&self, names: &[String]) -> Result<PhotoFile, UploadsError> {
        let (mut unreadable, mut missing) = (None, PhotoFile::Missing);
        for name in names {
            match self.open_file(name) {
                Ok(Some((_, 0))) => missing = PhotoFile::Empty,
                Ok(Some((file, size))) => return Ok(PhotoFile::Found(PhotoBytes::File(file), size)),
                Ok(None) => {}
                Err(error) if is_disk_error(&error) => return Err(self.unreadable(error)),
                Err(error) => unreadable = Some(error),
            }
        }
        // A folder that was moved away, or is no longer mounted, has no files either.
        self.identity.check(&self.images)?;
        Ok(unreadable.map_or(missing, |error| PhotoFile::Unreadable(error.to_string())))
    }

    fn open_file(&self, name: &str) -> io::Result<Option<(File, u64)>> {
        if !is_plain_file_name(name) {
            return Ok(None);
        }
        let path = self.images.join(name);
        // Only regular files are opened: opening a pipe would wait for its other end.
        let open = || -> io::Result<Option<(File, u64)>> {
            if !std::fs::metadata(&path)?.is_file() {
                return Ok(None);
            }
            let file = File::open(&path)?;
            let size = file.metadata()?.len();
            Ok(Some((file, size)))
        };
        match open() {
            Ok(opened) => Ok(opened),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn originals(&self) -> Result<BTreeSet<String>, UploadsError> {
        let names = match std::fs::read_dir(&self.images) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
            names => names.map_err(|source| self.unreadable(source))?,
        };
        Ok(names
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| is_original(name) && !name.starts_with('.'))
            .collect())
    }

    pub(super) fn original_sizes(&self) -> Result<BTreeMap<String, u64>, UploadsError> {
        let size = |name: String| {
            let size = std::fs::metadata(self.images.join(&name)).ok()?.len();
            Some((name, size))
        };
        Ok(self.originals()?.into_iter().filter_map(size).collect())
    }

    pub(super) fn compare(&self, name: &str, bytes: &[u8]) -> Result<Comparison, UploadsError> {
        // An unreadable file counts as absent.
        let Ok(Some((mut file, size))) = self.open_file(name) else { return Ok(Comparison::Absent) };
        if size != bytes.len() as u64 {
            return Ok(Comparison::Different);
        }
        let mut buffer = vec![0; 64 * 1024];
        let mut remaining = bytes;
        loop {
            let length = file.read(&mut buffer).map_err(|source| self.unwritable(source))?;
            if length == 0 {
                return Ok(if remaining.is_empty() { Comparison::Same } else { Comparison::Different });
            }
            match buffer.get(..length).and_then(|read| remaining.strip_prefix(read)) {
                Some(after) => remaining = after,
                None => return Ok(Comparison::Different),
            }
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        is_plain_file_name(name) && self.images.join(name).exists()
    }

    /// Stores a file atomically, and never replaces one; returns false if a different file has the name.
    pub(super) fn put(&self, photo: &NewPhotoFile) -> Result<bool, UploadsError> {
        if !is_plain_file_name(&photo.name) {
            return Ok(true);
        }
        match self.write(photo) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Ok(self.compare(&photo.name, &photo.bytes)? == Comparison::Same)
            }
            Err(source) => Err(self.unwritable(source)),
        }
    }

    fn write(&self, photo: &NewPhotoFile) -> io::Result<()> {
        create_like_parent(&self.images)?;
        let temporary = self.temporary_path(&photo.name);
        let mut file = open_exclusively(&temporary)?;
        file.set_len(0)?;
        file.write_all(&photo.bytes)?;
        // The web server must be able to read it.
        file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
        file.sync_data()?;
        let result = name_once(&temporary, &self.images.join(&photo.name));
        // Without hard links, the file was renamed and is gone. If removing fails, the next writer removes it.
        _ = std::fs::remove_file(&temporary);
        result
    }

    /// Returns the file's temporary name. After a kill, the next run reuses it.
    fn temporary_path(&self, name: &str) -> PathBuf {
        self.images.join(format!(".{name}.part"))
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), UploadsError> {
        if !is_plain_file_name(name) {
            return Ok(());
        }
        for path in [self.temporary_path(name), self.images.join(name)] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.unwritable(error)),
                _ => {}
            }
        }
        Ok(())
    }

    fn unreadable(&self, source: io::Error) -> UploadsError {
        UploadsError::Unreadable { path: self.images.clone(), source }
    }

    fn unwritable(&self, source: io::Error) -> UploadsError {
        UploadsError::Unwritable { path: self.images.clone(), source }
    }
}

/// Returns whether a pod's uploads folder may never have been used: it exists, or is the one that the pod creates in
/// its own `public/`.
fn may_be_new(uploads: &Path) -> bool {
    let public = uploads.parent().filter(|public| public.file_name().is_some_and(|name| name == "public"));
    let is_named_uploads = uploads.file_name().is_some_and(|name| name == "uploads");
    uploads.is_dir() || (is_named_uploads && public.is_some_and(Path::is_dir))
}

/// Creates a missing folder and its parents, each with the permissions and owner of its parent, so that the pod and
/// its web server can use them as their own.
fn create_like_parent(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().ok_or(io::ErrorKind::NotFound)?;
    create_like_parent(parent)?;
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        result => result?,
    }
    let parent_metadata = std::fs::metadata(parent)?;
    // Only root can change the owner; otherwise the import runs as the pod's own user already.
    _ = std::os::unix::fs::chown(folder, Some(parent_metadata.uid()), Some(parent_metadata.gid()));
    std::fs::set_permissions(folder, parent_metadata.permissions())
}

/// Opens a file with an exclusive lock, waiting for other writers.
fn open_exclusively(path: &Path) -> io::Result<File> {
    loop {
        let file = File::options().create(true).truncate(false).write(true).open(path)?;
        file.lock()?;
        // If the previous writer has renamed or removed the file, start again.
        let is_same_file =
            |found: &std::fs::Metadata| Ok::<_, io::Error>(found.ino() == file.metadata()?.ino());
        match std::fs::symlink_metadata(path) {
            // A writer was killed after it had linked the final name: writing here would change the stored photo.
            Ok(found) if is_same_file(&found)? && found.nlink() > 1 => std::fs::remove_file(path)?,
            Ok(found) if is_same_file(&found)? => return Ok(file),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(folder: &PhotoFolder, names: &[&str]) -> PhotoFile {
        folder.find(&names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn folders_are_not_photos() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("images/sub")).unwrap();
        std::fs::write(dir.path().join("images/a.png"), b"12345").unwrap();
        std::fs::write(dir.path().join("outside.png"), b"12345").unwrap();
        std::fs::write(dir.path().join("images/empty.png"), b"").unwrap();
        let folder = PhotoFolder::open(dir.path()).unwrap();
        assert!(matches!(found(&folder, &["a.png"]), PhotoFile::Found(_, 5)));
        assert!(matches!(found(&folder, &["none.png", "a.png"]), PhotoFile::Found(_, 5)));
        assert!(matches!(found(&folder, &["empty.png", "a.png"]), PhotoFile::Found(_, 5)));
        assert!(matches!(found(&folder, &["empty.png", "none.png"]), PhotoFile::Empty));
        assert!(matches!(found(&folder, &["sub", "b.png", "../outside.png"]), PhotoFile::Missing));
        assert!(PhotoFolder::open(&dir.path().join("none")).is_err());
    }

    #[test]
    fn a_pod_without_photos_has_no_folder_yet() {
        let dir = tempfile::tempdir().unwrap();
        let public = dir.path().join("public");
        std::fs::create_dir(&public).unwrap();
        std::fs::set_permissions(&public, std::fs::Permissions::from_mode(0o2750)).unwrap();
        assert!(PhotoFolder::open(&public.join("uplaods")).is_err());
        let folder = PhotoFolder::open(&public.join("uploads")).unwrap();
        assert!(
            folder.is_new() && folder.originals().unwrap().is_empty() && folder.existing_ancestor() == public
        );
        assert!(matches!(found(&folder, &["a.png"]), PhotoFile::Missing));
        assert_eq!(folder.compare("a.png", b"1").unwrap(), Comparison::Absent);
        folder.remove("a.png").unwrap();
        assert!(!public.join("uploads").exists());
        folder
            .put(&NewPhotoFile { name: "a.png".to_owned(), bytes: b"1".to_vec(), kind: "image/png" })
            .unwrap();
        for folder_name in ["uploads", "uploads/images"] {
            let mode = std::fs::metadata(public.join(folder_name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o2750, "{folder_name}");
        }
        assert!(!folder.is_new() && folder.has("a.png"));
    }

    #[test]
    fn stored_files_are_compared_byte_for_byte() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("images")).unwrap();
        let folder = PhotoFolder::open(dir.path()).unwrap();
        let mut bytes = vec![7; 200_000];
        assert_eq!(folder.compare("a.png", &bytes).unwrap(), Comparison::Absent);
        folder
            .put(&NewPhotoFile { name: "a.png".to_owned(), bytes: bytes.clone(), kind: "image/png" })
            .unwrap();
        let mode = std::fs::metadata(dir.path().join("images/a.png")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
        assert_eq!(folder.compare("a.png", &bytes).unwrap(), Comparison::Same);
        bytes[199_999] = 8;
        assert_eq!(folder.compare("a.png", &bytes).unwrap(), Comparison::Different);
        bytes.pop();
        assert_eq!(folder.compare("a.png", &bytes).unwrap(), Comparison::Different);
        folder.put(&NewPhotoFile { name: "../b.png".to_owned(), bytes, kind: "image/png" }).unwrap();
        assert!(!dir.path().join("b.png").exists());
        folder.remove("a.png").unwrap();
        folder.remove("a.png").unwrap();
        assert!(!folder.has("a.png"));
    }

    #[test]
    fn a_killed_runs_temporary_file_is_reused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("images")).unwrap();
        let uploads = PhotoFolder::open(folder.path()).unwrap();
        let names = || std::fs::read_dir(uploads.images()).unwrap().map(|entry| entry.unwrap().file_name());
        let photo = NewPhotoFile { name: "a.jpg".to_owned(), bytes: b"whole".to_vec(), kind: "image/jpeg" };
        std::fs::write(uploads.images().join(".a.jpg.part"), "half of something longer").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert!(uploads.put(&photo).unwrap()));
            }
        });
        assert_eq!(names().collect::<Vec<_>>(), ["a.jpg"]);
        // Killed after linking the final name: the file has both names, and stays unchanged.
        std::fs::hard_link(uploads.images().join("a.jpg"), uploads.images().join(".a.jpg.part")).unwrap();
        assert!(uploads.put(&photo).unwrap());
        assert_eq!(names().collect::<Vec<_>>(), ["a.jpg"]);
        assert_eq!(std::fs::read(uploads.images().join("a.jpg")).unwrap(), b"whole");
        std::fs::write(uploads.images().join(".a.jpg.part"), "half").unwrap();
        uploads.remove("a.jpg").unwrap();
        assert_eq!(names().count(), 0);
    }

    #[test]
    fn only_one_of_concurrent_writers_stores_its_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("images")).unwrap();
        let uploads = PhotoFolder::open(folder.path()).unwrap();
        let start = std::sync::Barrier::new(8);
        let write = &|number: u8| {
            let photo =
                NewPhotoFile { name: "a.jpg".to_owned(), bytes: vec![number; 50_000], kind: "image/jpeg" };
            start.wait();
            uploads.put(&photo).unwrap().then_some(number)
        };
        let winners: Vec<u8> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8).map(|number| scope.spawn(move || write(number))).collect();
            writers.into_iter().filter_map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(winners.len(), 1, "{winners:?}");
        assert_eq!(std::fs::read(uploads.images().join("a.jpg")).unwrap(), vec![winners[0]; 50_000]);
        assert_eq!(std::fs::read_dir(uploads.images()).unwrap().count(), 1, "no temporary file remains");
        // A dangling link takes its name as well.
        std::os::unix::fs::symlink("nowhere", uploads.images().join("b.jpg")).unwrap();
        let photo = NewPhotoFile { name: "b.jpg".to_owned(), bytes: vec![1], kind: "image/jpeg" };
        assert!(!uploads.put(&photo).unwrap());
    }
}
