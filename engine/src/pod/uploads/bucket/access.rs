//! Distinguishes a bucket that refuses one object from one that refuses all.
//!
//! A key that may list but not read, or no longer read, affects the whole pod, like a folder that was moved away: all
//! archives would lack photos.

use std::sync::PoisonError;

use object_store::ObjectStoreExt as _;
use object_store::list::{PaginatedListOptions, PaginatedListStore as _};
use object_store::path::Path;

use super::PhotoBucket;
use crate::pod::uploads::UploadsError;
use crate::s3::{is_denied, is_missing, is_refused, why};

/// The most other objects that are requested after a refusal.
const MAX_PROBES: usize = 8;

impl PhotoBucket {
    /// Checks that the key may read this object, or at least another one.
    ///
    /// # Errors
    /// [`UploadsError::Bucket`].
    pub(super) async fn expect_access(&self, path: &Path) -> Result<(), UploadsError> {
        match self.store.get(path).await {
            Err(error) if is_denied(&error) => self.check_refusal(path, &error).await,
            // Other failures are reported where they matter.
            _ => Ok(()),
        }
    }

    /// Checks after an object was refused that the key may read others.
    ///
    /// # Errors
    /// [`UploadsError::Bucket`] if all requested ones are refused.
    pub(super) async fn check_refusal(
        &self,
        refused: &Path,
        error: &object_store::Error,
    ) -> Result<(), UploadsError> {
        let readable = self.readable_object.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(readable) = readable.filter(|readable| readable != refused)
            && self.can_read(&readable).await? == Some(true)
        {
            return Ok(());
        }
        let page = self.store.list_paginated(Some(&self.images), PaginatedListOptions::default()).await;
        let objects = page.map_err(|error| self.failed("read", &error))?.result.objects;
        let others: Vec<Path> =
            objects.into_iter().map(|object| object.location).filter(|path| path != refused).collect();
        let mut all_refused = false;
        for path in others.iter().step_by(others.len().div_ceil(MAX_PROBES).max(1)) {
            match self.can_read(path).await? {
                Some(true) => return Ok(()),
                Some(false) => all_refused = true,
                None => {}
            }
        }
        if !all_refused {
            return Ok(());
        }
        let reason = format!("{}; let the key read the bucket's objects (s3:GetObject)", why(error));
        Err(UploadsError::Bucket {
            location: self.location.clone(),
            action: "read",
            reason,
            is_temporary: false,
        })
    }

    /// Returns whether the key may read an object; `None` if there is no such object.
    async fn can_read(&self, path: &Path) -> Result<Option<bool>, UploadsError> {
        match self.store.get(path).await {
            Ok(_) => {
                self.remember(path.clone());
                Ok(Some(true))
            }
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) if is_denied(&error) => Ok(Some(false)),
            // The object must first be restored from the storage class for archives, so the key is not the reason.
            Err(error) if is_refused(&error) => Ok(Some(true)),
            Err(error) => Err(self.failed("read", &error)),
        }
    }

    /// Remembers an object that the key may read.
    pub(super) fn remember(&self, path: Path) {
        *self.readable_object.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
    }
}
