//! The needs of an import: disk space for photos, records, time.

use serde::Serialize;

use crate::domain::CountKind;
use crate::import::ImportError;
use crate::import::report::Report;
use crate::pod::uploads::{PhotoStore, is_plain_file_name};

/// The maximum size of the three small sizes of a photo together, lossless: 300 pixels wide, twice as high, and the two
/// smaller ones.
const SMALL_SIZES_BYTES: u64 = 256 << 10;
/// The maximum size of the large size of a photo: 700 pixels wide, lossless. JPEG stays far below, WebP does not.
const LARGE_SIZE_BYTES: u64 = 640 << 10;
/// Records written, or checked and found here, per second: half of what two cores do (docs/performance.md).
const RECORDS_PER_SECOND: u64 = 5_000;
/// Photos scaled per second, likewise.
const PHOTOS_PER_SECOND: u64 = 7;
/// Seconds for the account itself, mainly its key.
const ACCOUNT_SECONDS: u64 = 1;

/// The needs of an import, estimated in advance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// Photo files that are not stored yet.
    pub photo_files: u64,
    /// Bytes for these with their four sizes, estimated high: their present size, the same again for the large size,
    /// at least 640 KiB, and 256 KiB for the small ones.
    pub photo_bytes: u64,
    /// Bytes free in the photo store; none for a bucket.
    pub free_bytes: Option<u64>,
    /// Records that become rows, or exist already.
    pub records: u64,
    /// Estimated seconds, without requests to other pods.
    pub seconds: u64,
}

impl Needs {
    /// Returns whether there is enough disk space.
    pub fn fits(&self) -> bool {
        self.free_bytes.is_none_or(|free| self.photo_bytes <= free)
    }

    /// Estimates the space for photos. `photos` are the files of the archive with their sizes in bytes.
    pub(in crate::import) fn of(photos: &[(String, u64)], uploads: &PhotoStore) -> Result<Self, ImportError> {
        let is_new = |name: &str| match uploads {
            PhotoStore::Folder(folder) => is_plain_file_name(name) && !folder.images().join(name).exists(),
            PhotoStore::Bucket(_) => true,
        };
        let new: Vec<u64> = photos.iter().filter(|(name, _)| is_new(name)).map(|(_, size)| *size).collect();
        let bytes_needed =
            |size: &u64| size.saturating_add(LARGE_SIZE_BYTES.max(*size)).saturating_add(SMALL_SIZES_BYTES);
        let photo_bytes = new.iter().map(bytes_needed).fold(0, u64::saturating_add);
        let free_bytes = match uploads {
            PhotoStore::Bucket(_) => None,
            PhotoStore::Folder(folder) => {
                let statistics = rustix::fs::statvfs(folder.existing_ancestor()).map_err(|error| {
                    ImportError::Space { location: uploads.to_string(), source: error.into() }
                })?;
                Some(statistics.f_bavail.saturating_mul(statistics.f_frsize))
            }
        };
        Ok(Self { photo_files: new.len() as u64, photo_bytes, free_bytes, records: 0, seconds: 0 })
    }

    /// Adds records and time, which are known only after all records are planned.
    pub(in crate::import) fn with_records(mut self, report: &Report) -> Self {
        let of_records = report.kinds.iter().filter(|(kind, _)| **kind != CountKind::PhotoFiles);
        self.records = of_records.map(|(_, tally)| tally.imported + tally.adopted).sum();
        self.seconds = ACCOUNT_SECONDS
            + self.records.div_ceil(RECORDS_PER_SECOND)
            + self.photo_files.div_ceil(PHOTOS_PER_SECOND);
        self
    }

    /// Checks that the photos fit.
    ///
    /// # Errors
    /// [`ImportError::NoSpace`] if they need more disk space than is free.
    pub(in crate::import) fn check(&self, uploads: &PhotoStore) -> Result<(), ImportError> {
        match self.free_bytes {
            Some(free) if !self.fits() => {
                Err(ImportError::NoSpace { location: uploads.to_string(), needed: self.photo_bytes, free })
            }
            _ => Ok(()),
        }
    }
}

/// Formats bytes as `12.3 MB`.
pub(in crate::import) fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(photo_bytes: u64, free_bytes: Option<u64>) -> Needs {
        Needs { photo_files: 15, photo_bytes, free_bytes, records: 0, seconds: 0 }
    }

    #[test]
    fn photos_that_do_not_fit_are_refused() {
        for (bytes, free, fits) in
            [(0, Some(0), true), (10, Some(10), true), (11, Some(10), false), (u64::MAX, None, true)]
        {
            assert_eq!(needs(bytes, free).fits(), fits, "{bytes} {free:?}");
        }
        assert_eq!(megabytes(12_345_678), "12.3 MB");
    }

    #[test]
    fn the_time_includes_the_account_its_records_and_photos() {
        let mut report = Report::default();
        for _ in 0..RECORDS_PER_SECOND {
            report.imported(CountKind::OwnComments);
            report.imported(CountKind::PhotoFiles);
        }
        report.adopted(CountKind::OwnComments);
        let needs = needs(0, None).with_records(&report);
        assert_eq!((needs.records, needs.seconds), (RECORDS_PER_SECOND + 1, 1 + 2 + 3));
    }
}
