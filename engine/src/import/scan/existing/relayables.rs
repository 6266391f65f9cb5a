//! Comments, likes and votes that exist on the pod, or that people have deleted there.

use std::collections::{HashMap, HashSet};

use crate::domain::{Guid, Relayable};
use crate::import::ImportError;
use crate::import::journal::commit_mark::batch_of;
use crate::import::journal::imports::JOURNAL_VERSION;
use crate::import::journal::notes::{DUPLICATE, Journal, Noted, RowOrigin};
use crate::import::report::FindingCode;
use crate::import::scan::existing::relayable_parents::Parents;
use crate::import::target::{ExistingRow, NewAccount, Target};
use crate::pod::tables::RelayableTable;
use crate::sql::{Row, id_list, placeholders};
use crate::store::StoreError;
use crate::validate::SignatureCheck;

/// A like or vote: its table, the class and row number of its parent, and the row number of its author.
pub(in crate::import) type Reaction = (RelayableTable, &'static str, i64, i64);

/// The existing rows and notes for the records of a batch.
#[derive(Default)]
pub(in crate::import) struct ExistingRelayables {
    pub(in crate::import) parents: Parents,
    pub(in crate::import) rows: HashMap<RelayableTable, HashMap<String, ExistingRow>>,
    pub(in crate::import) noted: HashMap<RelayableTable, HashMap<String, Noted>>,
    /// Records that are missing here, and noted by the import of their author or of their post's author.
    pub(in crate::import) deleted_elsewhere: HashSet<(RelayableTable, String)>,
    /// All reactions to the parents of missing likes and votes.
    pub(in crate::import) reactions: HashSet<Reaction>,
    /// Existing records whose signature this pod has, or had.
    pub(in crate::import) signed: HashSet<(RelayableTable, i64)>,
}

impl ExistingRelayables {
    /// Returns the row of a record, if it exists.
    pub(in crate::import) fn row(&self, table: RelayableTable, guid: &Guid) -> Option<&ExistingRow> {
        self.rows.get(&table)?.get(guid.as_str())
    }

    /// Returns the journal's entry for a record.
    pub(in crate::import) fn noted(&self, table: RelayableTable, guid: &Guid) -> Option<Noted> {
        self.noted.get(&table)?.get(guid.as_str()).copied()
    }

    /// Returns whether this pod has the signature of an existing record, or had it.
    pub(in crate::import) fn has_signature(&self, table: RelayableTable, row: i64) -> bool {
        self.signed.contains(&(table, row))
    }

    /// Returns the reason why a missing record must be left out; none for one that may be imported.
    pub(in crate::import) fn omission_reason(
        &self,
        table: RelayableTable,
        guid: &Guid,
    ) -> Option<FindingCode> {
        if self.row(table, guid).is_some() {
            return None;
        }
        match self.noted(table, guid) {
            Some(Noted { origin: RowOrigin::Duplicate, .. }) => Some(FindingCode::Duplicate),
            Some(noted) if noted.is_certain => Some(FindingCode::DeletedSince),
            _ => self
                .deleted_elsewhere
                .contains(&(table, guid.to_string()))
                .then_some(FindingCode::DeletedSince),
        }
    }
}

/// A note in the journal of another import.
struct OtherNote {
    guid: String,
    /// The imported person's old ID.
    old_id: String,
    /// GUID of the imported person.
    person_guid: String,
    batch: i64,
    settled_batch: i64,
}

impl Target {
    /// Looks up the records of a batch, and their parents.
    pub(in crate::import) async fn existing_relayables(
        &mut self,
        account: &NewAccount,
        records: &[(Relayable, SignatureCheck)],
        journal: &Journal,
    ) -> Result<ExistingRelayables, ImportError> {
        let parents = self.parents(account, records).await?;
        let mut existing = ExistingRelayables::default();
        for table in RelayableTable::ALL {
            let records: Vec<&(Relayable, SignatureCheck)> =
                records.iter().filter(|(record, _)| RelayableTable::of(&record.entity) == table).collect();
            if records.is_empty() {
                continue;
            }
            let guids: Vec<&str> = records.iter().map(|(record, _)| record.entity.guid().as_str()).collect();
            let rows = self.existing_rows(table.name(), &guids).await?;
            let noted = journal.noted(table.name(), &guids).await?;
            let (present, missing): (Vec<_>, Vec<_>) =
                records.into_iter().partition(|(record, _)| rows.contains_key(record.entity.guid().as_str()));
            let missing: Vec<&Relayable> = missing.into_iter().map(|(record, _)| record).collect();
            existing.reactions.extend(self.reactions(table, &parents, &missing).await?);
            let unknown =
                missing.into_iter().filter(|record| !noted.contains_key(record.entity.guid().as_str()));
            let deleted =
                self.deleted_elsewhere(table, &parents, &unknown.collect::<Vec<_>>(), journal).await?;
            existing.deleted_elsewhere.extend(deleted);
            let signed = present.iter().filter(|(_, check)| *check == SignatureCheck::Good);
            let signed = signed.map(|(record, _)| record.entity.guid().as_str());
            let signed: Vec<(&str, i64)> =
                signed.filter_map(|guid| Some((guid, rows.get(guid)?.id))).collect();
            existing.signed.extend(self.signed_rows(table, &signed, journal).await?);
            existing.rows.insert(table, rows);
            existing.noted.insert(table, noted);
        }
        Ok(ExistingRelayables { parents, ..existing })
    }

    /// Returns the reactions to the parents of these likes or votes.
    async fn reactions(
        &mut self,
        table: RelayableTable,
        parents: &Parents,
        missing: &[&Relayable],
    ) -> Result<HashSet<Reaction>, ImportError> {
        let mut reactions = HashSet::new();
        let likes = |class| {
            format!(
                "target_id AS parent_id, author_id FROM likes WHERE target_type = '{class}' AND target_id"
            )
        };
        for (reaction_table, class, columns) in [
            (RelayableTable::Likes, "Post", likes("Post")),
            (RelayableTable::Likes, "Comment", likes("Comment")),
            (
                RelayableTable::PollParticipations,
                "Poll",
                "poll_id AS parent_id, author_id FROM poll_participations WHERE poll_id".into(),
            ),
        ] {
            let of_table = missing
                .iter()
                .filter(|_| reaction_table == table)
                .filter_map(|record| parents.of(&record.entity));
            let of_class =
                of_table.filter(|(_, parent_class)| *parent_class == class).filter_map(|(parent, _)| parent);
            let mut ids: Vec<i64> = of_class.map(|parent| parent.id).filter(|id| *id > 0).collect();
            ids.sort_unstable();
            ids.dedup();
            for chunk in ids.chunks(1000) {
                let sql = format!("SELECT {columns} IN ({})", id_list(chunk));
                for row in self.pod.rows(table.name(), sql, &[]).await? {
                    let (parent, author) = (row.integer("parent_id"), row.integer("author_id"));
                    if let (Some(parent), Some(author)) = (parent, author) {
                        reactions.insert((table, class, parent, author));
                    }
                }
            }
        }
        Ok(reactions)
    }

    /// Returns those of these records whose signature this pod has, or had.
    async fn signed_rows(
        &mut self,
        table: RelayableTable,
        records: &[(&str, i64)],
        journal: &Journal,
    ) -> Result<HashSet<(RelayableTable, i64)>, ImportError> {
        let guids: Vec<&str> = records.iter().map(|(guid, _)| *guid).collect();
        let noted = journal.noted(table.signatures(), &guids).await?;
        let certain_notes =
            records.iter().filter(|(guid, _)| noted.get(*guid).is_some_and(|noted| noted.is_certain));
        let mut signed: HashSet<(RelayableTable, i64)> = certain_notes.map(|(_, id)| (table, *id)).collect();
        let ids: Vec<i64> = records.iter().map(|(_, id)| *id).collect();
        let (signatures, key) = (table.signatures(), table.signature_key());
        for chunk in ids.chunks(1000) {
            let sql = format!("SELECT {key} FROM {signatures} WHERE {key} IN ({})", id_list(chunk));
            let rows = self.pod.rows("signatures", sql, &[]).await?;
            signed.extend(rows.iter().filter_map(|row| Some((table, row.integer(key)?))));
        }
        Ok(signed)
    }

    /// Returns records that another person's import has written or found here, and that were deleted since. That
    /// person must be their author, or the author of the post they belong to: nobody else can keep records out.
    async fn deleted_elsewhere(
        &mut self,
        table: RelayableTable,
        parents: &Parents,
        missing: &[&Relayable],
        journal: &Journal,
    ) -> Result<Vec<(RelayableTable, String)>, ImportError> {
        let guids: Vec<&str> = missing.iter().map(|record| record.entity.guid().as_str()).collect();
        let notes = notes_of_other_imports(journal, self.url.as_str(), table.name(), &guids).await?;
        if notes.is_empty() {
            return Ok(Vec::new());
        }
        let people: Vec<&str> = notes.iter().map(|note| note.person_guid.as_str()).collect();
        let sql = "SELECT guid, id, fetch_status FROM people WHERE guid IN ({})";
        let rows = self.pod.rows_in("imported people", sql, &people).await?;
        let person = |row: &Row| {
            let mark = batch_of(row.integer("fetch_status"));
            Some((row.text("guid")?, (row.integer("id")?, mark)))
        };
        let people: HashMap<String, (i64, i64)> = rows.iter().filter_map(person).collect();
        let records: HashMap<&str, &Relayable> =
            missing.iter().map(|record| (record.entity.guid().as_str(), *record)).collect();
        let is_deletion = |note: &OtherNote| {
            let (Some((person, mark)), Some(record)) =
                (people.get(&note.person_guid), records.get(note.guid.as_str()))
            else {
                return false;
            };
            let post_author = parents.of(&record.entity).and_then(|(parent, _)| parent?.post_author);
            note.batch <= note.settled_batch.max(*mark)
                && (post_author == Some(*person) || note.old_id == record.entity.author().as_str())
        };
        Ok(notes.into_iter().filter(is_deletion).map(|note| (table, note.guid)).collect())
    }
}

/// Returns other imports' notes on these records, except on those that they left out.
async fn notes_of_other_imports(
    journal: &Journal,
    pod_url: &str,
    kind: &'static str,
    guids: &[&str],
) -> Result<Vec<OtherNote>, StoreError> {
    let Some(store) = journal.store() else { return Ok(Vec::new()) };
    let own_import = journal.import().map_or("", |import| import.id.as_str());
    let mut notes = Vec::new();
    for chunk in guids.chunks(1000) {
        let placeholders = placeholders(chunk.len());
        let sql = format!(
            "SELECT r.guid, i.old_id, COALESCE(i.person_guid, i.id) AS account_guid, r.batch, \
             i.settled_batch FROM pappus_import_rows r JOIN pappus_imports i ON i.id = r.import_id \
             WHERE r.kind = ? AND i.pod_url = ? AND i.id <> ? AND i.state <> 'undone' \
             AND (i.journal_version = {JOURNAL_VERSION} OR i.state <> 'importing') \
             AND COALESCE(r.previous, '') <> '{DUPLICATE}' AND r.guid IN ({placeholders})"
        );
        let mut values = vec![kind.into(), pod_url.into(), own_import.into()];
        values.extend(chunk.iter().map(|guid| (*guid).into()));
        for row in store.rows("reading other journals", &sql, &values).await? {
            notes.push(OtherNote {
                guid: row.get("guid")?,
                old_id: row.get("old_id")?,
                person_guid: row.get("account_guid")?,
                batch: row.get("batch")?,
                settled_batch: row.get("settled_batch")?,
            });
        }
    }
    Ok(notes)
}
