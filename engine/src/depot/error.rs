//! What can go wrong with a depot.

use std::io;
use std::path::PathBuf;

/// Why a depot could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum DepotError {
    /// There is something else under that name.
    #[error(
        "{name} in {place} is there already, with other bytes, and is not overwritten. Move it away first"
    )]
    Taken {
        /// The depot.
        place: String,
        /// The name.
        name: String,
    },
    /// There is nothing under that name.
    #[error("there is no {name} in {place}")]
    Missing {
        /// The depot.
        place: String,
        /// The name.
        name: String,
    },
    /// No file in a depot can have this name.
    #[error("{0:?} is no name for a file among archives: ASCII letters, digits and @ . _ - + = , are")]
    Name(String),
    /// The disk is full.
    #[error("there is no room left in {place}: free some, and go on")]
    Full {
        /// The depot.
        place: String,
    },
    /// The depot is a folder, and something with it or a file in it is wrong.
    #[error("{path} cannot be {what}: {source}")]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// `read`, `written` or `removed`.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The depot is a bucket, and it does not do as it should.
    #[error("{name} in {place} cannot be {what}: {why}")]
    Bucket {
        /// The bucket.
        place: String,
        /// The name of the file, or what is being asked for.
        name: String,
        /// `read`, `written` or `removed`.
        what: &'static str,
        /// What the server said, or what happened on the way.
        why: String,
        /// Whether the same may go well later.
        passing: bool,
    },
    /// A file on this machine, outside of the depot, cannot be used.
    #[error("{path} cannot be used: {source}")]
    Local {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file changed while it was being stored.
    #[error("{0} changed while it was being stored")]
    Changed(PathBuf),
}

impl DepotError {
    /// Whether the depot as a whole is in trouble, so that another file would fare no better: a full disk, a server
    /// that does not answer. Waiting, or the podmin, helps.
    pub fn is_of_the_depot(&self) -> bool {
        match self {
            Self::Full { .. } => true,
            Self::Bucket { passing, .. } => *passing,
            Self::Folder { source, .. } => {
                matches!(source.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::StaleNetworkFileHandle)
                    // A disk that is broken, or was taken out.
                    || source.raw_os_error() == Some(5)
            }
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
        let error = failed(io::Error::from_raw_os_error(13));
        assert!(
            !error.is_of_the_depot() && error.to_string().starts_with("/srv/out/a.zip cannot be written")
        );
    }
}
