//! The keys that a podmin compares before deciding, and the recommended action.

use pappus_engine::arrivals::steps::WRONG_KEY;
use pappus_engine::arrivals::{Newcomer, State};
use pappus_engine::import::Evidence;

use crate::words::Words;

/// The keys of one move, as the queue shows them.
#[derive(Debug)]
pub(super) struct KeyComparison {
    /// The owner of each key and its fingerprint, or the reason why there is none.
    pub(super) rows: Vec<(String, Key)>,
    /// The recommended action.
    pub(super) advice: String,
}

/// A key in a table of keys.
#[derive(Debug)]
pub(super) enum Key {
    /// The digits of its fingerprint, in groups that are easy to read out.
    Digits(Vec<String>),
    /// The reason why there is no key.
    None(String),
}

/// Returns the stable name of the action recommended to the podmin; `None` while there is nothing to compare.
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
    if !newcomer.is_unproven() || newcomer.state != State::Waiting {
        return None;
    }
    let has_pins = !evidence.pinned.is_empty();
    Some(if has_pins && evidence.signed_by.is_some() && !evidence.is_pinned() {
        "pin_differs"
    } else if evidence.archive.is_none() {
        "no_key"
    } else {
        "compare"
    })
}

/// Returns the keys of a move, if there is something to compare.
pub(super) fn key_comparison(words: &Words, newcomer: &Newcomer) -> Option<KeyComparison> {
    let (evidence, advice) = (newcomer.evidence.as_ref()?, advice(newcomer)?);
    let host = evidence.account.split_once('@').map_or("", |(_, host)| host);
    let text = |key: &str| {
        let values = vec![("account", evidence.account.as_str().into()), ("host", host.into())];
        words.with(key, values)
    };
    let row = |name: &str, key: Option<&String>| {
        let key = key
            .map_or_else(|| Key::None(text(&format!("queue-no-key-{name}"))), |key| Key::Digits(groups(key)));
        (text(&format!("queue-key-{name}")), key)
    };
    let mut rows = vec![
        row("archive", evidence.archive.as_ref()),
        row("known", evidence.known.as_ref()),
        row("published", evidence.published.as_ref()),
    ];
    if matches!(advice, "pin_differs") {
        rows = pod_keys(evidence, row);
    }
    Some(KeyComparison { rows, advice: text(&format!("queue-advice-{}", advice.replace('_', "-"))) })
}

/// Returns the key that signed the archive, the pinned pod keys and the account's key.
fn pod_keys(evidence: &Evidence, row: impl Fn(&str, Option<&String>) -> (String, Key)) -> Vec<(String, Key)> {
    let mut rows = vec![row("signed", evidence.signed_by.as_ref())];
    rows.extend(evidence.pinned.iter().map(|pinned| row("pinned", Some(pinned))));
    rows.push(row("archive", evidence.archive.as_ref()));
    rows
}

/// Returns the old pod and the key with which it signed an unproven archive, if that key is not trusted: podmins can
/// trust it after comparing it.
pub(super) fn untrusted_pod(newcomer: &Newcomer) -> Option<(&str, &str)> {
    let evidence = newcomer.evidence.as_ref()?;
    let (_, host) = evidence.account.split_once('@')?;
    let is_unproven = newcomer.is_unproven() && matches!(newcomer.state, State::Checked | State::Waiting);
    let signed_by = evidence.signed_by.as_deref().filter(|_| is_unproven && !evidence.is_pinned())?;
    Some((host, signed_by))
}

/// Splits a fingerprint into groups of eight digits.
pub(super) fn groups(fingerprint: &str) -> Vec<String> {
    let (kind, digits) = fingerprint.split_once(':').unwrap_or(("", fingerprint));
    let digits: Vec<char> = digits.chars().collect();
    let groups = digits.chunks(8).map(|group| group.iter().collect());
    std::iter::once(format!("{kind}:")).chain(groups).collect()
}
