//! Arguments of `pappus verify`.

use std::path::PathBuf;

use clap::Args;

use super::Passphrase;

#[derive(Args)]
pub(crate) struct Verify {
    /// The archives; also a stock pod's export: .json, .json.gz, .zip
    #[arg(value_name = "ARCHIVE", required = true)]
    pub(crate) archives: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
    /// File with the age key (AGE-SECRET-KEY-1…) that opens encrypted archives
    #[arg(long, value_name = "FILE", conflicts_with_all = ["passphrase", "passphrase_command"])]
    pub(crate) identity: Option<PathBuf>,
}
