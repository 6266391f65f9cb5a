//! What a verification found.

use std::collections::BTreeMap;

use crate::archive::manifest::CountKind;
use crate::domain::{DiasporaId, KeyFingerprint};

/// What a verification found.
#[derive(Debug, Clone)]
pub struct Verification {
    /// Where the archive comes from, and who vouches for it.
    pub origin: Origin,
    /// Whose account it is; unknown when a stock archive's profile cannot be read.
    pub account: Option<DiasporaId>,
    /// Records by kind, as they were found in the document and in `extras.json`.
    pub counts: BTreeMap<CountKind, u64>,
    /// What is to be said about it.
    pub findings: Findings,
    /// Whether a stock pod takes the file as it is. One that was packed anew it may not: its ZIP reader takes the first
    /// `.json` and refuses sizes behind the data.
    pub for_stock_pods: bool,
}

/// Where an archive comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Our format: every byte is listed and signed.
    Pappus {
        /// What the account itself says.
        account: AccountSignature,
        /// The archive key that signed. It means something only if the pod is known to use it.
        pod: KeyFingerprint,
    },
    /// What a stock pod wrote: nobody vouches for it.
    Stock,
}

/// What the account itself says about an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountSignature {
    /// It signed.
    Good {
        /// With this key.
        fingerprint: KeyFingerprint,
        /// Where the key was taken from.
        key: KeyOrigin,
    },
    /// It has no private key, so it could not sign.
    Absent,
}

/// Where the key came from with which the account's signature was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOrigin {
    /// It is the public half of the private key in the document: whoever made the archive had that key.
    PrivateKey,
    /// The private key is under a passphrase, so the manifest's own word was taken: the signature shows only
    /// that the archive is unchanged. Compare the fingerprint with the one the old pod publishes.
    Manifest,
}

/// Something to be said about an archive that is no reason to refuse it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its kind.
    pub code: FindingCode,
    /// Where, such as `user.posts[12]`; empty for the whole archive.
    pub place: String,
    /// What it means, in a sentence.
    pub message: String,
}

/// Kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FindingCode {
    /// Nobody vouches for a stock archive.
    Unsigned,
    /// The account could not sign.
    NoAccountSignature,
    /// The account's key was taken from the manifest.
    KeyFromManifest,
    /// A record of a stock archive that cannot be read.
    UnreadableRecord,
    /// A value of a stock archive that cannot be read; the record around it can.
    ValueLeftOut,
    /// A field that an archive should have.
    MissingField,
    /// Two different photos of a stock archive have one name.
    PhotoNamedTwice,
    /// A ZIP within a stock archive's ZIP.
    NestedZip,
    /// Parts of a stock archive that speak of different accounts.
    AccountMismatch,
}

impl FindingCode {
    /// The stable name, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::NoAccountSignature => "no_account_signature",
            Self::KeyFromManifest => "key_from_manifest",
            Self::UnreadableRecord => "unreadable_record",
            Self::ValueLeftOut => "value_left_out",
            Self::MissingField => "missing_field",
            Self::PhotoNamedTwice => "photo_named_twice",
            Self::NestedZip => "nested_zip",
            Self::AccountMismatch => "account_mismatch",
        }
    }
}

/// Findings, counted all and kept up to a number: a stranger's archive may give rise to any number.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    kept: Vec<Finding>,
    counts: BTreeMap<FindingCode, u64>,
}

impl Findings {
    const MOST: usize = 500;

    pub(super) fn add(&mut self, code: FindingCode, place: String, message: String) {
        *self.counts.entry(code).or_default() += 1;
        if self.kept.len() < Self::MOST {
            self.kept.push(Finding { code, place, message });
        }
    }

    /// The first 500.
    pub fn list(&self) -> &[Finding] {
        &self.kept
    }

    /// How many of each kind there are, kept or not.
    pub fn counts(&self) -> &BTreeMap<FindingCode, u64> {
        &self.counts
    }
}
