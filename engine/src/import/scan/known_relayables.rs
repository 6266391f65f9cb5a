//! Comments, likes and votes that the pod and journals know: existing and deleted ones.

use std::collections::{HashMap, HashSet};

use crate::domain::{Guid, Relayable};
use crate::import::ImportError;
use crate::import::journal::commit_mark::batch_of;
use crate::import::journal::imports::JOURNAL_VERSION;
use crate::import::journal::notes::{DUPLICATE, How, Journal, Noted};
use crate::import::records::relayables::Table;
use crate::import::report::FindingCode;
use crate::import::scan::relayable_parents::Parents;
use crate::import::target::{ExistingRow, Target};
use crate::pod::database::Cell as _;
use crate::store::StoreError;
use crate::validate::SignatureCheck;

/// The existing rows and notes for the records of a batch.
#[derive(Default)]
pub(in crate::import) struct KnownRelayables {
    rows: HashMap<Table, HashMap<String, ExistingRow>>,
    noted: HashMap<Table, HashMap<String, Noted>>,
    /// Missing here, and noted by the import of their author or their post's author.
    deleted_elsewhere: HashSet<(Table, String)>,
}

impl KnownRelayables {
    /// Returns the row of a record, if it exists.
    pub(in crate::import) fn row(&self, table: Table, guid: &Guid) -> Option<&ExistingRow> {
        self.rows.get(&table)?.get(guid.as_str())
    }

    /// Returns the journal's entry for a record.
    pub(in crate::import) fn noted(&self, table: Table, guid: &Guid) -> Option<Noted> {
        self.noted.get(&table)?.get(guid.as_str()).copied()
    }

    /// Returns the reason why a missing record must be left out; none for one that may be imported.
    pub(in crate::import) fn omission_reason(&self, table: Table, guid: &Guid) -> Option<FindingCode> {
        if self.row(table, guid).is_some() {
            return None;
        }
        match self.noted(table, guid) {
            Some(Noted { how: How::Duplicate, .. }) => Some(FindingCode::Duplicate),
            Some(noted) if noted.certain => Some(FindingCode::DeletedSince),
            _ => self
                .deleted_elsewhere
                .contains(&(table, guid.to_string()))
                .then_some(FindingCode::DeletedSince),
        }
    }
}

/// A note in the journal of another import.
struct Elsewhere {
    guid: String,
    /// The imported person's old ID, and the GUID they have here.
    old_id: String,
    person_guid: String,
    batch: i64,
    settled_batch: i64,
}

impl Target {
    /// Looks up the records of a batch.
    pub(in crate::import) async fn known_relayables(
        &mut self,
        parents: &Parents,
        records: &[(Relayable, SignatureCheck)],
        journal: &Journal,
    ) -> Result<KnownRelayables, ImportError> {
        let mut known = KnownRelayables::default();
        for table in Table::ALL {
            let records: Vec<&Relayable> = records
                .iter()
                .map(|(record, _)| record)
                .filter(|record| Table::of(&record.entity) == table)
                .collect();
            let guids: Vec<&str> = records.iter().map(|record| record.entity.guid().as_str()).collect();
            let rows = self.existing_rows(table.name(), &guids).await?;
            let noted = journal.noted(table.name(), &guids).await?;
            let missing = |record: &&Relayable| {
                let guid = record.entity.guid().as_str();
                !rows.contains_key(guid) && !noted.contains_key(guid)
            };
            let missing: Vec<&Relayable> = records.into_iter().filter(missing).collect();
            let deleted = self.deleted_elsewhere(table, parents, &missing, journal).await?;
            known.deleted_elsewhere.extend(deleted);
            known.rows.insert(table, rows);
            known.noted.insert(table, noted);
        }
        Ok(known)
    }

    /// Returns records that another person's import has written or found here, and that were deleted since. That
    /// person must be their author, or the author of the post they belong to: nobody else can keep records out.
    async fn deleted_elsewhere(
        &mut self,
        table: Table,
        parents: &Parents,
        missing: &[&Relayable],
        journal: &Journal,
    ) -> Result<Vec<(Table, String)>, ImportError> {
        let guids: Vec<&str> = missing.iter().map(|record| record.entity.guid().as_str()).collect();
        let elsewhere = noted_elsewhere(journal, self.url.as_str(), table.name(), &guids).await?;
        if elsewhere.is_empty() {
            return Ok(Vec::new());
        }
        let people: Vec<&str> = elsewhere.iter().map(|note| note.person_guid.as_str()).collect();
        let sql = "SELECT guid, id, fetch_status FROM people WHERE guid IN ({})";
        let rows = self.pod.rows_in("people who came here", sql, &people).await?;
        let people: HashMap<String, (i64, i64)> = rows
            .iter()
            .filter_map(|row| Some((row.text(0)?, (row.integer(1)?, batch_of(row.integer(2))))))
            .collect();
        let records: HashMap<&str, &Relayable> =
            missing.iter().map(|record| (record.entity.guid().as_str(), *record)).collect();
        let counts = |note: &Elsewhere| {
            let (Some((person, mark)), Some(record)) =
                (people.get(&note.person_guid), records.get(note.guid.as_str()))
            else {
                return false;
            };
            let host = parents.of(&record.entity).and_then(|(parent, _)| parent?.host);
            note.batch <= note.settled_batch.max(*mark)
                && (host == Some(*person) || note.old_id == record.entity.author().as_str())
        };
        Ok(elsewhere.into_iter().filter(counts).map(|note| (table, note.guid)).collect())
    }
}

/// Returns other imports' notes on these records, except those left out there.
async fn noted_elsewhere(
    journal: &Journal,
    pod_url: &str,
    kind: &'static str,
    guids: &[&str],
) -> Result<Vec<Elsewhere>, StoreError> {
    let Some(store) = journal.store() else { return Ok(Vec::new()) };
    let own = journal.import().map_or("", |import| import.id.as_str());
    let mut notes = Vec::new();
    for chunk in guids.chunks(1000) {
        let places = vec!["?"; chunk.len()].join(", ");
        let sql = format!(
            "SELECT r.guid, i.old_id, COALESCE(i.person_guid, i.id), r.batch, i.settled_batch \
             FROM pappus_import_rows r JOIN pappus_imports i ON i.id = r.import_id \
             WHERE r.kind = ? AND i.pod_url = ? AND i.id <> ? AND i.state <> 'undone' \
             AND (i.journal_version = {JOURNAL_VERSION} OR i.state <> 'importing') \
             AND COALESCE(r.previous, '') <> '{DUPLICATE}' AND r.guid IN ({places})"
        );
        let mut values = vec![kind.into(), pod_url.into(), own.into()];
        values.extend(chunk.iter().map(|guid| (*guid).into()));
        for row in store.rows("reading other journals", &sql, &values).await? {
            let (guid, old_id, person_guid) = (row.get(0)?, row.get(1)?, row.get(2)?);
            notes.push(Elsewhere {
                guid,
                old_id,
                person_guid,
                batch: row.get(3)?,
                settled_batch: row.get(4)?,
            });
        }
    }
    Ok(notes)
}
