//! Reads `manifest.json` and compares its list with the archive's entries.

use std::collections::HashMap;

use serde::Deserialize;

use super::VerifyError;
use super::zip::{Entry, Role, Zip};
use crate::archive::document::shortened;
use crate::archive::limits::Limits;
use crate::archive::manifest::{FORMAT, Manifest};
use crate::archive::names;

/// The entries that the manifest does not list, in their order at the end of the archive.
const UNLISTED_ENTRIES: [&str; 3] = [names::MANIFEST, names::ACCOUNT_SIGNATURE, names::POD_SIGNATURE];

/// The part of a manifest that is read before its format is known.
#[derive(Deserialize)]
struct Head {
    format: String,
}

/// Reads the manifest; also returns the exact bytes that were signed.
pub(super) fn read(zip: &mut Zip, limits: &Limits) -> Result<(Manifest, Vec<u8>), VerifyError> {
    let position = zip.position(names::MANIFEST).ok_or(VerifyError::ManifestMissing)?;
    let limit = limits.manifest_bytes;
    let bytes = zip.read_whole(position, limit)?.ok_or(VerifyError::ManifestTooLarge { limit })?;
    let invalid =
        |error: serde_json::Error| VerifyError::ManifestInvalid { problem: shortened(&error.to_string()) };
    let head: Head = serde_json::from_slice(&bytes).map_err(invalid)?;
    if head.format != FORMAT {
        return Err(VerifyError::UnknownFormat { found: shortened(&head.format) });
    }
    Ok((serde_json::from_slice(&bytes).map_err(invalid)?, bytes))
}

/// Checks that the archive contains exactly the listed entries. Their order and compression do not matter, because the
/// archive may have been repacked.
pub(super) fn check_entries(zip: &Zip, manifest: &Manifest) -> Result<(), VerifyError> {
    let mut listed = HashMap::with_capacity(manifest.entries.len());
    for entry in &manifest.entries {
        let path = || entry.path.clone();
        if !is_allowed_path(&entry.path) {
            return Err(VerifyError::EntryUnexpected { path: path() });
        }
        if listed.insert(entry.path.as_str(), entry.size).is_some() {
            return Err(VerifyError::EntryListedTwice { path: path() });
        }
    }
    for entry in zip.entries().iter().filter(|entry| !UNLISTED_ENTRIES.contains(&&*entry.name)) {
        let is_relevant = match entry.role {
            Role::File => true,
            // System files need not be listed, but may be.
            Role::Junk => listed.contains_key(&*entry.name),
            Role::CopyOf(_) | Role::Folder => false,
        };
        if !is_relevant {
            continue;
        }
        let path = || entry.name.to_string();
        let listed =
            listed.remove(&*entry.name).ok_or_else(|| VerifyError::EntryNotListed { path: path() })?;
        if listed != entry.unpacked {
            return Err(VerifyError::EntrySize { path: path(), listed, found: entry.unpacked });
        }
    }
    // In the manifest's order, so that the error is deterministic.
    if let Some(missing) = manifest.entries.iter().find(|entry| listed.contains_key(entry.path.as_str())) {
        return Err(VerifyError::EntryMissing { path: missing.path.clone() });
    }
    match zip.position(names::DOCUMENT) {
        Some(_) => Ok(()),
        None => Err(VerifyError::EntryMissing { path: names::DOCUMENT.to_owned() }),
    }
}

/// Returns whether a stock pod can read the document: its ZIP reader takes the first `.json` from the beginning, and
/// refuses data descriptors.
pub(super) fn is_for_stock_pods(zip: &Zip) -> bool {
    let is_json = |entry: &&Entry| entry.role != Role::Folder && entry.name.ends_with(".json");
    let first = zip.entries().iter().find(is_json);
    let is_sequential =
        zip.entries().iter().take_while(|entry| !is_json(entry)).all(|entry| !entry.has_descriptor());
    is_sequential && first.is_some_and(|entry| &*entry.name == names::DOCUMENT && !entry.has_descriptor())
}

/// Returns whether the format allows an entry of this name. The photos' folder has no subfolders.
fn is_allowed_path(path: &str) -> bool {
    [names::DOCUMENT, names::EXTRAS, names::INDEX].contains(&path)
        || path.strip_prefix(names::PHOTOS).is_some_and(|name| !name.is_empty() && !name.contains('/'))
        || path.strip_prefix(names::VIEW).is_some_and(|name| !name.is_empty())
}
