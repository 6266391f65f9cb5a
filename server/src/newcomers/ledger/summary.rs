//! Summary of a plan or an import, stored with the newcomer as JSON, for the pages.

use std::collections::BTreeMap;

use pappus_engine::archive::manifest::CountKind;
use pappus_engine::import::{FindingCode, Imported, Tally};
use serde::{Deserialize, Serialize};

/// Maximum number of groups of findings.
const GROUPS: usize = 100;

/// Summary of a plan or an import.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(in crate::newcomers) struct PlanSummary {
    /// An available username.
    pub(in crate::newcomers) suggestion: String,
    /// Counts by kind of record.
    pub(in crate::newcomers) kinds: BTreeMap<CountKind, Tally>,
    /// The findings and their numbers.
    pub(in crate::newcomers) findings: Vec<Group>,
    /// Number of other people's posts imported.
    pub(in crate::newcomers) fetched_posts: u64,
    /// Estimated duration in seconds.
    pub(in crate::newcomers) seconds: u64,
    /// Size of the photos in bytes.
    pub(in crate::newcomers) photo_bytes: u64,
    /// True if there is enough space for them.
    pub(in crate::newcomers) fits: bool,
    /// True if the archive has no usable signing key, so that other pods would reject the move.
    #[serde(default)]
    pub(in crate::newcomers) no_key: bool,
    /// The e-mail address in the archive, encrypted.
    #[serde(default)]
    pub(in crate::newcomers) email: Option<String>,
}

/// A finding about several records.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::newcomers) struct Group {
    pub(in crate::newcomers) code: FindingCode,
    pub(in crate::newcomers) kind: CountKind,
    pub(in crate::newcomers) count: u64,
    /// The first of them.
    pub(in crate::newcomers) first: String,
}

impl PlanSummary {
    /// Summarizes a plan or an import.
    pub(in crate::newcomers) fn of(imported: &Imported) -> Self {
        let mut groups: BTreeMap<(FindingCode, CountKind), (u64, &str)> = BTreeMap::new();
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
            findings: groups.into_iter().take(GROUPS).map(group).collect(),
            fetched_posts: imported.report.fetched_posts,
            seconds: imported.needs.seconds,
            photo_bytes: imported.needs.photo_bytes,
            fits: imported.needs.fits(),
            no_key: false,
            email: None,
        }
    }

    /// Serializes the summary for the store.
    pub(in crate::newcomers) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a stored summary.
    pub(in crate::newcomers) fn read(text: Option<&str>) -> Option<Self> {
        text.and_then(|text| serde_json::from_str(text).ok())
    }
}
