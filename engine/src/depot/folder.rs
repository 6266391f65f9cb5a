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

/// The ending of temporary names; they begin with a dot.
const PART: &str = ".part";
/// Entries of a folder that are read ahead.
const LISTED_AHEAD: usize = 256;
/// The folder of recovered files at the root of a disk (ext4 and others), which only root may read.
const LOST_AND_FOUND: &str = "lost+found";

/// A folder of archives and subfolders.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
    /// The identity it must have; any unless given.
    identity: Option<Arc<str>>,
}

impl Folder {
    /// Creates the folder when it is missing, for its owner only.
    pub(super) fn make(path: &Path) -> Result<(), DepotError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(DepotError::folder(path, path, "written"))
    }

    pub(super) fn open(path: &Path) -> Result<Self, DepotError> {
        std::fs::read_dir(path).map_err(DepotError::folder(path, path, "read"))?;
        Ok(Self::at(path))
    }

    /// A folder that may be unavailable at present.
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), identity: None }
    }

    pub(super) fn bound_to(&self, identity: &str) -> Self {
        Self { path: self.path.clone(), identity: Some(identity.into()) }
    }

    pub(super) async fn identity(&self) -> Result<String, DepotError> {
        let folder = self.clone();
        on_disk(&self.path, move || identity::make(&folder.path)).await
    }

    pub(super) async fn check(&self) -> Result<(), DepotError> {
        let folder = self.clone();
        on_disk(&self.path, move || folder.is_the_one()).await
    }

    /// Checks that the folder at the path is the expected one. To be called before naming a file, after its bytes are
    /// written: data written before the folder went away is gone with it.
    fn is_the_one(&self) -> Result<(), DepotError> {
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
            folder.is_the_one()?;
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
            Ok(found) => Ok(Some(stored(&name, found))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => folder.is_the_one().map(|()| None),
            Err(error) => Err(failed(error)),
        })
        .await
    }

    pub(super) fn stat(&self, name: &str) -> Result<Option<u64>, DepotError> {
        let path = self.path.join(name);
        match std::fs::metadata(&path) {
            Ok(found) if found.is_file() => Ok(Some(found.len())),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.is_the_one().map(|()| None),
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
        let missing = DepotError::Missing { place: self.path.display().to_string(), name: name.to_owned() };
        let failed = DepotError::folder(&self.path, &path, "read");
        let folder = self.clone();
        on_disk(&self.path, move || {
            let mut file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return folder.is_the_one().and(Err(missing));
                }
                Err(error) => return Err(failed(error)),
            };
            let size = file.metadata().map_err(&failed)?.len();
            file.seek(SeekFrom::Start(begin)).map_err(&failed)?;
            let left = size.saturating_sub(begin).min(length.unwrap_or(u64::MAX));
            Ok(DepotRead { size, bytes: Source::File { file, left, path } })
        })
        .await
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), DepotError> {
        let path = self.path.join(name);
        self.is_the_one()?;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(DepotError::folder(&self.path, &path, "removed")(error))
            }
            _ => Ok(()),
        }
    }

    /// Returns the free bytes of the disk, and all of them.
    pub(super) fn disk(&self) -> Result<(u64, u64), DepotError> {
        let found = rustix::fs::statvfs(&self.path)
            .map_err(|error| DepotError::folder(&self.path, &self.path, "read")(error.into()))?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok((bytes(found.f_bavail), bytes(found.f_blocks)))
    }

    pub(super) fn list(&self) -> BoxStream<'static, Result<Listed, DepotError>> {
        let (sender, receiver) = tokio::sync::mpsc::channel(LISTED_AHEAD);
        let folder = self.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = folder.is_the_one() {
                // The receiver may be gone.
                _ = sender.blocking_send(Err(error));
                return;
            }
            let walked = folder.walk("", &mut |path, name| {
                if !names::is_depot_name(name) {
                    return Ok(());
                }
                match path.metadata() {
                    Ok(found) => {
                        let listed = Listed { name: name.to_owned(), bytes: found.len() };
                        sender.blocking_send(Ok(listed)).map_err(|_| io::ErrorKind::BrokenPipe.into())
                    }
                    // Removed meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                    Err(error) => Err(error),
                }
            });
            if let Err(error) = walked {
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
            folder.is_the_one()?;
            let mut left_over = Vec::new();
            let walked = folder.walk("", &mut |path, name| {
                let own = name.rsplit('/').next().unwrap_or(name);
                if own.starts_with('.') && own.ends_with(PART) && is_left_over(path, age, now)? {
                    left_over.push(path.to_owned());
                }
                Ok(())
            });
            walked.map_err(DepotError::folder(&folder.path, &folder.path, "read"))?;
            let mut removed = 0;
            for path in left_over {
                // It may have been unmounted since.
                folder.is_the_one()?;
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

    /// Visits every file, with its path and its name here. Subfolders that may not be read are passed over: they
    /// belong to somebody else, and hold no file that a reader of the depot could open.
    fn walk(&self, below: &str, found: &mut dyn FnMut(&Path, &str) -> io::Result<()>) -> io::Result<()> {
        let entries = match std::fs::read_dir(self.path.join(below)) {
            Err(error) if !below.is_empty() && error.kind() == io::ErrorKind::PermissionDenied => {
                return Ok(());
            }
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let Ok(own) = entry.file_name().into_string() else { continue };
            if own == LOST_AND_FOUND {
                continue;
            }
            let name = if below.is_empty() { own } else { format!("{below}/{own}") };
            let kind = entry.file_type()?;
            if kind.is_file() {
                found(&entry.path(), &name)?;
            } else if kind.is_dir() && names::is_depot_name(&format!("{name}/x")) {
                self.walk(&name, found)?;
            }
        }
        Ok(())
    }

    fn copy(&self, name: &str, file: &Path) -> Result<Stored, DepotError> {
        let (temporary, new) = self.copy_aside(name, file)?;
        self.publish(&temporary.path, name, new)
    }

    fn copy_aside(&self, name: &str, file: &Path) -> Result<(Temporary, Stored), DepotError> {
        let mut source = File::open(file).map_err(DepotError::local(file))?;
        let temporary = Temporary::create(self, name)?;
        let failed = DepotError::folder(&self.path, &temporary.path, "written");
        // Either side may have failed; a full disk is the likely one.
        let mut out = &temporary.file;
        let found = digest(&mut source, |bytes| out.write_all(bytes)).map_err(&failed)?;
        temporary.file.sync_all().map_err(&failed)?;
        Ok((temporary, stored(name, found)))
    }

    fn link_or_copy(&self, name: &str, file: &Path) -> Result<Stored, DepotError> {
        let local = DepotError::local(file);
        let same_disk = {
            let (own, other) = (std::fs::metadata(file).map_err(&local)?, std::fs::metadata(&self.path));
            other.is_ok_and(|other| other.dev() == own.dev())
        };
        if !same_disk {
            return self.copy(name, file);
        }
        let source = File::open(file).map_err(&local)?;
        source.set_permissions(Permissions::from_mode(0o600)).map_err(&local)?;
        let found = digest(&mut &source, |_| Ok(())).map_err(&local)?;
        source.sync_all().map_err(&local)?;
        self.make_parent(name)?;
        self.publish(file, name, stored(name, found))
    }

    /// Gives a file its name, unless another file has it. The name survives a power failure. The other name may or
    /// may not remain.
    fn publish(&self, temporary: &Path, name: &str, new: Stored) -> Result<Stored, DepotError> {
        let path = self.path.join(name);
        let failed = DepotError::folder(&self.path, &path, "written");
        self.is_the_one()?;
        match name_once(temporary, &path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let there = digest_of_file(&path).map_err(DepotError::folder(&self.path, &path, "read"))?;
                if there != (new.bytes, new.sha256.clone()) {
                    let place = self.path.display().to_string();
                    return Err(DepotError::Taken { place, name: name.to_owned() });
                }
            }
            Err(error) => return Err(failed(error)),
        }
        sync_parent(&path);
        Ok(new)
    }

    /// Creates the folders below this one; never this one.
    fn make_parent(&self, name: &str) -> Result<(), DepotError> {
        self.is_the_one()?;
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

/// Makes names survive a power failure. Not every file system can sync a folder.
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
        folder.make_parent(name)?;
        let random = random_id().map_err(|error| DepotError::local(&folder.path)(io::Error::other(error)))?;
        let (parent, own) = name.rsplit_once('/').unwrap_or(("", name));
        let path =
            folder.path.join(parent).join(format!(".{own}.{}{PART}", random.get(..8).unwrap_or_default()));
        let failed = DepotError::folder(&folder.path, &path, "written");
        let file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(&failed)?;
        // On file systems without locks only the age counts.
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

/// Returns whether nobody holds the file and it is too old to be one that its writer has not locked yet.
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
