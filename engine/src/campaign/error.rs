//! Errors of a campaign as a whole.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::depot::{DepotError, is_of_the_disk};
use crate::pod::database::DatabaseError;
use crate::production::SpoolError;
use crate::store::StoreError;

/// The reason a campaign did not continue. Errors of a single account are recorded with the account instead.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// Pappus's own database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The pod's database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The depot failed.
    #[error(transparent)]
    Depot(#[from] DepotError),
    /// No campaign of this name exists.
    #[error("there is no campaign {name:?} of this pod; `pappus campaign` lists them")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// A campaign of this name exists and differs.
    #[error(
        "the campaign {name:?} was started with another {option}: {recorded}. Specify another name for a new campaign with --name"
    )]
    Different {
        /// Its name.
        name: String,
        /// The option that differs.
        option: &'static str,
        /// Its recorded value.
        recorded: String,
    },
    /// The campaign's state does not allow the operation.
    #[error("the campaign {name:?} is {state} and cannot be {operation}")]
    State {
        /// Its name.
        name: String,
        /// Its state.
        state: &'static str,
        /// The requested operation.
        operation: &'static str,
    },
    /// The archive key is not the campaign's: all archives of one campaign are signed with one key.
    #[error(
        "the archives of the campaign {name:?} are signed with the pod's archive key {expected}, but Pappus's own folder \
         on this machine contains another one, {actual}. Copy archive-key.pem from the machine that started it, or \
         specify its folder with --state"
    )]
    OtherKey {
        /// The campaign.
        name: String,
        /// Fingerprint of the right key.
        expected: String,
        /// Fingerprint of the key on this machine.
        actual: String,
    },
    /// A resource remained unavailable for too long.
    #[error("{reason}, for {} now; nothing is lost: run the same command again to continue", minutes(*.waited))]
    GivenUp {
        /// The cause.
        reason: String,
        /// Time waited.
        waited: Duration,
    },
    /// The archives cannot be encrypted to the given recipients.
    #[error("the archives cannot be encrypted: {0}")]
    Recipient(String),
    /// The list of the campaign was not written.
    #[error("{0}")]
    List(String),
    /// The worker was stopped while it waited.
    #[error("stopped")]
    Stopped,
    /// The folder for unfinished archives cannot be used.
    #[error("{path} cannot be used for unfinished archives: {source}")]
    Spool {
        /// The folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A worker task panicked.
    #[error("a part of the worker stopped unexpectedly. This is a bug in Pappus; please report it")]
    Broken,
}

impl From<SpoolError> for CampaignError {
    fn from(SpoolError { path, source }: SpoolError) -> Self {
        Self::Spool { path, source }
    }
}

impl CampaignError {
    /// Returns whether the error is temporary and affects all accounts: a database, the depot, or the disk that
    /// archives are built on.
    pub fn passes(&self) -> bool {
        match self {
            Self::Store(error) => error.passes(),
            Self::Database(error) => error.passes(),
            Self::Depot(error) => error.is_of_the_depot(),
            Self::Spool { source, .. } => is_of_the_disk(source),
            _ => false,
        }
    }
}

fn minutes(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds / 60),
    }
}
