//! `pappus manual`: the manual pages under `docs/man`, made from the arguments themselves.

use clap::CommandFactory as _;

use super::Outcome;
use crate::arguments::{Arguments, Folder};
use crate::error::Failure;

pub(crate) fn run(arguments: &Folder) -> Result<Outcome, Failure> {
    std::fs::create_dir_all(&arguments.folder)?;
    clap_mangen::generate_to(Arguments::command().disable_help_subcommand(true), &arguments.folder)?;
    Ok(Outcome::Done)
}
