//! Repairs people of other pods who were added by imports.
//!
//! Earlier versions put the whole name into the first name, omitted the photos, made everyone searchable, and cut off
//! the line break at the end of the key.

use std::collections::HashMap;

use super::{Change, FieldChange, Repair, RepairContext, RepairError, RepairReport, Skipped};
use crate::discovery::DiscoveredPerson;
use crate::domain::{DiasporaId, PublicKey};
use crate::import::{PersonProfile, were_joined};
use crate::sql::{Row, Value};

/// Columns of `profiles` that an earlier version left empty, and that a pod fills when it receives a profile.
const LEFT_EMPTY: [&str; 8] = [
    "image_url",
    "image_url_medium",
    "image_url_small",
    "birthday",
    "gender",
    "bio",
    "location",
    "diaspora_handle",
];

/// A person's row on the pod.
struct PersonRow {
    id: i64,
    handle: DiasporaId,
    guid: String,
    key: String,
    profile: ProfileRow,
}

/// The profile, as far as earlier versions wrote it.
struct ProfileRow {
    id: i64,
    first_name: Option<String>,
    last_name: Option<String>,
    full_name: Option<String>,
    /// True if the profile is unchanged since its creation.
    is_untouched: bool,
}

impl PersonRow {
    fn new(row: &Row) -> Option<Self> {
        let profile = ProfileRow {
            id: row.integer("profile_id")?,
            first_name: row.text("first_name"),
            last_name: row.text("last_name"),
            full_name: row.text("full_name"),
            is_untouched: row.boolean("is_untouched").unwrap_or(false),
        };
        Some(Self {
            id: row.integer("id")?,
            handle: row.text("diaspora_handle")?.parse().ok()?,
            guid: row.text("guid")?,
            key: row.text("serialized_public_key")?,
            profile,
        })
    }

    fn is_of_an_earlier_version(&self) -> bool {
        self.profile.is_of_an_earlier_version() || !self.key.ends_with('\n')
    }

    /// Returns the changes, given the answer of the person's own pod.
    ///
    /// # Errors
    /// The reason why the person's rows must not be changed.
    fn correction(
        &self,
        discovered: &DiscoveredPerson,
        profile: PersonProfile,
    ) -> Result<Correction, String> {
        if discovered.guid.as_str() != self.guid {
            return Err(
                "the pod now publishes another GUID for this address: it may be somebody else".to_owned()
            );
        }
        let fingerprint = PublicKey::from_pem(&self.key).map(|key| key.fingerprint());
        if fingerprint.as_ref() != Ok(&discovered.public_key.fingerprint()) {
            return Err(
                "the pod now publishes another key for this address: it may be somebody else".to_owned()
            );
        }
        let key = discovered.public_key.as_pem();
        let lacks_newline = key != self.key && key.trim_end() == self.key.trim_end();
        let is_outdated = self.profile.is_of_an_earlier_version() && self.profile.differs_from(&profile);
        Ok(Correction { key: lacks_newline.then(|| key.to_owned()), profile: is_outdated.then_some(profile) })
    }
}

impl ProfileRow {
    fn is_of_an_earlier_version(&self) -> bool {
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        self.is_untouched
            && self.last_name.is_some()
            && were_joined(&name(&self.first_name), &name(&self.last_name))
    }

    /// Returns whether the profile differs from the one that the person's pod publishes. Empty and missing names are
    /// equal.
    fn differs_from(&self, profile: &PersonProfile) -> bool {
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        let names = [&self.first_name, &self.last_name].map(name);
        names != [&profile.first_name, &profile.last_name].map(name)
            || self.full_name.as_deref().unwrap_or_default() != profile.full_name()
            || [&profile.image_url, &profile.image_url_medium, &profile.image_url_small]
                .iter()
                .any(|address| address.is_some())
            || !profile.searchable
    }
}

/// The new values of a person's rows.
struct Correction {
    key: Option<String>,
    profile: Option<PersonProfile>,
}

impl Correction {
    fn is_empty(&self) -> bool {
        self.key.is_none() && self.profile.is_none()
    }

    fn describe(&self, person: &PersonRow) -> Change {
        let mut fields = Vec::new();
        if let Some(key) = &self.key {
            // The last line shows the difference.
            let last_line =
                |pem: &str| pem.get(pem.trim_end().rfind('\n').map_or(0, |at| at + 1)..).map(str::to_owned);
            fields.push(FieldChange {
                column: "serialized_public_key",
                from: last_line(&person.key),
                to: last_line(key),
            });
        }
        if let Some(profile) = &self.profile {
            let row = &person.profile;
            let yes_or_no = |value: bool| Some(if value { "true" } else { "false" }.to_owned());
            let columns = [
                ("first_name", row.first_name.clone(), profile.first_name.clone()),
                ("last_name", row.last_name.clone(), profile.last_name.clone()),
                ("full_name", row.full_name.clone(), Some(profile.full_name())),
                ("image_url", None, profile.image_url.clone()),
                ("image_url_medium", None, profile.image_url_medium.clone()),
                ("image_url_small", None, profile.image_url_small.clone()),
                ("searchable", yes_or_no(true), yes_or_no(profile.searchable)),
            ];
            let changed = columns.into_iter().filter(|(_, from, to)| from != to);
            fields.extend(changed.map(|(column, from, to)| FieldChange { column, from, to }));
        }
        Change { person: person.handle.to_string(), fields }
    }
}

impl RepairContext<'_> {
    /// Corrects the rows of people of other pods whom imports have added.
    pub(super) async fn people(&mut self) -> Result<RepairReport, RepairError> {
        let mut repaired = RepairReport::new(Repair::People);
        let mut after = String::new();
        loop {
            let page = self.imported_people(&after).await?;
            let Some(last) = page.last() else { return Ok(repaired) };
            after.clone_from(last);
            let mut people = self.people_rows(&page).await?;
            people.retain(PersonRow::is_of_an_earlier_version);
            repaired.examined += people.len() as u64;
            self.correct(people, &mut repaired).await?;
        }
    }

    /// Returns a page of at most 1000 GUIDs, after a GUID, of people added by imports into this pod. People of imports
    /// that were undone may have stayed.
    async fn imported_people(&self, after: &str) -> Result<Vec<String>, RepairError> {
        let sql = "SELECT DISTINCT r.guid FROM pappus_import_rows r JOIN pappus_imports i ON i.id = r.import_id \
                   WHERE r.kind = 'people' AND i.pod_url = ? AND r.guid > ? ORDER BY r.guid LIMIT 1000";
        let values = [self.url.as_str().into(), after.into()];
        let rows = self.store.rows("reading the journal", sql, &values).await?;
        Ok(rows.iter().map(|row| row.get("guid")).collect::<Result<_, _>>()?)
    }

    /// Returns those of these people who still exist, belong to another pod, and have neither closed their account nor
    /// moved.
    async fn people_rows(&mut self, guids: &[String]) -> Result<Vec<PersonRow>, RepairError> {
        let empty: Vec<String> = LEFT_EMPTY.iter().map(|column| format!("f.{column} IS NULL")).collect();
        let empty = empty.join(" AND ");
        let sql = format!(
            "SELECT p.id, p.diaspora_handle, p.guid, p.serialized_public_key, f.id AS profile_id, \
             f.first_name, f.last_name, f.full_name, (f.updated_at = f.created_at AND f.searchable \
             AND (f.nsfw IS NULL OR NOT f.nsfw) AND (f.public_details IS NULL OR NOT f.public_details) AND {empty} \
             AND NOT EXISTS (SELECT 1 FROM taggings t WHERE t.taggable_type = 'Profile' AND t.taggable_id = f.id)) \
             AS is_untouched FROM people p JOIN profiles f ON f.person_id = p.id \
             WHERE p.owner_id IS NULL AND (p.closed_account IS NULL OR NOT p.closed_account) \
             AND NOT EXISTS (SELECT 1 FROM account_migrations m WHERE m.old_person_id = p.id) \
             AND p.guid IN ({{}})"
        );
        let rows = self.pod.rows_in("the people", &sql, guids).await?;
        let mut people: Vec<PersonRow> = rows.iter().filter_map(PersonRow::new).collect();
        people.sort_unstable_by(|one, other| one.handle.cmp(&other.handle));
        Ok(people)
    }

    /// Looks up the people on their own pods, and writes the answers in one transaction.
    async fn correct(
        &mut self,
        people: Vec<PersonRow>,
        repaired: &mut RepairReport,
    ) -> Result<(), RepairError> {
        let ids: Vec<DiasporaId> = people.iter().map(|person| person.handle.clone()).collect();
        let mut answers: HashMap<DiasporaId, _> = self.options.discovery.find_all(ids).await;
        let dialect = self.pod.dialect();
        let mut corrections = Vec::new();
        for person in people {
            let outcome = match answers.remove(&person.handle) {
                Some(Ok(discovered)) => person.correction(
                    &discovered,
                    PersonProfile::from_hcard(&discovered.profile).without_long_addresses(dialect),
                ),
                Some(Err(error)) => Err(error.to_string()),
                None => continue,
            };
            match outcome {
                Ok(correction) if correction.is_empty() => {}
                Ok(correction) => corrections.push((person, correction)),
                Err(reason) => repaired.skipped.push(Skipped { person: person.handle.to_string(), reason }),
            }
        }
        if self.options.dry_run {
            let changes = corrections.iter().map(|(person, correction)| correction.describe(person));
            repaired.changes.extend(changes);
            return Ok(());
        }
        if corrections.is_empty() {
            return Ok(());
        }
        self.pod.begin().await?;
        for (person, correction) in &corrections {
            if self.write(person, correction).await? {
                repaired.changes.push(correction.describe(person));
            }
        }
        Ok(self.pod.commit().await?)
    }

    /// Updates a person's rows; false if the pod has updated them in the meantime.
    async fn write(&mut self, person: &PersonRow, correction: &Correction) -> Result<bool, RepairError> {
        let now = self.options.now;
        let mut changed = 0;
        if let Some(key) = &correction.key {
            let sql = format!(
                "UPDATE people SET serialized_public_key = ?, updated_at = ? \
                 WHERE id = {} AND serialized_public_key = ?",
                person.id
            );
            let values = [key.as_str().into(), now.into(), person.key.as_str().into()];
            changed += self.pod.run("people", sql, &values).await?;
        }
        if let Some(profile) = correction.profile.clone() {
            let sql = format!(
                "UPDATE profiles SET full_name = ?, first_name = ?, last_name = ?, image_url = ?, \
                 image_url_medium = ?, image_url_small = ?, searchable = ?, updated_at = ? \
                 WHERE id = {} AND updated_at = created_at",
                person.profile.id
            );
            let values: [Value<'_>; 8] = [
                profile.full_name().into(),
                profile.first_name.into(),
                profile.last_name.into(),
                profile.image_url.into(),
                profile.image_url_medium.into(),
                profile.image_url_small.into(),
                profile.searchable.into(),
                now.into(),
            ];
            changed += self.pod.run("profiles", sql, &values).await?;
        }
        Ok(changed > 0)
    }
}
