//! The files of uploaded archives: one folder per newcomer, accessible only to the service.

use std::fs::{DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;

/// Prefix of incomplete files.
const UNFINISHED_PREFIX: &str = ".unfinished-";
/// Prefix of files uploaded in chunks.
const CHUNKED_PREFIX: &str = "pieces-";
/// Time since the last write after which a file belongs to no upload: uploads in chunks expire after 72 hours.
const ABANDONED_AFTER: Duration = Duration::from_hours(96);

/// A part of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The archive itself.
    Archive,
    /// The ZIP of photos that a stock pod creates beside it.
    Photos,
}

impl Part {
    /// Returns the name in forms, database tables and file names.
    pub fn word(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Photos => "photos",
        }
    }

    /// Parses the name of a part.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Archive, Self::Photos].into_iter().find(|part| part.word() == name)
    }
}

/// The reason why an upload is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSpace {
    /// The archive is too large.
    TooLarge,
    /// The archives of all newcomers are too large in total, or the disk is full.
    Full,
}

/// Disk usage in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Disk {
    /// Free space available to unprivileged processes.
    pub free: u64,
    /// Size of incomplete files.
    pub unfinished: u64,
}

fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with(UNFINISHED_PREFIX) || name.starts_with(CHUNKED_PREFIX)
}

/// Limits on uploads.
#[derive(Debug, Clone, Copy)]
pub struct FileLimits {
    /// Maximum size of an archive with its photos in bytes.
    pub max_archive: u64,
    /// Maximum total size of all archives in bytes.
    pub max_total: u64,
    /// Disk space to keep free in bytes.
    pub keep_free: u64,
}

/// The folders of all uploads. Clones are equivalent.
#[derive(Debug, Clone)]
pub struct Files {
    root: PathBuf,
    limits: FileLimits,
}

impl Files {
    /// Returns the folders in `root`.
    pub fn new(root: PathBuf, limits: FileLimits) -> Self {
        Self { root, limits }
    }

    /// Returns the maximum size of an archive with its photos in bytes.
    pub fn max_archive_bytes(&self) -> u64 {
        self.limits.max_archive
    }

    fn folder(&self, id: i64) -> PathBuf {
        self.root.join(format!("n{id}"))
    }

    /// Returns the path of a complete file.
    pub fn path(&self, id: i64, part: Part) -> PathBuf {
        self.folder(id).join(part.word())
    }

    /// Returns the path of a file uploaded in chunks.
    pub fn chunked_path(&self, id: i64, name: &str) -> PathBuf {
        self.folder(id).join(format!("{CHUNKED_PREFIX}{name}"))
    }

    /// Returns the path of the photos, if any.
    pub fn photos(&self, id: i64) -> Option<PathBuf> {
        Some(self.path(id, Part::Photos)).filter(|path| path.exists())
    }

    /// Creates a newcomer's folder.
    ///
    /// # Errors
    /// I/O errors.
    pub fn create_folder(&self, id: i64) -> io::Result<PathBuf> {
        let folder = self.folder(id);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        // A folder that was created manually or restored may be accessible to other users.
        std::fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        Ok(folder)
    }

    /// Creates a file in a newcomer's folder that only the service can read; it is deleted when dropped.
    ///
    /// # Errors
    /// I/O errors.
    pub fn create_file(&self, id: i64) -> io::Result<NamedTempFile> {
        tempfile::Builder::new().prefix(UNFINISHED_PREFIX).tempfile_in(self.create_folder(id)?)
    }

    /// Renames a complete, synced file to its final name, replacing the previous one.
    ///
    /// # Errors
    /// I/O errors.
    pub fn save(&self, id: i64, part: Part, file: NamedTempFile) -> io::Result<()> {
        file.persist(self.path(id, part)).map_err(|error| error.error)?;
        self.sync_folder(id)
    }

    /// Like [`save`](Self::save), for a file uploaded in chunks.
    ///
    /// # Errors
    /// I/O errors.
    pub fn save_chunked(&self, id: i64, part: Part, name: &str) -> io::Result<()> {
        std::fs::rename(self.chunked_path(id, name), self.path(id, part))?;
        self.sync_folder(id)
    }

    /// Syncs the folder, so that renames survive a power failure.
    fn sync_folder(&self, id: i64) -> io::Result<()> {
        File::open(self.folder(id))?.sync_all()
    }

    /// Removes one file.
    ///
    /// # Errors
    /// I/O errors.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Removes all files of a newcomer.
    ///
    /// # Errors
    /// I/O errors.
    pub fn remove_all(&self, id: i64) -> io::Result<()> {
        match std::fs::remove_dir_all(self.folder(id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Returns the maximum total size of all archives in bytes.
    pub fn max_total_bytes(&self) -> u64 {
        self.limits.max_total
    }

    /// Returns the disk space to keep free in bytes.
    pub fn keep_free(&self) -> u64 {
        self.limits.keep_free
    }

    /// Returns the folder of all uploads.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the size of the disk in bytes, if it is no larger than the space to keep free on it, so that no upload
    /// is possible; `None` if it is larger.
    ///
    /// # Errors
    /// I/O errors.
    pub fn small_disk(&self) -> io::Result<Option<u64>> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.root)?;
        let disk = rustix::fs::statvfs(&self.root)?;
        let size = disk.f_blocks.saturating_mul(disk.f_frsize);
        Ok(Some(size).filter(|size| *size <= self.limits.keep_free))
    }

    /// Measures disk usage.
    ///
    /// # Errors
    /// I/O errors.
    pub fn disk(&self) -> io::Result<Disk> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.root)?;
        let mut unfinished = 0_u64;
        self.for_each_file(&mut |path, file| {
            if is_unfinished(path) {
                unfinished = unfinished.saturating_add(file.len());
            }
            Ok(())
        })?;
        let disk = rustix::fs::statvfs(&self.root)?;
        Ok(Disk { free: disk.f_bavail.saturating_mul(disk.f_frsize), unfinished })
    }

    /// Removes abandoned files of incomplete uploads.
    ///
    /// # Errors
    /// I/O errors.
    pub fn sweep(&self, now: SystemTime) -> io::Result<()> {
        self.for_each_file(&mut |path, file| {
            let age = now.duration_since(file.modified()?).unwrap_or_default();
            if is_unfinished(path) && age > ABANDONED_AFTER { self.remove(path) } else { Ok(()) }
        })
    }

    /// Calls `visit` for each file of each newcomer.
    fn for_each_file(
        &self,
        visit: &mut dyn FnMut(&Path, &std::fs::Metadata) -> io::Result<()>,
    ) -> io::Result<()> {
        let is_missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        let folders = match std::fs::read_dir(&self.root) {
            Err(error) if is_missing(&error) => return Ok(()),
            folders => folders?,
        };
        for folder in folders {
            let files = match std::fs::read_dir(folder?.path()) {
                Err(error) if is_missing(&error) || error.kind() == io::ErrorKind::NotADirectory => continue,
                files => files?,
            };
            for file in files {
                let path = file?.path();
                match std::fs::metadata(&path) {
                    // Just renamed or removed.
                    Err(error) if is_missing(&error) => {}
                    metadata => visit(&path, &metadata?)?,
                }
            }
        }
        Ok(())
    }
}
