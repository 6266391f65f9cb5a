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
    /// What a row that was here before held: the number of its author if it changes hands, the address of a photo
    /// that gets another one.
    pub(super) previous: Option<String>,
}

/// GUIDs that an import has noted of one kind.
#[derive(Default)]
struct Noted {
    /// Rows that were there before.
    adopted: HashSet<String>,
    /// Rows that an earlier run wrote, or was about to write.
    written: HashSet<String>,
}

/// The journal of one import.
pub(super) struct Journal {
    store: Store,
    pub(super) import: ImportRecord,
    next: i64,
    /// By kind: a signature has its record's GUID.
    noted: HashMap<String, Noted>,
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
        let mut noted = HashMap::<String, Noted>::new();
        let sql = "SELECT guid, previous, kind FROM pappus_import_rows WHERE import_id = ?";
        for row in store.rows("reading the journal", sql, &[import.id.as_str().into()]).await? {
            let of_kind = noted.entry(row.get(2)?).or_default();
            let was_here = row.get::<Option<String>>(1)?.is_some();
            let guids = if was_here { &mut of_kind.adopted } else { &mut of_kind.written };
            guids.insert(row.get(0)?);
        }
        Ok(Self { store: store.clone(), import, next, noted })
    }

    /// Whether this import found a row of this kind there.
    pub(super) fn has_adopted(&self, kind: &str, guid: &str) -> bool {
        self.noted.get(kind).is_some_and(|noted| noted.adopted.contains(guid))
    }

    /// Whether this import wrote a row of this kind in an earlier run.
    pub(super) fn has_written(&self, kind: &str, guid: &str) -> bool {
        self.noted.get(kind).is_some_and(|noted| noted.written.contains(guid))
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
                values.push(intent.previous.as_deref().into());
                self.next += 1;
            }
            transaction.execute("writing the journal", &sql, &values).await?;
        }
        transaction.commit().await?;
        for intent in intents.into_iter().filter(|intent| intent.previous.is_some()) {
            self.noted.entry(intent.kind.to_owned()).or_default().adopted.insert(intent.guid);
        }
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

/// What an import noted of a kind, in pages: number in the journal, GUID, and [`Intent::previous`].
pub(super) async fn noted(
    store: &Store,
    id: &str,
    kind: &str,
    after: i64,
) -> Result<Vec<(i64, String, Option<String>)>, StoreError> {
    let sql = "SELECT seq, guid, previous FROM pappus_import_rows WHERE import_id = ? AND kind = ? AND seq > ? \
               ORDER BY seq LIMIT 1000";
    let rows = store.rows("reading the journal", sql, &[id.into(), kind.into(), after.into()]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).collect()
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
