//! Completes contacts that an import left out because their people were unknown, once the target pod knows these
//! people: after the move their pods may answer a lookup, or the people may have shared with the new account.
//!
//! The journal notes a contact as written after its row exists. If the program is killed in between, the next run finds
//! the row and notes it.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, FutureExt as _};

use super::ImportError;
use super::decide::{self, Context};
use super::journal::missing_contacts::{
    WaitingImport, forget_completed, missing_contacts, note_as_written, waiting_imports,
};
use super::journal::notes::Journal;
use super::scan::people::People;
use super::target::{NewAccount, Target};
use super::write::photos::PhotoFiles;
use crate::delivery::{DeliveryError, MissingContacts, people_to_look_up};
use crate::discovery::Discovery;
use crate::domain::{Contact, DiasporaId, Guid, Timestamp};
use crate::http::Client;
use crate::pod::config::PodUrl;
use crate::pod::database::PodWriter;
use crate::sql::DatabaseUrl;
use crate::store::Store;

/// The maximum total time for the lookups of one import in one run: deliveries wait for them.
const MAX_LOOKUP_TIME: Duration = Duration::from_secs(30);

/// Completes the contacts that imports into a pod have left out.
#[derive(Debug, Clone)]
pub struct ContactCompletion {
    database: DatabaseUrl,
    url: PodUrl,
    client: Option<Client>,
}

impl ContactCompletion {
    /// Creates a completion for the pod with this database and address. Without a client, no people are looked up: only
    /// contacts of people whom the pod has discovered by itself are completed.
    pub fn new(database: &DatabaseUrl, url: &PodUrl, client: Option<Client>) -> Self {
        Self { database: database.clone(), url: url.clone(), client }
    }

    async fn complete_all(&self, store: &Store, now: DateTime<Utc>) -> Result<(), DeliveryError> {
        for import in waiting_imports(store, self.url.as_str()).await? {
            match self.complete_import(store, &import, now).await {
                Err(ImportError::Database(error)) => return Err(error.into()),
                Err(ImportError::Store(error)) => return Err(error.into()),
                // Its account may have another name by now, for example. The other imports are completed nevertheless.
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    async fn complete_import(
        &self,
        store: &Store,
        import: &WaitingImport,
        now: DateTime<Utc>,
    ) -> Result<(), ImportError> {
        forget_completed(store, &import.id).await?;
        let missing = missing_contacts(store, &import.id).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let old_id: DiasporaId = import.old_id.parse()?;
        let pod = PodWriter::open(&self.database).await?;
        let mut target = Target::new(pod, self.url.clone(), Timestamp::from(now), None);
        let Some(account) = self.account(&mut target, import).await? else { return Ok(()) };
        // The contacts are noted below; a blank journal notes nothing.
        let mut journal = Journal::blank(Some(store));
        let mut people = People::read(&mut target, missing.iter().map(|contact| &contact.account_id)).await?;
        self.look_up(&mut people, &mut target, &mut journal, import, now).await?;
        let known_contacts: Vec<Contact> =
            missing.into_iter().filter(|contact| people.get(&contact.account_id).is_some()).collect();
        if known_contacts.is_empty() {
            return Ok(());
        }
        let files = PhotoFiles::default();
        let context = Context { account: &account, old_id: &old_id, people: &people, files: &files };
        let completed = target.complete_contacts(&context, &known_contacts, &mut journal).await?;
        let completed: Vec<&str> = completed.into_iter().map(DiasporaId::as_str).collect();
        Ok(note_as_written(store, &import.id, &completed).await?)
    }

    /// Returns the import's account; none if it is closed or no longer exists.
    async fn account(
        &self,
        target: &mut Target,
        import: &WaitingImport,
    ) -> Result<Option<NewAccount>, ImportError> {
        let new_id: DiasporaId = format!("{}@{}", import.new_username, self.url.diaspora_host()).parse()?;
        let guid: Guid = import.person_guid.parse().map_err(|_| ImportError::Internal)?;
        let rows = target.find_account(&new_id, &guid).await?;
        let Some(rows) = rows.filter(|rows| rows.is_open && !rows.is_closed) else { return Ok(None) };
        // Aspects that the user has deleted are not among them, and are not created again.
        let aspects = target.aspects(rows.user).await?;
        Ok(Some(NewAccount::new(new_id, rows.person, rows.user, None, aspects)))
    }

    /// Looks up the people whose pods have accepted the move, and adds them to the pod.
    async fn look_up(
        &self,
        people: &mut People,
        target: &mut Target,
        journal: &mut Journal,
        import: &WaitingImport,
        now: DateTime<Utc>,
    ) -> Result<(), ImportError> {
        let (Some(client), Some(store)) = (&self.client, journal.store().cloned()) else { return Ok(()) };
        let due_people: HashSet<DiasporaId> =
            people_to_look_up(&store, &import.id, now).await?.into_iter().collect();
        let discovery = Discovery::new(client.clone(), MAX_LOOKUP_TIME);
        people.discover(target, &discovery, &due_people, journal).await
    }
}

impl MissingContacts for ContactCompletion {
    fn complete(&self, store: &Store, now: DateTime<Utc>) -> BoxFuture<'static, Result<(), DeliveryError>> {
        let (completion, store, runtime) = (self.clone(), store.clone(), tokio::runtime::Handle::current());
        // On a thread of its own, like all imports.
        let completing =
            tokio::task::spawn_blocking(move || runtime.block_on(completion.complete_all(&store, now)));
        async move { completing.await.unwrap_or(Ok(())) }.boxed()
    }
}

impl Target {
    /// Writes these contacts as an import does, except those of people whom the account ignores by now. Returns the IDs
    /// of those that need no further run.
    async fn complete_contacts<'a>(
        &mut self,
        context: &Context<'_>,
        contacts: &'a [Contact],
        journal: &mut Journal,
    ) -> Result<Vec<&'a DiasporaId>, ImportError> {
        let (account, people) = (context.account, context.people);
        let existing = self.existing_contacts(account.user, contacts, journal).await?;
        let is_ignored = |contact: &Contact| {
            people.get(&contact.account_id).is_some_and(|person| existing.ignored.contains(&person.id))
        };
        let wanted: Vec<Contact> = contacts.iter().filter(|contact| !is_ignored(contact)).cloned().collect();
        self.apply(decide::contacts::contacts(context, &existing, &wanted), journal).await?;
        // The pod may have created a contact at the same moment; the next run completes it.
        let rows = self.contacts_of(account.user).await?;
        let is_complete = |contact: &&Contact| {
            let Some(person) = people.get(&contact.account_id) else { return false };
            is_ignored(contact)
                || person.is_closed
                || account.is_own(person.id)
                || rows.get(&person.id).is_some_and(|row| row.receiving)
        };
        Ok(contacts.iter().filter(is_complete).map(|contact| &contact.account_id).collect())
    }
}
