//! Errors of a depot.

use std::io;
use std::path::PathBuf;

use crate::disk;

/// The reason an operation on a depot failed.
#[derive(Debug, thiserror::Error)]
pub enum DepotError {
    /// Another file has that name.
    #[error(
        "{name} in {place} already exists with different content, and is not overwritten. Move it away first"
    )]
    Taken {
        /// The depot.
        place: String,
        /// The name.
        name: String,
    },
    /// No file has that name.
    #[error("there is no {name} in {place}")]
    Missing {
        /// The depot.
        place: String,
        /// The name.
        name: String,
    },
    /// No file in a depot can have this name.
    #[error("{0:?} is not a name for an archive file: ASCII letters, digits and @ . _ - + = , are")]
    Name(String),
    /// Another folder is at the depot's path: a disk that is not mounted, or another one.
    #[error(
        "{place} is not the folder it was: is its disk mounted? Its file {file} should hold {expected}. When it is the \
         right folder, and that file was lost, write these digits into it"
    )]
    Elsewhere {
        /// The depot.
        place: String,
        /// The file that names the folder.
        file: &'static str,
        /// Its expected content.
        expected: String,
    },
    /// The disk is full.
    #[error("there is no room left in {place}: free some, and go on")]
    Full {
        /// The depot.
        place: String,
    },
    /// Less is free on the disk than is to stay free.
    #[error(
        "{free} MB are free in {place}, and --reserve keeps {reserve} MB free: free some, or give a smaller --reserve"
    )]
    Reserve {
        /// The depot.
        place: String,
        /// Free megabytes.
        free: u64,
        /// Megabytes to stay free.
        reserve: u64,
    },
    /// The whole disk is no larger than what is to stay free.
    #[error(
        "the whole disk of {place} has {size} MB, and {reserve} MB are to stay free on it, so nothing could ever be stored \
         there: use a larger disk, or keep less free (--reserve)"
    )]
    SmallDisk {
        /// The depot.
        place: String,
        /// Megabytes of the disk.
        size: u64,
        /// Megabytes to stay free.
        reserve: u64,
    },
    /// The depot is a folder, and it or a file in it cannot be used.
    #[error("{path} cannot be {what}: {source}")]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// `read`, `written` or `removed`.
        what: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The depot is a bucket, and a request to it failed.
    #[error("{name} in {place} cannot be {what}: {why}")]
    Bucket {
        /// The bucket.
        place: String,
        /// The name of the file, or the request.
        name: String,
        /// `read`, `written` or `removed`.
        what: &'static str,
        /// The server's message, or the connection's error.
        why: String,
        /// True when the same may succeed later.
        passing: bool,
    },
    /// A file on this machine, outside of the depot, cannot be used.
    #[error("{path} cannot be used: {source}")]
    Local {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file changed while it was being stored.
    #[error("{0} changed while it was being stored")]
    Changed(PathBuf),
}

impl DepotError {
    /// Returns whether the depot as a whole is affected, so that another file would fail too: a full disk, a folder
    /// that was moved or unmounted, a server that does not respond. Waiting, or the podmin, helps.
    pub fn is_of_the_depot(&self) -> bool {
        match self {
            Self::Full { .. } | Self::Reserve { .. } | Self::Elsewhere { .. } => true,
            Self::Bucket { passing, .. } => *passing,
            Self::Folder { source, .. } => is_of_the_disk(source),
            _ => false,
        }
    }

    pub(super) fn folder(
        folder: &std::path::Path,
        path: &std::path::Path,
        what: &'static str,
    ) -> impl Fn(io::Error) -> Self + use<> {
        let (folder, path) = (folder.to_owned(), path.to_owned());
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full { place: folder.display().to_string() }
            }
            _ => Self::Folder { path: path.clone(), what, source },
        }
    }

    pub(super) fn local(path: &std::path::Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Local { path: path.clone(), source }
    }
}

/// Returns whether a disk, or the server behind it, has failed, rather than one file on it. A missing folder counts:
/// it was moved, or is not mounted.
pub(crate) fn is_of_the_disk(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    let is_of_writing = matches!(
        error.kind(),
        Kind::StorageFull
            | Kind::QuotaExceeded
            | Kind::ReadOnlyFilesystem
            | Kind::NotFound
            | Kind::PermissionDenied
            | Kind::ResourceBusy
    );
    is_of_writing || disk::has_failed(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_full_disk_is_the_trouble_of_the_whole_depot() {
        let (folder, file) = (Path::new("/srv/out"), Path::new("/srv/out/a.zip"));
        let failed = DepotError::folder(folder, file, "written");
        // No space, over quota, a disk that is broken, read-only.
        for code in [28, 122, 5, 30] {
            let error = failed(io::Error::from_raw_os_error(code));
            assert!(error.is_of_the_depot(), "{error:?}");
            assert_eq!(matches!(error, DepotError::Full { .. }), matches!(code, 28 | 122), "{error:?}");
        }
        // Moved, unmounted, closed, its server silent or gone, its handle stale.
        for code in [2, 20, 13, 1, 107, 110, 116, 6, 19, 112, 113] {
            let error = failed(io::Error::from_raw_os_error(code));
            assert!(error.is_of_the_depot(), "{error:?}");
        }
        // A file that is too large, or whose name is too long.
        for code in [27, 36] {
            let error = failed(io::Error::from_raw_os_error(code));
            assert!(!error.is_of_the_depot(), "{error:?}");
            assert!(error.to_string().starts_with("/srv/out/a.zip cannot be written"));
        }
    }
}
