//! `manifest.json`: what it is, and whether it lists exactly what is there.

use std::collections::HashMap;

use serde::Deserialize;

use super::VerifyError;
use super::zip::{Zip, ZipError};
use crate::archive::document::shortened;
use crate::archive::limits::Limits;
use crate::archive::manifest::{FORMAT, Manifest};
use crate::archive::names;

/// Entries the manifest does not list, in the order they end the archive.
const UNLISTED: [&str; 3] = [names::MANIFEST, names::ACCOUNT_SIGNATURE, names::POD_SIGNATURE];

/// Only this much is read of a manifest before its format is known.
#[derive(Deserialize)]
struct Head {
    format: String,
}

/// Reads the manifest, and the exact bytes that were signed.
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

/// The archive must hold exactly what the manifest lists, in its order, and the manifest after it.
pub(super) fn check_entries(zip: &Zip, manifest: &Manifest) -> Result<(), VerifyError> {
    let mut listed = HashMap::with_capacity(manifest.entries.len());
    for entry in &manifest.entries {
        let path = || entry.path.clone();
        if !has_place(&entry.path) {
            return Err(VerifyError::EntryUnexpected { path: path() });
        }
        if listed.insert(entry.path.as_str(), entry.size).is_some() {
            return Err(VerifyError::EntryListedTwice { path: path() });
        }
    }
    for entry in zip.entries().iter().filter(|entry| !UNLISTED.contains(&&*entry.name)) {
        let path = || entry.name.to_string();
        let listed =
            listed.remove(&*entry.name).ok_or_else(|| VerifyError::EntryNotListed { path: path() })?;
        if listed != entry.unpacked {
            return Err(VerifyError::EntrySize { path: path(), listed, found: entry.unpacked });
        }
    }
    // In the manifest's order, so that the same archive always gives the same error.
    if let Some(missing) = manifest.entries.iter().find(|entry| listed.contains_key(entry.path.as_str())) {
        return Err(VerifyError::EntryMissing { path: missing.path.clone() });
    }
    check_order(zip, manifest)
}

fn check_order(zip: &Zip, manifest: &Manifest) -> Result<(), VerifyError> {
    let first = zip.entries().first().ok_or(VerifyError::ManifestMissing)?;
    if &*first.name != names::DOCUMENT {
        let path = names::DOCUMENT.to_owned();
        return Err(match zip.position(names::DOCUMENT) {
            None => VerifyError::EntryMissing { path },
            Some(_) => VerifyError::EntryOutOfOrder { path },
        });
    }
    // Stock pods read the local headers one after another.
    if first.has_descriptor() {
        return Err(ZipError::DataDescriptor { name: first.name.to_string() }.into());
    }
    let listed = manifest.entries.iter().map(|entry| entry.path.as_str());
    let last = UNLISTED.into_iter().filter(|name| zip.position(name).is_some());
    for (entry, expected) in zip.entries().iter().zip(listed.chain(last)) {
        if &*entry.name != expected {
            return Err(VerifyError::EntryOutOfOrder { path: expected.to_owned() });
        }
    }
    Ok(())
}

/// Whether the format has a place for an entry of this name. Photos lie flat in their folder.
fn has_place(path: &str) -> bool {
    [names::DOCUMENT, names::EXTRAS, names::INDEX].contains(&path)
        || path.strip_prefix(names::PHOTOS).is_some_and(|name| !name.is_empty() && !name.contains('/'))
        || path.strip_prefix(names::VIEW).is_some_and(|name| !name.is_empty())
}
