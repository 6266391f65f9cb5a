//! Every entry's bytes, read once.

use std::io::Read;

use sha2::{Digest, Sha256};

use super::VerifyError;
use super::progress::Progress;
use super::zip::Zip;
use crate::archive::manifest::Manifest;

/// Bytes read at a time: large enough for fast reading, small enough to be still in the cache for hashing.
const CHUNK: usize = 256 * 1024;

/// Each listed entry must have the digest the manifest lists for it. The order has been checked before.
pub(super) fn check(zip: &mut Zip, manifest: &Manifest, progress: &Progress<'_>) -> Result<(), VerifyError> {
    let mut buffer = vec![0; CHUNK];
    for (position, listed) in manifest.entries.iter().enumerate() {
        let mut reader = zip.read(position)?;
        let mut digest = Sha256::new();
        drain(&mut reader, &mut buffer, progress, |bytes| digest.update(bytes))?;
        let found = digest
            .finalize()
            .iter()
            .fold(String::with_capacity(64), |text, byte| text + &format!("{byte:02x}"));
        if found != listed.sha256 {
            return Err(VerifyError::EntryDigest { path: listed.path.clone() });
        }
    }
    Ok(())
}

/// Each entry of a ZIP that lists no digests must at least be whole.
pub(super) fn check_whole(zip: &mut Zip, progress: &Progress<'_>) -> Result<(), VerifyError> {
    let mut buffer = vec![0; CHUNK];
    for position in 0..zip.entries().len() {
        drain(&mut zip.read(position)?, &mut buffer, progress, |_| {})?;
    }
    Ok(())
}

fn drain(
    reader: &mut impl Read,
    buffer: &mut [u8],
    progress: &Progress<'_>,
    mut take: impl FnMut(&[u8]),
) -> Result<(), VerifyError> {
    loop {
        let count = reader.read(buffer).map_err(VerifyError::from_io)?;
        if count == 0 {
            return Ok(());
        }
        take(buffer.get(..count).unwrap_or_default());
        progress.advance(count as u64);
    }
}
