//! `manifest.json`: the list of an archive's contents, with digests.

pub use crate::domain::CountKind;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{DiasporaId, Guid, KeyFingerprint, Omission, OmissionCode, Timestamp};

/// The value of [`Manifest::format`].
pub const FORMAT: &str = "pappus/1";

/// The list of an archive's contents. The two signature files sign exactly the bytes of this file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always `pappus/1`.
    pub format: String,
    /// The time at which the archive was created.
    pub created_at: Timestamp,
    /// The program, with version, that created it.
    pub created_by: String,
    /// The account.
    pub account: AccountEntry,
    /// The pod of the account.
    pub pod: PodEntry,
    /// The number of records of each kind.
    pub counts: BTreeMap<CountKind, u64>,
    /// The omissions, each with its reason.
    pub omissions: Vec<Omission>,
    /// The number of further omissions by reason: above a limit they are counted only. Absent if all are listed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub more_omissions: BTreeMap<OmissionCode, u64>,
    /// The archives that were merged into this one, the oldest first; absent for one exported by a pod.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_from: Vec<MergedArchive>,
    /// All other files in the archive except the signatures, in the order in which they were written.
    pub entries: Vec<FileEntry>,
}

impl Manifest {
    /// Returns the number of omitted records or parts of records, listed or not.
    pub fn omission_count(&self) -> u64 {
        self.omissions.len() as u64 + self.more_omissions.values().sum::<u64>()
    }
}

/// An archive that was merged into another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergedArchive {
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: String,
    /// The time of the account's state in it.
    pub created_at: Timestamp,
}

/// The account of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountEntry {
    /// The account's diaspora* ID.
    pub diaspora_id: DiasporaId,
    /// The person's GUID.
    pub guid: Guid,
    /// Fingerprint of its key; absent if the pod had no readable key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_fingerprint: Option<KeyFingerprint>,
    /// Its public key, PEM. The same as in the account's hCard; get it from there if the old pod still responds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// The form of the private key in `diaspora.json`.
    pub private_key: PrivateKeyState,
}

/// The form of the private key in `diaspora.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrivateKeyState {
    /// In plain text, as on the pod.
    Plain,
    /// Encrypted with a passphrase, PKCS#8.
    Encrypted,
    /// Absent.
    Absent,
}

/// The pod that an archive was exported from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodEntry {
    /// Its base address.
    pub url: String,
    /// The host in the account's diaspora* ID, if it differs from `url`: the pod has changed its address since the
    /// account was created. Absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_host: Option<String>,
    /// Its software, as far as its tables reveal.
    pub software: String,
    /// The version of its newest database migration.
    pub schema_version: String,
    /// The pod's public archive key, PEM. Trust it only if the pod published the same.
    pub archive_key: String,
}

/// A file in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its path in the archive.
    pub path: String,
    /// Its unpacked size in bytes.
    pub size: u64,
    /// SHA-256 of the unpacked bytes, 64 hexadecimal digits.
    pub sha256: String,
}
