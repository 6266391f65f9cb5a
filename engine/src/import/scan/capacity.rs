//! The needs of an import: disk space for photos, rows, time.

use serde::Serialize;

use crate::domain::CountKind;
use crate::import::ImportError;
use crate::import::report::Report;
use crate::pod::uploads::{PhotoStore, is_plain_file_name};

/// Bytes of the three small sizes of a photo, at most and lossless: 300 pixels wide, twice as high, and the two
/// smaller ones.
const SMALL_SIZES: u64 = 256 << 10;
/// Bytes of the large size at most: 700 pixels wide, lossless. JPEG stays far below, WebP does not.
const LARGE_SIZE: u64 = 640 << 10;
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
        let needs = |size: &u64| size.saturating_add(LARGE_SIZE.max(*size)).saturating_add(SMALL_SIZES);
        let photo_bytes = new.iter().map(needs).fold(0, u64::saturating_add);
        let free_bytes = match uploads {
            PhotoStore::Bucket(_) => None,
            PhotoStore::Folder(folder) => {
                let found = rustix::fs::statvfs(folder.existing_ancestor()).map_err(|error| {
                    ImportError::Space { place: uploads.to_string(), source: error.into() }
                })?;
                Some(found.f_bavail.saturating_mul(found.f_frsize))
            }
        };
        Ok(Self { photo_files: new.len() as u64, photo_bytes, free_bytes, records: 0, seconds: 0 })
    }

    /// Adds records and time, which only the finished plan knows.
    pub(in crate::import) fn with_records(mut self, report: &Report) -> Self {
        let of_records = report.kinds.iter().filter(|(kind, _)| **kind != CountKind::PhotoFiles);
        self.records = of_records.map(|(_, tally)| tally.imported + tally.adopted).sum();
        self.seconds = ACCOUNT_SECONDS
            + self.records.div_ceil(RECORDS_PER_SECOND)
            + self.photo_files.div_ceil(PHOTOS_PER_SECOND);
        self
    }

    /// Returns an error if the photos do not fit.
    pub(in crate::import) fn check(&self, uploads: &PhotoStore) -> Result<(), ImportError> {
        match self.free_bytes {
            Some(free) if !self.fits() => {
                Err(ImportError::NoSpace { place: uploads.to_string(), needed: self.photo_bytes, free })
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
    fn what_does_not_fit_is_refused() {
        for (bytes, free, fits) in
            [(0, Some(0), true), (10, Some(10), true), (11, Some(10), false), (u64::MAX, None, true)]
        {
            assert_eq!(needs(bytes, free).fits(), fits, "{bytes} {free:?}");
        }
        assert_eq!(megabytes(12_345_678), "12.3 MB");
    }

    #[test]
    fn time_is_for_the_account_records_and_photos() {
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
