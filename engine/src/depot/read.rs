//! Reads files from a depot.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

use sha2::{Digest as _, Sha256};

use super::DepotError;

/// The number of bytes read from a disk at a time.
const CHUNK_BYTES: u64 = 256 << 10;

/// A file of a depot, or a part of it, being read.
pub struct DepotRead {
    /// The size of the whole file, in bytes.
    pub(super) size: u64,
    pub(super) bytes: Source,
}

pub(super) enum Source {
    File { file: File, remaining: u64, path: PathBuf },
    Object(BoxStream<'static, Result<Vec<u8>, DepotError>>),
}

impl DepotRead {
    /// Returns the size of the whole file, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the next bytes; `None` at the end.
    ///
    /// # Errors
    /// [`DepotError`].
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, DepotError> {
        match &mut self.bytes {
            Source::Object(bytes) => bytes.next().await.transpose(),
            Source::File { file, remaining, path } => {
                let failed = DepotError::folder(path, path, "read");
                let reader = file.try_clone().map_err(&failed)?;
                let limit = (*remaining).min(CHUNK_BYTES);
                let reading = move || {
                    let mut bytes = Vec::with_capacity(usize::try_from(limit).unwrap_or_default());
                    reader.take(limit).read_to_end(&mut bytes).map(|_| bytes)
                };
                let result = tokio::task::spawn_blocking(reading).await;
                let bytes =
                    result.map_err(std::io::Error::other).and_then(|result| result).map_err(&failed)?;
                *remaining = if bytes.is_empty() { 0 } else { remaining.saturating_sub(bytes.len() as u64) };
                Ok(if bytes.is_empty() { None } else { Some(bytes) })
            }
        }
    }
}

/// Computes the size and the digest of bytes that arrive in chunks.
#[derive(Debug, Clone, Default)]
pub struct StreamDigest {
    bytes: u64,
    digest: Sha256,
}

impl StreamDigest {
    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.digest.update(bytes);
    }

    /// Returns the size in bytes, and the SHA-256 in hexadecimal digits.
    pub fn finish(self) -> (u64, String) {
        (self.bytes, hex::encode(self.digest.finalize()))
    }
}

impl fmt::Debug for DepotRead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DepotRead").field("size", &self.size).finish_non_exhaustive()
    }
}
