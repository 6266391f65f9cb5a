//! What can be said about fixing what earlier versions entered.

use clap::Args;

use super::{NetworkArguments, PodArguments, StoreArguments};

#[derive(Args)]
pub(crate) struct Repair {
    /// Only list what would be changed; nothing is written
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) network: NetworkArguments,
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}
