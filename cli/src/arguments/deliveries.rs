//! Arguments of `pappus deliver`, `deliveries` and `resend`.

use clap::Args;

use super::{NetworkArguments, PodArguments, StoreArguments};

#[derive(Args)]
pub(crate) struct Deliver {
    /// Continue until nothing is left, for up to four weeks
    #[arg(long)]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) patience: PatienceArguments,
    #[command(flatten)]
    pub(crate) network: NetworkArguments,
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

/// Options for waiting on pods.
#[derive(Args)]
pub(crate) struct PatienceArguments {
    /// Hours to wait for a pod to process an accepted move while none of the friends there is back, before Contacts and
    /// profiles are sent. If friends are expected there, the move is sent again and the wait repeated. Contacts that
    /// overtake the move end friendships
    #[arg(long, value_name = "HOURS", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=168))]
    pub(crate) grace: u32,
    /// Seconds to wait after the first friend on a pod is back, before the remaining messages are sent there
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub(crate) settle: u32,
    /// Send without checking that the new account is reachable from outside: for machines that cannot reach the pod's
    /// public address, after you have checked it yourself
    #[arg(long)]
    pub(crate) assume_reachable: bool,
}

#[derive(Args)]
pub(crate) struct Deliveries {
    /// Only this account: its old diaspora* ID
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

#[derive(Args)]
pub(crate) struct Resend {
    /// Only this pod: its host, with the port if not the default
    #[arg(long, value_name = "HOST")]
    pub(crate) to: Option<String>,
    /// Only this account: its old diaspora* ID
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,
    /// Include what has been delivered
    #[arg(long)]
    pub(crate) delivered: bool,
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}
