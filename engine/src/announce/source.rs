//! The archive's data for an announcement: the old account's key, and its contacts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use super::AnnounceError;
use crate::archive::document::{
    DocumentError, DocumentVisitor, Next, Place, Section, read_document, read_record,
};
use crate::archive::lists::List;
use crate::archive::open::{Archive, Verified};
use crate::domain::{Contact, DiasporaId, Guid, PrivateKey, PublicKey};

/// The maximum number of contacts that are read; no account has more.
const MAX_CONTACTS: usize = 500_000;

/// The data read from the archive.
pub(super) struct Source {
    pub(super) private_key: PrivateKey,
    pub(super) contacts: BTreeMap<DiasporaId, ClaimedContact>,
}

/// The archive's claims about a contact: they decide only for whom a message is sealed.
#[derive(Clone)]
pub(super) struct ClaimedContact {
    /// True if the person and the account shared both ways.
    pub(super) is_friend: bool,
    /// True if the account shares with the person.
    pub(super) shares: bool,
    /// For people whose pod does not publish it.
    pub(super) guid: Option<Guid>,
    /// For people whose pod does not publish it.
    pub(super) key: Option<PublicKey>,
}

impl Source {
    pub(super) fn read(archive: &mut Archive<Verified>) -> Result<Self, AnnounceError> {
        let limits = *archive.limits();
        let mut source = Self { private_key: PrivateKey::absent(), contacts: BTreeMap::new() };
        read_document(archive.document()?, &limits, &mut source)?;
        Ok(source)
    }
}

/// Returns the number of pods of an archive's contacts: the hosts to which its author could make Pappus connect. Reads
/// the document once.
///
/// # Errors
/// [`AnnounceError`] if the archive can no longer be read.
pub fn pods_of_contacts(archive: &mut Archive<Verified>) -> Result<usize, AnnounceError> {
    let contacts = Source::read(archive)?.contacts;
    Ok(contacts.keys().map(DiasporaId::host).collect::<BTreeSet<_>>().len())
}

impl From<Contact> for ClaimedContact {
    fn from(contact: Contact) -> Self {
        Self {
            is_friend: contact.receiving && contact.sharing,
            shares: contact.receiving,
            guid: contact.person_guid,
            key: contact.public_key.and_then(|key| PublicKey::from_pem(&key).ok()),
        }
    }
}

impl DocumentVisitor for Source {
    fn wants(&self, section: Section, name: &str) -> bool {
        List::of(section, name) == Some(List::Contacts) || section == Section::User && name == "private_key"
    }

    fn field(&mut self, _: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        self.private_key = serde_json::from_str(value.get()).unwrap_or_else(|_| PrivateKey::absent());
        Ok(Next::Continue)
    }

    fn element(&mut self, _: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        // The import has reported the unreadable ones.
        if let Ok((contact, _)) = read_record::<Contact>(value, None)
            && self.contacts.len() < MAX_CONTACTS
        {
            self.contacts.insert(contact.account_id.clone(), contact.into());
        }
        Ok(Next::Continue)
    }
}
