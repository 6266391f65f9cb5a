//! Errors of a depot.

use std::io;
use std::path::PathBuf;

use crate::disk;

/// The reason an operation on a depot failed.
#[derive(Debug, thiserror::Error)]
pub enum DepotError {
    /// Another file has that name.
    #[error(
        "{name} in {location} already exists with different content, and is not overwritten. Move it away first"
    )]
    Taken {
        /// The depot.
        location: String,
        /// The name.
        name: String,
    },
    /// No file has that name.
    #[error("there is no {name} in {location}")]
    Missing {
        /// The depot.
        location: String,
        /// The name.
        name: String,
    },
    /// No file in a depot can have this name.
    #[error(
        "{0:?} is not a valid name for an archive file: use only ASCII letters, digits and @ . _ - + = ,"
    )]
    Name(String),
    /// Another folder is at the depot's path: its disk is not mounted, or another disk is.
    #[error(
        "{location} is not the folder it was: is its disk mounted? Its file {file} should contain {expected}. If it is \
         the right folder, and that file was lost, write these digits into it"
    )]
    WrongFolder {
        /// The depot.
        location: String,
        /// The file that names the folder.
        file: &'static str,
        /// Its expected content.
        expected: String,
    },
    /// The disk is full.
    #[error("there is no space left in {location}: free some space to continue")]
    Full {
        /// The depot.
        location: String,
    },
    /// Less space is free on the disk than should stay free.
    #[error(
        "only {free} MB are free in {location}, but {reserve} MB must stay free: free some space, or specify a smaller --reserve"
    )]
    Reserve {
        /// The depot.
        location: String,
        /// Free megabytes.
        free: u64,
        /// Megabytes that should stay free.
        reserve: u64,
    },
    /// The whole disk is no larger than the space that should stay free.
    #[error(
        "the whole disk of {location} has {size} MB, but {reserve} MB must stay free on it, so nothing could ever be stored \
         there: use a larger disk, or specify a smaller --reserve"
    )]
    SmallDisk {
        /// The depot.
        location: String,
        /// Size of the disk in megabytes.
        size: u64,
        /// Megabytes that should stay free.
        reserve: u64,
    },
    /// The depot is a folder, and it or a file in it cannot be used.
    #[error("{path} cannot be {operation}: {source}")]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// `read`, `written` or `removed`.
        operation: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The depot is a bucket, and a request to it failed.
    #[error("{name} in {location} cannot be {operation}: {reason}")]
    Bucket {
        /// The bucket.
        location: String,
        /// The name of the file, or the request.
        name: String,
        /// `read`, `written` or `removed`.
        operation: &'static str,
        /// The server's message, or the connection's error.
        reason: String,
        /// True when the operation may succeed later.
        is_temporary: bool,
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
    /// that was moved or unmounted, a server that does not respond. The operation may succeed later.
    pub fn is_of_the_depot(&self) -> bool {
        match self {
            Self::Full { .. } | Self::Reserve { .. } | Self::WrongFolder { .. } => true,
            Self::Bucket { is_temporary, .. } => *is_temporary,
            Self::Folder { source, .. } => is_of_the_disk(source),
            _ => false,
        }
    }

    pub(super) fn folder(
        folder: &std::path::Path,
        path: &std::path::Path,
        operation: &'static str,
    ) -> impl Fn(io::Error) -> Self + use<> {
        let (folder, path) = (folder.to_owned(), path.to_owned());
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full { location: folder.display().to_string() }
            }
            _ => Self::Folder { path: path.clone(), operation, source },
        }
    }

    pub(super) fn local(path: &std::path::Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Local { path: path.clone(), source }
    }
}

/// Returns whether a disk, or the server that provides it, has failed, rather than one file on it. A missing folder
/// counts as a failed disk: it was moved, or is not mounted.
pub(crate) fn is_of_the_disk(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    let has_failed_to_write = matches!(
        error.kind(),
        Kind::StorageFull
            | Kind::QuotaExceeded
            | Kind::ReadOnlyFilesystem
            | Kind::NotFound
            | Kind::PermissionDenied
            | Kind::ResourceBusy
    );
    has_failed_to_write || disk::has_failed(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_full_disk_affects_the_whole_depot() {
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
