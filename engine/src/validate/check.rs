//! The check of all signatures of an archive.
//!
//! In the document, contacts and their keys come before the relayables, and the keys of other authors after them.
//! Relayables whose author's key is known are checked while the document is read. The others are kept in memory until
//! the end; those that exceed a limit are dropped, and the document is read again for them.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError, RwLock};

use serde_json::value::RawValue;

use super::keys::{KeyRing, KnownKey};
use super::pool::{Feeder, Job, Shared, Waiting, run};
use super::report::SignatureReport;
use crate::archive::document::{
    DocumentError, DocumentVisitor, Next, Place, Section, read_document, read_extras, read_record,
};
use crate::archive::lists::List;
use crate::archive::open::{Archive, OpenError, Verified};
use crate::domain::{Contact, DiasporaId, NonContactAuthor, PrivateKey};

/// An error of checking signatures.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The archive can no longer be read.
    #[error(transparent)]
    Archive(#[from] OpenError),
    /// The document can no longer be read.
    #[error("the archive document: {0}")]
    Document(#[from] DocumentError),
    /// A thread panicked.
    #[error("checking signatures stopped unexpectedly. This is a bug in Pappus; please report it")]
    Broken,
}

/// Checks the records of every signed list: other people's relayables in the document, and likes on comments in
/// `extras.json`.
///
/// Keys come from the contacts, from `non_contact_authors`, from the account itself, and from `known`. Memory hardly
/// depends on the archive's size: only the GUIDs of relayables signed under a former ID of their author are kept.
///
/// # Errors
/// [`SignatureError`] if the archive can no longer be read. Bad signatures are not errors.
pub fn check_signatures(
    archive: &mut Archive<Verified>,
    known: &[KnownKey],
    threads: NonZeroUsize,
) -> Result<SignatureReport, SignatureError> {
    let limits = *archive.limits();
    let account = archive.report().account.clone();
    let additions = archive.additions::<SignatureError>()?;
    let ring = RwLock::new(KeyRing::default());
    for KnownKey { person, signed_as, key } in known {
        lock(&ring).add(person.clone(), Some(signed_as.clone()), key.as_pem());
    }
    if let Some(exported) = archive.manifest().map(|manifest| &manifest.account)
        && let Some(pem) = &exported.public_key
    {
        lock(&ring).add(exported.diaspora_id.clone(), None, pem);
    }
    let waiting = Mutex::new(Waiting::default());
    let shared =
        Shared { ring: &ring, account: account.as_ref(), additions: &additions, waiting: Some(&waiting) };
    let document = archive.document()?;
    let (result, first_report) = run(threads, &shared, |feeder| {
        let mut collector = KeyCollector { ring: &ring, account: account.as_ref(), feeder };
        read_document(document, &limits, &mut collector)
    });
    result?;
    let mut report = first_report.ok_or(SignatureError::Broken)?;
    let waiting = waiting.into_inner().unwrap_or_else(PoisonError::into_inner);
    let shared = Shared { ring: &ring, account: account.as_ref(), additions: &additions, waiting: None };
    report.merge(check_remaining(archive, threads, &shared, waiting)?);
    let ring = ring.into_inner().unwrap_or_else(PoisonError::into_inner);
    (report.keys, report.keys_left_out) = (ring.count, ring.left_out);
    Ok(report)
}

fn lock(ring: &RwLock<KeyRing>) -> std::sync::RwLockWriteGuard<'_, KeyRing> {
    ring.write().unwrap_or_else(PoisonError::into_inner)
}

/// Checks the remaining records after all keys are known: waiting and dropped records, and those in `extras.json`.
fn check_remaining(
    archive: &mut Archive<Verified>,
    threads: NonZeroUsize,
    shared: &Shared<'_>,
    waiting: Waiting,
) -> Result<SignatureReport, SignatureError> {
    let limits = *archive.limits();
    let (result, report) = run(threads, shared, |feeder| -> Result<(), SignatureError> {
        for job in waiting.jobs {
            feeder.feed(job);
        }
        if !waiting.dropped.is_empty() {
            let is_dropped =
                |list, index| waiting.dropped.get(&list).is_some_and(|dropped| dropped.contains(&index));
            read_document(
                archive.document()?,
                &limits,
                &mut SignedRecordSender { is_wanted: &is_dropped, feeder },
            )?;
        }
        if let Some(extras) = archive.extras()? {
            read_extras(extras, &limits, &mut SignedRecordSender { is_wanted: &|_, _| true, feeder })?;
        }
        Ok(())
    });
    result?;
    report.ok_or(SignatureError::Broken)
}

/// Adds keys to the ring and sends relayables to the threads.
struct KeyCollector<'a> {
    ring: &'a RwLock<KeyRing>,
    account: Option<&'a DiasporaId>,
    feeder: &'a mut Feeder,
}

impl DocumentVisitor for KeyCollector<'_> {
    fn wants(&self, section: Section, name: &str) -> bool {
        match List::of(section, name) {
            Some(list) => list.is_signed() || matches!(list, List::Contacts | List::NonContactAuthors),
            None => section == Section::User && name == "private_key",
        }
    }

    fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        if let ("private_key", Some(account)) = (place.name, self.account)
            && let Ok(key) = serde_json::from_str::<PrivateKey>(value.get())
            && let Ok(public) = key.signing_key().and_then(|key| key.public_key())
        {
            lock(self.ring).add(account.clone(), None, public.as_pem());
        }
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        // The verification has already reported unreadable records.
        match place.list() {
            Some(List::Contacts) => {
                if let Ok((Contact { account_id, public_key: Some(pem), .. }, _)) = read_record(value, None) {
                    lock(self.ring).add(account_id, None, &pem);
                }
            }
            Some(List::NonContactAuthors) => {
                if let Ok((author, _)) = read_record::<NonContactAuthor>(value, None) {
                    lock(self.ring).add(author.account_id, None, &author.public_key);
                }
            }
            Some(list) => return Ok(feed(self.feeder, list, place, value)),
            None => {}
        }
        Ok(Next::Continue)
    }
}

fn feed(feeder: &mut Feeder, list: List, place: &Place<'_>, value: &RawValue) -> Next {
    let index = place.index.unwrap_or_default();
    let is_accepted = feeder.feed(Job { list, index, text: value.to_owned() });
    if is_accepted { Next::Continue } else { Next::Stop }
}

/// Sends signed records to the threads.
struct SignedRecordSender<'a> {
    /// Returns whether the record with this index in a list is wanted.
    is_wanted: &'a dyn Fn(List, u64) -> bool,
    feeder: &'a mut Feeder,
}

impl DocumentVisitor for SignedRecordSender<'_> {
    fn wants(&self, section: Section, name: &str) -> bool {
        List::of(section, name).is_some_and(List::is_signed)
    }

    fn field(&mut self, _: &Place<'_>, _: &RawValue) -> Result<Next, DocumentError> {
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        let (Some(list), Some(index)) = (place.list(), place.index) else { return Ok(Next::Continue) };
        Ok(if (self.is_wanted)(list, index) { feed(self.feeder, list, place, value) } else { Next::Continue })
    }
}
