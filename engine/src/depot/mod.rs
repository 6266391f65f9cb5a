//! Where archives are kept: a folder, or a bucket on S3.
//!
//! A file has its name only when all of it is there, and is never replaced unasked: the same bytes again are as
//! once, other bytes are refused. Only the podmin may read what is here.

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
pub(crate) use local::name_once;
pub use local::{digest, digest_of_file};
pub use names::is_depot_name;
pub use read::{DepotRead, Digesting};

use bucket::Bucket;
use folder::Folder;

/// Where archives of requests are in a depot, with the slash.
pub(crate) const REQUESTS_FOLDER: &str = "requests/";

/// A file that is in a depot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Its name there.
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

/// Where archives are kept. Clones are the same place.
#[derive(Debug, Clone)]
pub struct Depot(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Folder(Folder),
    Bucket(Bucket),
}

impl Depot {
    /// Opens a depot for keeping things: a folder is made when missing, for its owner only; a bucket must be there.
    ///
    /// # Errors
    /// [`DepotError`].
    pub async fn open(address: &DepotAddress) -> Result<Self, DepotError> {
        if let DepotAddress::Folder(folder) = address {
            Folder::make(folder)?;
        }
        Self::open_existing(address).await
    }

    /// Opens a depot that must be there.
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

    /// A depot that was opened before and may be away just now: nothing is made, and a folder is not looked at.
    ///
    /// # Errors
    /// [`DepotError`], for a bucket.
    pub async fn expected(address: &DepotAddress) -> Result<Self, DepotError> {
        match address {
            DepotAddress::Folder(folder) => Ok(Self(Kind::Folder(Folder::at(folder)))),
            DepotAddress::S3 { .. } => Self::open_existing(address).await,
        }
    }

    /// What a folder says of itself, in a file that is made at the first call; a bucket has a name of its own.
    ///
    /// # Errors
    /// [`DepotError`].
    pub async fn identity(&self) -> Result<Option<String>, DepotError> {
        match &self.0 {
            Kind::Folder(folder) => folder.identity().await.map(Some),
            Kind::Bucket(_) => Ok(None),
        }
    }

    /// The same depot, in the folder that says this of itself and in no other: while another is at its path, nothing is
    /// read or written there.
    #[must_use]
    pub fn bound_to(&self, identity: &str) -> Self {
        match &self.0 {
            Kind::Folder(folder) => Self(Kind::Folder(folder.bound_to(identity))),
            Kind::Bucket(_) => self.clone(),
        }
    }

    /// Looks whether the folder is there, and is the one it should be; a bucket is asked when it is used.
    ///
    /// # Errors
    /// [`DepotError`].
    pub async fn check(&self) -> Result<(), DepotError> {
        match &self.0 {
            Kind::Folder(folder) => folder.check().await,
            Kind::Bucket(_) => Ok(()),
        }
    }

    /// The folder, when it is one: programs may make files there themselves, under other names first.
    pub fn folder(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Folder(folder) => Some(folder.path()),
            Kind::Bucket(_) => None,
        }
    }

    /// The place, for people.
    pub fn place(&self) -> String {
        match &self.0 {
            Kind::Folder(folder) => folder.path().display().to_string(),
            Kind::Bucket(bucket) => bucket.place().to_owned(),
        }
    }

    /// Keeps a copy of a local file under a name. When the name is taken by the same bytes, nothing happens.
    ///
    /// # Errors
    /// [`DepotError::Taken`] when there are other bytes, and [`DepotError`]. Nothing has the name then that had not
    /// before, and what was sent is cleaned up, at the latest by [`sweep`](Self::sweep).
    pub async fn put(&self, name: &str, file: &Path) -> Result<Stored, DepotError> {
        names::check(name)?;
        match &self.0 {
            Kind::Folder(folder) => folder.put(name, file).await,
            Kind::Bucket(bucket) => bucket.put(name, file).await,
        }
    }

    /// Keeps a copy of a local file under a name, in the place of what was there. For lists, never for archives.
    ///
    /// # Errors
    /// [`DepotError`]; what was there stays then.
    pub async fn replace(&self, name: &str, file: &Path) -> Result<Stored, DepotError> {
        names::check(name)?;
        match &self.0 {
            Kind::Folder(folder) => folder.replace(name, file).await,
            Kind::Bucket(bucket) => bucket.replace(name, file).await,
        }
    }

    /// Keeps a local file under a name and takes it away from where it is; within a file system its bytes are not
    /// copied. Nobody may write to it any more.
    ///
    /// # Errors
    /// As [`put`](Self::put); the local file stays then.
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

    /// What is kept under a name, or nothing. In a folder its bytes are read; a bucket remembers the digest that was
    /// uploaded with the object, and only what came there in another way is read.
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

    /// The size of what is kept under a name, in bytes, or nothing. No bytes are read.
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

    /// Opens what is kept under a name, from its beginning.
    ///
    /// # Errors
    /// [`DepotError::Missing`], and [`DepotError`].
    pub async fn open_read(&self, name: &str) -> Result<DepotRead, DepotError> {
        self.open_range(name, 0, None).await
    }

    /// Opens what is kept under a name from byte `begin`, and at most `length` bytes of it. Beyond its end there is
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

    /// A local file with what is kept under a name: the very file of a folder, or a copy that is made in `folder` and
    /// goes when it is dropped.
    ///
    /// # Errors
    /// [`DepotError::Missing`], and [`DepotError`].
    pub async fn local_copy(&self, name: &str, folder: &Path) -> Result<LocalCopy, DepotError> {
        names::check(name)?;
        match &self.0 {
            Kind::Folder(kept) => Ok(LocalCopy::Kept(kept.path().join(name))),
            Kind::Bucket(_) => {
                let mut bytes = self.open_read(name).await?;
                local::copy_to_temporary(&mut bytes, folder).await.map(LocalCopy::Copy)
            }
        }
    }

    /// Everything that is kept here, in no order.
    pub fn list(&self) -> BoxStream<'static, Result<Listed, DepotError>> {
        match &self.0 {
            Kind::Folder(folder) => folder.list(),
            Kind::Bucket(bucket) => bucket.list(),
        }
    }

    /// Removes what is kept under a name, if there is something.
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

    /// Bytes that are free; unknown for a bucket.
    ///
    /// # Errors
    /// [`DepotError`].
    pub fn free_space(&self) -> Result<Option<u64>, DepotError> {
        match &self.0 {
            Kind::Folder(folder) => folder.free_space().map(Some),
            Kind::Bucket(_) => Ok(None),
        }
    }

    /// Removes what killed programs have left: files under temporary names that nobody holds, and uploads in parts
    /// that were neither ended nor given up, when they were begun at least `age` ago. Gives how many. In a bucket
    /// nobody can know whether an upload is still at work, so the age must be more than the longest one takes; a
    /// server that cannot list them has none.
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

/// A local file with what a depot keeps under a name.
#[derive(Debug)]
pub enum LocalCopy {
    /// The kept file itself: it must not be changed.
    Kept(PathBuf),
    /// A copy that goes when this is dropped.
    Copy(tempfile::NamedTempFile),
}

impl LocalCopy {
    /// Where it is.
    pub fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Copy(file) => file.path(),
        }
    }
}
