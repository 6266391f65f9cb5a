//! Results of checking signatures.

use crate::archive::lists::List;
use crate::domain::{DiasporaId, Guid};

/// The result of checking one relayable's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum SignatureCheck {
    /// The author signed it.
    Good,
    /// The signature matches no known key of its author.
    Bad,
    /// The signature does not cover essential fields of the record.
    Incomplete,
    /// No usable key of its author is known.
    UnknownKey,
    /// The signature is missing.
    Unsigned,
    /// The record is the account's own, which needs no signature.
    NotNeeded,
    /// The record cannot be read.
    Unreadable,
}

impl SignatureCheck {
    /// Returns the stable name, for programs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A relayable that was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRecord {
    /// The list that contains it.
    pub list: List,
    /// Its index in the list; the first is 0.
    pub index: u64,
    /// The reason for rejection.
    pub verdict: SignatureCheck,
    /// Its GUID and its author, if readable.
    pub record: Option<(Guid, DiasporaId)>,
}

/// The result of checking all signatures of an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignatureReport {
    /// The number of records signed by their authors.
    pub good: u64,
    /// The number of records whose signatures match no known key of their authors.
    pub bad: u64,
    /// The number of records whose signatures do not cover all essential fields.
    pub incomplete: u64,
    /// The number of records signed by authors without a known, usable key.
    pub unknown_key: u64,
    /// The number of records without a signature.
    pub unsigned: u64,
    /// The number of the account's own records, which need no signature.
    pub not_needed: u64,
    /// The number of records that cannot be read as relayables.
    pub unreadable: u64,
    /// The number of known keys.
    pub keys: u64,
    /// The number of keys that exceeded the limit and were not used.
    pub keys_left_out: u64,
    /// The first rejected records in the archive's order, up to [`MAX_REJECTED`](Self::MAX_REJECTED).
    pub rejected: Vec<RejectedRecord>,
}

impl SignatureReport {
    /// The maximum number of rejected records in a report.
    pub const MAX_REJECTED: usize = 1000;

    pub(super) fn count(&mut self, verdict: SignatureCheck) {
        *match verdict {
            SignatureCheck::Good => &mut self.good,
            SignatureCheck::Bad => &mut self.bad,
            SignatureCheck::Incomplete => &mut self.incomplete,
            SignatureCheck::UnknownKey => &mut self.unknown_key,
            SignatureCheck::Unsigned => &mut self.unsigned,
            SignatureCheck::NotNeeded => &mut self.not_needed,
            SignatureCheck::Unreadable => &mut self.unreadable,
        } += 1;
    }

    pub(super) fn add_rejected(&mut self, record: RejectedRecord) {
        if self.rejected.len() < Self::MAX_REJECTED {
            self.rejected.push(record);
        }
    }

    /// Adds the results of another thread or of another pass over the archive.
    pub(super) fn merge(&mut self, other: Self) {
        self.good += other.good;
        self.bad += other.bad;
        self.incomplete += other.incomplete;
        self.unknown_key += other.unknown_key;
        self.unsigned += other.unsigned;
        self.not_needed += other.not_needed;
        self.unreadable += other.unreadable;
        self.rejected.extend(other.rejected);
        self.rejected.sort_by_key(|record| (record.list, record.index));
        self.rejected.truncate(Self::MAX_REJECTED);
    }
}
