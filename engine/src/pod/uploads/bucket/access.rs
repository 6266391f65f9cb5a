//! Distinguishes a bucket that refuses one object from one that refuses all.
//!
//! A key that may list but not read, or has lost the right meanwhile, concerns the whole pod, as a folder does that was
//! moved away: archives would all be without photos.

use std::sync::PoisonError;

use object_store::ObjectStoreExt as _;
use object_store::list::{PaginatedListOptions, PaginatedListStore as _};
use object_store::path::Path;

use super::PhotoBucket;
use crate::pod::uploads::UploadsError;
use crate::s3::{is_denied, is_missing, is_refused, why};

/// The most other objects that are requested after a refusal.
const PROBES: usize = 8;

impl PhotoBucket {
    /// Checks that the key may read: this object, or at least another.
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

    /// Checks after an object was refused that the bucket gives others.
    ///
    /// # Errors
    /// [`UploadsError::Bucket`] if it refuses all that are requested.
    pub(super) async fn check_refusal(
        &self,
        refused: &Path,
        error: &object_store::Error,
    ) -> Result<(), UploadsError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| known != refused)
            && self.gives(&known).await? == Some(true)
        {
            return Ok(());
        }
        let page = self.store.list_paginated(Some(&self.images), PaginatedListOptions::default()).await;
        let objects = page.map_err(|error| self.failed("read", &error))?.result.objects;
        let others: Vec<Path> =
            objects.into_iter().map(|object| object.location).filter(|path| path != refused).collect();
        let mut all_refused = false;
        for path in others.iter().step_by(others.len().div_ceil(PROBES).max(1)) {
            match self.gives(path).await? {
                Some(true) => return Ok(()),
                Some(false) => all_refused = true,
                None => {}
            }
        }
        if !all_refused {
            return Ok(());
        }
        let why = format!("{}; let the key read the bucket's objects (s3:GetObject)", why(error));
        Err(UploadsError::Bucket { place: self.place.clone(), what: "read", why, passing: false })
    }

    /// Returns whether the key may read an object; `None` if there is no such object.
    async fn gives(&self, path: &Path) -> Result<Option<bool>, UploadsError> {
        match self.store.get(path).await {
            Ok(_) => {
                self.remember(path.clone());
                Ok(Some(true))
            }
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) if is_denied(&error) => Ok(Some(false)),
            // It must be brought back from an archive first, which is not for want of the right.
            Err(error) if is_refused(&error) => Ok(Some(true)),
            Err(error) => Err(self.failed("read", &error)),
        }
    }

    /// Remembers an object that the key may read.
    pub(super) fn remember(&self, path: Path) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
    }
}
