//! What can be said about exports of a whole pod.

use clap::{Args, Subcommand, ValueEnum};

use super::{PodArguments, StoreArguments};

/// A new export of the whole pod.
#[derive(Args)]
#[command(next_help_heading = "Whole pod (with --all)")]
pub(crate) struct NewCampaign {
    /// The campaign's name; one of that name that was begun before goes on
    #[arg(long, value_name = "NAME", requires = "all")]
    pub(crate) name: Option<String>,
    /// Which accounts: all, active-month, active-half-year, active-year, not-closed, or `file:PATH` with
    /// a username or diaspora* ID a line
    #[arg(long, value_name = "WHICH", requires = "all")]
    pub(crate) only: Option<String>,
    /// Which accounts come first
    #[arg(long, value_enum, requires = "all")]
    pub(crate) order: Option<Order>,
    /// Only accounts that have changed since this finished campaign
    #[arg(long, value_name = "CAMPAIGN", requires = "all")]
    pub(crate) since: Option<String>,
    /// Copy what people need to sign in with into the store as well, encrypted, so that they can fetch
    /// their archive when the pod is gone
    #[arg(long, requires = "all")]
    pub(crate) keep_sign_in: bool,
    /// Do not encrypt the archives, which hold every private key of the pod
    #[arg(long, requires = "all", conflicts_with = "encrypt_to")]
    pub(crate) plain: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    /// Those with the most records
    BiggestFirst,
    /// Those with the fewest records
    SmallestFirst,
}

/// How lines of a log look.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    /// For people
    Text,
    /// One JSON document a line
    Json,
}

/// How to work on a campaign.
#[derive(Args)]
#[command(next_help_heading = "Speed and patience")]
pub(crate) struct WorkArguments {
    /// Spare the pod: one account at a time, with rests, and none while its database is busy. So it is anyway while
    /// the pod is in use
    #[arg(long, conflicts_with = "no_gentle")]
    pub(crate) gentle: bool,
    /// Work as fast as possible even though the pod is in use
    #[arg(long)]
    pub(crate) no_gentle: bool,
    /// Accounts exported at the same time: one more than there are cores unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) workers: Option<u16>,
    /// Show how it goes to Prometheus, at `http://ADDR/metrics`. Whoever reaches the address can read it
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<std::net::SocketAddr>,
    /// Write a line to standard error for each account that is finished
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) log: Option<Log>,
    /// How many seconds a database, a disk or a server for files may be away before this program gives up
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub(crate) patience: u64,
    /// After so many seconds without a word, others take over what this program had in hand
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(2..=3600))]
    pub(crate) lease: u64,
    /// Megabytes that stay free on the disk of the archives
    #[arg(long, value_name = "MB", default_value_t = 256)]
    pub(crate) reserve: u64,
}

#[derive(Args)]
pub(crate) struct Worker {
    /// Which campaign: the one that is not finished, unless given
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
#[command(args_conflicts_with_subcommands = false, subcommand_negates_reqs = true)]
pub(crate) struct Campaign {
    #[command(subcommand)]
    pub(crate) action: Option<CampaignAction>,
    /// Which campaign: all of them in short, unless given
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Show its progress until it is finished, and wait for it if it has not begun. Without NAME, the newest campaign
    /// that is not finished, or the next one
    #[arg(long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) place: super::StorePlace,
}

#[derive(Subcommand)]
pub(crate) enum CampaignAction {
    /// Begin no more accounts until it is resumed; workers wait
    Pause(Named),
    /// Go on
    Resume(Named),
    /// Let accounts that failed, or whose archives are lost, have another turn
    Retry(Retry),
    /// Give it up; archives that are stored stay
    Cancel(Named),
    /// Check that everything that was stored is there, whole and what it was
    Verify(super::CampaignVerify),
}

#[derive(Args)]
pub(crate) struct Retry {
    /// Which campaign
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Also accounts whose archives are missing or damaged: every archive is read
    #[arg(long)]
    pub(crate) damaged: bool,
}

#[derive(Args)]
pub(crate) struct Named {
    /// Which campaign
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}
