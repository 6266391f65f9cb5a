//! Arguments of `pappus repair`.

use clap::Args;

use super::{NetworkArguments, PodArguments, StoreArguments};

#[derive(Args)]
pub(crate) struct Repair {
    /// List what would be changed, without writing anything
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) network: NetworkArguments,
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}
