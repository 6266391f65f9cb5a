//! Contacts and their aspects, and followed tags.

use std::collections::{HashMap, HashSet};

use crate::domain::{Contact, CountKind};
use crate::import::ImportError;
use crate::import::journal::notes::{Intent, Journal, kinds};
use crate::import::records::counters::list;
use crate::import::report::FindingCode;
use crate::import::scan::people::People;
use crate::import::scan::text::normal_tag;
use crate::import::target::{NewAccount, RowState, Target};
use crate::pod::database::{Cell as _, DatabaseError, OnConflict, Value};

/// An existing contact of the account.
struct ContactRow {
    id: i64,
    /// True if the account shares with the person.
    receiving: bool,
}

/// Contacts of a batch to be written.
#[derive(Default)]
struct Sorted {
    /// With the person's row number.
    new: Vec<(i64, Contact)>,
    /// The person has started to share with the account; the account is to share as well.
    shared_by_them: Vec<i64>,
    intents: Vec<Intent>,
}

impl Target {
    /// Imports contacts. They start as not sharing: whether people share is up to them, after the move.
    pub(in crate::import) async fn import_contacts(
        &mut self,
        account: &NewAccount,
        people: &People,
        contacts: Vec<Contact>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        let ids: Vec<&str> = contacts.iter().map(|contact| contact.account_id.as_str()).collect();
        let noted = journal.noted(kinds::CONTACTS, &ids).await?;
        let there = self.contacts_of(account.user).await?;
        let ignored = self.ignored_people(account.user).await?;
        let mut sorted = Sorted::default();
        let mut seen = HashSet::new();
        for mut contact in contacts {
            let Some(person) = people.get(&contact.account_id) else {
                self.report.left_out(CountKind::Contacts, FindingCode::PersonUnknown, &contact.account_id);
                continue;
            };
            // diaspora* allows no sharing with somebody who is ignored (`Contact#not_blocked_user`).
            if ignored.contains(&person.id) {
                contact.receiving = false;
                contact.contact_groups_membership.clear();
            }
            let id = &contact.account_id;
            if person.closed {
                self.report.left_out(CountKind::Contacts, FindingCode::PersonClosed, id);
            } else if Some(person.id) == account.old_person || person.id == account.person {
                self.report.left_out(CountKind::Contacts, FindingCode::OwnPerson, id);
            } else if !seen.insert(person.id) {
                self.report.left_out(CountKind::Contacts, FindingCode::Duplicate, id);
            } else {
                let (noted, row) = (noted.get(id.as_str()).copied(), there.get(&person.id));
                let fate = RowState::of(noted, row.is_some());
                self.report.came_to(CountKind::Contacts, fate, noted, id);
                sorted.add(fate, row, person.id, contact);
            }
        }
        if !self.writes() || sorted.intents.is_empty() {
            return Ok(());
        }
        journal.note(std::mem::take(&mut sorted.intents)).await?;
        self.pod.begin().await?;
        self.write_contacts(account, &sorted).await?;
        Ok(self.commit_batch(journal).await?)
    }

    async fn contacts_of(&mut self, user: i64) -> Result<HashMap<i64, ContactRow>, DatabaseError> {
        let sql = format!("SELECT person_id, id, receiving FROM contacts WHERE user_id = {user}");
        let rows = self.pod.rows("the contacts", sql, &[]).await?;
        let read = |row: &crate::pod::database::Row| {
            let contact = ContactRow { id: row.integer(1)?, receiving: row.boolean(2).unwrap_or(false) };
            Some((row.integer(0)?, contact))
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    async fn write_contacts(&mut self, account: &NewAccount, sorted: &Sorted) -> Result<(), ImportError> {
        let now = self.now;
        let columns = ["user_id", "person_id", "sharing", "receiving", "created_at", "updated_at"];
        let rows = sorted
            .new
            .iter()
            .map(|(person, contact)| {
                let user: Value = account.user.into();
                vec![user, (*person).into(), false.into(), contact.receiving.into(), now.into(), now.into()]
            })
            .collect();
        self.pod.insert("contacts", &columns, rows, OnConflict::Ignore).await?;
        let there = self.contacts_of(account.user).await?;
        if !sorted.shared_by_them.is_empty() {
            let sql = format!(
                "UPDATE contacts SET receiving = (1 = 1) WHERE id IN ({})",
                list(&sorted.shared_by_them)
            );
            self.pod.run("the contacts", sql, &[]).await?;
        }
        let rows = sorted
            .new
            .iter()
            .flat_map(|(person, contact)| {
                let names = contact.contact_groups_membership.iter();
                names.filter_map(|name| Some((*account.aspects.get(name)?, there.get(person)?.id)))
            })
            .map(|(aspect, contact)| vec![aspect.into(), contact.into(), now.into(), now.into()])
            .collect();
        let columns = ["aspect_id", "contact_id", "created_at", "updated_at"];
        self.pod.insert("aspect_memberships", &columns, rows, OnConflict::Ignore).await?;
        Ok(())
    }

    /// Imports followed tags.
    pub(in crate::import) async fn import_followed_tags(
        &mut self,
        account: &NewAccount,
        names: Vec<String>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        let spelled: Vec<String> = names.iter().map(|name| normal_tag(name).unwrap_or_default()).collect();
        let originals = names;
        let same = self.same_tags(&spelled).await?;
        let names: Vec<&String> = spelled.iter().map(|name| same.get(name).unwrap_or(name)).collect();
        let noted = journal.noted(kinds::TAG_FOLLOWINGS, &names).await?;
        let sql = format!(
            "SELECT t.name FROM tag_followings f JOIN tags t ON t.id = f.tag_id WHERE f.user_id = {}",
            account.user
        );
        let rows = self.pod.rows("followed tags", sql, &[]).await?;
        let there: HashSet<String> = rows.iter().filter_map(|row| row.text(0)).collect();
        let (mut new, mut intents, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for ((name, spelled), original) in names.into_iter().zip(&spelled).zip(&originals) {
            if name.is_empty() {
                self.report.left_out(CountKind::FollowedTags, FindingCode::Unreadable, original);
            } else if !seen.insert(name) {
                self.report.left_out(CountKind::FollowedTags, FindingCode::Duplicate, spelled);
            } else {
                let noted = noted.get(name).copied();
                let fate = RowState::of(noted, there.contains(name));
                self.report.came_to(CountKind::FollowedTags, fate, noted, name);
                match fate {
                    RowState::New => {
                        intents.push(Intent::write(kinds::TAG_FOLLOWINGS, name));
                        new.push(name.clone());
                    }
                    RowState::Found => intents.push(Intent::found(kinds::TAG_FOLLOWINGS, name)),
                    RowState::Known | RowState::Deleted => {}
                }
            }
        }
        if !self.writes() || intents.is_empty() {
            return Ok(());
        }
        journal.note(intents).await?;
        let now = self.now;
        self.pod.begin().await?;
        let ids = self.tags(&new).await?;
        let rows = new
            .iter()
            .filter_map(|name| {
                Some(vec![(*ids.get(name)?).into(), account.user.into(), now.into(), now.into()])
            })
            .collect();
        let columns = ["tag_id", "user_id", "created_at", "updated_at"];
        self.pod.insert("tag_followings", &columns, rows, OnConflict::Ignore).await?;
        Ok(self.commit_batch(journal).await?)
    }

    /// Maps names of tags to those that the database takes them for: of an existing tag, or of an earlier name.
    async fn same_tags(&mut self, names: &[String]) -> Result<HashMap<String, String>, DatabaseError> {
        let rows = self.pod.rows_in("tags", "SELECT name FROM tags WHERE name IN ({})", names).await?;
        let mut all: Vec<String> = rows.iter().filter_map(|row| row.text(0)).collect();
        all.extend_from_slice(names);
        self.pod.collation_duplicates("tags", "name", &all).await
    }
}

impl Sorted {
    /// Adds a contact by what is to be done for it.
    fn add(&mut self, fate: RowState, row: Option<&ContactRow>, person: i64, contact: Contact) {
        match (fate, row) {
            (RowState::New, _) => self.intents.push(Intent::write(kinds::CONTACTS, &contact.account_id)),
            // People who were notified of the move earlier may share already.
            (RowState::Found, Some(row)) if contact.receiving && !row.receiving => {
                self.intents.push(Intent::found(kinds::CONTACTS, &contact.account_id));
                self.shared_by_them.push(row.id);
            }
            (RowState::Found, _) => {
                self.intents.push(Intent::found(kinds::CONTACTS, &contact.account_id));
                return;
            }
            (RowState::Known | RowState::Deleted, _) => return,
        }
        self.new.push((person, contact));
    }
}
