//! A depot in a bucket on S3.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::Path as FilePath;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3;
use object_store::list::{PaginatedListOptions, PaginatedListStore as _};
use object_store::multipart::MultipartStore as _;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, GetOptions, GetRange, GetResult, ObjectStore as _, ObjectStoreExt as _, PutMode,
    PutMultipartOptions, PutOptions, PutPayload,
};

use super::local::{digest, on_disk, stored};
use super::read::Source;
use super::{DepotError, DepotRead, Listed, Stored, names, uploads};
use crate::s3::{
    Readers, S3Access, client, code, is_missing, is_unavailable, lacks_conditional_put, list, why,
};

/// The minimum bytes of a part; smaller files are sent in one piece. S3 requires at least 5 MiB.
const PART_BYTES: u64 = 6 << 20;
/// The maximum number of parts of an upload; the limit of S3 is 10,000.
const MAX_PARTS: u64 = 9_000;
/// The number of parts of one file that are sent at the same time.
const CONCURRENT_PARTS: usize = 2;
/// The name of an object's metadata attribute with the file's digest.
const DIGEST_ATTRIBUTE: &str = "sha256";

/// The objects under a prefix in a bucket.
#[derive(Clone)]
pub(super) struct Bucket {
    store: Arc<AmazonS3>,
    /// A client for the same objects whose uploads, also in parts, replace existing ones.
    replacing_store: Arc<AmazonS3>,
    /// True once the server has refused to complete an upload in parts on a condition.
    lacks_conditions: Arc<AtomicBool>,
    access: Arc<S3Access>,
    /// Ends in a slash, or is empty.
    prefix: String,
    location: String,
}

impl Bucket {
    /// Opens a bucket, and lists the first name to test the access.
    pub(super) async fn open(access: &S3Access, prefix: &str) -> Result<Self, DepotError> {
        let slash = if prefix.is_empty() { "" } else { "/" };
        let location = format!("s3://{}{slash}{prefix}{}", access.bucket, access.server());
        let failed = |error: object_store::Error| DepotError::Bucket {
            location: location.clone(),
            name: "the list of files".to_owned(),
            operation: "read",
            reason: why(&error),
            is_temporary: is_unavailable(&error),
        };
        let bucket = Self {
            store: Arc::new(client(access, Readers::Podmin).map_err(failed)?),
            replacing_store: Arc::new(client(access, Readers::PodminAgain).map_err(failed)?),
            lacks_conditions: Arc::default(),
            access: Arc::new(access.clone()),
            prefix: format!("{prefix}{slash}"),
            location: location.clone(),
        };
        let first_name = PaginatedListOptions { max_keys: Some(1), ..PaginatedListOptions::default() };
        bucket.store.list_paginated(Some(&bucket.prefix), first_name).await.map_err(failed)?;
        Ok(bucket)
    }

    /// Returns the address, for display.
    pub(super) fn location(&self) -> &str {
        &self.location
    }

    pub(super) async fn put(&self, name: &str, path: &FilePath) -> Result<Stored, DepotError> {
        let (new, file) = read_digest(name, path).await?;
        if new.bytes <= PART_BYTES {
            self.put_whole(&new, file, path).await?;
        } else {
            // An existing file is not uploaded again.
            match self.stored(name).await? {
                Some(existing) => self.check_same(&existing, &new)?,
                None => self.put_large(&new, file, path).await?,
            }
        }
        Ok(new)
    }

    /// Uploads a file in parts, on the condition that no file has its name. If the server does not support conditions,
    /// the parts are sent again without it; the parts of later files are sent without it from the beginning.
    async fn put_large(&self, new: &Stored, file: File, path: &FilePath) -> Result<(), DepotError> {
        if self.lacks_conditions.load(Ordering::Relaxed) {
            return self.put_parts(&self.replacing_store, new, file, path).await;
        }
        let result = self.put_parts(&self.store, new, file, path).await;
        if result.is_ok() || !self.lacks_conditions.load(Ordering::Relaxed) {
            return result;
        }
        let (current, file) = read_digest(&new.name, path).await?;
        if current != *new {
            return Err(DepotError::Changed(path.to_owned()));
        }
        match self.stored(&new.name).await? {
            Some(existing) => self.check_same(&existing, new),
            None => self.put_parts(&self.replacing_store, new, file, path).await,
        }
    }

    pub(super) async fn replace(&self, name: &str, path: &FilePath) -> Result<Stored, DepotError> {
        let (new, file) = read_digest(name, path).await?;
        self.put_parts(&self.replacing_store, &new, file, path).await?;
        Ok(new)
    }

    async fn put_whole(&self, new: &Stored, file: File, path: &FilePath) -> Result<(), DepotError> {
        let (bytes, _) = read_part(file, path.to_owned(), new.bytes).await?;
        if bytes.len() as u64 != new.bytes {
            return Err(DepotError::Changed(path.to_owned()));
        }
        let key = self.key(&new.name)?;
        let payload = PutPayload::from(bytes);
        let options =
            PutOptions { mode: PutMode::Create, attributes: attributes(new), ..PutOptions::default() };
        let mut result = self.store.put_opts(&key, payload.clone(), options.clone()).await;
        if result.as_ref().is_err_and(lacks_conditional_put) && self.stat(&new.name).await?.is_none() {
            let options = PutOptions { mode: PutMode::Overwrite, ..options };
            result = self.store.put_opts(&key, payload, options).await;
        }
        match result {
            Ok(_) => Ok(()),
            Err(error) => self.check_after_failure(new, &error).await,
        }
    }

    async fn put_parts(
        &self,
        store: &AmazonS3,
        new: &Stored,
        file: File,
        path: &FilePath,
    ) -> Result<(), DepotError> {
        let failed = |error: object_store::Error| self.failed(&new.name, "written", &error);
        let key = self.key(&new.name)?;
        let options = PutMultipartOptions { attributes: attributes(new), ..PutMultipartOptions::default() };
        let mut upload = store.put_multipart_opts(&key, options).await.map_err(failed)?;
        let sending = async {
            let size = PART_BYTES.max(new.bytes.div_ceil(MAX_PARTS));
            let (mut file, mut remaining) = (file, new.bytes);
            let mut in_progress = stream::FuturesUnordered::new();
            while remaining > 0 {
                if in_progress.len() >= CONCURRENT_PARTS {
                    in_progress.try_next().await.map_err(failed)?;
                }
                let (bytes, returned_file) = read_part(file, path.to_owned(), size.min(remaining)).await?;
                if bytes.len() as u64 != size.min(remaining) {
                    return Err(DepotError::Changed(path.to_owned()));
                }
                file = returned_file;
                remaining -= bytes.len() as u64;
                in_progress.push(upload.put_part(PutPayload::from(bytes)));
            }
            while in_progress.try_next().await.map_err(failed)?.is_some() {}
            Ok(())
        };
        if let Err(error) = sending.await {
            // If the upload cannot be aborted now, `sweep` aborts it later.
            _ = upload.abort().await;
            return Err(error);
        }
        match upload.complete().await {
            Ok(_) => Ok(()),
            Err(error) => {
                if lacks_conditional_put(&error) {
                    self.lacks_conditions.store(true, Ordering::Relaxed);
                }
                let result = self.check_after_failure(new, &error).await;
                _ = upload.abort().await;
                result
            }
        }
    }

    /// Checks for the object after a failure: the response may have been lost, or another program has stored the
    /// same file.
    async fn check_after_failure(&self, new: &Stored, error: &object_store::Error) -> Result<(), DepotError> {
        match self.stored(&new.name).await {
            Ok(Some(existing)) => self.check_same(&existing, new),
            _ => Err(self.failed(&new.name, "written", error)),
        }
    }

    fn check_same(&self, existing: &Stored, new: &Stored) -> Result<(), DepotError> {
        if existing == new {
            Ok(())
        } else {
            Err(DepotError::Taken { location: self.location.clone(), name: new.name.clone() })
        }
    }

    pub(super) async fn stored(&self, name: &str) -> Result<Option<Stored>, DepotError> {
        let Some(object) = self.head(name).await? else { return Ok(None) };
        let uploaded_digest = object
            .attributes
            .get(&Attribute::Metadata(DIGEST_ATTRIBUTE.into()))
            .map(|value| value.as_ref().to_owned());
        if let Some(sha256) = uploaded_digest.filter(|text| text.len() == 64) {
            return Ok(Some(Stored { name: name.to_owned(), bytes: object.meta.size, sha256 }));
        }
        let mut bytes = self.open_range(name, 0, None).await?;
        let mut digest = super::read::StreamDigest::default();
        while let Some(chunk) = bytes.next().await? {
            digest.update(&chunk);
        }
        Ok(Some(stored(name, digest.finish())))
    }

    pub(super) async fn stat(&self, name: &str) -> Result<Option<u64>, DepotError> {
        Ok(self.head(name).await?.map(|object| object.meta.size))
    }

    async fn head(&self, name: &str) -> Result<Option<GetResult>, DepotError> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        match self.store.get_opts(&self.key(name)?, options).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(self.failed(name, "read", &error)),
        }
    }

    pub(super) async fn open_range(
        &self,
        name: &str,
        begin: u64,
        length: Option<u64>,
    ) -> Result<DepotRead, DepotError> {
        let range = match length {
            _ if (begin, length) == (0, None) => None,
            None => Some(GetRange::Offset(begin)),
            Some(length) => Some(GetRange::Bounded(begin..begin.saturating_add(length))),
        };
        let options = GetOptions { range, ..GetOptions::default() };
        let object = match self.store.get_opts(&self.key(name)?, options).await {
            Ok(object) => object,
            Err(error) if is_missing(&error) => {
                return Err(DepotError::Missing { location: self.location.clone(), name: name.to_owned() });
            }
            // Servers refuse ranges that begin at the end or later.
            Err(error) => {
                return match self.stat(name).await? {
                    Some(size) if size <= begin => {
                        Ok(DepotRead { size, bytes: Source::Object(stream::empty().boxed()) })
                    }
                    _ => Err(self.failed(name, "read", &error)),
                };
            }
        };
        let (bucket, name) = (self.clone(), name.to_owned());
        let size = object.meta.size;
        let bytes = object.into_stream().map(move |read| match read {
            Ok(bytes) => Ok(bytes.into()),
            Err(error) => Err(bucket.failed(&name, "read", &error)),
        });
        Ok(DepotRead { size, bytes: Source::Object(bytes.boxed()) })
    }

    pub(super) fn list(&self) -> BoxStream<'static, Result<Listed, DepotError>> {
        let bucket = self.clone();
        list(Arc::clone(&self.store), self.prefix.clone())
            .filter_map(move |object| {
                let listed = match object {
                    Err(error) => Some(Err(bucket.failed("the list of files", "read", &error))),
                    Ok(object) => object
                        .location
                        .as_ref()
                        .strip_prefix(&bucket.prefix)
                        .filter(|name| names::is_depot_name(name))
                        .map(|name| Ok(Listed { name: name.to_owned(), bytes: object.size })),
                };
                std::future::ready(listed)
            })
            .boxed()
    }

    pub(super) async fn remove(&self, name: &str) -> Result<(), DepotError> {
        match self.store.delete(&self.key(name)?).await {
            Err(error) if !is_missing(&error) => Err(self.failed(name, "removed", &error)),
            _ => Ok(()),
        }
    }

    pub(super) async fn sweep(&self, age: Duration, now: SystemTime) -> Result<u64, DepotError> {
        let unfinished = uploads::unfinished(&self.access, &self.prefix).await;
        let unfinished = unfinished.map_err(|reason| DepotError::Bucket {
            location: self.location.clone(),
            name: "the list of unfinished uploads".to_owned(),
            operation: "read",
            reason,
            is_temporary: true,
        })?;
        let mut removed = 0;
        for upload in unfinished {
            let Some(name) = upload.key.strip_prefix(&self.prefix) else { continue };
            let is_old = now.duration_since(upload.begun).is_ok_and(|since| since >= age);
            if !is_old || !names::is_depot_name(name) {
                continue;
            }
            match self.store.abort_multipart(&self.key(name)?, &upload.id).await {
                Ok(()) => removed += 1,
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(self.failed(name, "removed", &error)),
            }
        }
        Ok(removed)
    }

    fn key(&self, name: &str) -> Result<Path, DepotError> {
        Path::parse(format!("{}{name}", self.prefix)).map_err(|_| DepotError::Name(name.to_owned()))
    }

    fn failed(&self, name: &str, operation: &'static str, error: &object_store::Error) -> DepotError {
        DepotError::Bucket {
            location: self.location.clone(),
            name: name.to_owned(),
            operation,
            reason: why(error),
            is_temporary: is_temporary(error),
        }
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Bucket").field(&self.location).finish()
    }
}

fn attributes(new: &Stored) -> Attributes {
    let mut attributes = Attributes::new();
    attributes.insert(Attribute::Metadata(DIGEST_ATTRIBUTE.into()), new.sha256.clone().into());
    attributes
}

/// Returns whether the whole bucket is unavailable, rather than one object refused.
fn is_temporary(error: &object_store::Error) -> bool {
    !matches!(
        error,
        object_store::Error::NotFound { .. }
            | object_store::Error::Precondition { .. }
            | object_store::Error::AlreadyExists { .. }
            | object_store::Error::InvalidPath { .. }
    ) || code(&error.to_string()) == Some("NoSuchBucket")
}

/// Opens a file and computes its digest. The digest is sent before the bytes, so the file is read twice.
async fn read_digest(name: &str, path: &FilePath) -> Result<(Stored, File), DepotError> {
    let local = DepotError::local(path);
    let mut file = File::open(path).map_err(&local)?;
    let (size_and_digest, file) = on_disk(path, move || {
        let result = digest(&mut file, |_| Ok(())).and_then(|digest| file.rewind().map(|()| digest));
        result.map(|digest| (digest, file)).map_err(local)
    })
    .await?;
    Ok((stored(name, size_and_digest), file))
}

/// Reads the next bytes of a file, fewer at its end. Returns them and the file.
async fn read_part(file: File, path: std::path::PathBuf, bytes: u64) -> Result<(Vec<u8>, File), DepotError> {
    let failed = DepotError::local(&path);
    on_disk(&path.clone(), move || {
        let mut part = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
        (&file).take(bytes).read_to_end(&mut part).map_err(failed)?;
        Ok((part, file))
    })
    .await
}
