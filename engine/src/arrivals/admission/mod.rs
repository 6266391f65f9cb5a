//! Admission of newcomers: invitations, and pod keys that podmins trust.

mod invitations;
mod trusted_pods;

use super::records::State;
use crate::import::Proof;

pub use invitations::{Invitation, InvitationError, Invitations};
pub use trusted_pods::{TrustedPod, TrustedPods};

/// Returns whether a pod is among the blocked ones, named by its host as in diaspora* IDs, or by its address.
pub(super) fn is_blocked(blocked: &[String], host: &str) -> bool {
    let without_port = host.split_once(':').map_or(host, |(name, _)| name);
    blocked.iter().any(|blocked| {
        let blocked = blocked.trim();
        let blocked = blocked.split_once("://").map_or(blocked, |(_, rest)| rest);
        let blocked = blocked.split('/').next().unwrap_or_default().trim_end_matches('.');
        blocked.eq_ignore_ascii_case(host) || blocked.eq_ignore_ascii_case(without_port)
    })
}

/// Returns the state after the choice: import, or approval by the podmin. An unproven archive always needs approval.
pub fn after_choice(needs_approval: bool, proof: Option<&str>) -> State {
    let proven = proof.is_some_and(|proof| proof != Proof::Unproven.as_str());
    if proven && !needs_approval { State::Importing } else { State::Waiting }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_unproven_comes_in_alone() {
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
        for written in ["https://spam.example/", "spam.example.", " SPAM.example/people "] {
            assert!(is_blocked(&[written.to_owned()], "spam.example"), "{written}");
        }
    }
}
