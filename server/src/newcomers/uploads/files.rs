//! Where archives lie that people hand in: a folder for each, which only the service can enter.

use std::fs::{DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;

use crate::config::Config;

/// Begins names of files that are not whole.
const UNFINISHED: &str = ".unfinished-";
/// Begins names of files that come piece by piece.
const PIECES: &str = "pieces-";
/// A file that nothing was added to for so long belongs to no upload any more: uploads in pieces end after 72 hours.
const FORGOTTEN: Duration = Duration::from_hours(96);
/// One megabyte.
const MEGABYTE: u64 = 1_000_000;

/// A file that somebody hands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The archive itself.
    Archive,
    /// The ZIP of photos that a stock pod gives beside it.
    Photos,
}

impl Part {
    /// The word in forms, tables and file names.
    pub fn word(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Photos => "photos",
        }
    }

    /// The part of this name.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Archive, Self::Photos].into_iter().find(|part| part.word() == word)
    }
}

/// Why no more bytes are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// One archive may not be so large.
    TooLarge,
    /// All together take too much, or the disk is full.
    Full,
}

/// How full the disk is, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Disk {
    /// Free, for programs like this one.
    pub free: u64,
    /// In files that are not whole.
    pub unfinished: u64,
}

fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with(UNFINISHED) || name.starts_with(PIECES)
}

/// See the module. Clones are the same.
#[derive(Debug, Clone)]
pub struct Files {
    root: PathBuf,
    most: u64,
    most_together: u64,
    keep_free: u64,
}

impl Files {
    /// As the configuration says.
    pub fn new(config: &Config) -> Self {
        let section = &config.newcomers;
        let root = match &section.folder {
            Some(folder) => PathBuf::from(folder),
            None => config.state.path().join("newcomers"),
        };
        Self {
            root,
            most: section.max_megabytes.saturating_mul(MEGABYTE),
            most_together: section.max_total_megabytes.saturating_mul(MEGABYTE),
            keep_free: section.keep_free_megabytes.saturating_mul(MEGABYTE),
        }
    }

    /// How large an archive may be with its photos.
    pub fn most(&self) -> u64 {
        self.most
    }

    fn folder(&self, id: i64) -> PathBuf {
        self.root.join(format!("n{id}"))
    }

    /// A file that is whole.
    pub fn path(&self, id: i64, part: Part) -> PathBuf {
        self.folder(id).join(part.word())
    }

    /// A file that is handed in piece by piece.
    pub fn pieces(&self, id: i64, name: &str) -> PathBuf {
        self.folder(id).join(format!("{PIECES}{name}"))
    }

    /// The photos, if there are any.
    pub fn photos(&self, id: i64) -> Option<PathBuf> {
        Some(self.path(id, Part::Photos)).filter(|path| path.exists())
    }

    /// Makes somebody's folder.
    ///
    /// # Errors
    /// What the system says.
    pub fn make(&self, id: i64) -> io::Result<PathBuf> {
        let folder = self.folder(id);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        // Made by hand, or by a backup, it may be open to others.
        std::fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        Ok(folder)
    }

    /// A new file in somebody's folder that nobody else can read; gone when it is dropped.
    ///
    /// # Errors
    /// What the system says.
    pub fn begin(&self, id: i64) -> io::Result<NamedTempFile> {
        tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(self.make(id)?)
    }

    /// Gives a file that is whole and on the disk its name; what had it before is gone.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep(&self, id: i64, part: Part, file: NamedTempFile) -> io::Result<()> {
        file.persist(self.path(id, part)).map_err(|error| error.error)?;
        self.settle(id)
    }

    /// The same for a file that was handed in piece by piece.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep_pieces(&self, id: i64, part: Part, name: &str) -> io::Result<()> {
        std::fs::rename(self.pieces(id, name), self.path(id, part))?;
        self.settle(id)
    }

    /// A power cut does not take the names away again.
    fn settle(&self, id: i64) -> io::Result<()> {
        File::open(self.folder(id))?.sync_all()
    }

    /// Removes one file.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Removes everything of somebody.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove_all(&self, id: i64) -> io::Result<()> {
        match std::fs::remove_dir_all(self.folder(id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// How much all of them may take together.
    pub fn most_together(&self) -> u64 {
        self.most_together
    }

    /// How much of the disk stays free.
    pub fn keep_free(&self) -> u64 {
        self.keep_free
    }

    /// Measures the disk.
    ///
    /// # Errors
    /// What the system says.
    pub fn disk(&self) -> io::Result<Disk> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.root)?;
        let mut unfinished = 0_u64;
        self.each(&mut |path, file| {
            if is_unfinished(path) {
                unfinished = unfinished.saturating_add(file.len());
            }
            Ok(())
        })?;
        let disk = rustix::fs::statvfs(&self.root)?;
        Ok(Disk { free: disk.f_bavail.saturating_mul(disk.f_frsize), unfinished })
    }

    /// Removes what a killed program has left.
    ///
    /// # Errors
    /// What the system says.
    pub fn sweep(&self, now: SystemTime) -> io::Result<()> {
        self.each(&mut |path, file| {
            let age = now.duration_since(file.modified()?).unwrap_or_default();
            if is_unfinished(path) && age > FORGOTTEN { self.remove(path) } else { Ok(()) }
        })
    }

    fn each(&self, look: &mut dyn FnMut(&Path, &std::fs::Metadata) -> io::Result<()>) -> io::Result<()> {
        let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        let folders = match std::fs::read_dir(&self.root) {
            Err(error) if gone(&error) => return Ok(()),
            folders => folders?,
        };
        for folder in folders {
            let files = match std::fs::read_dir(folder?.path()) {
                Err(error) if gone(&error) || error.kind() == io::ErrorKind::NotADirectory => continue,
                files => files?,
            };
            for file in files {
                let path = file?.path();
                match std::fs::metadata(&path) {
                    // Renamed or removed just now.
                    Err(error) if gone(&error) => {}
                    found => look(&path, &found?)?,
                }
            }
        }
        Ok(())
    }
}
