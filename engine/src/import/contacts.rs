//! Contacts and their aspects, and followed tags.

use std::collections::{HashMap, HashSet};

use super::ImportError;
use super::people::People;
use super::report::FindingCode;
use super::target::{NewAccount, Target};
use crate::archive::manifest::CountKind;
use crate::domain::Contact;
use crate::pod::database::{Cell as _, Existing, Value};

impl Target {
    /// Contacts start as not sharing: whether somebody shares is for them to say, after the move.
    pub(super) async fn import_contacts(
        &mut self,
        account: &NewAccount,
        people: &People,
        contacts: Vec<Contact>,
    ) -> Result<(), ImportError> {
        let mut new: Vec<(i64, Contact)> = Vec::new();
        let mut seen = HashSet::new();
        for contact in contacts {
            let id = &contact.account_id;
            let Some(person) = people.get(id) else {
                self.report.left_out(CountKind::Contacts, FindingCode::PersonUnknown, &id);
                continue;
            };
            if person.closed {
                self.report.left_out(CountKind::Contacts, FindingCode::PersonClosed, &id);
            } else if Some(person.id) == account.old_person || person.id == account.person {
                self.report.left_out(CountKind::Contacts, FindingCode::OwnPerson, &id);
            } else if !seen.insert(person.id) {
                self.report.left_out(CountKind::Contacts, FindingCode::Duplicate, &id);
            } else {
                self.report.imported(CountKind::Contacts);
                new.push((person.id, contact));
            }
        }
        if !self.writes() || new.is_empty() {
            return Ok(());
        }
        let now = self.now;
        self.pod.begin().await?;
        let columns = ["user_id", "person_id", "sharing", "receiving", "created_at", "updated_at"];
        let rows = new
            .iter()
            .map(|(person, contact)| {
                let user: Value = account.user.into();
                vec![user, (*person).into(), false.into(), contact.receiving.into(), now.into(), now.into()]
            })
            .collect();
        self.pod.insert("contacts", &columns, rows, Existing::Keep).await?;
        let sql = format!("SELECT person_id, id FROM contacts WHERE user_id = {}", account.user);
        let ids: HashMap<i64, i64> = self
            .pod
            .rows("the contacts", sql, &[])
            .await?
            .iter()
            .filter_map(|row| Some((row.integer(0)?, row.integer(1)?)))
            .collect();
        let rows = new
            .iter()
            .flat_map(|(person, contact)| {
                let names = contact.contact_groups_membership.iter();
                names.filter_map(|name| Some((*account.aspects.get(name)?, *ids.get(person)?)))
            })
            .map(|(aspect, contact)| vec![aspect.into(), contact.into(), now.into(), now.into()])
            .collect();
        let columns = ["aspect_id", "contact_id", "created_at", "updated_at"];
        self.pod.insert("aspect_memberships", &columns, rows, Existing::Keep).await?;
        self.pod.commit().await?;
        Ok(())
    }

    /// Tags the account follows.
    pub(super) async fn import_followed_tags(
        &mut self,
        account: &NewAccount,
        names: Vec<String>,
    ) -> Result<(), ImportError> {
        let mut wanted = Vec::new();
        for name in names {
            let name = name.to_lowercase();
            if name.is_empty() || name.chars().count() > 255 {
                self.report.left_out(CountKind::FollowedTags, FindingCode::Unreadable, &name);
            } else if wanted.contains(&name) {
                self.report.left_out(CountKind::FollowedTags, FindingCode::Duplicate, &name);
            } else {
                self.report.imported(CountKind::FollowedTags);
                wanted.push(name);
            }
        }
        if !self.writes() || wanted.is_empty() {
            return Ok(());
        }
        let now = self.now;
        self.pod.begin().await?;
        let ids = self.tags(&wanted).await?;
        let rows = wanted
            .iter()
            .filter_map(|name| {
                Some(vec![(*ids.get(name)?).into(), account.user.into(), now.into(), now.into()])
            })
            .collect();
        let columns = ["tag_id", "user_id", "created_at", "updated_at"];
        self.pod.insert("tag_followings", &columns, rows, Existing::Keep).await?;
        self.pod.commit().await?;
        Ok(())
    }
}
