//! What a check of stored archives finds.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::campaign::report::list::{ListHead, ListTotals};
use crate::campaign::report::list_reader::ListReadError;
use crate::depot::DepotError;
use crate::domain::KeyFingerprint;

/// Problems that are kept one by one; all are counted.
const MOST: usize = 1000;

/// What a check found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CampaignVerification {
    /// The lists that were checked.
    pub lists: Vec<ListVerification>,
    /// Problems of each kind.
    pub counts: BTreeMap<ProblemKind, u64>,
    /// The first thousand problems.
    pub problems: Vec<Problem>,
    /// Accounts whose archive is missing or damaged, by their diaspora* IDs: all of them.
    #[serde(skip)]
    pub lost: Vec<String>,
}

impl CampaignVerification {
    /// Whether a list has to be written anew.
    pub fn has_broken_list(&self) -> bool {
        [ProblemKind::List, ProblemKind::Signature].iter().any(|kind| self.counts.contains_key(kind))
    }

    /// Whether everything is as it was stored, and everybody has an archive.
    pub fn is_clean(&self) -> bool {
        self.counts.is_empty()
    }

    pub(in crate::campaign) fn add(&mut self, problem: Problem) {
        *self.counts.entry(problem.kind).or_default() += 1;
        if matches!(problem.kind, ProblemKind::Missing | ProblemKind::Damaged) {
            self.lost.extend(problem.account.clone());
        }
        if self.problems.len() < MOST {
            self.problems.push(problem);
        }
    }
}

/// One list.
#[derive(Debug, Clone, Serialize)]
pub struct ListVerification {
    /// The file it is in.
    pub file: String,
    /// What it says of the campaign.
    pub head: ListHead,
    /// The sums it gives, which are those of its accounts.
    pub totals: ListTotals,
    /// The key that signed it; nothing when it is not signed well.
    pub signed_by: Option<KeyFingerprint>,
    /// Archives whose every byte and signature is right.
    pub verified: u64,
    /// Encrypted archives whose bytes are right, and which nothing here opens.
    pub sealed: u64,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Its kind.
    pub kind: ProblemKind,
    /// Whose archive; nothing for what is of nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Which file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What is wrong, in a sentence.
    pub reason: String,
}

/// Kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// The list is missing or broken, or does not say what Pappus's own database says.
    List,
    /// The list is not signed, by its key or by the one that is known.
    Signature,
    /// An archive on the list is not there.
    Missing,
    /// An archive is not what was stored, or not what it should be.
    Damaged,
    /// An account has no archive.
    Incomplete,
    /// A file is on no list.
    Surplus,
    /// A file cannot be read now.
    Unreadable,
}

impl ProblemKind {
    /// The stable name, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Signature => "signature",
            Self::Missing => "missing",
            Self::Damaged => "damaged",
            Self::Incomplete => "incomplete",
            Self::Surplus => "surplus",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum CampaignVerifyError {
    /// There is no list.
    #[error("there is no list of a campaign (campaign.json) in {place}")]
    NoList {
        /// Where it was looked for.
        place: String,
    },
    /// There is no list of this campaign.
    #[error("there is no list of the campaign {name} in {place}; there are: {there}")]
    Unknown {
        /// Where it was looked for.
        place: String,
        /// The campaign.
        name: String,
        /// Names of those that have one.
        there: String,
    },
    /// A list cannot be read.
    #[error("{file} cannot be read: {source}")]
    List {
        /// The list.
        file: String,
        /// What is wrong with it.
        source: ListReadError,
    },
    /// The place cannot be used.
    #[error(transparent)]
    Depot(#[from] DepotError),
    /// The store cannot be read.
    #[error(transparent)]
    Campaign(#[from] crate::campaign::CampaignError),
    /// A file on this machine.
    #[error("a list cannot be looked at: {0}")]
    Io(#[from] std::io::Error),
}
