//! `pappus serve`.

use std::path::PathBuf;

use clap::Args;

use super::Log;

#[derive(Args)]
pub(crate) struct Serve {
    /// The file that says how it runs; docs/pappus.example.toml explains every key
    #[arg(long, value_name = "FILE", default_value = "/etc/pappus/pappus.toml")]
    pub(crate) config: PathBuf,
    /// Only say whether everything is there that the file names
    #[arg(long)]
    pub(crate) check: bool,
    /// Write warnings and errors to standard error in this form
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(crate) log: Log,
}
