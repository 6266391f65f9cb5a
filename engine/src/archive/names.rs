//! Names inside an archive, and of the archive itself.

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
    format!("{}-{}.zip", account.as_str().replace(':', "_"), created_at.compact())
}
