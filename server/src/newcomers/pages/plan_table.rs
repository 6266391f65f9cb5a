//! The numbers and findings of a plan or an import, for the newcomer and for the podmin.

use pappus_engine::archive::manifest::CountKind;
use pappus_engine::arrivals::{Group, PlanSummary};
use pappus_engine::import::{Subject, Tally};

use crate::pages::Page;

/// A plan or the result of an import.
pub(in crate::newcomers) struct Table {
    pub(in crate::newcomers) rows: Vec<Row>,
    /// Subject and text of each finding.
    pub(in crate::newcomers) findings: Vec<(String, String)>,
    pub(in crate::newcomers) minutes: u64,
    pub(in crate::newcomers) photo_size: String,
    pub(in crate::newcomers) has_photos: bool,
    pub(in crate::newcomers) fits: bool,
    pub(in crate::newcomers) fetched_posts: u64,
    /// A message if there are contacts and none of them can be imported.
    pub(in crate::newcomers) no_contacts: Option<String>,
}

/// Numbers of one kind of record.
pub(in crate::newcomers) struct Row {
    pub(in crate::newcomers) kind: String,
    pub(in crate::newcomers) in_archive: String,
    pub(in crate::newcomers) imported: String,
    pub(in crate::newcomers) adopted: String,
    pub(in crate::newcomers) left_out: String,
}

/// The reader: newcomers are addressed directly, podmins read about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::newcomers) enum Audience {
    Newcomer,
    Podmin,
}

/// Builds the table of numbers and findings.
pub(in crate::newcomers) fn table(page: &Page, summary: &PlanSummary, audience: Audience) -> Table {
    let words = &page.words;
    let row = |(kind, tally): (&CountKind, &Tally)| Row {
        kind: kind_text(page, *kind, audience),
        in_archive: words.number(tally.in_archive),
        imported: words.number(tally.imported),
        adopted: words.number(tally.adopted),
        left_out: words.number(tally.left_out.values().sum()),
    };
    let finding = |group: &Group| (subject_text(page, group, audience), finding_text(page, group, audience));
    Table {
        rows: summary.kinds.iter().map(row).collect(),
        findings: summary.findings.iter().map(finding).collect(),
        minutes: summary.seconds.div_ceil(60),
        photo_size: words.size(summary.photo_bytes),
        has_photos: summary.photo_bytes > 0,
        fits: summary.fits,
        fetched_posts: summary.fetched_posts,
        no_contacts: no_contacts(page, summary, audience),
    }
}

/// Returns the message if there are contacts and none of them can be imported.
fn no_contacts(page: &Page, summary: &PlanSummary, audience: Audience) -> Option<String> {
    let words = &page.words;
    let tally = summary.kinds.get(&CountKind::Contacts)?;
    if tally.in_archive == 0 || tally.imported + tally.adopted > 0 {
        return None;
    }
    let count = tally.in_archive;
    let key = match audience {
        Audience::Newcomer => "newcomers-no-contacts",
        Audience::Podmin => "queue-no-contacts",
    };
    let mut text = words.with(key, vec![("count", count.into()), ("shown", words.number(count).into())]);
    let reasons = summary.findings.iter().filter(|group| group.kind == CountKind::Contacts.into());
    if let Some(most_frequent) = reasons.max_by_key(|group| group.count) {
        let reason = finding_text(page, most_frequent, audience);
        text = format!(
            "{text} {}",
            words.with("newcomers-no-contacts-why", vec![("count", count.into()), ("why", reason.into())])
        );
    }
    Some(text)
}

/// Returns the subject of a finding: the account, its profile, or a number of records.
fn subject_text(page: &Page, group: &Group, audience: Audience) -> String {
    let words = &page.words;
    match group.kind {
        Subject::Account => words.say("newcomers-subject-account"),
        Subject::Profile => words.say("newcomers-subject-profile"),
        Subject::Record(kind) => {
            format!("{} × {}", words.number(group.count), kind_text(page, kind, audience))
        }
    }
}

/// Returns the text of a finding. If it addresses the newcomer, podmins get a different one.
fn finding_text(page: &Page, group: &Group, audience: Audience) -> String {
    let name = group.code.as_str().replace('_', "-");
    let podmin_text = match audience {
        Audience::Podmin => page.words.find(&format!("queue-finding-{name}")),
        Audience::Newcomer => None,
    };
    podmin_text.unwrap_or_else(|| page.words.say(&format!("newcomers-finding-{name}")))
}

/// Returns the name of a kind of record. The name for podmins does not address the newcomer.
fn kind_text(page: &Page, kind: CountKind, audience: Audience) -> String {
    let key = kind_key(kind);
    let podmin_text = match audience {
        Audience::Podmin => page.words.find(&format!("queue-{key}")),
        Audience::Newcomer => None,
    };
    podmin_text.unwrap_or_else(|| page.words.say(&key))
}

/// Returns the translation key of a kind of record.
fn kind_key(kind: CountKind) -> String {
    let name = serde_json::to_value(kind).ok().and_then(|value| value.as_str().map(str::to_owned));
    format!("kind-{}", name.unwrap_or_default().replace('_', "-"))
}
