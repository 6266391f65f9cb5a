//! What can be said about checking what a campaign has stored.

use std::path::PathBuf;

use clap::Args;

#[derive(Args)]
pub(crate) struct CampaignVerify {
    /// Which campaign; with --files every one that has a list there, unless given
    #[arg(value_name = "NAME", required_unless_present = "files")]
    pub(crate) name: Option<String>,
    /// Where the archives are, when Pappus's own database is gone or they have been copied: only the files there are
    /// looked at. A bucket's key is in the environment
    #[arg(long, value_name = "DIR|s3://BUCKET")]
    pub(crate) files: Option<String>,
    /// A file with the age key (AGE-SECRET-KEY-1…) that opens the archives, such as a copy made by `pappus keys backup`;
    /// the keys in Pappus's own folder unless given. Without any, only the bytes of encrypted archives are checked
    #[arg(long, value_name = "FILE")]
    pub(crate) identity: Option<PathBuf>,
    /// Write a list that is missing or broken anew, and let the accounts whose archives are missing or damaged have another
    /// turn: then run `pappus export --all --name NAME`, or a worker
    #[arg(long, conflicts_with = "files")]
    pub(crate) repair: bool,
    /// The archive key (SHA256:…) that the list must be signed with; the pod's own where it is known, unless given
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) trust_pod: Option<String>,
}
