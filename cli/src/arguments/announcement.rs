//! The announcement that follows `pappus import`.

use std::path::PathBuf;

use clap::Args;

use super::{FarewellArgument, PatienceArguments};

/// Whether and how an import is announced.
#[derive(Args)]
pub(crate) struct AnnouncementArguments {
    /// Do not announce the move yet. Until it is announced (`pappus announce`), comments and likes under the imported
    /// posts are lost for good, and `pappus undo` is possible
    #[arg(long)]
    pub(crate) hold: bool,
    /// The passphrase of an encrypted private key, for the announcement: from the first line of FILE, or asked for
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) key_passphrase: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) farewell: FarewellArgument,
    #[command(flatten)]
    pub(crate) patience: PatienceArguments,
}
