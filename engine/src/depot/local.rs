//! Files on this machine: digests, copies.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::read::DepotRead;
use super::{DepotError, Stored};

/// The number of bytes read at a time: enough for fast reading, and few enough to be still in the cache for hashing.
const CHUNK_BYTES: usize = 256 << 10;

/// Reads to the end, passes the bytes to `consume`, and returns their number and their SHA-256 in hexadecimal digits.
///
/// # Errors
/// Errors of reading or of `consume`.
pub fn digest(
    reader: &mut impl Read,
    mut consume: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<(u64, String)> {
    let (mut buffer, mut digest, mut bytes) = (vec![0; CHUNK_BYTES], Sha256::new(), 0);
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(0) => return Ok((bytes, hex::encode(digest.finalize()))),
            Ok(read) => buffer.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        digest.update(read);
        consume(read)?;
        bytes += read.len() as u64;
    }
}

/// Returns the size of a file in bytes, and its SHA-256 in hexadecimal digits.
///
/// # Errors
/// The system's error.
pub fn digest_of_file(path: &Path) -> io::Result<(u64, String)> {
    digest(&mut File::open(path)?, |_| Ok(()))
}

/// Returns a stored file of this name, size and SHA-256.
pub(super) fn stored(name: &str, (bytes, sha256): (u64, String)) -> Stored {
    Stored { name: name.to_owned(), bytes, sha256 }
}

/// Runs a disk operation on a thread for blocking operations.
pub(super) async fn on_disk<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, DepotError> + Send + 'static,
) -> Result<T, DepotError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // Only a runtime that is shutting down cancels a blocking operation.
        Err(error) => Err(DepotError::local(path)(io::Error::other(error))),
    }
}

/// Copies a file of a depot to a new local file, which is removed on drop and readable by its owner only.
pub(super) async fn copy_to_temporary(
    bytes: &mut DepotRead,
    folder: &Path,
) -> Result<tempfile::NamedTempFile, DepotError> {
    let mut copy = tempfile::NamedTempFile::new_in(folder).map_err(DepotError::local(folder))?;
    while let Some(chunk) = bytes.next().await? {
        copy.write_all(&chunk).map_err(DepotError::folder(folder, copy.path(), "written"))?;
    }
    Ok(copy)
}
