//! Verifies the bytes of every entry.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use sha2::{Digest, Sha256};

use super::VerifyError;
use super::progress::ByteCount;
use super::zip::{Entry, Role, Zip, ZipError};
use crate::archive::manifest::Manifest;
use crate::archive::names;

/// The bytes read at a time: large enough for fast reading, small enough to stay in the cache for hashing.
const CHUNK_BYTES: usize = 256 * 1024;

/// Restores the listed names of photos. File systems change names when an archive is unpacked: macOS decomposes letters
/// with accents, others change case or replace characters. The digest shows which listed photo an unlisted file is.
pub(super) fn restore_names(
    zip: &mut Zip,
    manifest: &Manifest,
    progress: &ByteCount<'_>,
) -> Result<(), VerifyError> {
    // Photos with the same bytes are interchangeable.
    let mut missing: HashMap<(u64, String), Vec<&str>> = HashMap::new();
    {
        let existing: HashSet<&str> = zip.entries().iter().map(|entry| &*entry.name).collect();
        let photos = manifest.entries.iter().filter(|entry| entry.path.starts_with(names::PHOTOS));
        for photo in photos.filter(|photo| !existing.contains(photo.path.as_str())) {
            missing.entry((photo.size, photo.sha256.clone())).or_default().push(&photo.path);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let sizes: HashSet<u64> = missing.keys().map(|(size, _)| *size).collect();
    let listed: HashSet<&str> = manifest.entries.iter().map(|entry| entry.path.as_str()).collect();
    let mut buffer = vec![0; CHUNK_BYTES];
    for position in 0..zip.entries().len() {
        let may_be_missing_photo = |entry: &Entry| {
            matches!(entry.role, Role::File | Role::Junk)
                && sizes.contains(&entry.unpacked)
                && !listed.contains(&*entry.name)
        };
        let Some(entry) = zip.entries().get(position).filter(|entry| may_be_missing_photo(entry)) else {
            continue;
        };
        let size = entry.unpacked;
        let digest = sha256(zip, position, &mut buffer, progress)?;
        if let Some(path) = missing.get_mut(&(size, digest)).and_then(Vec::pop) {
            zip.rename(position, path);
        }
    }
    Ok(())
}

/// Checks that each listed entry, and each copy of it, has the digest in the manifest. They are read in file order.
pub(super) fn check(zip: &mut Zip, manifest: &Manifest, progress: &ByteCount<'_>) -> Result<(), VerifyError> {
    zip.check_ignored()?;
    let listed: HashMap<&str, &str> =
        manifest.entries.iter().map(|entry| (entry.path.as_str(), entry.sha256.as_str())).collect();
    let mut buffer = vec![0; CHUNK_BYTES];
    for position in 0..zip.entries().len() {
        let Some(entry) = zip.entries().get(position).filter(|entry| entry.role != Role::Folder) else {
            continue;
        };
        let Some(expected) = listed.get(&*entry.name) else {
            // The manifest and the signatures are checked elsewhere; here only their copies are compared.
            if let Role::CopyOf(first) = entry.role {
                compare(zip, first, position, &mut buffer, progress)?;
            }
            continue;
        };
        let (path, is_copy) = (entry.name.to_string(), matches!(entry.role, Role::CopyOf(_)));
        if sha256(zip, position, &mut buffer, progress)? != *expected {
            return Err(if is_copy {
                ZipError::Duplicate { name: path }.into()
            } else {
                VerifyError::EntryDigest { path }
            });
        }
    }
    Ok(())
}

/// Checks that each entry of a ZIP without listed digests is intact, and that its copies are identical.
pub(super) fn check_whole(zip: &mut Zip, progress: &ByteCount<'_>) -> Result<(), VerifyError> {
    zip.check_ignored()?;
    let mut buffer = vec![0; CHUNK_BYTES];
    for position in 0..zip.entries().len() {
        match zip.entries().get(position).map(|entry| entry.role) {
            Some(Role::File) => drain(&mut zip.read(position)?, &mut buffer, progress, |_| {})?,
            Some(Role::CopyOf(first)) => compare(zip, first, position, &mut buffer, progress)?,
            Some(Role::Junk | Role::Folder) | None => {}
        }
    }
    Ok(())
}

/// Checks that two entries of one name have the same bytes; their equal checksums do not prove it.
fn compare(
    zip: &mut Zip,
    first: usize,
    second: usize,
    buffer: &mut [u8],
    progress: &ByteCount<'_>,
) -> Result<(), VerifyError> {
    if sha256(zip, first, buffer, progress)? == sha256(zip, second, buffer, progress)? {
        return Ok(());
    }
    let name = zip.entries().get(second).map_or_else(String::new, |entry| entry.name.to_string());
    Err(ZipError::Duplicate { name }.into())
}

fn sha256(
    zip: &mut Zip,
    position: usize,
    buffer: &mut [u8],
    progress: &ByteCount<'_>,
) -> Result<String, VerifyError> {
    let mut digest = Sha256::new();
    drain(&mut zip.read(position)?, buffer, progress, |bytes| digest.update(bytes))?;
    Ok(hex::encode(digest.finalize()))
}

fn drain(
    reader: &mut impl Read,
    buffer: &mut [u8],
    progress: &ByteCount<'_>,
    mut consume: impl FnMut(&[u8]),
) -> Result<(), VerifyError> {
    loop {
        let count = reader.read(buffer).map_err(VerifyError::from_io)?;
        if count == 0 {
            return Ok(());
        }
        consume(buffer.get(..count).unwrap_or_default());
        progress.add(count as u64);
    }
}
