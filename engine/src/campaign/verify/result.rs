//! The results of a check of stored archives.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::campaign::report::list::{ListHead, ListTotals};
use crate::campaign::report::list_reader::ListReadError;
use crate::depot::DepotError;
use crate::domain::KeyFingerprint;

/// The maximum number of problems that are listed; all are counted.
const MAX_LISTED: usize = 1000;

/// The result of a check.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CampaignVerification {
    /// The lists that were checked.
    pub lists: Vec<ListVerification>,
    /// Problems of each kind.
    pub counts: BTreeMap<ProblemKind, u64>,
    /// The first thousand problems.
    pub problems: Vec<Problem>,
    /// All accounts whose archive is missing or damaged, by their diaspora* IDs.
    #[serde(skip)]
    pub lost: Vec<String>,
}

impl CampaignVerification {
    /// Returns whether a list has to be rewritten.
    pub fn has_broken_list(&self) -> bool {
        [ProblemKind::List, ProblemKind::Signature].iter().any(|kind| self.counts.contains_key(kind))
    }

    /// Returns whether everything is as it was stored, and every account has an archive.
    pub fn is_clean(&self) -> bool {
        self.counts.is_empty()
    }

    pub(in crate::campaign) fn add(&mut self, problem: Problem) {
        *self.counts.entry(problem.kind).or_default() += 1;
        if matches!(problem.kind, ProblemKind::Missing | ProblemKind::Damaged) {
            self.lost.extend(problem.account.clone());
        }
        if self.problems.len() < MAX_LISTED {
            self.problems.push(problem);
        }
    }
}

/// A checked list.
#[derive(Debug, Clone, Serialize)]
pub struct ListVerification {
    /// Its file.
    pub file: String,
    /// Its data on the whole campaign.
    pub head: ListHead,
    /// Its totals, which match its accounts.
    pub totals: ListTotals,
    /// The key that signed it; `None` without a valid signature.
    pub signed_by: Option<KeyFingerprint>,
    /// Archives whose bytes and signatures are all valid.
    pub verified: u64,
    /// Encrypted archives with the right bytes that cannot be decrypted here.
    pub sealed: u64,
}

/// A problem that a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Its kind.
    pub kind: ProblemKind,
    /// The account of the archive; `None` if it belongs to no account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// A description, as a sentence.
    pub reason: String,
}

/// Kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ProblemKind {
    /// The list is missing or broken, or differs from Pappus's own database.
    List,
    /// The list is not signed with its key, or its key is not the pod's.
    Signature,
    /// An archive on the list does not exist.
    Missing,
    /// An archive differs from the stored one, or is invalid.
    Damaged,
    /// An account has no archive.
    Incomplete,
    /// A file is on no list.
    Surplus,
    /// A file cannot be read at present.
    Unreadable,
}

impl ProblemKind {
    /// Returns the stable name, for programs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The reason nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum CampaignVerifyError {
    /// No list exists.
    #[error("there is no list of a campaign (campaign.json) in {location}")]
    NoList {
        /// The depot.
        location: String,
    },
    /// No list of this campaign exists.
    #[error("there is no list of the campaign {name} in {location}; there are: {existing}")]
    Unknown {
        /// The depot.
        location: String,
        /// The campaign.
        name: String,
        /// Names of the campaigns that have one.
        existing: String,
    },
    /// A list cannot be read.
    #[error("{file} cannot be read: {source}")]
    List {
        /// The list.
        file: String,
        /// The error in it.
        source: ListReadError,
    },
    /// The depot cannot be used.
    #[error(transparent)]
    Depot(#[from] DepotError),
    /// The store cannot be read.
    #[error(transparent)]
    Campaign(#[from] crate::campaign::CampaignError),
    /// A file on this machine cannot be used.
    #[error("a list cannot be read: {0}")]
    Io(#[from] std::io::Error),
}
