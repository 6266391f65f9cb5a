//! Summary of a plan or an import, stored with the newcomer as JSON, for the pages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::archive::manifest::CountKind;
use crate::import::{FindingCode, Imported, Subject, Tally};

/// Maximum number of groups of findings.
const MAX_GROUPS: usize = 100;

/// Summary of a plan or an import.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PlanSummary {
    /// An available username.
    pub suggestion: String,
    /// Counts by kind of record.
    pub kinds: BTreeMap<CountKind, Tally>,
    /// The findings, grouped, with their numbers of records.
    pub findings: Vec<Group>,
    /// Number of other people's posts imported.
    pub fetched_posts: u64,
    /// Estimated duration in seconds.
    pub seconds: u64,
    /// Size of the photos in bytes.
    pub photo_bytes: u64,
    /// True if there is enough space for them.
    pub fits: bool,
    /// True if the archive has no usable signing key, so that other pods would reject the move.
    #[serde(default)]
    pub no_key: bool,
    /// The e-mail address in the archive, encrypted.
    #[serde(default)]
    pub email: Option<String>,
    /// The key in the archive if it is under a passphrase, additionally encrypted with the key of the store.
    #[serde(default)]
    pub locked_key: Option<String>,
}

/// A finding about several records.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// The finding.
    pub code: FindingCode,
    /// The kind of the records.
    pub kind: Subject,
    /// Their number.
    pub count: u64,
    /// The first of them.
    pub first: String,
}

impl PlanSummary {
    /// Summarizes a plan or an import.
    pub fn of(imported: &Imported) -> Self {
        let mut groups: BTreeMap<(FindingCode, Subject), (u64, &str)> = BTreeMap::new();
        for finding in &imported.report.findings {
            groups.entry((finding.code, finding.kind)).or_insert((0, &finding.record)).0 += 1;
        }
        let group = |((code, kind), (count, first)): (_, (u64, &str))| Group {
            code,
            kind,
            count,
            first: first.chars().take(200).collect(),
        };
        Self {
            suggestion: imported.new.username().to_owned(),
            kinds: imported.report.kinds.clone(),
            findings: groups.into_iter().take(MAX_GROUPS).map(group).collect(),
            fetched_posts: imported.report.fetched_posts,
            seconds: imported.needs.seconds,
            photo_bytes: imported.needs.photo_bytes,
            fits: imported.needs.fits(),
            no_key: false,
            email: None,
            locked_key: None,
        }
    }

    /// Adds or removes the finding that nothing proves the ownership of the account.
    pub(super) fn set_unproven(&mut self, is_unproven: bool, account: &str) {
        self.findings.retain(|group| group.code != FindingCode::Unproven);
        if is_unproven {
            let (code, kind) = (FindingCode::Unproven, Subject::Account);
            self.findings.push(Group { code, kind, count: 1, first: account.to_owned() });
            self.findings.sort_by_key(|group| (group.code, group.kind));
        }
    }

    /// Serializes the summary for the store.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Returns a stored summary without the key, for moves in which its passphrase is not needed any more.
    pub fn without_key(text: Option<&str>) -> Option<String> {
        let text = text?;
        let summary = Self::read(Some(text));
        Some(summary.map_or_else(|| text.to_owned(), |plan| Self { locked_key: None, ..plan }.text()))
    }

    /// Parses a stored summary; `None` if there is none or it is not valid.
    pub fn read(text: Option<&str>) -> Option<Self> {
        text.and_then(|text| serde_json::from_str(text).ok())
    }
}
