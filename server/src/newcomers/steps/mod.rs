//! What is done with a stranger's file, in a process of its own: the same program, with limits on memory and time that it
//! sets itself. Whatever a file does to it, the service stays up.
//!
//! ```text
//! service ── order ──▶ standard input      child
//!         ◀─ progress, outcome ── standard output
//! ```
//!
//! Both are lines of JSON. The child ends when its standard input does: it never outlives the service.

mod child;
mod context;
mod key;
mod limits;
mod opened;
mod prefill;
mod process;
mod progress_counter;
mod step;

use pappus_engine::import::Evidence;
use serde::{Deserialize, Serialize};

use super::ledger::records::State;
use crate::config::ConfigText;

pub use child::{StepError, take_step};
pub(super) use key::{KEY_PASSPHRASE, NO_KEY, Obstacle, needs_passphrase};
pub(super) use opened::Digests;
pub(super) use process::run;
pub(super) use step::{MANY_PODS, WRONG_KEY};

/// The hidden subcommand that takes a step.
const COMMAND: &str = "newcomer-step";

/// What a child is to do: all it needs to know.
#[derive(Serialize, Deserialize)]
struct Order {
    config: ConfigText,
    newcomer: i64,
    /// Only the step of this fence is taken.
    fence: String,
}

/// What a child says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Progress(Progress),
    Outcome(Box<Outcome>),
}

/// How far a step is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// What is being done.
    pub(super) stage: Option<String>,
    pub(super) advanced: u64,
    pub(super) total: u64,
}

/// What became of a step.
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
        /// What keeps it from being announced by itself.
        obstacle: Option<Obstacle>,
    },
    Announced(String),
    Undone,
    /// It has been announced meanwhile.
    TooLateToUndo,
    /// Somebody has to do something about it.
    Stopped {
        to: State,
        problem: String,
        reason: String,
        /// The keys that were compared, when the problem is about keys.
        evidence: Option<Box<Evidence>>,
    },
    /// The podmin has to.
    Unproven(Box<Evidence>),
    /// Something is away.
    Later(String),
    /// The process ended without a word, or took too long.
    Died(String),
    /// The program stops, or somebody else has taken over.
    GivenBack,
}

/// Where somebody is when a step did not work.
pub(super) fn after_failure(state: State) -> State {
    match state {
        State::Checking => State::Refused,
        State::Announcing => State::Imported,
        _ => State::Failed,
    }
}
