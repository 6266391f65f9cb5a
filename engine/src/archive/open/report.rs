//! Results of a verification.

use std::collections::BTreeMap;

use crate::archive::manifest::CountKind;
use crate::domain::{DiasporaId, KeyFingerprint};

/// The result of a verification.
#[derive(Debug, Clone)]
pub struct Verification {
    /// The archive's origin and signatures.
    pub origin: Origin,
    /// The account; unknown if a stock archive's profile cannot be read.
    pub account: Option<DiasporaId>,
    /// The number of records by kind in the document and in `extras.json`.
    pub counts: BTreeMap<CountKind, u64>,
    /// Problems that do not invalidate the archive.
    pub findings: Findings,
    /// True if a stock pod accepts the file unchanged. It may refuse a repacked one: its ZIP reader takes the first
    /// `.json` and refuses data descriptors.
    pub for_stock_pods: bool,
}

/// The origin of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Pappus: every byte is listed and signed.
    Pappus {
        /// The account's own signature.
        account: AccountSignature,
        /// The archive key that signed it; meaningful only if the pod is known to use it.
        pod: KeyFingerprint,
    },
    /// A stock pod: not signed.
    Stock,
}

/// The state of the account's own signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountSignature {
    /// The account signed it.
    Good {
        /// The key's fingerprint.
        fingerprint: KeyFingerprint,
        /// The source of the key.
        key: KeyOrigin,
    },
    /// The account has no private key, so it could not sign.
    Absent,
}

/// The source of the key that the account's signature was checked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOrigin {
    /// The public half of the private key in the document: the archive's creator had that key.
    PrivateKey,
    /// The manifest, as the private key is encrypted: the signature only shows that the archive is unchanged. Compare
    /// the fingerprint with the one the old pod publishes.
    Manifest,
}

/// A problem of an archive that does not make it invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The kind of finding.
    pub code: FindingCode,
    /// The location, such as `user.posts[12]`; empty for the whole archive.
    pub place: String,
    /// A description, in one sentence.
    pub message: String,
}

/// Kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum FindingCode {
    /// A stock archive, which is not signed.
    Unsigned,
    /// The account has no key to sign with.
    NoAccountSignature,
    /// The account's key was taken from the manifest.
    KeyFromManifest,
    /// A record of a stock archive that cannot be read.
    UnreadableRecord,
    /// A value of a stock archive that cannot be read, in a readable record.
    ValueLeftOut,
    /// A missing field that an archive should have.
    MissingField,
    /// Other people's posts in a stock archive.
    OthersPosts,
    /// Two different photos of a stock archive with the same name.
    PhotoNamedTwice,
    /// A ZIP within a stock archive's ZIP.
    NestedZip,
    /// Parts of a stock archive that belong to different accounts.
    AccountMismatch,
}

impl FindingCode {
    /// Returns the stable name, for programs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The findings of a verification. All are counted, but only the first ones are listed, because an untrusted archive
/// may cause any number.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    list: Vec<Finding>,
    counts: BTreeMap<FindingCode, u64>,
}

impl Findings {
    const MAX_LISTED: usize = 500;

    pub(super) fn add(&mut self, code: FindingCode, place: String, message: String) {
        *self.counts.entry(code).or_default() += 1;
        if self.list.len() < Self::MAX_LISTED {
            self.list.push(Finding { code, place, message });
        }
    }

    /// Returns the first 500 findings.
    pub fn list(&self) -> &[Finding] {
        &self.list
    }

    /// Returns the number of each kind, listed or not.
    pub fn counts(&self) -> &BTreeMap<FindingCode, u64> {
        &self.counts
    }
}
