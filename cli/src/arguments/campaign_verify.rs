//! Arguments of `pappus campaign verify`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args)]
pub(crate) struct CampaignVerify {
    /// Name of the campaign (default with --files: every campaign that has a list there)
    #[arg(value_name = "NAME", required_unless_present = "files")]
    pub(crate) name: Option<String>,
    /// Location of the archives, if Pappus's own database is gone or they have been copied: only the files there are
    /// checked. A bucket's key is in the environment
    #[arg(long, value_name = "DIR|s3://BUCKET")]
    pub(crate) files: Option<String>,
    /// File with the age key (AGE-SECRET-KEY-1…) that opens the archives, such as a copy made by `pappus keys backup`
    /// (default: the keys in Pappus's own folder). Without any, only the bytes of encrypted archives are checked
    #[arg(long, value_name = "FILE")]
    pub(crate) identity: Option<PathBuf>,
    /// Rewrite a missing or broken list, and retry the accounts whose archives are missing or damaged: then run
    /// `pappus export --all --name NAME`, or a worker
    #[arg(long, conflicts_with = "files")]
    pub(crate) repair: bool,
    /// Archive key (SHA256:…) that must have signed the list (default: the pod's own, if known)
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) trust_pod: Option<String>,
}
