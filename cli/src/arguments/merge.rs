//! Arguments of `pappus merge`.

use std::path::PathBuf;

use clap::Args;
use pappus_engine::domain::Timestamp;

use super::{KeyPassphrase, Passphrase};

#[derive(Args)]
pub(crate) struct Merge {
    /// Archives of one account, in any order
    #[arg(value_name = "ARCHIVE", required = true, num_args = 2..)]
    pub(crate) archives: Vec<PathBuf>,
    /// Folder for the archive, created if missing
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
    /// File with the age key (AGE-SECRET-KEY-1…) that opens encrypted archives
    #[arg(long, value_name = "FILE", conflicts_with_all = ["passphrase", "passphrase_command"])]
    pub(crate) identity: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) key_passphrase: KeyPassphrase,
    /// Encrypt the new archive so that only this age key (age1…) opens it; may be repeated
    #[arg(long, value_name = "RECIPIENT")]
    pub(crate) encrypt_to: Vec<String>,
    /// Time to record in the archive instead of now, such as 2026-11-22T10:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) created_at: Option<Timestamp>,
    /// Also sign with the archive key in Pappus's own folder for this pod: the pod's folder
    #[arg(long, value_name = "DIR")]
    pub(crate) pod: Option<PathBuf>,
    /// Also sign with the archive key for this pod: the pod's address
    #[arg(long, value_name = "URL")]
    pub(crate) pod_url: Option<String>,
    /// Pappus's own folder
    #[arg(long, value_name = "DIR", env = "PAPPUS_STATE")]
    pub(crate) state: Option<PathBuf>,
}
