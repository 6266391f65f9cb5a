//! The [steps](pappus_engine::arrivals::steps) of moves in a separate process: the same program, with limits on memory
//! and time that it sets itself. No file can crash the service.
//!
//! ```text
//! service ── order ──▶ standard input      child
//!         ◀─ progress, outcome ── standard output
//! ```
//!
//! Both are lines of JSON. The child exits when its standard input closes: it never runs longer than the service.

mod child;
mod limits;
mod process;

use pappus_engine::arrivals::steps::Outcome;
use pappus_engine::progress::Position;
use serde::{Deserialize, Serialize};

use crate::config::ConfigText;

pub use child::{StepError, run_step_process};
pub(super) use process::run;

/// The hidden subcommand that runs a step.
const COMMAND: &str = "newcomer-step";

/// An order for a child, with all that it needs.
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
enum Message {
    Progress(Position),
    Outcome(Box<Outcome>),
}
