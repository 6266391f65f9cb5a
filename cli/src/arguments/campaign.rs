//! Arguments of exports of a whole pod.

use clap::{Args, Subcommand, ValueEnum};

use super::{PodArguments, StoreArguments};

/// A new export of the whole pod.
#[derive(Args)]
#[command(next_help_heading = "Whole pod (with --all)")]
pub(crate) struct NewCampaign {
    /// Name of the campaign; continues an earlier one of that name
    #[arg(long, value_name = "NAME", requires = "all")]
    pub(crate) name: Option<String>,
    /// Accounts to export: all, active-month, active-half-year, active-year, not-closed, or `file:PATH` with one
    /// username or diaspora* ID per line
    #[arg(long, value_name = "WHICH", requires = "all")]
    pub(crate) only: Option<String>,
    /// Order of the accounts
    #[arg(long, value_enum, requires = "all")]
    pub(crate) order: Option<Order>,
    /// Export only accounts that have changed since this finished campaign
    #[arg(long, value_name = "CAMPAIGN", requires = "all")]
    pub(crate) since: Option<String>,
    /// Copy sign-in data into the store as well, encrypted, so that people can fetch their archive when the pod is
    /// gone
    #[arg(long, requires = "all")]
    pub(crate) keep_sign_in: bool,
    /// Do not encrypt the archives, which contain every private key of the pod
    #[arg(long, requires = "all", conflicts_with = "encrypt_to")]
    pub(crate) plain: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    /// Accounts with the most records first
    BiggestFirst,
    /// Accounts with the fewest records first
    SmallestFirst,
}

/// Format of log lines.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    /// Text for people
    Text,
    /// One JSON document per line
    Json,
}

/// Options for working on a campaign.
#[derive(Args)]
#[command(next_help_heading = "Speed and retries")]
pub(crate) struct WorkArguments {
    /// Reduce the load on the pod: export one account at a time, with pauses, and none while its database is busy. The
    /// default while the pod is in use
    #[arg(long, conflicts_with = "no_gentle")]
    pub(crate) gentle: bool,
    /// Work as fast as possible even while the pod is in use
    #[arg(long)]
    pub(crate) no_gentle: bool,
    /// Accounts exported at the same time (default: the number of cores plus one)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) workers: Option<u16>,
    /// Serve Prometheus metrics at `http://ADDR/metrics`. Anyone who can reach the address can read them
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<std::net::SocketAddr>,
    /// Log each finished account to standard error
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) log: Option<Log>,
    /// Seconds a database, disk or file server may be unavailable before this program gives up
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub(crate) patience: u64,
    /// Seconds without a heartbeat after which other workers take over this worker's accounts
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(2..=3600))]
    pub(crate) lease: u64,
    /// Megabytes to keep free on the disk of the archives
    #[arg(long, value_name = "MB", default_value_t = 256)]
    pub(crate) reserve: u64,
}

#[derive(Args)]
pub(crate) struct Worker {
    /// Name of the campaign (default: the unfinished one)
    #[arg(long, value_name = "NAME")]
    pub(crate) campaign: Option<String>,
    #[command(flatten)]
    pub(crate) work: WorkArguments,
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

#[derive(Args)]
#[command(
    subcommand_negates_reqs = true,
    override_usage = "pappus campaign [OPTIONS] [NAME]\n       pappus campaign [OPTIONS] <COMMAND> <NAME>"
)]
pub(crate) struct Campaign {
    #[command(subcommand)]
    pub(crate) action: Option<CampaignAction>,
    /// Name of the campaign (default: a summary of all)
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Show its progress until it is finished, and wait for it if it has not started. Without NAME, the newest
    /// unfinished campaign, or the next one
    #[arg(long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) place: super::StorePlace,
}

#[derive(Subcommand)]
pub(crate) enum CampaignAction {
    /// Start no more accounts until resumed; workers wait
    Pause(Named),
    /// Resume a paused campaign
    Resume(Named),
    /// Retry accounts that failed or whose archives are lost
    Retry(Retry),
    /// Cancel the campaign; stored archives are kept
    Cancel(Named),
    /// Verify that everything stored still exists, complete and unchanged
    Verify(super::CampaignVerify),
}

#[derive(Args)]
pub(crate) struct Retry {
    /// Name of the campaign
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Include accounts whose archives are missing or damaged; reads every archive
    #[arg(long)]
    pub(crate) damaged: bool,
}

#[derive(Args)]
pub(crate) struct Named {
    /// Name of the campaign
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}
