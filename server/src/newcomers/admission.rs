//! Admission of newcomers.

use pappus_engine::import::Proof;

use super::ledger::records::State;
use crate::config::{Admission, NewcomersSection};

/// Returns whether a pod is blocked, named by its host as in diaspora* IDs.
pub(super) fn is_blocked(section: &NewcomersSection, host: &str) -> bool {
    let without_port = host.split_once(':').map_or(host, |(name, _)| name);
    section.blocked_pods.iter().any(|blocked| {
        let blocked = blocked.trim();
        blocked.eq_ignore_ascii_case(host) || blocked.eq_ignore_ascii_case(without_port)
    })
}

/// Returns the state after the choice: import, or approval by the podmin. An unproven archive always needs approval.
pub(super) fn next(admission: Admission, proof: Option<&str>) -> State {
    let proven = proof.is_some_and(|proof| proof != Proof::Unproven.as_str());
    // Those who started while admission was open, or with an invitation, need no approval.
    if proven && admission != Admission::Approval { State::Importing } else { State::Waiting }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_unproven_comes_in_alone() {
        for admission in [Admission::Open, Admission::Approval, Admission::Invitation, Admission::Closed] {
            assert_eq!(next(admission, Some("unproven")), State::Waiting);
            assert_eq!(next(admission, None), State::Waiting);
        }
        assert_eq!(next(Admission::Open, Some("hcard")), State::Importing);
        assert_eq!(next(Admission::Approval, Some("hcard")), State::Waiting);
    }

    #[test]
    fn pods_are_blocked_with_and_without_port() {
        let section =
            NewcomersSection { blocked_pods: vec!["Spam.example".to_owned()], ..NewcomersSection::default() };
        assert!(is_blocked(&section, "spam.example") && is_blocked(&section, "spam.example:3000"));
        assert!(!is_blocked(&section, "good-spam.example"));
    }
}
