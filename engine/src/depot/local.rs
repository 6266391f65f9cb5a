//! Files on this machine: digests, copies.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::read::DepotRead;
use super::{DepotError, Stored};

/// Bytes read at a time: large enough for fast reading, small enough to be still in the cache for hashing.
const CHUNK: usize = 256 << 10;

/// Reads everything, passes it to `take`, and returns its size and SHA-256.
///
/// # Errors
/// Errors of reading or of `take`.
pub fn digest(
    reader: &mut impl Read,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<(u64, String)> {
    let (mut buffer, mut digest, mut bytes) = (vec![0; CHUNK], Sha256::new(), 0);
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(0) => return Ok((bytes, hex::encode(digest.finalize()))),
            Ok(read) => buffer.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        digest.update(read);
        take(read)?;
        bytes += read.len() as u64;
    }
}

/// Returns the size and SHA-256 of a file.
///
/// # Errors
/// The system's error.
pub fn digest_of_file(path: &Path) -> io::Result<(u64, String)> {
    digest(&mut File::open(path)?, |_| Ok(()))
}

/// Combines them with a name in the depot.
pub(super) fn stored(name: &str, (bytes, sha256): (u64, String)) -> Stored {
    Stored { name: name.to_owned(), bytes, sha256 }
}

/// Runs a blocking disk operation on a thread for such.
pub(super) async fn on_disk<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, DepotError> + Send + 'static,
) -> Result<T, DepotError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        // Only a runtime that is shutting down ends a thread unasked.
        Err(error) => Err(DepotError::local(path)(io::Error::other(error))),
    }
}

/// Writes everything to a new file that is removed on drop, readable by its owner only.
pub(super) async fn copy_to_temporary(
    bytes: &mut DepotRead,
    folder: &Path,
) -> Result<tempfile::NamedTempFile, DepotError> {
    let mut copy = tempfile::NamedTempFile::new_in(folder).map_err(DepotError::local(folder))?;
    while let Some(more) = bytes.next().await? {
        copy.write_all(&more).map_err(DepotError::folder(folder, copy.path(), "written"))?;
    }
    Ok(copy)
}
