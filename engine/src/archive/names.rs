//! Names of an archive and of its entries.

use sha2::{Digest as _, Sha256};

use crate::domain::{DiasporaId, Timestamp};

/// The diaspora* archive document, version 2.0.
pub const DOCUMENT: &str = "diaspora.json";
/// Data that the document cannot contain.
pub const EXTRAS: &str = "extras.json";
/// Folder of the photos' originals, with its slash.
pub const PHOTOS: &str = "photos/";
/// The first of the HTML pages.
pub const INDEX: &str = "index.html";
/// Folder of the other pages, with its slash.
pub const VIEW: &str = "view/";
/// The list of the archive's contents, with digests.
pub const MANIFEST: &str = "manifest.json";
/// Signature over the manifest's bytes by the account's own key.
pub const ACCOUNT_SIGNATURE: &str = "manifest.account.sig";
/// Signature over the manifest's bytes by the pod's archive key.
pub const POD_SIGNATURE: &str = "manifest.pod.sig";

/// Returns the file name of an archive: `USERNAME@HOST-YYYYMMDDTHHMMSSZ.zip`.
///
/// A port's colon becomes an underscore: some systems forbid colons in file names.
pub fn archive_file_name(account: &DiasporaId, created_at: Timestamp) -> String {
    format!("{}-{}.zip", file_stem(account.as_str()), created_at.compact())
}

/// The most bytes of a username or ID in a file name; leaves space for the prefixes and suffixes that programs add.
const MAX_STEM_BYTES: usize = 160;

/// Returns a diaspora* ID or username for use in a file name. File systems allow 255 bytes, so names longer than 160
/// bytes, which today's pods do not create, are truncated, and a digest of the whole name is appended.
pub fn file_stem(name: &str) -> String {
    let name = name.replace([':', '/'], "_");
    if name.len() <= MAX_STEM_BYTES {
        return name;
    }
    let digest = hex::encode(Sha256::digest(&name));
    let end = name.floor_char_boundary(MAX_STEM_BYTES - 17);
    format!("{}_{}", name.get(..end).unwrap_or_default(), digest.get(..16).unwrap_or_default())
}
