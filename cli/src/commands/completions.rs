//! `pappus completions`.

use std::io::Write as _;

use clap::CommandFactory as _;

use super::Outcome;
use crate::arguments::{Arguments, Completions};
use crate::error::Failure;

#[expect(clippy::unnecessary_wraps, reason = "all commands have one shape")]
pub(crate) fn run(arguments: &Completions) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "pappus", &mut script);
    // A closed standard output, as behind `head`, is ignored.
    _ = std::io::stdout().write_all(&script);
    Ok(Outcome::Done)
}
