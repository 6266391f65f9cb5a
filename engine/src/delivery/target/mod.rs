//! The pod that accounts move to. Each check of its database records changes in the ledger: friends who are back
//! (`friends`), pods that have processed the move (`processed`), Contacts that are no longer needed (`needless`), and
//! edited profiles (`profiles`). Contacts that the import had to leave out are completed on the pod (`missing`).

mod friends;
mod missing;
mod needless;
mod processed;
mod profiles;

pub use friends::{KnownPerson, NewIdentity};
pub(in crate::delivery) use missing::BACK_AT;
pub use missing::MissingContacts;
pub(crate) use missing::people_to_look_up;
pub(crate) use profiles::profile_digest;

use std::sync::Arc;

use crate::pod::config::PodUrl;
use crate::sql::DatabaseUrl;

/// The pod that accounts move to: its `contacts` show who is back, its `profiles` whether the account's was edited.
#[derive(Debug, Clone)]
pub struct TargetPod {
    database: DatabaseUrl,
    url: String,
    missing_contacts: Option<Arc<dyn MissingContacts>>,
}

impl TargetPod {
    /// Returns the pod with this database and address.
    pub fn new(database: &DatabaseUrl, url: &PodUrl) -> Self {
        Self { database: database.clone(), url: url.as_str().to_owned(), missing_contacts: None }
    }

    /// Adds the implementation that completes contacts which imports had to leave out.
    #[must_use]
    pub fn with_missing_contacts(self, missing_contacts: Arc<dyn MissingContacts>) -> Self {
        Self { missing_contacts: Some(missing_contacts), ..self }
    }
}
