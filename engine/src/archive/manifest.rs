//! `manifest.json`: what an archive holds, byte for byte.

pub use crate::domain::CountKind;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{DiasporaId, Guid, KeyFingerprint, Omission, OmissionCode, Timestamp};

/// The value of [`Manifest::format`].
pub const FORMAT: &str = "pappus/1";

/// What an archive holds. The two signature files sign exactly the bytes this was written as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always `pappus/1`.
    pub format: String,
    /// When the archive was made.
    pub created_at: Timestamp,
    /// Program and version that made it.
    pub created_by: String,
    /// Whose account it is.
    pub account: AccountEntry,
    /// Where it lived.
    pub pod: PodEntry,
    /// How many records of each kind are inside.
    pub counts: BTreeMap<CountKind, u64>,
    /// What was left out, each with its reason.
    pub omissions: Vec<Omission>,
    /// How many more were left out, by their reasons: above some number they are counted only. Absent when all are listed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub more_omissions: BTreeMap<OmissionCode, u64>,
    /// The archives this one was put together from, the oldest first; absent for one that a pod gave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_from: Vec<MergedArchive>,
    /// Every other file in the archive but the signatures, in the order they were written.
    pub entries: Vec<FileEntry>,
}

impl Manifest {
    /// How many records or parts of records were left out, listed or not.
    pub fn omission_count(&self) -> u64 {
        self.omissions.len() as u64 + self.more_omissions.values().sum::<u64>()
    }
}

/// An archive that went into another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergedArchive {
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: String,
    /// The time whose state of the account it shows.
    pub created_at: Timestamp,
}

/// The account of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountEntry {
    /// Its diaspora* ID.
    pub diaspora_id: DiasporaId,
    /// The person's name in the network.
    pub guid: Guid,
    /// Fingerprint of its key; absent when the pod had no readable key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_fingerprint: Option<KeyFingerprint>,
    /// Its public key, PEM. The same as in the account's hCard, which is where to get it from when the
    /// old pod still answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// How the private key lies in `diaspora.json`.
    pub private_key: PrivateKeyState,
}

/// How the private key lies in `diaspora.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrivateKeyState {
    /// As the pod had it.
    Plain,
    /// Under a passphrase, PKCS#8.
    Encrypted,
    /// Not at all.
    Absent,
}

/// The pod an archive was made on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodEntry {
    /// Its base address.
    pub url: String,
    /// The host in the account's diaspora* ID, when `url` gives another one: the pod has changed its address since the
    /// account was made. Absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_host: Option<String>,
    /// Its software, as far as its tables tell.
    pub software: String,
    /// Its newest database migration.
    pub schema_version: String,
    /// Public half of the pod's archive key, PEM. Trust it only if the pod published the same.
    pub archive_key: String,
}

/// A file in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name in the archive.
    pub path: String,
    /// Bytes, unpacked.
    pub size: u64,
    /// SHA-256 of the unpacked bytes, 64 hexadecimal digits.
    pub sha256: String,
}
