//! A depot in a folder.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

use super::local::{digest, digest_of_file, on_disk, stored};
use super::read::Source;
use super::{DepotError, DepotRead, Listed, Stored, identity, names};
use crate::disk::name_once;
use crate::store::random_id;

/// The file extension of temporary names, which begin with a dot.
const TEMPORARY_EXTENSION: &str = ".part";
/// The number of files that are listed ahead.
const LISTED_AHEAD_FILES: usize = 256;
/// The folder of recovered files at the root of a disk (ext4 and others), which only root may read.
const LOST_AND_FOUND: &str = "lost+found";

/// A folder of archives and subfolders.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
    /// The identity that the folder must have; `None` for any.
    identity: Option<Arc<str>>,
}

impl Folder {
    /// Creates the folder if it is missing, for its owner only.
    pub(super) fn create(path: &Path) -> Result<(), DepotError> {
        let result = DirBuilder::new().recursive(true).mode(0o700).create(path);
        result.map_err(DepotError::folder(path, path, "written"))
    }

    pub(super) fn open(path: &Path) -> Result<Self, DepotError> {
        std::fs::read_dir(path).map_err(DepotError::folder(path, path, "read"))?;
        Ok(Self::at(path))
    }

    /// Returns a folder that may be unavailable at present.
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), identity: None }
    }

    pub(super) fn bound_to(&self, identity: &str) -> Self {
        Self { path: self.path.clone(), identity: Some(identity.into()) }
    }

    pub(super) async fn identity(&self) -> Result<String, DepotError> {
        let folder = self.clone();
        on_disk(&self.path, move || identity::read_or_create(&folder.path)).await
    }

    pub(super) async fn check(&self) -> Result<(), DepotError> {
        let folder = self.clone();
        on_disk(&self.path, move || folder.check_identity()).await
    }

    /// Checks that the folder at the path is the expected one. Must be called after the bytes of a file are written and
    /// before the file gets its name: if the folder was unmounted in between, the bytes are gone.
    fn check_identity(&self) -> Result<(), DepotError> {
        let Some(expected) = &self.identity else {
            return std::fs::metadata(&self.path)
                .map(drop)
                .map_err(DepotError::folder(&self.path, &self.path, "read"));
        };
        identity::check(&self.path, expected)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn put(&self, name: &str, file: &Path) -> Result<Stored, DepotError> {
        let (folder, name, file) = (self.clone(), name.to_owned(), file.to_owned());
        on_disk(&self.path, move || folder.copy(&name, &file)).await
    }

    pub(super) async fn replace(&self, name: &str, file: &Path) -> Result<Stored, DepotError> {
        let (folder, name, file) = (self.clone(), name.to_owned(), file.to_owned());
        on_disk(&self.path, move || {
            let (temporary, new) = folder.copy_aside(&name, &file)?;
            let path = folder.path.join(&name);
            folder.check_identity()?;
            std::fs::rename(&temporary.path, &path).map_err(DepotError::folder(
                &folder.path,
                &path,
                "written",
            ))?;
            sync_parent(&path);
            Ok(new)
        })
        .await
    }

    pub(super) async fn adopt(&self, name: &str, file: &Path) -> Result<Stored, DepotError> {
        let (folder, name, file) = (self.clone(), name.to_owned(), file.to_owned());
        on_disk(&self.path, move || folder.link_or_copy(&name, &file)).await
    }

    pub(super) async fn stored(&self, name: &str) -> Result<Option<Stored>, DepotError> {
        let (path, name) = (self.path.join(name), name.to_owned());
        let failed = DepotError::folder(&self.path, &path, "read");
        let folder = self.clone();
        on_disk(&self.path, move || match digest_of_file(&path) {
            Ok(digest) => Ok(Some(stored(&name, digest))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => folder.check_identity().map(|()| None),
            Err(error) => Err(failed(error)),
        })
        .await
    }

    pub(super) fn stat(&self, name: &str) -> Result<Option<u64>, DepotError> {
        let path = self.path.join(name);
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => Ok(Some(metadata.len())),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.check_identity().map(|()| None),
            Err(error) => Err(DepotError::folder(&self.path, &path, "read")(error)),
        }
    }

    pub(super) async fn open_range(
        &self,
        name: &str,
        begin: u64,
        length: Option<u64>,
    ) -> Result<DepotRead, DepotError> {
        let path = self.path.join(name);
        let missing =
            DepotError::Missing { location: self.path.display().to_string(), name: name.to_owned() };
        let failed = DepotError::folder(&self.path, &path, "read");
        let folder = self.clone();
        on_disk(&self.path, move || {
            let mut file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return folder.check_identity().and(Err(missing));
                }
                Err(error) => return Err(failed(error)),
            };
            let size = file.metadata().map_err(&failed)?.len();
            file.seek(SeekFrom::Start(begin)).map_err(&failed)?;
            let remaining = size.saturating_sub(begin).min(length.unwrap_or(u64::MAX));
            Ok(DepotRead { size, bytes: Source::File { file, remaining, path } })
        })
        .await
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), DepotError> {
        let path = self.path.join(name);
        self.check_identity()?;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(DepotError::folder(&self.path, &path, "removed")(error))
            }
            _ => Ok(()),
        }
    }

    /// Returns the number of free bytes on the disk, and its size in bytes.
    pub(super) fn disk(&self) -> Result<(u64, u64), DepotError> {
        let stats = rustix::fs::statvfs(&self.path)
            .map_err(|error| DepotError::folder(&self.path, &self.path, "read")(error.into()))?;
        let bytes = |blocks: u64| blocks.saturating_mul(stats.f_frsize);
        Ok((bytes(stats.f_bavail), bytes(stats.f_blocks)))
    }

    pub(super) fn list(&self) -> BoxStream<'static, Result<Listed, DepotError>> {
        let (sender, receiver) = tokio::sync::mpsc::channel(LISTED_AHEAD_FILES);
        let folder = self.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = folder.check_identity() {
                // The receiver may be gone.
                _ = sender.blocking_send(Err(error));
                return;
            }
            let result = folder.walk("", &mut |path, name| {
                if !names::is_depot_name(name) {
                    return Ok(());
                }
                match path.metadata() {
                    Ok(metadata) => {
                        let listed = Listed { name: name.to_owned(), bytes: metadata.len() };
                        sender.blocking_send(Ok(listed)).map_err(|_| io::ErrorKind::BrokenPipe.into())
                    }
                    // It was removed in the meantime.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                    Err(error) => Err(error),
                }
            });
            if let Err(error) = result {
                // The receiver may be gone.
                _ = sender.blocking_send(Err(DepotError::folder(&folder.path, &folder.path, "read")(error)));
            }
        });
        stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|listed| (listed, receiver))
        })
        .boxed()
    }

    pub(super) async fn sweep(&self, age: Duration, now: SystemTime) -> Result<u64, DepotError> {
        let folder = self.clone();
        on_disk(&self.path, move || {
            folder.check_identity()?;
            let mut leftovers = Vec::new();
            let result = folder.walk("", &mut |path, name| {
                let file_name = name.rsplit('/').next().unwrap_or(name);
                if file_name.starts_with('.')
                    && file_name.ends_with(TEMPORARY_EXTENSION)
                    && is_left_over(path, age, now)?
                {
                    leftovers.push(path.to_owned());
                }
                Ok(())
            });
            result.map_err(DepotError::folder(&folder.path, &folder.path, "read"))?;
            let mut removed = 0;
            for path in leftovers {
                // The disk may have been unmounted in the meantime.
                folder.check_identity()?;
                match std::fs::remove_file(&path) {
                    Ok(()) => removed += 1,
                    // Another program was faster.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(DepotError::folder(&folder.path, &path, "removed")(error)),
                }
            }
            Ok(removed)
        })
        .await
    }

    /// Visits every file below a subfolder, with its path and its name in the depot. Subfolders without read permission
    /// are skipped: they belong to other users, and contain no files that a reader of the depot could open.
    fn walk(&self, subfolder: &str, visit: &mut dyn FnMut(&Path, &str) -> io::Result<()>) -> io::Result<()> {
        let entries = match std::fs::read_dir(self.path.join(subfolder)) {
            Err(error) if !subfolder.is_empty() && error.kind() == io::ErrorKind::PermissionDenied => {
                return Ok(());
            }
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let Ok(file_name) = entry.file_name().into_string() else { continue };
            if file_name == LOST_AND_FOUND {
                continue;
            }
            let name = if subfolder.is_empty() { file_name } else { format!("{subfolder}/{file_name}") };
            let kind = entry.file_type()?;
            if kind.is_file() {
                visit(&entry.path(), &name)?;
            } else if kind.is_dir() && names::is_depot_name(&format!("{name}/x")) {
                self.walk(&name, visit)?;
            }
        }
        Ok(())
    }

    fn copy(&self, name: &str, file: &Path) -> Result<Stored, DepotError> {
        let (temporary, new) = self.copy_aside(name, file)?;
        self.publish(&temporary.path, name, new)
    }

    /// Copies a file into the depot under a temporary name.
    fn copy_aside(&self, name: &str, file: &Path) -> Result<(Temporary, Stored), DepotError> {
        let mut source = File::open(file).map_err(DepotError::local(file))?;
        let temporary = Temporary::create(self, name)?;
        let failed = DepotError::folder(&self.path, &temporary.path, "written");
        // Reading or writing may have failed; a full disk is more likely.
        let mut writer = &temporary.file;
        let digest = digest(&mut source, |bytes| writer.write_all(bytes)).map_err(&failed)?;
        temporary.file.sync_all().map_err(&failed)?;
        Ok((temporary, stored(name, digest)))
    }

    fn link_or_copy(&self, name: &str, file: &Path) -> Result<Stored, DepotError> {
        let local = DepotError::local(file);
        let is_same_disk = {
            let device = std::fs::metadata(file).map_err(&local)?.dev();
            std::fs::metadata(&self.path).is_ok_and(|folder| folder.dev() == device)
        };
        if !is_same_disk {
            return self.copy(name, file);
        }
        let source = File::open(file).map_err(&local)?;
        source.set_permissions(Permissions::from_mode(0o600)).map_err(&local)?;
        let digest = digest(&mut &source, |_| Ok(())).map_err(&local)?;
        source.sync_all().map_err(&local)?;
        self.create_parents(name)?;
        self.publish(file, name, stored(name, digest))
    }

    /// Gives a file its name, unless another file has it. The name survives a power failure. The temporary name may or
    /// may not remain.
    fn publish(&self, temporary: &Path, name: &str, new: Stored) -> Result<Stored, DepotError> {
        let path = self.path.join(name);
        let failed = DepotError::folder(&self.path, &path, "written");
        self.check_identity()?;
        match name_once(temporary, &path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let existing =
                    digest_of_file(&path).map_err(DepotError::folder(&self.path, &path, "read"))?;
                if existing != (new.bytes, new.sha256.clone()) {
                    let location = self.path.display().to_string();
                    return Err(DepotError::Taken { location, name: name.to_owned() });
                }
            }
            Err(error) => return Err(failed(error)),
        }
        sync_parent(&path);
        Ok(new)
    }

    /// Creates the subfolders of a name, but not the depot's own folder.
    fn create_parents(&self, name: &str) -> Result<(), DepotError> {
        self.check_identity()?;
        let Some((folders, _)) = name.rsplit_once('/') else { return Ok(()) };
        let mut path = self.path.clone();
        for folder in folders.split('/') {
            path.push(folder);
            match DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(DepotError::folder(&self.path, &path, "written")(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Syncs the folder of a file, so that names survive a power failure. Not every file system supports that.
fn sync_parent(path: &Path) {
    if let Some(folder) = path.parent() {
        _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

/// A file under a temporary name, locked while it is written.
struct Temporary {
    file: File,
    path: PathBuf,
}

impl Temporary {
    fn create(folder: &Folder, name: &str) -> Result<Self, DepotError> {
        folder.create_parents(name)?;
        let random = random_id().map_err(|error| DepotError::local(&folder.path)(io::Error::other(error)))?;
        let (parent, file_name) = name.rsplit_once('/').unwrap_or(("", name));
        let path = folder
            .path
            .join(parent)
            .join(format!(".{file_name}.{}{TEMPORARY_EXTENSION}", random.get(..8).unwrap_or_default()));
        let failed = DepotError::folder(&folder.path, &path, "written");
        let file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(&failed)?;
        // On file systems without locks, `sweep` decides by the age of the file only.
        _ = file.try_lock();
        Ok(Self { file, path })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // A failure here cannot be handled, and after a rename there is nothing to remove.
        _ = std::fs::remove_file(&self.path);
    }
}

/// Returns whether no program has locked the file, and its last change is at least `age` ago: its writer may not have
/// locked a newer file yet.
fn is_left_over(path: &Path, age: Duration, now: SystemTime) -> io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let changed = file.metadata()?.modified()?;
    if now.duration_since(changed).is_ok_and(|since| since >= age) {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(false)
}
