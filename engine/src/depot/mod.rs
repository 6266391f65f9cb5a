//! The storage of archives: a folder, or a bucket on S3.
//!
//! A file gets its name only when it is complete, and is replaced only on request: storing the same bytes again changes
//! nothing, and other bytes are rejected. Only the podmin may read the files.

mod address;
mod bucket;
mod error;
mod folder;
mod identity;
mod key_file;
mod keys;
mod local;
mod names;
mod read;
pub mod sealed;
mod uploads;

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};

pub use address::DepotAddress;
pub use error::DepotError;
pub(crate) use error::is_of_the_disk;
pub use keys::{CampaignKey, CampaignKeys, KeysError};
pub use local::{digest, digest_of_file};
pub use names::is_depot_name;
pub use read::{DepotRead, StreamDigest};

use bucket::Bucket;
use folder::Folder;

/// The number of bytes in a megabyte, as options and messages count them.
const MEGABYTE: u64 = 1_000_000;
/// The prefix of the names of requested archives in a depot.
pub(crate) const REQUESTS_FOLDER: &str = "requests/";

/// A file stored in a depot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Its name in the depot.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// A file as a depot lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// The storage of archives. Clones refer to the same one.
#[derive(Debug, Clone)]
pub struct Depot(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Folder(Folder),
    Bucket(Bucket),
}

impl Depot {
    /// Opens a depot for storing: a missing folder is created, for its owner only; a bucket must exist.
    ///
    /// # Errors
    /// [`DepotError`].
    pub async fn open(address: &DepotAddress) -> Result<Self, DepotError> {
        if let DepotAddress::Folder(folder) = address {
            Folder::create(folder)?;
        }
        Self::open_existing(address).await
    }

    /// Opens a depot that must exist.
    ///
    /// # Errors
    /// [`DepotError`].
    pub async fn open_existing(address: &DepotAddress) -> Result<Self, DepotError> {
        match address {
            DepotAddress::Folder(folder) => Folder::open(folder).map(|folder| Self(Kind::Folder(folder))),
            DepotAddress::S3 { access, prefix } => {
                Bucket::open(access, prefix).await.map(|bucket| Self(Kind::Bucket(bucket)))
            }
        }
    }

    /// Opens a depot that was opened before and may be unavailable: nothing is created, and a folder is not checked.
    ///
    /// # Errors
    /// [`DepotError`], for a bucket.
    pub async fn expected(address: &DepotAddress) -> Result<Self, DepotError> {
        match address {
            DepotAddress::Folder(folder) => Ok(Self(Kind::Folder(Folder::at(folder)))),
            DepotAddress::S3 { .. } => Self::open_existing(address).await,
        }
    }

    /// Returns the identity of a folder, and creates it if there is none; `None` for a bucket, which has a unique name.
    ///
    /// # Errors
    /// [`DepotError`].
    pub async fn identity(&self) -> Result<Option<String>, DepotError> {
        match &self.0 {
            Kind::Folder(folder) => folder.identity().await.map(Some),
            Kind::Bucket(_) => Ok(None),
        }
    }

    /// Returns the same depot, bound to the folder with this identity: while another folder is at its path, nothing is
    /// read or written.
    #[must_use]
    pub fn bound_to(&self, identity: &str) -> Self {
        match &self.0 {
            Kind::Folder(folder) => Self(Kind::Folder(folder.bound_to(identity))),
            Kind::Bucket(_) => self.clone(),
        }
    }

    /// Checks that the folder exists and is the expected one; a bucket is checked when it is used.
    ///
    /// # Errors
    /// [`DepotError`].
    pub async fn check(&self) -> Result<(), DepotError> {
        match &self.0 {
            Kind::Folder(folder) => folder.check().await,
            Kind::Bucket(_) => Ok(()),
        }
    }

    /// Returns the path of the depot if it is a folder. Programs may create files in it under temporary names.
    pub fn folder(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Folder(folder) => Some(folder.path()),
            Kind::Bucket(_) => None,
        }
    }

    /// Returns the address, for display.
    pub fn location(&self) -> String {
        match &self.0 {
            Kind::Folder(folder) => folder.path().display().to_string(),
            Kind::Bucket(bucket) => bucket.location().to_owned(),
        }
    }

    /// Stores a copy of a local file under a name. If the same bytes already have the name, nothing happens.
    ///
    /// # Errors
    /// [`DepotError::Taken`] if other bytes have the name, and [`DepotError`]. Then the name is not added, and uploaded
    /// data is removed, at the latest by [`sweep`](Self::sweep).
    pub async fn put(&self, name: &str, file: &Path) -> Result<Stored, DepotError> {
        names::check(name)?;
        match &self.0 {
            Kind::Folder(folder) => folder.put(name, file).await,
            Kind::Bucket(bucket) => bucket.put(name, file).await,
        }
    }

    /// Stores a copy of a local file under a name, replacing an existing one. For lists, never for archives.
    ///
    /// # Errors
    /// [`DepotError`]; an existing file remains then.
    pub async fn replace(&self, name: &str, file: &Path) -> Result<Stored, DepotError> {
        names::check(name)?;
        match &self.0 {
            Kind::Folder(folder) => folder.replace(name, file).await,
            Kind::Bucket(bucket) => bucket.replace(name, file).await,
        }
    }

    /// Moves a local file into the depot under a name; within a file system its bytes are not copied. No
    /// program may write to it afterwards.
    ///
    /// # Errors
    /// As [`put`](Self::put); the local file remains then.
    pub async fn adopt(&self, name: &str, file: &Path) -> Result<Stored, DepotError> {
        names::check(name)?;
        let stored = match &self.0 {
            Kind::Folder(folder) => folder.adopt(name, file).await?,
            Kind::Bucket(bucket) => bucket.put(name, file).await?,
        };
        match std::fs::remove_file(file) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(DepotError::Local { path: file.to_owned(), source })
            }
            _ => Ok(stored),
        }
    }

    /// Returns the file under a name, if any. In a folder its bytes are read; a bucket has the digest that was
    /// uploaded with the object, and only objects stored in another way are read.
    ///
    /// # Errors
    /// [`DepotError`].
    pub async fn stored(&self, name: &str) -> Result<Option<Stored>, DepotError> {
        names::check(name)?;
        match &self.0 {
            Kind::Folder(folder) => folder.stored(name).await,
            Kind::Bucket(bucket) => bucket.stored(name).await,
        }
    }

    /// Returns the size of the file under a name in bytes, if any. No bytes are read.
    ///
    /// # Errors
    /// [`DepotError`].
    pub async fn stat(&self, name: &str) -> Result<Option<u64>, DepotError> {
        names::check(name)?;
        match &self.0 {
            Kind::Folder(folder) => folder.stat(name),
            Kind::Bucket(bucket) => bucket.stat(name).await,
        }
    }

    /// Opens the file under a name, from its beginning.
    ///
    /// # Errors
    /// [`DepotError::Missing`], and [`DepotError`].
    pub async fn open_read(&self, name: &str) -> Result<DepotRead, DepotError> {
        self.open_range(name, 0, None).await
    }

    /// Opens the file under a name from byte `begin`, and at most `length` bytes of it. Beyond its end there is
    /// nothing to read.
    ///
    /// # Errors
    /// [`DepotError::Missing`], and [`DepotError`].
    pub async fn open_range(
        &self,
        name: &str,
        begin: u64,
        length: Option<u64>,
    ) -> Result<DepotRead, DepotError> {
        names::check(name)?;
        match &self.0 {
            Kind::Folder(folder) => folder.open_range(name, begin, length).await,
            Kind::Bucket(bucket) => bucket.open_range(name, begin, length).await,
        }
    }

    /// Returns a local file with the contents under a name: the folder's own file, or a copy that is created in
    /// `folder` and removed on drop.
    ///
    /// # Errors
    /// [`DepotError::Missing`], and [`DepotError`].
    pub async fn local_copy(&self, name: &str, folder: &Path) -> Result<LocalCopy, DepotError> {
        names::check(name)?;
        match &self.0 {
            Kind::Folder(depot) => Ok(LocalCopy::Original(depot.path().join(name))),
            Kind::Bucket(_) => {
                let mut bytes = self.open_read(name).await?;
                local::copy_to_temporary(&mut bytes, folder).await.map(LocalCopy::Copy)
            }
        }
    }

    /// Lists all files, in no order.
    pub fn list(&self) -> BoxStream<'static, Result<Listed, DepotError>> {
        match &self.0 {
            Kind::Folder(folder) => folder.list(),
            Kind::Bucket(bucket) => bucket.list(),
        }
    }

    /// Removes the file under a name, if there is one.
    ///
    /// # Errors
    /// [`DepotError`].
    pub async fn remove(&self, name: &str) -> Result<(), DepotError> {
        names::check(name)?;
        match &self.0 {
            Kind::Folder(folder) => folder.remove(name),
            Kind::Bucket(bucket) => bucket.remove(name).await,
        }
    }

    /// Checks that the disk is larger than the `reserve` bytes that should stay free; a bucket's space is unknown.
    ///
    /// # Errors
    /// [`DepotError::SmallDisk`], and [`DepotError`].
    pub fn expect_disk(&self, reserve: u64) -> Result<(), DepotError> {
        let Kind::Folder(folder) = &self.0 else { return Ok(()) };
        let (_, size) = folder.disk()?;
        if size > reserve {
            return Ok(());
        }
        Err(DepotError::SmallDisk {
            location: self.location(),
            size: size / MEGABYTE,
            reserve: reserve / MEGABYTE,
        })
    }

    /// Checks that `reserve` bytes are free on the disk; a bucket's space is unknown.
    ///
    /// # Errors
    /// [`DepotError::Reserve`], [`DepotError::SmallDisk`], and [`DepotError`].
    pub fn expect_space(&self, reserve: u64) -> Result<(), DepotError> {
        let Kind::Folder(folder) = &self.0 else { return Ok(()) };
        let (free, _) = folder.disk()?;
        if free >= reserve {
            return Ok(());
        }
        // If the whole disk is too small, waiting does not help.
        self.expect_disk(reserve)?;
        Err(DepotError::Reserve {
            location: self.location(),
            free: free / MEGABYTE,
            reserve: reserve / MEGABYTE,
        })
    }

    /// Removes the leftovers of killed programs that are at least `age` old: files under temporary names that no
    /// program has locked, and uploads in parts that were neither completed nor aborted. Returns their number. An
    /// upload to a bucket may still be running, so `age` must be longer than any upload takes. If the server cannot
    /// list uploads, none are removed.
    ///
    /// # Errors
    /// [`DepotError`].
    pub async fn sweep(&self, age: Duration, now: std::time::SystemTime) -> Result<u64, DepotError> {
        match &self.0 {
            Kind::Folder(folder) => folder.sweep(age, now).await,
            Kind::Bucket(bucket) => bucket.sweep(age, now).await,
        }
    }
}

/// A local file with the contents of a file in a depot.
#[derive(Debug)]
pub enum LocalCopy {
    /// The depot's own file: it must not be changed.
    Original(PathBuf),
    /// A copy that is removed on drop.
    Copy(tempfile::NamedTempFile),
}

impl LocalCopy {
    /// Returns its path.
    pub fn path(&self) -> &Path {
        match self {
            Self::Original(path) => path,
            Self::Copy(file) => file.path(),
        }
    }
}
