//! Arguments of `pappus keys`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{NewPassphrase, Passphrase, StorePlace};

#[derive(Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    pub(crate) action: Option<KeysAction>,
    #[command(flatten)]
    pub(crate) place: StorePlace,
}

#[derive(Subcommand)]
pub(crate) enum KeysAction {
    /// Copy the keys that open the archives to a new file; store it in another place
    Backup {
        /// File to create
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        passphrase: NewPassphrase,
    },
    /// Restore keys from a copy; existing keys are kept
    Restore {
        /// The copy, or any file of age identities
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        passphrase: Passphrase,
    },
    /// Create a new key for new archives; old keys are kept for old archives
    Rotate,
}
