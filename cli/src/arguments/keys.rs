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
    /// Copy what opens the archives to a new file: keep it elsewhere
    Backup {
        /// The file to make
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        passphrase: NewPassphrase,
    },
    /// Take the keys of a copy back; those that are here stay
    Restore {
        /// The copy, or any file of age identities
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        passphrase: Passphrase,
    },
    /// Make a new key for new archives; the old ones stay, for old archives
    Rotate,
}
