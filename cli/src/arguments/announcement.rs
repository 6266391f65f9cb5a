//! The announcement that follows `pappus import`.

use clap::Args;

use super::{FarewellArgument, KeyPassphrase, PatienceArguments};

/// Options of the announcement.
#[derive(Args)]
pub(crate) struct AnnouncementArguments {
    /// Do not announce the move yet. Until it is announced (`pappus announce`), comments and likes under the imported
    /// posts are lost for good, and `pappus undo` is possible
    #[arg(long)]
    pub(crate) hold: bool,
    #[command(flatten)]
    pub(crate) key_passphrase: KeyPassphrase,
    #[command(flatten)]
    pub(crate) farewell: FarewellArgument,
    #[command(flatten)]
    pub(crate) patience: PatienceArguments,
}
