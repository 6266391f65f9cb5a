//! Photo files in a bucket on S3.

mod access;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3;
use object_store::list::{PaginatedListOptions, PaginatedListStore as _};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions, PutPayload,
};

use super::{Comparison, NewPhotoFile, PhotoBytes, PhotoFile, UploadsError, is_original, is_plain_file_name};
use crate::pod::config::S3Settings;
use crate::s3::{
    Readers, client, is_denied, is_missing, is_refused, is_unavailable, lacks_conditional_put, list, why,
};

/// The largest object in bytes that is downloaded ahead; for larger ones, only the request is sent.
const MAX_PREFETCH_BYTES: u64 = 512 << 10;
/// The most requests at the same time.
const CONCURRENT_REQUESTS: usize = 8;
/// diaspora*'s header for stored photos unless `s3.cache` is off.
const CACHE_CONTROL: &str = "max-age=31536000";

/// The objects under `images/` in a bucket.
#[derive(Clone)]
pub struct PhotoBucket {
    store: Arc<AmazonS3>,
    images: String,
    location: String,
    public_address: String,
    cache: bool,
    /// The object that was read last, by any clone.
    readable_object: Arc<Mutex<Option<Path>>>,
}

impl PhotoBucket {
    /// Opens a bucket and checks that it can be listed, and its objects read.
    pub(super) async fn open(settings: &S3Settings) -> Result<Self, UploadsError> {
        let location = settings.to_string();
        let failed = |error: object_store::Error| UploadsError::Bucket {
            location: location.clone(),
            action: "read",
            reason: why(&error),
            is_temporary: is_unavailable(&error),
        };
        let bucket = Self {
            store: Arc::new(client(&settings.access, Readers::Everyone).map_err(failed)?),
            images: format!("{}/images/", settings.prefix),
            public_address: settings.public_address(),
            cache: settings.cache,
            location: location.clone(),
            readable_object: Arc::default(),
        };
        // Without the right to list, S3 gives the same answer for missing and forbidden photos.
        let options = PaginatedListOptions { max_keys: Some(1), ..PaginatedListOptions::default() };
        let page = bucket.store.list_paginated(Some(&bucket.images), options).await.map_err(failed)?;
        if let Some(first) = page.result.objects.first() {
            bucket.expect_access(&first.location).await?;
        }
        Ok(bucket)
    }

    /// Returns the bucket's address for display.
    pub(super) fn location(&self) -> &str {
        &self.location
    }

    /// Returns the photos' public address.
    pub(super) fn public_address(&self) -> &str {
        &self.public_address
    }

    /// Opens the first nonempty object of these names.
    pub(super) async fn find(&self, names: Vec<String>) -> Result<PhotoFile, UploadsError> {
        let (mut refused, mut missing) = (None, PhotoFile::Missing);
        for path in names.iter().filter_map(|name| self.path(name)) {
            match self.store.get(&path).await {
                Ok(found) if found.meta.size == 0 => missing = PhotoFile::Empty,
                Ok(found) => {
                    let size = found.meta.size;
                    let location = self.location.clone();
                    let bytes = if size <= MAX_PREFETCH_BYTES {
                        let bytes = found.bytes().await.map_err(|error| self.failed("read", &error))?;
                        stream::once(async move { Ok(bytes.into()) }).boxed()
                    } else {
                        found.into_stream().map_ok(Vec::from).boxed()
                    };
                    self.remember(path);
                    return Ok(PhotoFile::Found(PhotoBytes::Object(ObjectBytes { bytes, location }), size));
                }
                Err(error) if is_missing(&error) => {}
                Err(error) if is_refused(&error) => {
                    if is_denied(&error) {
                        self.check_refusal(&path, &error).await?;
                    }
                    refused = Some(why(&error));
                }
                Err(error) => return Err(self.failed("read", &error)),
            }
        }
        Ok(refused.map_or(missing, PhotoFile::Unreadable))
    }

    pub(super) async fn original_sizes(&self) -> Result<BTreeMap<String, u64>, UploadsError> {
        let objects = list(Arc::clone(&self.store), self.images.clone());
        let names = objects.try_filter_map(|object| async move {
            let name = object.location.filename().filter(|name| is_original(name));
            Ok(name.map(|name| (name.to_owned(), object.size)))
        });
        names.try_collect().await.map_err(|error| self.failed("read", &error))
    }

    pub(super) async fn compare(&self, name: &str, bytes: &[u8]) -> Result<Comparison, UploadsError> {
        let Some(path) = self.path(name) else { return Ok(Comparison::Absent) };
        let found = match self.store.get(&path).await {
            Ok(found) => found,
            Err(error) if is_missing(&error) => return Ok(Comparison::Absent),
            Err(error) => return Err(self.failed("read", &error)),
        };
        if found.meta.size != bytes.len() as u64 {
            return Ok(Comparison::Different);
        }
        let (mut remaining, mut stream) = (bytes, found.into_stream());
        while let Some(read) = stream.try_next().await.map_err(|error| self.failed("read", &error))? {
            match remaining.strip_prefix(read.as_ref()) {
                Some(after) => remaining = after,
                None => return Ok(Comparison::Different),
            }
        }
        Ok(if remaining.is_empty() { Comparison::Same } else { Comparison::Different })
    }

    pub(super) async fn have(&self, names: &[String]) -> Result<Vec<bool>, UploadsError> {
        let lookups = names.iter().map(|name| async move {
            let Some(path) = self.path(name) else { return Ok(false) };
            Ok(!self.is_free(&path).await?)
        });
        stream::iter(lookups).buffered(CONCURRENT_REQUESTS).try_collect().await
    }

    /// Stores objects; returns the names under which different ones exist already.
    pub(super) async fn put(&self, photos: Vec<NewPhotoFile>) -> Result<Vec<String>, UploadsError> {
        let put = photos.into_iter().map(|photo| async move {
            let NewPhotoFile { name, bytes, kind } = photo;
            let is_stored = self.put_new(&name, PutPayload::from(bytes), kind).await?;
            Ok::<_, UploadsError>((!is_stored).then_some(name))
        });
        let taken: Vec<Option<String>> =
            stream::iter(put).buffer_unordered(CONCURRENT_REQUESTS).try_collect().await?;
        Ok(taken.into_iter().flatten().collect())
    }

    /// Stores an object unless its name exists already; returns false if a different object has the name.
    async fn put_new(
        &self,
        name: &str,
        payload: PutPayload,
        kind: &'static str,
    ) -> Result<bool, UploadsError> {
        let Some(path) = self.path(name) else { return Ok(true) };
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::ContentType, kind.into());
        if self.cache {
            attributes.insert(Attribute::CacheControl, CACHE_CONTROL.into());
        }
        let options = PutOptions { mode: PutMode::Create, attributes, ..PutOptions::default() };
        let mut stored = self.store.put_opts(&path, payload.clone(), options.clone()).await;
        if stored.as_ref().is_err_and(lacks_conditional_put) && self.is_free(&path).await? {
            let options = PutOptions { mode: PutMode::Overwrite, ..options };
            stored = self.store.put_opts(&path, payload.clone(), options).await;
        }
        let Err(error) = stored else { return Ok(true) };
        // The response may have been lost, or another import has stored the same bytes.
        let bytes = payload.iter().next().map(|bytes| &**bytes).unwrap_or_default();
        match self.compare(name, bytes).await {
            Ok(Comparison::Same) => Ok(true),
            Ok(Comparison::Different) => Ok(false),
            _ => Err(self.failed("written", &error)),
        }
    }

    async fn is_free(&self, path: &Path) -> Result<bool, UploadsError> {
        match self.store.head(path).await {
            Ok(_) => Ok(false),
            Err(error) if is_missing(&error) => Ok(true),
            Err(error) => Err(self.failed("read", &error)),
        }
    }

    pub(super) async fn remove(&self, names: &[String]) -> Result<(), UploadsError> {
        let paths: Vec<_> = names.iter().filter_map(|name| self.path(name)).map(Ok).collect();
        let mut removed = self.store.delete_stream(stream::iter(paths).boxed());
        loop {
            match removed.try_next().await {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(self.failed("removed", &error)),
            }
        }
    }

    fn path(&self, name: &str) -> Option<Path> {
        is_plain_file_name(name).then(|| Path::parse(format!("{}{name}", self.images)).ok())?
    }

    fn failed(&self, action: &'static str, error: &object_store::Error) -> UploadsError {
        let (reason, is_temporary) = (why(error), is_unavailable(error));
        UploadsError::Bucket { location: self.location.clone(), action, reason, is_temporary }
    }
}

impl fmt::Debug for PhotoBucket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("PhotoBucket").field(&self.location).finish()
    }
}

/// An object being read.
pub struct ObjectBytes {
    bytes: BoxStream<'static, object_store::Result<Vec<u8>>>,
    location: String,
}

impl ObjectBytes {
    /// Returns the next bytes; `None` at the end.
    ///
    /// # Errors
    /// [`UploadsError::Bucket`], when reading failed for good.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, UploadsError> {
        self.bytes.try_next().await.map_err(|error| UploadsError::Bucket {
            location: self.location.clone(),
            action: "read",
            reason: why(&error),
            is_temporary: is_unavailable(&error),
        })
    }
}

impl fmt::Debug for ObjectBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("ObjectBytes").field(&self.location).finish()
    }
}

#[cfg(test)]
mod tests;
