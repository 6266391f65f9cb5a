//! Arguments of `pappus serve`.

use std::path::PathBuf;

use clap::Args;

use super::Log;

#[derive(Args)]
pub(crate) struct Serve {
    /// Configuration file; docs/pappus.example.toml explains every key
    #[arg(long, value_name = "FILE", default_value = "/etc/pappus/pappus.toml")]
    pub(crate) config: PathBuf,
    /// Check whether everything that the file names exists, and exit
    #[arg(long)]
    pub(crate) check: bool,
    /// Format of warnings and errors on standard error
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(crate) log: Log,
}
