//! The steps of a move: checking the archive, importing the account, preparing the announcement, and undoing the
//! import. They read untrusted files, so the caller runs each step in a separate process.

mod context;
mod key;
mod lookups;
mod opened;
mod prefill;
mod step;

use serde::{Deserialize, Serialize};

use super::records::State;
use crate::import::Evidence;

pub use context::{Now, StepContext, StepRules};
pub(super) use key::KEY_PASSPHRASE;
pub use key::{NO_KEY, Obstacle, needs_passphrase};
pub use opened::Digests;
pub use step::{MANY_PODS, WRONG_KEY, run_step};

/// The problem of an archive that needs more memory or time than a step may use.
pub(super) const TOO_HEAVY: &str = "too_heavy";
/// The problem of a move that a podmin has stopped.
pub(super) const STOPPED: &str = "stopped";

/// The outcome of a step.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The archive is acceptable.
    Checked {
        /// The files that were checked.
        digests: Box<Digests>,
        /// The account in the archive.
        old_account: String,
        /// The proof of ownership.
        proof: String,
        /// The keys that confirm or contradict the archive.
        evidence: Box<Evidence>,
        /// The import plan, JSON.
        plan: String,
        /// True if the passphrase of the key is needed.
        key_locked: bool,
    },
    /// The account is imported.
    Imported {
        /// ID of the import.
        import: String,
        /// The result, JSON.
        report: String,
        /// The reason why it is not announced automatically, if any.
        obstacle: Option<Obstacle>,
    },
    /// Deliveries have started; contains the recipients, JSON.
    Announced(String),
    /// The import is undone.
    Undone,
    /// The move was announced meanwhile, so it cannot be undone.
    TooLateToUndo,
    /// A person has to act.
    Stopped {
        /// The state in which they can act.
        to: State,
        /// Stable name of the problem.
        problem: String,
        /// Description of the problem.
        reason: String,
        /// The compared keys, if the problem is about keys.
        evidence: Option<Box<Evidence>>,
    },
    /// The podmin has to decide.
    Unproven(Box<Evidence>),
    /// Something is unavailable, for this reason; the step is to be retried.
    Unavailable(String),
    /// The process ended without an outcome, or took too long; contains the cause, as a clause.
    Died(String),
    /// The service is stopping, or another worker has taken over the lease.
    Released,
}

/// Returns the state after a failed step.
pub(super) fn after_failure(state: State) -> State {
    match state {
        State::Checking => State::Refused,
        State::Announcing => State::Imported,
        _ => State::Failed,
    }
}
