//! Where a pod keeps its photo files: a folder, or a bucket on S3. Whoever reads or writes photos need not know
//! which.

mod bucket;
mod folder;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use tokio::task::JoinHandle;

use super::config::{DatabaseUrl, PodUrl, Uploads};
use super::database::{Cell as _, Snapshot};
pub use bucket::{ObjectBytes, PhotoBucket};
pub use folder::PhotoFolder;

/// Where photo files are.
#[derive(Debug, Clone)]
pub enum PhotoStore {
    /// The folder `images/`.
    Folder(PhotoFolder),
    /// What lies under `uploads/images/` in a bucket.
    Bucket(PhotoBucket),
}

/// Why a pod's photo files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UploadsError {
    /// The folder is not there, or may not be read.
    #[error(
        "the uploads folder {path} cannot be read: {source}. Name the folder that holds images/ with --uploads"
    )]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be written or removed.
    #[error("the photos in {path} cannot be written: {source}")]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The bucket cannot be used.
    #[error("the photos in {place} cannot be {what}: {why}")]
    Bucket {
        /// The bucket.
        place: String,
        /// `read`, `written` or `removed`.
        what: &'static str,
        /// What the server said, or what happened on the way.
        why: String,
    },
}

/// What became of looking for a photo's file.
#[derive(Debug)]
pub enum PhotoFile {
    /// Open, with its size in bytes.
    Found(PhotoBytes, u64),
    /// There, without a single byte.
    Empty,
    /// Not there.
    Missing,
    /// There and not readable; with the reason.
    Unreadable(String),
}

/// The bytes of a photo.
#[derive(Debug)]
pub enum PhotoBytes {
    /// In a file.
    File(File),
    /// On their way.
    Object(ObjectBytes),
}

/// What is stored under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Nothing.
    Nothing,
    /// The very bytes.
    TheSame,
    /// Other bytes.
    Another,
}

/// A file to be stored.
#[derive(Debug)]
pub struct NewPhotoFile {
    /// Its name.
    pub name: String,
    /// All of it.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub kind: &'static str,
}

/// A photo that is being looked for. Several may be under way at once.
pub struct Lookup(Under);

enum Under {
    Found(PhotoFile),
    Way(Request),
}

/// Dropped, it is broken off.
struct Request(JoinHandle<Result<PhotoFile, UploadsError>>);

impl Drop for Request {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Lookup {
    /// Whether nothing has to be waited for.
    pub fn is_done(&self) -> bool {
        match &self.0 {
            Under::Found(_) => true,
            Under::Way(request) => request.0.is_finished(),
        }
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// [`UploadsError`], when it is not known whether there is such a photo.
    pub async fn result(self) -> Result<PhotoFile, UploadsError> {
        match self.0 {
            Under::Found(found) => Ok(found),
            // Only a runtime that is being shut down ends a request unasked.
            Under::Way(mut request) => (&mut request.0).await.unwrap_or(Ok(PhotoFile::Missing)),
        }
    }
}

impl PhotoStore {
    /// Finds the folder or the bucket, and looks whether it can be read.
    ///
    /// # Errors
    /// [`UploadsError`].
    pub async fn open(place: &Uploads) -> Result<Self, UploadsError> {
        match place {
            Uploads::Folder(path) => PhotoFolder::open(path).map(Self::Folder),
            Uploads::S3(settings) => PhotoBucket::open(settings).await.map(Self::Bucket),
        }
    }

    /// The same for a pod; refuses a folder that is missing although the pod has photos.
    ///
    /// # Errors
    /// [`UploadsError`].
    pub async fn of_pod(place: &Uploads, database: &DatabaseUrl) -> Result<Self, UploadsError> {
        let store = Self::open(place).await?;
        if let Some(lost) = store.lost() {
            // Rarely needed, and large.
            let Ok(mut snapshot) = Box::pin(Snapshot::open(database)).await else { return Err(lost) };
            Box::pin(store.expect_photos(&mut snapshot)).await?;
        }
        Ok(store)
    }

    /// Refuses a folder that is missing although the pod has photos: it may have been moved, or not be mounted.
    ///
    /// # Errors
    /// [`UploadsError::Unreadable`].
    pub async fn expect_photos(&self, snapshot: &mut Snapshot) -> Result<(), UploadsError> {
        let Some(lost) = self.lost() else { return Ok(()) };
        let sql =
            "SELECT COUNT(*) FROM photos r JOIN people p ON p.id = r.author_id WHERE p.owner_id IS NOT NULL";
        let row = snapshot.first("the number of photos", sql.to_owned(), &[]).await;
        match row.ok().flatten().and_then(|row| row.integer(0)) {
            Some(0) => Ok(()),
            _ => Err(lost),
        }
    }

    /// The error that a missing folder is, where it is one.
    fn lost(&self) -> Option<UploadsError> {
        let Self::Folder(folder) = self else { return None };
        let lost = || UploadsError::Unreadable {
            path: folder.images().to_owned(),
            source: io::Error::from_raw_os_error(rustix::io::Errno::NOENT.raw_os_error()),
        };
        folder.is_new().then(lost)
    }

    /// Where browsers find the photos, ending in `/`: what `remote_photo_path` holds.
    pub fn public_address(&self, pod: &PodUrl) -> String {
        match self {
            Self::Folder(_) => format!("{}/uploads/images/", pod.origin()),
            Self::Bucket(bucket) => bucket.public_address().to_owned(),
        }
    }

    /// Begins to look for the first of these names under which there is a photo.
    pub fn look_for(&self, names: Vec<String>) -> Lookup {
        Lookup(match self {
            Self::Folder(folder) => Under::Found(folder.find(&names)),
            Self::Bucket(bucket) => {
                let bucket = bucket.clone();
                Under::Way(Request(tokio::spawn(async move { bucket.find(names).await })))
            }
        })
    }

    /// The names of all originals.
    ///
    /// # Errors
    /// [`UploadsError`].
    pub async fn originals(&self) -> Result<BTreeSet<String>, UploadsError> {
        match self {
            Self::Folder(folder) => folder.originals(),
            Self::Bucket(bucket) => Ok(bucket.original_sizes().await?.into_keys().collect()),
        }
    }

    /// The names of all originals, with their sizes in bytes. In a folder each file is looked at.
    ///
    /// # Errors
    /// [`UploadsError`].
    pub async fn original_sizes(&self) -> Result<BTreeMap<String, u64>, UploadsError> {
        match self {
            Self::Folder(folder) => folder.original_sizes(),
            Self::Bucket(bucket) => bucket.original_sizes().await,
        }
    }

    /// Compares what is stored under a name.
    ///
    /// # Errors
    /// [`UploadsError`].
    pub async fn compare(&self, name: &str, bytes: &[u8]) -> Result<Held, UploadsError> {
        match self {
            Self::Folder(folder) => folder.compare(name, bytes),
            Self::Bucket(bucket) => bucket.compare(name, bytes).await,
        }
    }

    /// For each name, whether there is something.
    ///
    /// # Errors
    /// [`UploadsError`].
    pub async fn have(&self, names: &[String]) -> Result<Vec<bool>, UploadsError> {
        match self {
            Self::Folder(folder) => Ok(names.iter().map(|name| folder.has(name)).collect()),
            Self::Bucket(bucket) => bucket.have(names).await,
        }
    }

    /// Stores files, each at once or not at all, over what is there.
    ///
    /// # Errors
    /// [`UploadsError`].
    pub async fn put(&self, photos: Vec<NewPhotoFile>) -> Result<(), UploadsError> {
        match self {
            Self::Folder(folder) => photos.iter().try_for_each(|photo| folder.put(photo)),
            Self::Bucket(bucket) => bucket.put(photos).await,
        }
    }

    /// Removes what there is of these.
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

/// For people.
impl fmt::Display for PhotoStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(formatter, "{}", folder.images().display()),
            Self::Bucket(bucket) => formatter.write_str(bucket.place()),
        }
    }
}

/// Whether a name is one path component that means the same on every system.
pub fn is_plain_file_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && name != "."
        && name != ".."
        && !name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | ':'))
}

/// Whether it is a photo itself and not one of the sizes made of it.
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
