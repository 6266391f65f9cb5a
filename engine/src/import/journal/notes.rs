//! Notes on the rows of an import, made in Pappus's own store before the rows are written.
//!
//! A note is made before the pod's transaction commits, so a program that is killed in between has noted rows that
//! were never written. Each transaction therefore has a number, which the pod keeps as well
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
    /// Ignored people, likewise.
    pub(crate) const BLOCKS: &str = "blocks";
    /// Followed tags, by name.
    pub(crate) const TAG_FOLLOWINGS: &str = "tag_followings";
    /// Subscriptions, by the post's GUID.
    pub(crate) const PARTICIPATIONS: &str = "participations";
    /// Aspects to which a limited post was shown, by the post's GUID.
    pub(crate) const POST_AUDIENCES: &str = "post_audiences";
    /// The same for photos.
    pub(crate) const PHOTO_AUDIENCES: &str = "photo_audiences";
    /// Visibilities of conversations, by the conversation's GUID and the participant's ID.
    pub(crate) const CONVERSATION_VISIBILITIES: &str = "conversation_visibilities";
    /// Posts that the account has hidden, by GUID.
    pub(crate) const HIDDEN_POSTS: &str = "hidden_posts";
    /// Photo files, by their names on this pod.
    pub(crate) const PHOTO_FILES: &str = "photo_files";
    /// Photos whose name on other pods belongs to another file here, by that name.
    pub(crate) const PHOTO_NAMES_TAKEN: &str = "photo_names_taken";
    /// Photos whose address has changed.
    pub(crate) const PHOTO_ADDRESSES: &str = "photo_addresses";
    /// People of other pods who were added.
    pub(crate) const PEOPLE: &str = "people";
    /// People of the target pod who ignore the account, by GUID.
    pub(crate) const IGNORED_BY: &str = "ignored_by";
    /// Reshares from which an import removed the root because it is a limited post, with that root.
    pub(crate) const RESHARE_ROOTS: &str = "reshare_roots";

    /// Kinds that version 1 of the journal did not note.
    pub(in crate::import) const LATER: [&str; 9] = [
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
pub(in crate::import) const HERE: &str = "here";
/// `previous` of a record left out because its author's same record exists already.
pub(in crate::import) const DUPLICATE: &str = "duplicate";

/// A row that is about to be written or to change its author, or that was found.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::import) struct Intent {
    pub(in crate::import) kind: &'static str,
    pub(in crate::import) guid: String,
    /// The previous value of a row that existed before: the row number of its author if that changes, the address of
    /// a photo that gets another one, the original that a reshare loses, or [`HERE`].
    pub(in crate::import) previous: Option<String>,
}

impl Intent {
    /// Creates a note on a new row.
    pub(in crate::import) fn write(kind: &'static str, guid: &(impl ToString + ?Sized)) -> Self {
        Self { kind, guid: guid.to_string(), previous: None }
    }

    /// Creates a note on a row that changes its author; `from` is the previous one.
    pub(in crate::import) fn adopt(
        kind: &'static str,
        guid: &(impl ToString + ?Sized),
        from: Option<i64>,
    ) -> Self {
        let previous = Some(from.map_or_else(|| HERE.to_owned(), |from| from.to_string()));
        Self { kind, guid: guid.to_string(), previous }
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
pub(in crate::import) enum How {
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
    pub(in crate::import) how: How,
    /// True if the pod certainly had the row: if missing, it was deleted since.
    pub(in crate::import) certain: bool,
    /// True if an earlier run noted it.
    pub(in crate::import) earlier: bool,
}

impl Noted {
    /// Returns whether it existed before the import.
    pub(in crate::import) fn was_here(self) -> bool {
        self.how != How::Written
    }
}

/// The journal of one import; read-only in a plan.
pub(in crate::import) struct Journal {
    /// None if no store exists yet.
    store: Option<Store>,
    /// None if the import has not started.
    import: Option<ImportRecord>,
    writes: bool,
    next: i64,
    first: i64,
    /// The last batch that the pod has.
    batch: i64,
    /// The first batch whose notes are certain.
    certain_from: i64,
    /// The account's person, which carries the mark of the last batch; none before it exists.
    pub(in crate::import) person: Option<i64>,
}

impl Journal {
    /// Creates an empty journal, for a plan of an import that has not started.
    pub(in crate::import) fn blank(store: Option<&Store>) -> Self {
        Self {
            store: store.cloned(),
            import: None,
            writes: false,
            next: 1,
            first: 1,
            batch: 0,
            certain_from: 0,
            person: None,
        }
    }

    /// Reads the journal of an import. `mark` is the pod's last batch, if the account exists; notes beyond it were
    /// never written, and are deleted unless this is a plan.
    pub(in crate::import) async fn open(
        store: &Store,
        import: ImportRecord,
        mark: Option<i64>,
        writes: bool,
    ) -> Result<Self, StoreError> {
        let id = import.id.as_str();
        let batch = mark.map_or(0, |mark| mark.max(import.settled_batch));
        if writes {
            forget_void(store, id, mark.is_some(), batch).await?;
        }
        let sql = "SELECT COALESCE(MAX(seq), 0) AS last_seq FROM pappus_import_rows WHERE import_id = ?";
        let last = store.first("reading the journal", sql, &[id.into()]).await?;
        let next = last.map_or(Ok(0), |row| row.get::<i64>("last_seq"))? + 1;
        // Version 1 noted no batches: of an unfinished import, nothing is certain.
        let is_vague = import.journal_version < JOURNAL_VERSION && import.state == ImportState::Importing;
        let blank = Self::blank(Some(store));
        let certain_from = i64::from(is_vague);
        Ok(Self { import: Some(import), writes, next, first: next, batch, certain_from, ..blank })
    }

    /// Returns the import; none in a plan of an import that has not started.
    pub(in crate::import) fn import(&self) -> Option<&ImportRecord> {
        self.import.as_ref()
    }

    /// Returns the store, if one exists.
    pub(in crate::import) fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Returns the store and the import, for writing; none in a plan.
    pub(in crate::import) fn begun(&self) -> Option<(&Store, &ImportRecord)> {
        self.known().filter(|_| self.writes)
    }

    fn known(&self) -> Option<(&Store, &ImportRecord)> {
        Some((self.store.as_ref()?, self.import.as_ref()?))
    }

    /// Returns whether an earlier run has noted anything.
    pub(in crate::import) fn has_earlier_notes(&self) -> bool {
        self.first > 1
    }

    /// Reads the notes on these records of a kind.
    pub(in crate::import) async fn noted<T: AsRef<str> + Sync>(
        &self,
        kind: &str,
        guids: &[T],
    ) -> Result<HashMap<String, Noted>, StoreError> {
        let Some((store, import)) = self.known() else { return Ok(HashMap::new()) };
        let mut noted = HashMap::new();
        if import.journal_version < JOURNAL_VERSION && self.certain_from == 0 && kinds::LATER.contains(&kind)
        {
            // Everything importable of these was imported, but not noted.
            let before = Noted { how: How::Written, certain: true, earlier: true };
            noted.extend(guids.iter().map(|guid| (guid.as_ref().to_owned(), before)));
        }
        for chunk in guids.chunks(1000) {
            let places = placeholders(chunk.len());
            let sql = format!(
                "SELECT guid, previous, batch, seq FROM pappus_import_rows WHERE kind = ? AND import_id = ? \
                 AND batch <= ? AND guid IN ({places})"
            );
            let mut values = vec![kind.into(), import.id.as_str().into(), self.batch.into()];
            values.extend(chunk.iter().map(|guid| guid.as_ref().into()));
            for row in store.rows("reading the journal", &sql, &values).await? {
                let (guid, new) = self.read(&row)?;
                let entry = noted.entry(guid).or_insert(new);
                // Earlier versions noted some rows twice: one written once counts as written.
                if new.how == How::Written {
                    *entry = new;
                }
            }
        }
        Ok(noted)
    }

    fn read(&self, row: &StoreRow) -> Result<(String, Noted), StoreError> {
        let how = match row.get::<Option<String>>("previous")?.as_deref() {
            None => How::Written,
            Some(DUPLICATE) => How::Duplicate,
            Some(_) => How::Found,
        };
        let certain = row.get::<i64>("batch")? >= self.certain_from;
        let earlier = row.get::<i64>("seq")? < self.first;
        Ok((row.get("guid")?, Noted { how, certain, earlier }))
    }

    /// Notes rows that are about to be written with the current batch; does nothing in a plan.
    pub(in crate::import) async fn note(&mut self, intents: Vec<Intent>) -> Result<(), StoreError> {
        let (Some(store), Some(import)) = (&self.store, &self.import) else { return Ok(()) };
        if !self.writes || intents.is_empty() {
            return Ok(());
        }
        let mut transaction = store.begin().await?;
        for chunk in intents.chunks(500) {
            let places = vec!["(?, ?, ?, ?, ?, ?)"; chunk.len()].join(", ");
            let sql = format!(
                "INSERT INTO pappus_import_rows (import_id, seq, kind, guid, previous, batch) VALUES {places}"
            );
            let mut values = Vec::with_capacity(chunk.len() * 6);
            for intent in chunk {
                let batch = if kinds::REPEATABLE.contains(&intent.kind) { 0 } else { self.batch + 1 };
                values.push(import.id.as_str().into());
                values.push(self.next.into());
                values.push(intent.kind.into());
                values.push(intent.guid.as_str().into());
                values.push(intent.previous.as_deref().into());
                values.push(batch.into());
                self.next += 1;
            }
            transaction.execute("writing the journal", &sql, &values).await?;
        }
        transaction.commit().await
    }

    /// Removes the note on a row that was not written after all.
    pub(in crate::import) async fn forget(&self, kind: &str, guid: &str) -> Result<(), StoreError> {
        let Some((store, import)) = self.begun() else { return Ok(()) };
        let sql = "DELETE FROM pappus_import_rows WHERE import_id = ? AND kind = ? AND guid = ?";
        store
            .execute("writing the journal", sql, &[import.id.as_str().into(), kind.into(), guid.into()])
            .await?;
        Ok(())
    }

    /// Returns the number of the current batch.
    pub(in crate::import) fn batch_under_way(&self) -> i64 {
        self.batch + 1
    }

    /// Records that the pod has the current batch.
    pub(in crate::import) fn batch_is_there(&mut self) {
        self.batch += 1;
    }

    /// Returns the last batch that the pod has.
    pub(in crate::import) fn last_batch(&self) -> i64 {
        self.batch
    }

    /// Counts the rows of a kind that the import has noted.
    pub(in crate::import) async fn count(&self, kind: &str) -> Result<u64, StoreError> {
        let Some((store, import)) = self.known() else { return Ok(0) };
        let sql = "SELECT COUNT(DISTINCT guid) AS noted FROM pappus_import_rows WHERE import_id = ? \
                   AND kind = ? AND batch <= ?";
        let values = [import.id.as_str().into(), kind.into(), self.batch.into()];
        let row = store.first("reading the journal", sql, &values).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.get("noted"))?;
        Ok(count.unsigned_abs())
    }
}

/// Deletes notes on rows that were never written.
///
/// An account that does not exist was never created, or was lost with its database. Posts of others that were fetched
/// for it stay noted, as undoing the import removes them, but nothing about them is certain.
pub(in crate::import) async fn forget_void(
    store: &Store,
    id: &str,
    account_is_there: bool,
    batch: i64,
) -> Result<(), StoreError> {
    let what = "tidying the journal";
    if !account_is_there {
        let sql = "UPDATE pappus_import_rows SET batch = -1 WHERE import_id = ? AND batch > 0 AND kind = ?";
        store.execute(what, sql, &[id.into(), FETCHED_POSTS.into()]).await?;
    }
    let sql = "DELETE FROM pappus_import_rows WHERE import_id = ? AND batch > ?";
    store.execute(what, sql, &[id.into(), batch.into()]).await.map(drop)
}

/// Returns an import's notes of a kind, in pages: number in the journal, GUID, and [`Intent::previous`].
pub(in crate::import) async fn noted(
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
        let page = noted(store, &import.id, kind, after).await?;
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

/// Returns the GUIDs of people or posts of others that this import, or an undone one into the same pod, has added, in
/// pages. Another import may still have needed them when theirs was undone.
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
