//! What a plan, or an import, comes to: kept with the newcomer as JSON, for the pages.

use std::collections::BTreeMap;

use pappus_engine::archive::manifest::CountKind;
use pappus_engine::import::{FindingCode, Imported, Tally};
use serde::{Deserialize, Serialize};

/// Groups of findings that are kept for the page.
const GROUPS: usize = 100;

/// What a plan, or an import, says on the page.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(in crate::newcomers) struct PlanSummary {
    /// A name that was free.
    pub(in crate::newcomers) suggestion: String,
    /// By kind of record.
    pub(in crate::newcomers) kinds: BTreeMap<CountKind, Tally>,
    /// What there is to say, and how often.
    pub(in crate::newcomers) findings: Vec<Group>,
    /// Posts of others that came along.
    pub(in crate::newcomers) fetched_posts: u64,
    /// Seconds it takes about.
    pub(in crate::newcomers) seconds: u64,
    /// Bytes that photos take.
    pub(in crate::newcomers) photo_bytes: u64,
    /// Whether they fit.
    pub(in crate::newcomers) fits: bool,
    /// Whether the archive has no key that signs, so that no other pod would believe the move.
    #[serde(default)]
    pub(in crate::newcomers) no_key: bool,
    /// The e-mail address that the archive names.
    #[serde(default)]
    pub(in crate::newcomers) email: Option<String>,
}

/// The same thing said about several records.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::newcomers) struct Group {
    pub(in crate::newcomers) code: FindingCode,
    pub(in crate::newcomers) kind: CountKind,
    pub(in crate::newcomers) count: u64,
    /// One of them.
    pub(in crate::newcomers) first: String,
}

impl PlanSummary {
    /// What there is to say of a plan, or an import.
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

    /// As it is kept.
    pub(in crate::newcomers) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As it was kept.
    pub(in crate::newcomers) fn read(text: Option<&str>) -> Option<Self> {
        text.and_then(|text| serde_json::from_str(text).ok())
    }
}
