//! The export of one account, from a snapshot of its pod to an archive with its final name.
//!
//! ```text
//! AccountReader ──records──▶ document, extras ──bytes──▶ archive writer (thread) ──▶ file
//!                    └──────▶ pages for people (thread) ─────────┘
//! ```
//!
//! Records are read in the caller's task. One thread serializes, compresses and digests them, another creates the
//! pages for people. All channels are bounded, so memory use does not depend on the size of the account.

mod account;
mod fail_fast_file;
mod forecast;
mod gather;
mod json;
mod output;
mod pages;
mod photos;
mod pieces;

pub use account::{ExportOptions, Exported, Exporter};
pub use forecast::{Forecast, ForecastPhotos, Forecaster, LeftOut};
pub use output::OutputError;

use crate::archive::encryption::EncryptionError;
use crate::archive::view::ViewError;
use crate::archive::writer::WriteError;
use crate::domain::KeyError;
use crate::pod::reader::ReadError;

/// The reason an account was not exported. No file is left behind.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The pod could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The output file could not be created.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The archive could not be written.
    #[error("the archive in {folder} was not written: {source}")]
    Write {
        /// The output folder.
        folder: std::path::PathBuf,
        /// The cause.
        source: WriteError,
    },
    /// The archive's pages could not be created.
    #[error("the archive's pages were not written: {0}")]
    View(#[from] ViewError),
    /// The whole archive could not be encrypted.
    #[error("the archive was not encrypted: {0}")]
    Encryption(#[from] EncryptionError),
    /// The account's key could not be encrypted, or a key could not sign.
    #[error("the private key was not encrypted: {0}")]
    Key(#[from] KeyError),
    /// A thread of the export panicked.
    #[error("the export stopped unexpectedly. This is a bug in Pappus; please report it")]
    Panicked,
}

impl ExportError {
    /// Returns whether the error concerns one account only, so that others can still be exported.
    pub fn is_of_one_account(&self) -> bool {
        use ReadError::{BrokenAccount, UnknownAccount};
        matches!(
            self,
            Self::Read(UnknownAccount { .. } | BrokenAccount { .. })
                | Self::Output(OutputError::Exists(_) | OutputError::Busy(_))
                | Self::Key(_)
        )
    }
}
