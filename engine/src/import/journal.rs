//! What an import is about to write, noted in Pappus's own store before it is written.

use std::collections::{HashMap, HashSet};

use crate::domain::{DiasporaId, Timestamp};
use crate::store::{Store, StoreError, random_id};

/// The state of an import, as the store names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportState {
    /// Begun, perhaps broken off: the same command goes on.
    Importing,
    /// Complete; can be undone.
    Imported,
    /// The contacts are being told.
    Announced,
    /// Taken back.
    Undone,
}

impl ImportState {
    /// The word in the store and for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Importing => "importing",
            Self::Imported => "imported",
            Self::Announced => "announced",
            Self::Undone => "undone",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Importing, Self::Imported, Self::Announced, Self::Undone]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// One import, as the store knows it.
#[derive(Debug, Clone)]
pub struct ImportRecord {
    /// Its name; also the GUID of the new person.
    pub id: String,
    /// SHA-256 of the archive file.
    pub archive_sha256: String,
    /// Who the account was.
    pub old_id: String,
    /// Its username on the target pod.
    pub new_username: String,
    /// The target pod.
    pub pod_url: String,
    /// How far it is.
    pub state: ImportState,
    /// When it began, milliseconds since 1970.
    pub created_at: i64,
    /// The report, JSON; none before it is complete.
    pub report: Option<String>,
}

impl ImportRecord {
    /// Whether something showed that the archive was the account's.
    pub fn is_proven(&self) -> bool {
        let report: Option<serde_json::Value> =
            self.report.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let proof = report.and_then(|report| report.get("proof")?.as_str().map(str::to_owned));
        proof.is_some_and(|proof| proof != super::Proof::Unproven.as_str())
    }
}

const COLUMNS: &str = "id, archive_sha256, old_id, new_username, pod_url, state, created_at, report";

/// All imports into a pod, newest first; into every pod without an address.
///
/// # Errors
/// The store's failure.
pub async fn list_imports(store: &Store, pod_url: Option<&str>) -> Result<Vec<ImportRecord>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM pappus_imports WHERE ? IS NULL OR pod_url = ? ORDER BY created_at DESC, id"
    );
    let rows = store.rows("listing imports", &sql, &[pod_url.into(), pod_url.into()]).await?;
    rows.iter().map(read).collect()
}

fn read(row: &crate::store::StoreRow) -> Result<ImportRecord, StoreError> {
    let state: String = row.get(5)?;
    Ok(ImportRecord {
        id: row.get(0)?,
        archive_sha256: row.get(1)?,
        old_id: row.get(2)?,
        new_username: row.get(3)?,
        pod_url: row.get(4)?,
        state: ImportState::parse(&state).unwrap_or(ImportState::Importing),
        created_at: row.get(6)?,
        report: row.get(7)?,
    })
}

/// Finds an import by the beginning of its name.
///
/// # Errors
/// The store's failure.
pub async fn find_import(store: &Store, id: &str) -> Result<Option<ImportRecord>, StoreError> {
    let mut found = list_imports(store, None).await?;
    found.retain(|import| import.id.starts_with(id));
    Ok(if found.len() == 1 { found.pop() } else { None })
}

/// A row that is about to be written or to change hands.
pub(super) struct Intent {
    pub(super) kind: &'static str,
    pub(super) guid: String,
    /// The author before, for a row that changes hands.
    pub(super) previous: Option<i64>,
}

/// The journal of one import.
pub(super) struct Journal {
    store: Store,
    pub(super) import: ImportRecord,
    next: i64,
    /// GUIDs of rows that were there before and have changed hands.
    adopted: HashSet<String>,
    /// GUIDs of rows that an earlier run wrote, or was about to write, by kind: a signature has its record's GUID.
    written: HashMap<String, HashSet<String>>,
}

impl Journal {
    /// Goes on with an import of this account into this pod, or begins a new one.
    ///
    /// Two that begin at the same time: the store refuses the second one ([`StoreError::Duplicate`]).
    pub(super) async fn open(
        store: &Store,
        archive_sha256: &str,
        old: &DiasporaId,
        username: &str,
        pod_url: &str,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM pappus_imports WHERE old_id = ? AND pod_url = ? \
             AND state NOT IN ('undone', 'failed')"
        );
        let row = store.first("looking for the import", &sql, &[old.as_str().into(), pod_url.into()]).await?;
        let import = match row {
            Some(row) => read(&row)?,
            None => begin(store, archive_sha256, old, username, pod_url, now).await?,
        };
        let sql = "SELECT COALESCE(MAX(seq), 0) FROM pappus_import_rows WHERE import_id = ?";
        let last = store.first("reading the journal", sql, &[import.id.as_str().into()]).await?;
        let next = last.map_or(Ok(0), |row| row.get::<i64>(0))? + 1;
        let (mut adopted, mut written) = (HashSet::new(), HashMap::<String, HashSet<String>>::new());
        let sql = "SELECT guid, previous, kind FROM pappus_import_rows WHERE import_id = ?";
        for row in store.rows("reading the journal", sql, &[import.id.as_str().into()]).await? {
            let previous: Option<String> = row.get(1)?;
            if previous.is_some() {
                adopted.insert(row.get(0)?)
            } else {
                written.entry(row.get(2)?).or_default().insert(row.get(0)?)
            };
        }
        Ok(Self { store: store.clone(), import, next, adopted, written })
    }

    /// Whether this import found the row there, in a run that was broken off.
    pub(super) fn has_adopted(&self, guid: &str) -> bool {
        self.adopted.contains(guid)
    }

    /// Whether this import wrote a row of this kind in an earlier run.
    pub(super) fn has_written(&self, kind: &str, guid: &str) -> bool {
        self.written.get(kind).is_some_and(|guids| guids.contains(guid))
    }

    /// Notes what is about to be written.
    pub(super) async fn note(&mut self, intents: Vec<Intent>) -> Result<(), StoreError> {
        if intents.is_empty() {
            return Ok(());
        }
        let mut transaction = self.store.begin().await?;
        for chunk in intents.chunks(500) {
            let places = vec!["(?, ?, ?, ?, ?)"; chunk.len()].join(", ");
            let sql = format!(
                "INSERT INTO pappus_import_rows (import_id, seq, kind, guid, previous) VALUES {places}"
            );
            let mut values = Vec::with_capacity(chunk.len() * 5);
            for intent in chunk {
                values.push(self.import.id.as_str().into());
                values.push(self.next.into());
                values.push(intent.kind.into());
                values.push(intent.guid.as_str().into());
                values.push(intent.previous.map(|author| author.to_string()).into());
                self.next += 1;
            }
            transaction.execute("writing the journal", &sql, &values).await?;
        }
        transaction.commit().await?;
        self.adopted
            .extend(intents.into_iter().filter(|intent| intent.previous.is_some()).map(|intent| intent.guid));
        Ok(())
    }

    /// How many rows of a kind the import has noted.
    pub(super) async fn count(&self, kind: &str) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(DISTINCT guid) FROM pappus_import_rows WHERE import_id = ? AND kind = ?";
        let row = self
            .store
            .first("reading the journal", sql, &[self.import.id.as_str().into(), kind.into()])
            .await?;
        let count: i64 = row.map_or(Ok(0), |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// Notes that the import has come to a new state.
    pub(super) async fn set_state(
        &self,
        state: ImportState,
        report: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        set_state(&self.store, &self.import.id, state, report, now).await
    }
}

/// Notes that an import begins.
async fn begin(
    store: &Store,
    archive_sha256: &str,
    old: &DiasporaId,
    username: &str,
    pod_url: &str,
    now: Timestamp,
) -> Result<ImportRecord, StoreError> {
    let import = ImportRecord {
        id: random_id()?,
        archive_sha256: archive_sha256.to_owned(),
        old_id: old.to_string(),
        new_username: username.to_owned(),
        pod_url: pod_url.to_owned(),
        state: ImportState::Importing,
        created_at: now.to_utc().and_utc().timestamp_millis(),
        report: None,
    };
    let sql = "INSERT INTO pappus_imports (id, archive_sha256, old_id, new_username, pod_url, state, \
               created_at, updated_at) VALUES (?, ?, ?, ?, ?, 'importing', ?, ?)";
    let values = [
        import.id.as_str().into(),
        archive_sha256.into(),
        old.as_str().into(),
        username.into(),
        pod_url.into(),
        import.created_at.into(),
        import.created_at.into(),
    ];
    store.execute("beginning the import", sql, &values).await?;
    Ok(import)
}

/// Notes that an import has come to a new state.
pub(super) async fn set_state(
    store: &Store,
    id: &str,
    state: ImportState,
    report: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql =
        "UPDATE pappus_imports SET state = ?, report = COALESCE(?, report), updated_at = ? WHERE id = ?";
    let at = now.to_utc().and_utc().timestamp_millis();
    let values = [state.as_str().into(), report.into(), at.into(), id.into()];
    store.execute("noting the state of the import", sql, &values).await.map(drop)
}

/// Everything an import noted, by kind: GUID and previous author.
pub(super) async fn noted(
    store: &Store,
    id: &str,
    kind: &str,
    after: i64,
) -> Result<Vec<(i64, String, Option<i64>)>, StoreError> {
    let sql = "SELECT seq, guid, previous FROM pappus_import_rows WHERE import_id = ? AND kind = ? AND seq > ? \
               ORDER BY seq LIMIT 1000";
    let rows = store.rows("reading the journal", sql, &[id.into(), kind.into(), after.into()]).await?;
    rows.iter()
        .map(|row| {
            let previous: Option<String> = row.get(2)?;
            Ok((row.get(0)?, row.get(1)?, previous.and_then(|author| author.parse().ok())))
        })
        .collect()
}

/// People or posts of others that this import, or one into the same pod that was taken back, has brought along:
/// their GUIDs, in pages. Another import may still have needed them when theirs was taken back.
pub(super) async fn brought_along(
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
    rows.iter().map(|row| row.get(0)).collect()
}

/// Notes that the contacts are being told: from now on the import cannot be taken back.
pub(crate) async fn mark_announced(store: &Store, id: &str, now: Timestamp) -> Result<(), StoreError> {
    set_state(store, id, ImportState::Announced, None, now).await
}
