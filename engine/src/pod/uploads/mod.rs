//! A pod's photo files, in a folder or in a bucket on S3, behind one interface.

mod bucket;
mod folder;
mod identity;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use tokio::task::JoinHandle;

use super::config::{PodUrl, Uploads};
use super::database::Snapshot;
use crate::disk;
use crate::sql::DatabaseUrl;
pub use bucket::{ObjectBytes, PhotoBucket};
pub use folder::PhotoFolder;

/// Storage of photo files.
#[derive(Debug, Clone)]
pub enum PhotoStore {
    /// The folder `images/`.
    Folder(PhotoFolder),
    /// The objects under `uploads/images/` in a bucket.
    Bucket(PhotoBucket),
}

/// The reason a pod's photo files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UploadsError {
    /// The folder does not exist or cannot be read.
    #[error(
        "the uploads folder {path} cannot be read: {source}. {}",
        if source.kind() == io::ErrorKind::PermissionDenied {
            "Run Pappus as a user who may read it"
        } else {
            "Specify the folder that contains images/ with --uploads"
        }
    )]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// Another folder has taken the folder's place while it was in use.
    #[error("the uploads folder {path} is not the folder it was: is its disk mounted?")]
    Replaced {
        /// The folder.
        path: PathBuf,
    },
    /// A file cannot be written or removed.
    #[error("the photos in {path} cannot be written: {source}")]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The bucket cannot be used.
    #[error("the photos in {location} cannot be {action}: {reason}")]
    Bucket {
        /// The bucket.
        location: String,
        /// `read`, `written` or `removed`.
        action: &'static str,
        /// The server's or the connection's error.
        reason: String,
        /// True if the server is unreachable or busy.
        is_temporary: bool,
    },
}

impl UploadsError {
    /// Returns whether the disk or the bucket's server has failed, so that the same may succeed later. A folder that is
    /// missing or may not be read is not such a failure: it may be the wrong one.
    pub fn passes(&self) -> bool {
        match self {
            Self::Unreadable { source, .. } => {
                source.kind() != io::ErrorKind::NotADirectory && disk::has_failed(source)
            }
            Self::Bucket { is_temporary, .. } => *is_temporary,
            Self::Replaced { .. } | Self::Unwritable { .. } => false,
        }
    }
}

/// Result of looking up a photo's file.
#[derive(Debug)]
pub enum PhotoFile {
    /// An open file, with its size in bytes.
    Found(PhotoBytes, u64),
    /// An existing file without content.
    Empty,
    /// No such file.
    Missing,
    /// An existing file that cannot be read, with the reason.
    Unreadable(String),
}

/// The bytes of a photo.
#[derive(Debug)]
pub enum PhotoBytes {
    /// An open file.
    File(File),
    /// A download.
    Object(ObjectBytes),
}

/// Result of comparing bytes with those stored under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Nothing is stored.
    Absent,
    /// The same bytes.
    Same,
    /// Different bytes.
    Different,
}

/// A file to store.
#[derive(Debug)]
pub struct NewPhotoFile {
    /// File name.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
    /// Media type.
    pub kind: &'static str,
}

/// A lookup of a photo's file. Several may run at once.
pub struct Lookup(LookupState);

enum LookupState {
    Done(Result<PhotoFile, UploadsError>),
    Running(Request),
}

/// A request, aborted on drop.
struct Request(JoinHandle<Result<PhotoFile, UploadsError>>);

impl Drop for Request {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Lookup {
    /// Returns whether the result is available.
    pub fn is_done(&self) -> bool {
        match &self.0 {
            LookupState::Done(_) => true,
            LookupState::Running(request) => request.0.is_finished(),
        }
    }

    /// Waits for the result.
    ///
    /// # Errors
    /// [`UploadsError`], when it is unknown whether the photo exists.
    pub async fn result(self) -> Result<PhotoFile, UploadsError> {
        match self.0 {
            LookupState::Done(result) => result,
            // Only a runtime that is shutting down cancels a request.
            LookupState::Running(mut request) => (&mut request.0).await.unwrap_or(Ok(PhotoFile::Missing)),
        }
    }
}

impl PhotoStore {
    /// Opens the folder or bucket, and checks that it can be read.
    ///
    /// # Errors
    /// [`UploadsError`].
    pub async fn open(uploads: &Uploads) -> Result<Self, UploadsError> {
        match uploads {
            Uploads::Folder(path) => PhotoFolder::open(path).map(Self::Folder),
            Uploads::S3(settings) => PhotoBucket::open(settings).await.map(Self::Bucket),
        }
    }

    /// Reopens the folder or bucket after a failure, and checks that this store can be used again.
    ///
    /// # Errors
    /// [`UploadsError`], also when a folder that existed does not, or an empty one has taken its place.
    pub async fn reopen(&self, uploads: &Uploads) -> Result<(), UploadsError> {
        match (self, Self::open(uploads).await?) {
            (Self::Folder(folder), Self::Folder(reopened)) => folder.accept(&reopened),
            _ => Ok(()),
        }
    }

    /// Opens a pod's folder or bucket; rejects a missing folder when the pod has photos.
    ///
    /// # Errors
    /// [`UploadsError`].
    pub async fn of_pod(uploads: &Uploads, database: &DatabaseUrl) -> Result<Self, UploadsError> {
        let store = Self::open(uploads).await?;
        if let Some(missing) = store.missing_folder_error() {
            // Boxed since it is large and rarely needed.
            let Ok(mut snapshot) = Box::pin(Snapshot::open(database)).await else { return Err(missing) };
            Box::pin(store.expect_photos(&mut snapshot)).await?;
        }
        Ok(store)
    }

    /// Rejects a missing folder when the pod has photos: it may have been moved, or not be mounted.
    ///
    /// # Errors
    /// [`UploadsError::Unreadable`].
    pub async fn expect_photos(&self, snapshot: &mut Snapshot) -> Result<(), UploadsError> {
        let Some(missing) = self.missing_folder_error() else { return Ok(()) };
        let sql = "SELECT COUNT(*) AS amount FROM photos r JOIN people p ON p.id = r.author_id \
             WHERE p.owner_id IS NOT NULL";
        let row = snapshot.first("the number of photos", sql.to_owned(), &[]).await;
        match row.ok().flatten().and_then(|row| row.integer("amount")) {
            Some(0) => Ok(()),
            _ => Err(missing),
        }
    }

    /// Returns the error for a missing folder.
    fn missing_folder_error(&self) -> Option<UploadsError> {
        let Self::Folder(folder) = self else { return None };
        let error = || UploadsError::Unreadable {
            path: folder.images().to_owned(),
            source: io::Error::from_raw_os_error(rustix::io::Errno::NOENT.raw_os_error()),
        };
        folder.is_new().then(error)
    }

    /// Returns the photos' public address, ending in `/`, as in `remote_photo_path`.
    pub fn public_address(&self, pod: &PodUrl) -> String {
        match self {
            Self::Folder(_) => format!("{}/uploads/images/", pod.origin()),
            Self::Bucket(bucket) => bucket.public_address().to_owned(),
        }
    }

    /// Starts looking up the first of these names for which a nonempty file exists.
    pub fn look_for(&self, names: Vec<String>) -> Lookup {
        Lookup(match self {
            Self::Folder(folder) => LookupState::Done(folder.find(&names)),
            Self::Bucket(bucket) => {
                let bucket = bucket.clone();
                LookupState::Running(Request(tokio::spawn(async move { bucket.find(names).await })))
            }
        })
    }

    /// Returns the names of all originals.
    ///
    /// # Errors
    /// [`UploadsError`].
    pub async fn originals(&self) -> Result<BTreeSet<String>, UploadsError> {
        match self {
            Self::Folder(folder) => folder.originals(),
            Self::Bucket(bucket) => Ok(bucket.original_sizes().await?.into_keys().collect()),
        }
    }

    /// Returns the names of all originals with their sizes in bytes. In a folder, reads the metadata of each file.
    ///
    /// # Errors
    /// [`UploadsError`].
    pub async fn original_sizes(&self) -> Result<BTreeMap<String, u64>, UploadsError> {
        match self {
            Self::Folder(folder) => folder.original_sizes(),
            Self::Bucket(bucket) => bucket.original_sizes().await,
        }
    }

    /// Compares bytes with those stored under a name.
    ///
    /// # Errors
    /// [`UploadsError`].
    pub async fn compare(&self, name: &str, bytes: &[u8]) -> Result<Comparison, UploadsError> {
        match self {
            Self::Folder(folder) => folder.compare(name, bytes),
            Self::Bucket(bucket) => bucket.compare(name, bytes).await,
        }
    }

    /// Returns for each name whether a file exists.
    ///
    /// # Errors
    /// [`UploadsError`].
    pub async fn have(&self, names: &[String]) -> Result<Vec<bool>, UploadsError> {
        match self {
            Self::Folder(folder) => Ok(names.iter().map(|name| folder.has(name)).collect()),
            Self::Bucket(bucket) => bucket.have(names).await,
        }
    }

    /// Stores files, each atomically. Never replaces a file: returns the names under which different files exist
    /// already. On a server without conditional writes, a bucket is only checked beforehand.
    ///
    /// # Errors
    /// [`UploadsError`].
    pub async fn put(&self, photos: Vec<NewPhotoFile>) -> Result<Vec<String>, UploadsError> {
        match self {
            Self::Folder(folder) => {
                let mut taken = Vec::new();
                for photo in photos {
                    if !folder.put(&photo)? {
                        taken.push(photo.name);
                    }
                }
                Ok(taken)
            }
            Self::Bucket(bucket) => bucket.put(photos).await,
        }
    }

    /// Removes these files, if they exist.
    ///
    /// # Errors
    /// [`UploadsError`].
    pub async fn remove(&self, names: Vec<String>) -> Result<(), UploadsError> {
        match self {
            Self::Folder(folder) => names.iter().try_for_each(|name| folder.remove(name)),
            Self::Bucket(bucket) => bucket.remove(&names).await,
        }
    }
}

/// Displays the location.
impl fmt::Display for PhotoStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(formatter, "{}", folder.images().display()),
            Self::Bucket(bucket) => formatter.write_str(bucket.location()),
        }
    }
}

/// Returns whether a name is a single path component on every system.
pub fn is_plain_file_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && name != "."
        && name != ".."
        && !name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | ':'))
}

/// Returns whether a file is a photo's original, not a scaled version of it.
fn is_original(name: &str) -> bool {
    !name.starts_with("thumb_") && !name.starts_with("scaled_full_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_reach_the_file_system() {
        for name in ["ad096fda5f400a61a6d5.webp", "mit leer zeichen.jpg", "ünï.png", "..a"] {
            assert!(is_plain_file_name(name), "{name}");
        }
        for name in ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\\b", "c:x", "a\nb", &"x".repeat(256)] {
            assert!(!is_plain_file_name(name), "{name}");
        }
    }
}
