//! Notes on the rows of an import, made in Pappus's own store before the rows are written.
//!
//! A note is made before the pod's transaction commits, so a program that is killed in between has noted rows that
//! were never written. Each transaction therefore has a number, which the pod stores as well
//! ([`crate::import::commit_mark`]): notes of transactions that the pod never committed are void, and all others are
//! certain. A row that was certainly written and is missing now was deleted by people: it is never written again.

use std::collections::{HashMap, HashSet};

use crate::import::journal::imports::{ImportRecord, ImportState, JOURNAL_VERSION};
use crate::import::scan::parents::FETCHED_POSTS;
use crate::sql::placeholders;
use crate::store::{Store, StoreError, StoreRow};

/// Names for kinds of rows that are not tables with GUIDs.
pub(in crate::import) mod kinds {
    /// Aspects, by name.
    pub(crate) const ASPECTS: &str = "aspects";
    /// Contacts with their aspects, by the ID in the archive.
    pub(crate) const CONTACTS: &str = "contacts";
    /// Ignored people, by the ID in the archive.
    pub(crate) const BLOCKS: &str = "blocks";
    /// Followed tags, by name.
    pub(crate) const TAG_FOLLOWINGS: &str = "tag_followings";
    /// Subscriptions, by the post's GUID.
    pub(crate) const PARTICIPATIONS: &str = "participations";
    /// Aspects to which a limited post was shown, by the post's GUID.
    pub(crate) const POST_AUDIENCES: &str = "post_audiences";
    /// Aspects to which a limited photo was shown, by the photo's GUID.
    pub(crate) const PHOTO_AUDIENCES: &str = "photo_audiences";
    /// Visibilities of conversations, by the conversation's GUID and the participant's ID.
    pub(crate) const CONVERSATION_VISIBILITIES: &str = "conversation_visibilities";
    /// Posts that the account has hidden, by GUID.
    pub(crate) const HIDDEN_POSTS: &str = "hidden_posts";
    /// Photo files, by their names on this pod.
    pub(crate) const PHOTO_FILES: &str = "photo_files";
    /// Photos whose name on other pods belongs to another file here, by that name.
    pub(crate) const PHOTO_NAMES_TAKEN: &str = "photo_names_taken";
    /// Photos whose address was changed, by GUID.
    pub(crate) const PHOTO_ADDRESSES: &str = "photo_addresses";
    /// People of other pods who were added, by GUID.
    pub(crate) const PEOPLE: &str = "people";
    /// People of the target pod who ignore the account, by GUID.
    pub(crate) const IGNORED_BY: &str = "ignored_by";
    /// Reshares from which an import removed the root because it is a limited post, with that root.
    pub(crate) const RESHARE_ROOTS: &str = "reshare_roots";

    /// Kinds that version 1 of the journal did not note.
    pub(in crate::import) const NOT_IN_VERSION_1: [&str; 9] = [
        ASPECTS,
        CONTACTS,
        BLOCKS,
        TAG_FOLLOWINGS,
        PARTICIPATIONS,
        POST_AUDIENCES,
        PHOTO_AUDIENCES,
        CONVERSATION_VISIBILITIES,
        HIDDEN_POSTS,
    ];
    /// Kinds whose notes need not be certain: writing them again changes nothing.
    pub(in crate::import) const REPEATABLE: [&str; 4] =
        [PHOTO_FILES, PHOTO_NAMES_TAKEN, PHOTO_ADDRESSES, PEOPLE];
}

/// `previous` of a row that existed before and stays unchanged.
pub(in crate::import) const UNCHANGED: &str = "here";
/// `previous` of a record that was left out because the same record of its author exists already.
pub(in crate::import) const DUPLICATE: &str = "duplicate";

/// A row that is about to be written or to change its author, or that was found.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::import) struct Intent {
    pub(in crate::import) kind: &'static str,
    pub(in crate::import) guid: String,
    /// The previous value of a row that existed before: the row number of its author if that changes, the address of
    /// a photo that gets another one, the original that a reshare loses, or [`UNCHANGED`].
    pub(in crate::import) previous: Option<String>,
}

impl Intent {
    /// Creates a note on a new row.
    pub(in crate::import) fn write(kind: &'static str, guid: &(impl ToString + ?Sized)) -> Self {
        Self { kind, guid: guid.to_string(), previous: None }
    }

    /// Creates a note on a row that changes its author; `previous_author` is the row number of the previous one.
    pub(in crate::import) fn adopt(
        kind: &'static str,
        guid: &(impl ToString + ?Sized),
        previous_author: Option<i64>,
    ) -> Self {
        let previous = previous_author.map_or_else(|| UNCHANGED.to_owned(), |author| author.to_string());
        Self { kind, guid: guid.to_string(), previous: Some(previous) }
    }

    /// Creates a note on a row that existed before, and stays unchanged.
    pub(in crate::import) fn found(kind: &'static str, guid: &(impl ToString + ?Sized)) -> Self {
        Self::adopt(kind, guid, None)
    }

    /// Creates a note on a duplicate record. It stays left out even after the other one is deleted.
    pub(in crate::import) fn duplicate(kind: &'static str, guid: &(impl ToString + ?Sized)) -> Self {
        Self { kind, guid: guid.to_string(), previous: Some(DUPLICATE.to_owned()) }
    }
}

/// The origin of a noted row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::import) enum RowOrigin {
    /// Written by the import.
    Written,
    /// Existing before the import.
    Found,
    /// Left out as a duplicate.
    Duplicate,
}

/// The journal's entry for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::import) struct Noted {
    pub(in crate::import) origin: RowOrigin,
    /// True if the pod certainly had the row: if it is missing, it was deleted since.
    pub(in crate::import) is_certain: bool,
    /// True if an earlier run noted it.
    pub(in crate::import) is_earlier: bool,
}

impl Noted {
    /// Returns whether the import did not write the row, since it existed before.
    pub(in crate::import) fn existed_before(self) -> bool {
        self.origin != RowOrigin::Written
    }
}

/// The journal of one import; read-only in a dry run.
pub(in crate::import) struct Journal {
    /// None if no store exists yet.
    store: Option<Store>,
    /// None if the import has not started.
    import: Option<ImportRecord>,
    is_writable: bool,
    next_seq: i64,
    /// The number of this run's first note.
    first_seq: i64,
    /// The last batch that the pod has.
    last_batch: i64,
    /// The first batch whose notes are certain.
    first_certain_batch: i64,
    /// The account's person, which carries the mark of the last batch; none before it exists.
    pub(in crate::import) person: Option<i64>,
}

impl Journal {
    /// Creates an empty journal, for a dry run of an import that has not started.
    pub(in crate::import) fn blank(store: Option<&Store>) -> Self {
        Self {
            store: store.cloned(),
            import: None,
            is_writable: false,
            next_seq: 1,
            first_seq: 1,
            last_batch: 0,
            first_certain_batch: 0,
            person: None,
        }
    }

    /// Reads the journal of an import. `mark` is the pod's last batch, if the account exists; notes beyond it were
    /// never written, and are deleted if the journal is writable.
    pub(in crate::import) async fn open(
        store: &Store,
        import: ImportRecord,
        mark: Option<i64>,
        is_writable: bool,
    ) -> Result<Self, StoreError> {
        let id = import.id.as_str();
        let last_batch = mark.map_or(0, |mark| mark.max(import.settled_batch));
        if is_writable {
            forget_unwritten(store, id, mark.is_some(), last_batch).await?;
        }
        let sql = "SELECT COALESCE(MAX(seq), 0) AS last_seq FROM pappus_import_rows WHERE import_id = ?";
        let row = store.first("reading the journal", sql, &[id.into()]).await?;
        let next_seq = row.map_or(Ok(0), |row| row.get::<i64>("last_seq"))? + 1;
        // Version 1 noted no batches: of an unfinished import, nothing is certain.
        let is_uncertain = import.journal_version < JOURNAL_VERSION && import.state == ImportState::Importing;
        let first_certain_batch = i64::from(is_uncertain);
        let journal = Self { import: Some(import), is_writable, last_batch, ..Self::blank(Some(store)) };
        Ok(Self { next_seq, first_seq: next_seq, first_certain_batch, ..journal })
    }

    /// Returns the import; none in a dry run of an import that has not started.
    pub(in crate::import) fn import(&self) -> Option<&ImportRecord> {
        self.import.as_ref()
    }

    /// Returns the store, if one exists.
    pub(in crate::import) fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Returns the store and the import, for writing; none in a dry run.
    pub(in crate::import) fn for_writing(&self) -> Option<(&Store, &ImportRecord)> {
        self.store_and_import().filter(|_| self.is_writable)
    }

    fn store_and_import(&self) -> Option<(&Store, &ImportRecord)> {
        Some((self.store.as_ref()?, self.import.as_ref()?))
    }

    /// Returns whether an earlier run has noted rows.
    pub(in crate::import) fn has_earlier_notes(&self) -> bool {
        self.first_seq > 1
    }

    /// Reads the notes on these records of a kind.
    pub(in crate::import) async fn noted<T: AsRef<str> + Sync>(
        &self,
        kind: &str,
        guids: &[T],
    ) -> Result<HashMap<String, Noted>, StoreError> {
        let Some((store, import)) = self.store_and_import() else { return Ok(HashMap::new()) };
        let mut noted = HashMap::new();
        let is_old = import.journal_version < JOURNAL_VERSION && self.first_certain_batch == 0;
        if is_old && kinds::NOT_IN_VERSION_1.contains(&kind) {
            // All importable records of these kinds were imported, but not noted.
            let written = Noted { origin: RowOrigin::Written, is_certain: true, is_earlier: true };
            noted.extend(guids.iter().map(|guid| (guid.as_ref().to_owned(), written)));
        }
        for chunk in guids.chunks(1000) {
            let placeholders = placeholders(chunk.len());
            let sql = format!(
                "SELECT guid, previous, batch, seq FROM pappus_import_rows WHERE kind = ? AND import_id = ? \
                 AND batch <= ? AND guid IN ({placeholders})"
            );
            let mut values = vec![kind.into(), import.id.as_str().into(), self.last_batch.into()];
            values.extend(chunk.iter().map(|guid| guid.as_ref().into()));
            for row in store.rows("reading the journal", &sql, &values).await? {
                let (guid, note) = self.read(&row)?;
                let entry = noted.entry(guid).or_insert(note);
                // Earlier versions noted some rows twice: a row that one of the notes calls written counts as written.
                if note.origin == RowOrigin::Written {
                    *entry = note;
                }
            }
        }
        Ok(noted)
    }

    fn read(&self, row: &StoreRow) -> Result<(String, Noted), StoreError> {
        let origin = match row.get::<Option<String>>("previous")?.as_deref() {
            None => RowOrigin::Written,
            Some(DUPLICATE) => RowOrigin::Duplicate,
            Some(_) => RowOrigin::Found,
        };
        let is_certain = row.get::<i64>("batch")? >= self.first_certain_batch;
        let is_earlier = row.get::<i64>("seq")? < self.first_seq;
        Ok((row.get("guid")?, Noted { origin, is_certain, is_earlier }))
    }

    /// Notes rows that are about to be written with the current batch; does nothing in a dry run.
    pub(in crate::import) async fn note(&mut self, intents: Vec<Intent>) -> Result<(), StoreError> {
        let (Some(store), Some(import)) = (&self.store, &self.import) else { return Ok(()) };
        if !self.is_writable || intents.is_empty() {
            return Ok(());
        }
        let mut transaction = store.begin().await?;
        for chunk in intents.chunks(500) {
            let placeholders = vec!["(?, ?, ?, ?, ?, ?)"; chunk.len()].join(", ");
            let sql = format!(
                "INSERT INTO pappus_import_rows (import_id, seq, kind, guid, previous, batch) VALUES {placeholders}"
            );
            let mut values = Vec::with_capacity(chunk.len() * 6);
            for intent in chunk {
                let batch = if kinds::REPEATABLE.contains(&intent.kind) { 0 } else { self.last_batch + 1 };
                values.push(import.id.as_str().into());
                values.push(self.next_seq.into());
                values.push(intent.kind.into());
                values.push(intent.guid.as_str().into());
                values.push(intent.previous.as_deref().into());
                values.push(batch.into());
                self.next_seq += 1;
            }
            transaction.execute("writing the journal", &sql, &values).await?;
        }
        transaction.commit().await
    }

    /// Removes the note on a row that was not written after all.
    pub(in crate::import) async fn forget(&self, kind: &str, guid: &str) -> Result<(), StoreError> {
        let Some((store, import)) = self.for_writing() else { return Ok(()) };
        let sql = "DELETE FROM pappus_import_rows WHERE import_id = ? AND kind = ? AND guid = ?";
        store
            .execute("writing the journal", sql, &[import.id.as_str().into(), kind.into(), guid.into()])
            .await?;
        Ok(())
    }

    /// Returns the number of the current batch.
    pub(in crate::import) fn current_batch(&self) -> i64 {
        self.last_batch + 1
    }

    /// Records that the pod has the current batch.
    pub(in crate::import) fn finish_batch(&mut self) {
        self.last_batch += 1;
    }

    /// Returns the last batch that the pod has.
    pub(in crate::import) fn last_batch(&self) -> i64 {
        self.last_batch
    }

    /// Counts the rows of a kind that the import has noted.
    pub(in crate::import) async fn count(&self, kind: &str) -> Result<u64, StoreError> {
        let Some((store, import)) = self.store_and_import() else { return Ok(0) };
        let sql = "SELECT COUNT(DISTINCT guid) AS noted FROM pappus_import_rows WHERE import_id = ? \
                   AND kind = ? AND batch <= ?";
        let values = [import.id.as_str().into(), kind.into(), self.last_batch.into()];
        let row = store.first("reading the journal", sql, &values).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.get("noted"))?;
        Ok(count.unsigned_abs())
    }
}

/// Deletes notes on rows that were never written.
///
/// An account that does not exist was never created, or was lost with its database. Posts of others that were fetched
/// for it stay noted, as undoing the import removes them, but these notes are no longer certain.
pub(in crate::import) async fn forget_unwritten(
    store: &Store,
    id: &str,
    has_account: bool,
    batch: i64,
) -> Result<(), StoreError> {
    let operation = "tidying the journal";
    if !has_account {
        let sql = "UPDATE pappus_import_rows SET batch = -1 WHERE import_id = ? AND batch > 0 AND kind = ?";
        store.execute(operation, sql, &[id.into(), FETCHED_POSTS.into()]).await?;
    }
    let sql = "DELETE FROM pappus_import_rows WHERE import_id = ? AND batch > ?";
    store.execute(operation, sql, &[id.into(), batch.into()]).await.map(drop)
}

/// Returns a page of at most 1000 notes of a kind, after a number in the journal: number, GUID, [`Intent::previous`].
pub(in crate::import) async fn note_page(
    store: &Store,
    id: &str,
    kind: &str,
    after: i64,
) -> Result<Vec<(i64, String, Option<String>)>, StoreError> {
    let sql = "SELECT seq, guid, previous FROM pappus_import_rows WHERE import_id = ? AND kind = ? AND seq > ? \
               ORDER BY seq LIMIT 1000";
    let rows = store.rows("reading the journal", sql, &[id.into(), kind.into(), after.into()]).await?;
    rows.iter().map(|row| Ok((row.get("seq")?, row.get("guid")?, row.get("previous")?))).collect()
}

/// Returns all names that an import has noted of a kind.
pub(in crate::import) async fn names_of(
    store: &Store,
    import: &ImportRecord,
    kind: &str,
) -> Result<HashSet<String>, StoreError> {
    let (mut names, mut after) = (HashSet::new(), 0);
    loop {
        let page = note_page(store, &import.id, kind, after).await?;
        let Some((last, ..)) = page.last() else { return Ok(names) };
        after = *last;
        names.extend(page.into_iter().map(|(_, name, _)| name));
    }
}

/// Counts the photos of an import that were renamed because another file has their name.
pub(crate) async fn photo_names_taken(store: &Store, import: &ImportRecord) -> Result<usize, StoreError> {
    Ok(names_of(store, import, kinds::PHOTO_NAMES_TAKEN).await?.len())
}

/// Returns the names of the tags that imports into a pod have followed.
pub(crate) async fn followed_tags(store: &Store, pod_url: &str) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT DISTINCT r.guid FROM pappus_import_rows r JOIN pappus_imports i ON i.id = r.import_id \
               WHERE r.kind = ? AND i.pod_url = ?";
    let rows =
        store.rows("reading the journal", sql, &[kinds::TAG_FOLLOWINGS.into(), pod_url.into()]).await?;
    rows.iter().map(|row| row.get("guid")).collect()
}

/// Returns a page of at most 1000 GUIDs of people or posts of others, after a GUID, that this import has added, or an
/// undone one into the same pod: another import may still have needed them then.
pub(in crate::import) async fn added_records(
    store: &Store,
    import: &ImportRecord,
    kind: &str,
    after: &str,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT DISTINCT r.guid FROM pappus_import_rows r JOIN pappus_imports i ON i.id = r.import_id \
               WHERE r.kind = ? AND i.pod_url = ? AND (i.state = 'undone' OR i.id = ?) AND r.guid > ? \
               ORDER BY r.guid LIMIT 1000";
    let values = [kind.into(), import.pod_url.as_str().into(), import.id.as_str().into(), after.into()];
    let rows = store.rows("reading the journal", sql, &values).await?;
    rows.iter().map(|row| row.get("guid")).collect()
}
