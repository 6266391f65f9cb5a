//! Admission of newcomers: invitations, and pod keys that podmins trust.

mod invitations;
mod trusted_pods;

use super::records::State;
use crate::import::Proof;

pub use invitations::{Invitation, InvitationError, Invitations};
pub use trusted_pods::{TrustedPod, TrustedPods};

/// Returns whether the pod of a host is blocked. Entries are hosts, as in diaspora* IDs, or addresses of pods.
pub(super) fn is_blocked(blocked: &[String], host: &str) -> bool {
    let without_port = host.split_once(':').map_or(host, |(name, _)| name);
    blocked.iter().any(|entry| {
        let entry = entry.trim();
        let entry = entry.split_once("://").map_or(entry, |(_, address)| address);
        let entry = entry.split('/').next().unwrap_or_default().trim_end_matches('.');
        entry.eq_ignore_ascii_case(host) || entry.eq_ignore_ascii_case(without_port)
    })
}

/// Returns the state after the choice of name and password: import, or approval by the podmin. An unproven archive
/// always needs approval.
pub fn after_choice(needs_approval: bool, proof: Option<&str>) -> State {
    let is_proven = proof.is_some_and(|proof| proof != Proof::Unproven.as_str());
    if is_proven && !needs_approval { State::Importing } else { State::Waiting }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unproven_archives_always_need_approval() {
        for needs_approval in [false, true] {
            assert_eq!(after_choice(needs_approval, Some("unproven")), State::Waiting);
            assert_eq!(after_choice(needs_approval, None), State::Waiting);
        }
        assert_eq!(after_choice(false, Some("hcard")), State::Importing);
        assert_eq!(after_choice(true, Some("hcard")), State::Waiting);
    }

    #[test]
    fn pods_are_blocked_with_and_without_port() {
        let blocked = ["Spam.example".to_owned()];
        assert!(is_blocked(&blocked, "spam.example") && is_blocked(&blocked, "spam.example:3000"));
        assert!(!is_blocked(&blocked, "good-spam.example"));
        for entry in ["https://spam.example/", "spam.example.", " SPAM.example/people "] {
            assert!(is_blocked(&[entry.to_owned()], "spam.example"), "{entry}");
        }
    }
}
