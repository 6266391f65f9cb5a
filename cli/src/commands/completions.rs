//! `pappus completions`.

use clap::CommandFactory as _;

use super::Outcome;
use crate::arguments::{Arguments, Completions};
use crate::error::Failure;

#[expect(clippy::unnecessary_wraps, reason = "all commands have one shape")]
pub(crate) fn run(arguments: &Completions) -> Result<Outcome, Failure> {
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "pappus", &mut std::io::stdout());
    Ok(Outcome::Done)
}
