//! Contacts with their aspects.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures_util::TryStreamExt as _;

use super::notes::{Notes, Problem, identifier, person_id};
use super::source::{OwnerKey, Statement};
use super::stand_ins::Replacements;
use super::{AccountReader, ReadError, Sink};
use crate::domain::{Contact, CountKind, DiasporaId, OmissionCode, PublicKey, RecordKind};
use crate::sql::Row;

/// Data about the contacts for later parts: audiences and subscribed pods.
#[derive(Debug, Default)]
pub struct ContactBook {
    /// `people.id` of every contact in the archive.
    pub people: HashSet<i64>,
    /// Pods of remote contacts.
    pub pods: BTreeSet<i64>,
    /// Members of each aspect, by `aspects.id`, each list in order of `people.id`.
    pub aspect_members: HashMap<i64, Vec<(i64, DiasporaId)>>,
}

impl ContactBook {
    /// Returns the members of any of these aspects, each once.
    pub fn members(&self, aspects: &[i64]) -> Vec<DiasporaId> {
        let mut members: Vec<&(i64, DiasporaId)> =
            aspects.iter().filter_map(|aspect| self.aspect_members.get(aspect)).flatten().collect();
        members.sort_unstable_by_key(|(person, _)| *person);
        members.dedup_by_key(|(person, _)| *person);
        members.into_iter().map(|(_, id)| id.clone()).collect()
    }
}

pub(super) const STATEMENTS: &[&Statement] = &[&CONTACTS, &MEMBERSHIPS];

const CONTACTS: Statement = Statement {
    name: "the contacts",
    owner: OwnerKey::User,
    sql: |scope| {
        format!(
            "SELECT c.id, c.sharing, c.receiving, p.id AS person_row, p.guid, p.diaspora_handle, \
             p.serialized_public_key, f.first_name, f.last_name, p.pod_id, p.owner_id, \
             c.user_id AS account_row FROM contacts c \
             LEFT JOIN people p ON p.id = c.person_id LEFT JOIN profiles f ON f.person_id = p.id \
             WHERE {} ORDER BY c.id, f.id",
            scope.condition("c.user_id")
        )
    },
};

const MEMBERSHIPS: Statement = Statement {
    name: "the aspects of contacts",
    owner: OwnerKey::User,
    sql: |scope| {
        format!(
            "SELECT m.contact_id, m.aspect_id, c.user_id AS account_row FROM aspect_memberships m \
             JOIN contacts c ON c.id = m.contact_id WHERE {} ORDER BY m.id",
            scope.condition("c.user_id")
        )
    },
};

impl AccountReader<'_> {
    /// Reads all contacts, oldest first.
    ///
    /// # Errors
    /// The database's failure, or [`ReadError::Stopped`].
    pub async fn contacts(&mut self, sink: &mut impl Sink<Contact>) -> Result<ContactBook, ReadError> {
        let memberships = self.aspect_memberships().await?;
        let Self { source, account, aspects, notes, .. } = self;
        let mut book = ContactBook::default();
        let mut rows = source.stream(&CONTACTS, account);
        while let Some(row) = rows.try_next().await? {
            let aspect_ids =
                row.integer("id").and_then(|id| memberships.get(&id)).map_or(&[][..], Vec::as_slice);
            let groups =
                aspects.iter().filter(|a| aspect_ids.contains(&a.id)).map(|a| a.name.clone()).collect();
            let person = row.integer("person_row");
            if person.is_some_and(|person| !book.people.insert(person)) {
                continue; // This is a second profile of the same person.
            }
            let mut replacements = Replacements::default();
            match contact(&row, groups, notes, &mut replacements) {
                Ok(contact) => {
                    let id = Some(contact.account_id.as_str());
                    replacements.note(notes, RecordKind::Contact, row.integer("id"), id);
                    book.note(&row, aspect_ids, &contact.account_id);
                    notes.count(CountKind::Contacts);
                    sink.put(contact).await?;
                }
                Err(problem) => {
                    notes.omit(problem, RecordKind::Contact, row.integer("id"), row.text("diaspora_handle"));
                }
            }
        }
        for members in book.aspect_members.values_mut() {
            members.sort_unstable_by_key(|(person, _)| *person);
        }
        Ok(book)
    }

    /// Reads the aspects of each contact, by row ID.
    async fn aspect_memberships(&mut self) -> Result<HashMap<i64, Vec<i64>>, ReadError> {
        let mut memberships: HashMap<i64, Vec<i64>> = HashMap::new();
        let mut rows = self.source.stream(&MEMBERSHIPS, &self.account);
        while let Some(row) = rows.try_next().await? {
            if let (Some(contact), Some(aspect)) = (row.integer("contact_id"), row.integer("aspect_id")) {
                memberships.entry(contact).or_default().push(aspect);
            }
        }
        Ok(memberships)
    }
}

impl ContactBook {
    fn note(&mut self, row: &Row, aspects: &[i64], id: &DiasporaId) {
        let Some(person) = row.integer("person_row") else { return };
        for aspect in aspects {
            self.aspect_members.entry(*aspect).or_default().push((person, id.clone()));
        }
        if let (Some(pod), true) = (row.integer("pod_id"), row.is_null("owner_id")) {
            self.pods.insert(pod);
        }
    }
}

fn contact(
    row: &Row,
    groups: Vec<String>,
    notes: &mut Notes,
    replacements: &mut Replacements,
) -> Result<Contact, Problem> {
    if row.is_null("person_row") {
        return Err(Problem::new(OmissionCode::MissingPerson, "the person is not in the pod's database"));
    }
    let account_id = person_id(row.text("diaspora_handle"), "diaspora* ID")?;
    let sharing = replacements.flag(row, "sharing", "sharing", false);
    let receiving = replacements.flag(row, "receiving", "receiving", false);
    let key = row.text("serialized_public_key").unwrap_or_default();
    let mut omit_part = |code, part: &str, reason: String| {
        let reason = format!("the contact is exported without the person's {part}: {reason}");
        let (person, name) = (row.integer("person_row"), Some(account_id.to_string()));
        notes.omit(Problem::new(code, reason), RecordKind::Person, person, name);
    };
    let public_key = match PublicKey::from_pem(&key) {
        Ok(_) => Some(key),
        Err(error) => {
            omit_part(OmissionCode::UnreadableKey, "public key", error.to_string());
            None
        }
    };
    let person_guid = match identifier(row.text("guid"), "GUID") {
        Ok(guid) => Some(guid),
        Err(Problem { code, reason }) => {
            omit_part(code, "GUID", reason);
            None
        }
    };
    Ok(Contact {
        sharing,
        receiving,
        following: sharing,
        followed: receiving,
        person_guid,
        person_name: display_name(row.text("first_name"), row.text("last_name"), account_id.as_str()),
        account_id,
        public_key,
        contact_groups_membership: groups,
    })
}

/// Returns a person's name as diaspora* shows it: both parts, or the diaspora* ID when both are blank.
pub(super) fn display_name(first: Option<String>, last: Option<String>, id: &str) -> String {
    let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
    let name = format!("{} {}", first.trim(), last.trim());
    let name = name.trim();
    if name.is_empty() { id.to_owned() } else { name.to_owned() }
}
