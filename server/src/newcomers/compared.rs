//! The keys that a podmin compares before they decide, side by side, and what to do about them.

use pappus_engine::import::Evidence;

use super::ledger::records::Newcomer;
use super::steps::WRONG_KEY;
use crate::words::Words;

/// The keys of one move, as the queue shows them.
#[derive(Debug)]
pub(super) struct Compared {
    /// Whose key it is, and its fingerprint; or why there is none.
    pub(super) rows: Vec<(String, Key)>,
    /// What the podmin does now.
    pub(super) advice: String,
}

/// A key in a table of keys.
#[derive(Debug)]
pub(super) enum Key {
    /// The digits of its fingerprint, in groups that are easy to read out.
    Digits(Vec<String>),
    /// Why there is none.
    None(String),
}

/// The stable name of what a podmin is to do about the keys of a move; none while nothing is to be compared.
pub(super) fn advice(newcomer: &Newcomer) -> Option<&'static str> {
    let evidence = newcomer.evidence.as_ref()?;
    let differs = |key: &Option<String>| key.is_some() && *key != evidence.archive;
    let is_refused = newcomer.problem.as_deref() == Some(WRONG_KEY);
    if is_refused && differs(&evidence.known) {
        return Some("known_differs");
    }
    if is_refused {
        return Some("published_differs");
    }
    if newcomer.proof.as_deref() != Some("unproven") {
        return None;
    }
    let signed_by_another = |signed_by: &String| !evidence.pinned.contains(signed_by);
    let is_pinned = !evidence.pinned.is_empty();
    Some(if is_pinned && evidence.signed_by.as_ref().is_some_and(signed_by_another) {
        "pin_differs"
    } else if evidence.archive.is_none() {
        "no_key"
    } else {
        "compare"
    })
}

/// The keys of a move, if there is something to compare.
pub(super) fn compared(words: &Words, newcomer: &Newcomer) -> Option<Compared> {
    let (evidence, advice) = (newcomer.evidence.as_ref()?, advice(newcomer)?);
    let host = evidence.account.split_once('@').map_or("", |(_, host)| host);
    let about = |key: &str| {
        let values = vec![("account", evidence.account.as_str().into()), ("host", host.into())];
        words.with(key, values)
    };
    let row = |name: &str, key: Option<&String>| {
        let key = key.map_or_else(|| Key::None(about(&format!("queue-no-key-{name}"))), |key| digits(key));
        (about(&format!("queue-key-{name}")), key)
    };
    let mut rows = vec![
        row("archive", evidence.archive.as_ref()),
        row("known", evidence.known.as_ref()),
        row("published", evidence.published.as_ref()),
    ];
    if matches!(advice, "pin_differs") {
        rows = pod_keys(evidence, row);
    }
    Some(Compared { rows, advice: about(&format!("queue-advice-{}", advice.replace('_', "-"))) })
}

/// The keys of the pod that has signed, and of the pod that is trusted.
fn pod_keys(evidence: &Evidence, row: impl Fn(&str, Option<&String>) -> (String, Key)) -> Vec<(String, Key)> {
    let mut rows = vec![row("signed", evidence.signed_by.as_ref())];
    rows.extend(evidence.pinned.iter().map(|pinned| row("pinned", Some(pinned))));
    rows.push(row("archive", evidence.archive.as_ref()));
    rows
}

/// A fingerprint, its digits by the eight.
fn digits(fingerprint: &str) -> Key {
    let (kind, digits) = fingerprint.split_once(':').unwrap_or(("", fingerprint));
    let digits: Vec<char> = digits.chars().collect();
    let groups = digits.chunks(8).map(|group| group.iter().collect());
    Key::Digits(std::iter::once(format!("{kind}:")).chain(groups).collect())
}
