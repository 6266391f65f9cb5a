//! Work on untrusted files in a separate process: the same program, with limits on memory and time that it sets
//! itself. No file can crash the service.
//!
//! ```text
//! service ── order ──▶ standard input      child
//!         ◀─ progress, outcome ── standard output
//! ```
//!
//! Both are lines of JSON. The child exits when its standard input closes: it never outlives the service.

mod child;
mod context;
mod key;
mod limits;
mod opened;
mod prefill;
mod process;
mod step;

use pappus_engine::import::Evidence;
use pappus_engine::progress::Position;
use serde::{Deserialize, Serialize};

use super::ledger::records::State;
use crate::config::ConfigText;

pub use child::{StepError, take_step};
pub(super) use key::{KEY_PASSPHRASE, NO_KEY, Obstacle, needs_passphrase};
pub(super) use opened::Digests;
pub(super) use process::run;
pub(super) use step::{MANY_PODS, WRONG_KEY};

/// The hidden subcommand that runs a step.
const COMMAND: &str = "newcomer-step";

/// An order for a child: all it needs to know.
#[derive(Serialize, Deserialize)]
struct Order {
    config: ConfigText,
    newcomer: i64,
    /// The step runs only if this fence is valid.
    fence: String,
}

/// A message from a child.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Progress(Position),
    Outcome(Box<Outcome>),
}

/// The outcome of a step.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Checked {
        digests: Box<Digests>,
        old_account: String,
        proof: String,
        evidence: Box<Evidence>,
        plan: String,
        key_locked: bool,
    },
    Imported {
        import: String,
        report: String,
        /// The reason why it is not announced automatically.
        obstacle: Option<Obstacle>,
    },
    Announced(String),
    Undone,
    /// The move was announced meanwhile.
    TooLateToUndo,
    /// A person has to act.
    Stopped {
        to: State,
        problem: String,
        reason: String,
        /// The compared keys, if the problem is about keys.
        evidence: Option<Box<Evidence>>,
    },
    /// The podmin has to decide.
    Unproven(Box<Evidence>),
    /// Something is unavailable; retry later.
    Later(String),
    /// The process ended without an outcome, or took too long.
    Died(String),
    /// The service is stopping, or another worker has taken over.
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
