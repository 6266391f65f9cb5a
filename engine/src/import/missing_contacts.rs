//! Completes contacts that an import left out because nothing knew their people, once the target pod knows them: after
//! the move their pods answer, so they can be looked up, or the pod has met them when they shared with the new account.
//!
//! The journal notes a contact as written after its row is there. A program that is killed in between finds the row and
//! notes it then.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, FutureExt as _};

use super::ImportError;
use super::decide::{Context, contacts};
use super::journal::missing_contacts::{
    WaitingImport, forget_brought, missing_contacts, note_as_written, waiting_imports,
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

/// Total time for the lookups of one import at one look: deliveries wait for them.
const LOOKING_UP: Duration = Duration::from_secs(30);

/// Completes the contacts that imports into a pod have left out.
#[derive(Debug, Clone)]
pub struct ContactCompletion {
    database: DatabaseUrl,
    url: PodUrl,
    client: Option<Client>,
}

impl ContactCompletion {
    /// Creates it for the pod with this database and address. Without a client only people whom the pod has met by itself
    /// are completed.
    pub fn new(database: &DatabaseUrl, url: &PodUrl, client: Option<Client>) -> Self {
        Self { database: database.clone(), url: url.clone(), client }
    }

    async fn complete_all(&self, store: &Store, now: DateTime<Utc>) -> Result<(), DeliveryError> {
        for import in waiting_imports(store, self.url.as_str()).await? {
            match self.complete_import(store, &import, now).await {
                Err(ImportError::Database(error)) => return Err(error.into()),
                Err(ImportError::Store(error)) => return Err(error.into()),
                // Its account has another name by now, for example: others are completed nevertheless.
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
        forget_brought(store, &import.id).await?;
        let missing = missing_contacts(store, &import.id).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let old: DiasporaId = import.old_id.parse()?;
        let pod = PodWriter::open(&self.database).await?;
        let mut target = Target::new(pod, self.url.clone(), Timestamp::from(now), None);
        let Some(account) = self.account(&mut target, import).await? else { return Ok(()) };
        // The contacts' journal is noted below; a blank one notes nothing.
        let mut journal = Journal::blank(Some(store));
        let mut people = People::read(&mut target, missing.iter().map(|contact| &contact.account_id)).await?;
        self.look_up(&mut people, &mut target, &mut journal, import, now).await?;
        let known: Vec<Contact> =
            missing.into_iter().filter(|contact| people.get(&contact.account_id).is_some()).collect();
        if known.is_empty() {
            return Ok(());
        }
        let files = PhotoFiles::default();
        let context = Context { account: &account, old: &old, people: &people, files: &files };
        let complete = target.complete_contacts(&context, &known, &mut journal).await?;
        let complete: Vec<&str> = complete.into_iter().map(DiasporaId::as_str).collect();
        Ok(note_as_written(store, &import.id, &complete).await?)
    }

    /// Returns the import's account; none if it is closed or gone.
    async fn account(
        &self,
        target: &mut Target,
        import: &WaitingImport,
    ) -> Result<Option<NewAccount>, ImportError> {
        let new: DiasporaId = format!("{}@{}", import.new_username, self.url.diaspora_host()).parse()?;
        let guid: Guid = import.person_guid.parse().map_err(|_| ImportError::Internal)?;
        let rows = target.find_account(&new, &guid).await?;
        let Some(rows) = rows.filter(|rows| rows.is_open && !rows.is_closed) else { return Ok(None) };
        // Aspects that the user has deleted are not among them, and are not made again.
        let aspects = target.aspects(rows.user).await?;
        Ok(Some(NewAccount::new(new, rows.person, rows.user, None, aspects)))
    }

    /// Looks up those whose pods have taken the move, and adds them to the pod.
    async fn look_up(
        &self,
        people: &mut People,
        target: &mut Target,
        journal: &mut Journal,
        import: &WaitingImport,
        now: DateTime<Utc>,
    ) -> Result<(), ImportError> {
        let (Some(client), Some(store)) = (&self.client, journal.store().cloned()) else { return Ok(()) };
        let due: HashSet<DiasporaId> =
            people_to_look_up(&store, &import.id, now).await?.into_iter().collect();
        let discovery = Discovery::new(client.clone(), LOOKING_UP);
        people.discover(target, &discovery, &due, journal).await
    }
}

impl MissingContacts for ContactCompletion {
    fn complete(&self, store: &Store, now: DateTime<Utc>) -> BoxFuture<'static, Result<(), DeliveryError>> {
        let (this, store, runtime) = (self.clone(), store.clone(), tokio::runtime::Handle::current());
        // On a thread of its own, as all imports.
        let completing =
            tokio::task::spawn_blocking(move || runtime.block_on(this.complete_all(&store, now)));
        async move { completing.await.unwrap_or(Ok(())) }.boxed()
    }
}

impl Target {
    /// Writes these contacts as an import does, except those of people whom the account ignores by now. Returns those that
    /// need nothing more.
    async fn complete_contacts<'a>(
        &mut self,
        context: &Context<'_>,
        known: &'a [Contact],
        journal: &mut Journal,
    ) -> Result<Vec<&'a DiasporaId>, ImportError> {
        let (account, people) = (context.account, context.people);
        let existing = self.existing_contacts(account.user, known, journal).await?;
        let is_ignored = |contact: &Contact| {
            people.get(&contact.account_id).is_some_and(|person| existing.ignored.contains(&person.id))
        };
        let wanted: Vec<Contact> = known.iter().filter(|contact| !is_ignored(contact)).cloned().collect();
        self.apply(contacts::contacts(context, &existing, &wanted), journal).await?;
        // The pod may have made a contact of its own at the same moment, which is completed at the next look.
        let rows = self.contacts_of(account.user).await?;
        let is_complete = |contact: &&Contact| {
            let Some(person) = people.get(&contact.account_id) else { return false };
            is_ignored(contact)
                || person.closed
                || account.is_own(person.id)
                || rows.get(&person.id).is_some_and(|row| row.receiving)
        };
        Ok(known.iter().filter(is_complete).map(|contact| &contact.account_id).collect())
    }
}
