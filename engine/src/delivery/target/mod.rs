//! The pod that accounts move to. Each look at its database records in the ledger what has changed there: friends who are
//! back (`friends`), pods that have processed the move (`processed`), Contacts that are no longer needed (`needless`), and profiles that have been edited (`profiles`).

mod friends;
mod needless;
mod processed;
mod profiles;

pub use friends::{KnownPerson, NewIdentity};
pub(crate) use profiles::profile_digest;

use crate::pod::config::PodUrl;
use crate::sql::DatabaseUrl;

/// The pod that accounts move to: its `contacts` show who is back, its `profiles` what is new about the account.
#[derive(Debug, Clone)]
pub struct TargetPod {
    database: DatabaseUrl,
    url: String,
}

impl TargetPod {
    /// Creates the pod with this database and address.
    pub fn new(database: &DatabaseUrl, url: &PodUrl) -> Self {
        Self { database: database.clone(), url: url.as_str().to_owned() }
    }
}
