//! The account's contacts, the people whom it ignores, and the tags that it follows.

use std::collections::{HashMap, HashSet};

use crate::domain::Contact;
use crate::import::ImportError;
use crate::import::journal::missing_contacts::MISSING_CONTACTS;
use crate::import::journal::notes::{Journal, Noted, kinds};
use crate::import::target::Target;
use crate::pod::database::DatabaseError;
use crate::sql::Row;

/// An existing contact of the account.
#[derive(Debug, Clone, Copy)]
pub(in crate::import) struct ContactRow {
    pub(in crate::import) id: i64,
    /// True if the account shares with the person.
    pub(in crate::import) receiving: bool,
}

/// The existing contacts, and the notes on those of a batch.
pub(in crate::import) struct ExistingContacts {
    /// By person.
    pub(in crate::import) rows: HashMap<i64, ContactRow>,
    /// People whom the account ignores.
    pub(in crate::import) ignored: HashSet<i64>,
    /// By the ID in the archive.
    pub(in crate::import) noted: HashMap<String, Noted>,
    /// IDs of those that an earlier run noted as missing.
    pub(in crate::import) missing: HashSet<String>,
}

/// The tags of a batch, and those that the account follows already.
pub(in crate::import) struct ExistingTags {
    /// The names of the tags as this pod's database has them, each with its lowercase spelling in the archive.
    pub(in crate::import) names: Vec<(String, String)>,
    pub(in crate::import) followed: HashSet<String>,
    pub(in crate::import) noted: HashMap<String, Noted>,
}

impl Target {
    pub(in crate::import) async fn existing_contacts(
        &mut self,
        user: i64,
        contacts: &[Contact],
        journal: &Journal,
    ) -> Result<ExistingContacts, ImportError> {
        let ids: Vec<&str> = contacts.iter().map(|contact| contact.account_id.as_str()).collect();
        let noted = journal.noted(kinds::CONTACTS, &ids).await?;
        let (rows, ignored) = (self.contacts_of(user).await?, self.ignored_people(user).await?);
        let missing = journal.noted(MISSING_CONTACTS, &ids).await?.into_keys().collect();
        Ok(ExistingContacts { rows, ignored, noted, missing })
    }

    /// Returns the contacts of a user, by person.
    pub(in crate::import) async fn contacts_of(
        &mut self,
        user: i64,
    ) -> Result<HashMap<i64, ContactRow>, DatabaseError> {
        let sql = format!("SELECT person_id, id, receiving FROM contacts WHERE user_id = {user}");
        let rows = self.pod.rows("the contacts", sql, &[]).await?;
        let read = |row: &Row| {
            let receiving = row.boolean("receiving").unwrap_or(false);
            Some((row.integer("person_id")?, ContactRow { id: row.integer("id")?, receiving }))
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    /// Returns the people whom a user of this pod ignores.
    pub(in crate::import) async fn ignored_people(
        &mut self,
        user: i64,
    ) -> Result<HashSet<i64>, DatabaseError> {
        let sql = format!("SELECT person_id FROM blocks WHERE user_id = {user}");
        let rows = self.pod.rows("the blocks", sql, &[]).await?;
        Ok(rows.iter().filter_map(|row| row.integer("person_id")).collect())
    }

    pub(in crate::import) async fn existing_tags(
        &mut self,
        user: i64,
        names: &[String],
        journal: &Journal,
    ) -> Result<ExistingTags, ImportError> {
        // A database may treat a name as equal to that of an existing tag, or to a previous one.
        let rows = self.pod.rows_in("tags", "SELECT name FROM tags WHERE name IN ({})", names).await?;
        let mut all_names: Vec<String> = rows.iter().filter_map(|row| row.text("name")).collect();
        all_names.extend_from_slice(names);
        let equal_names = self.pod.collation_duplicates("tags", "name", &all_names).await?;
        let names: Vec<(String, String)> =
            names.iter().map(|name| (equal_names.get(name).unwrap_or(name).clone(), name.clone())).collect();
        let stored_names: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
        let noted = journal.noted(kinds::TAG_FOLLOWINGS, &stored_names).await?;
        let sql = format!(
            "SELECT t.name FROM tag_followings f JOIN tags t ON t.id = f.tag_id WHERE f.user_id = {user}"
        );
        let rows = self.pod.rows("followed tags", sql, &[]).await?;
        let followed = rows.iter().filter_map(|row| row.text("name")).collect();
        Ok(ExistingTags { names, followed, noted })
    }
}
