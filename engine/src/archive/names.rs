//! Names inside an archive, and of the archive itself.

use sha2::{Digest as _, Sha256};

use crate::domain::{DiasporaId, Timestamp};

/// The diaspora* archive document, version 2.0.
pub const DOCUMENT: &str = "diaspora.json";
/// What the document has no place for.
pub const EXTRAS: &str = "extras.json";
/// Folder of the photos' originals, with its slash.
pub const PHOTOS: &str = "photos/";
/// First page of the part for people.
pub const INDEX: &str = "index.html";
/// Folder of the other pages, with its slash.
pub const VIEW: &str = "view/";
/// What is in the archive, with digests.
pub const MANIFEST: &str = "manifest.json";
/// Signature over the manifest's bytes by the account's own key.
pub const ACCOUNT_SIGNATURE: &str = "manifest.account.sig";
/// Signature over the manifest's bytes by the pod's archive key.
pub const POD_SIGNATURE: &str = "manifest.pod.sig";

/// The file name of an archive: `USERNAME@HOST-YYYYMMDDTHHMMSSZ.zip`.
///
/// A port's colon becomes an underscore: some systems have no colons in file names.
pub fn archive_file_name(account: &DiasporaId, created_at: Timestamp) -> String {
    format!("{}-{}.zip", file_stem(account.as_str()), created_at.compact())
}

/// Bytes that a file system leaves to a name from outside, when what programs put before and behind it is to fit too.
const MAX_STEM: usize = 160;

/// A diaspora* ID or a username as a part of a file name. File systems take 255 bytes; what is longer than usernames are
/// today is cut, with a digest of the whole in its place.
pub fn file_stem(name: &str) -> String {
    let name = name.replace([':', '/'], "_");
    if name.len() <= MAX_STEM {
        return name;
    }
    let digest = hex::encode(Sha256::digest(&name));
    let end = name.floor_char_boundary(MAX_STEM - 17);
    format!("{}_{}", name.get(..end).unwrap_or_default(), digest.get(..16).unwrap_or_default())
}
