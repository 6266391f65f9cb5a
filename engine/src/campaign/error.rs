//! What can go wrong with a campaign as a whole.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::depot::{DepotError, is_of_the_disk};
use crate::pod::database::DatabaseError;
use crate::store::StoreError;

/// Why a campaign did not go on. What is wrong with one account is written down with the account instead.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// Pappus's own database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The pod's database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The place of the archives failed.
    #[error(transparent)]
    Depot(#[from] DepotError),
    /// Nobody has begun it.
    #[error("there is no campaign {name:?} of this pod; `pappus campaign` lists them")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// There is one of that name, and it is another.
    #[error(
        "the campaign {name:?} was begun with another {what}: {was}. Give a new one a name of its own with --name"
    )]
    Different {
        /// Its name.
        name: String,
        /// What is different.
        what: &'static str,
        /// What it was.
        was: String,
    },
    /// It cannot be done in this state.
    #[error("the campaign {name:?} is {state} and cannot be {what}")]
    State {
        /// Its name.
        name: String,
        /// Its state.
        state: &'static str,
        /// What was to be done with it.
        what: &'static str,
    },
    /// Archives of one campaign are signed with one key.
    #[error(
        "the archives of the campaign {name:?} are signed with the pod's archive key {was}, and Pappus's own folder \
         here holds another, {here}. Copy archive-key.pem from the machine that began it, or name that folder \
         with --state"
    )]
    OtherKey {
        /// The campaign.
        name: String,
        /// Fingerprint of the right key.
        was: String,
        /// Fingerprint of the key that is here.
        here: String,
    },
    /// Something was waited for, and did not come back.
    #[error("{reason}. This has been so for {}; nothing is lost, run the same again to go on", minutes(*.waited))]
    GivenUp {
        /// What is wrong.
        reason: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The archives cannot be encrypted to whom they should be.
    #[error("the archives cannot be encrypted: {0}")]
    Recipient(String),
    /// The list of what became of everybody was not written.
    #[error("{0}")]
    List(String),
    /// It was told to stop while it waited for something.
    #[error("stopped")]
    Stopped,
    /// Archives cannot be written anywhere before they are stored.
    #[error("{path} cannot be used for archives in the making: {source}")]
    Spool {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A task of the worker ended without a word.
    #[error("a part of the worker stopped unexpectedly; this is a defect of Pappus, please report it")]
    Broken,
}

impl CampaignError {
    /// Whether it is something that all accounts need and that comes back: a database, the place of the archives, the
    /// disk they are made on.
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
