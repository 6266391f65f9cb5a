//! What checking signatures found.

use crate::domain::{DiasporaId, Guid};

/// What is known about one relayable's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SignatureCheck {
    /// Its author signed it.
    Good,
    /// No known key of its author made the signature.
    Bad,
    /// The signature leaves out what the record is about.
    Incomplete,
    /// No usable key of its author is known.
    UnknownKey,
    /// There is no signature.
    Unsigned,
    /// It is the account's own, which needs none here.
    NotNeeded,
    /// The record cannot be read.
    Unreadable,
}

impl SignatureCheck {
    /// The stable name, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Incomplete => "incomplete",
            Self::UnknownKey => "unknown_key",
            Self::Unsigned => "unsigned",
            Self::NotNeeded => "not_needed",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A relayable that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offender {
    /// The list it stands in, such as `others_data.relayables`.
    pub list: &'static str,
    /// Where it stands there; the first is 0.
    pub index: u64,
    /// Why it does not count.
    pub verdict: SignatureCheck,
    /// Its GUID and its author, as far as they could be read.
    pub record: Option<(Guid, DiasporaId)>,
}

/// What checking all signatures of an archive found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignatureReport {
    /// Signed by their authors.
    pub good: u64,
    /// Signed by nobody we know as the author.
    pub bad: u64,
    /// Signed, but not for what they are about.
    pub incomplete: u64,
    /// Signed by people whose key is not known, or not usable.
    pub unknown_key: u64,
    /// Without a signature.
    pub unsigned: u64,
    /// The account's own.
    pub not_needed: u64,
    /// Not readable as relayables.
    pub unreadable: u64,
    /// How many keys were known.
    pub keys: u64,
    /// How many keys there was no room for; records by their owners count as `unknown_key`.
    pub keys_left_out: u64,
    /// The first of those that do not count, in the archive's order.
    pub offenders: Vec<Offender>,
}

impl SignatureReport {
    /// Offenders that are kept.
    pub const MOST_OFFENDERS: usize = 1000;

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

    pub(super) fn offend(&mut self, offender: Offender) {
        if self.offenders.len() < Self::MOST_OFFENDERS {
            self.offenders.push(offender);
        }
    }

    /// Adds what another thread or round found.
    pub(super) fn merge(&mut self, other: Self) {
        self.good += other.good;
        self.bad += other.bad;
        self.incomplete += other.incomplete;
        self.unknown_key += other.unknown_key;
        self.unsigned += other.unsigned;
        self.not_needed += other.not_needed;
        self.unreadable += other.unreadable;
        self.offenders.extend(other.offenders);
        self.offenders.sort_by_key(|offender| (offender.list, offender.index));
        self.offenders.truncate(Self::MOST_OFFENDERS);
    }
}
