//! The imports into a pod, as Pappus's own store lists them.

use std::collections::HashMap;

use crate::domain::{DiasporaId, Timestamp};
use crate::import::{Evidence, Proof};
use crate::sql::placeholders;
use crate::store::{Store, StoreError, StoreRow, random_id};

/// The state of an import, as the store names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum ImportState {
    /// Started, perhaps interrupted: the same command continues.
    Importing,
    /// Complete; can be undone.
    Imported,
    /// The contacts are being notified.
    Announced,
    /// Undone.
    Undone,
}

impl ImportState {
    /// Returns the state's name in the store and for programs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One import, as the store records it.
#[derive(Debug, Clone)]
pub struct ImportRecord {
    /// The import's ID.
    pub id: String,
    /// GUID of the new person: the import's ID, unless other pods may know the account by the GUID of an import that
    /// was undone.
    pub person_guid: String,
    /// SHA-256 of the archive file.
    pub archive_sha256: String,
    /// The account's old diaspora* ID.
    pub old_id: String,
    /// Fingerprint of the old account's key, if the archive shows it.
    pub old_key: Option<String>,
    /// The account's username on the target pod.
    pub new_username: String,
    /// The target pod.
    pub pod_url: String,
    /// See [`crate::import::ImportOptions::owner`]; none for imports of earlier versions.
    pub owner: Option<String>,
    /// The import's state.
    pub state: ImportState,
    /// True while the import is being undone.
    pub is_being_undone: bool,
    /// Start time, milliseconds since 1970.
    pub created_at: i64,
    /// The report, JSON; none before completion.
    pub report: Option<String>,
    /// The keys that the import relied on; none before completion, and for imports of earlier versions.
    pub evidence: Option<Evidence>,
    /// The last batch that is known to be on the pod.
    pub(in crate::import) settled_batch: i64,
    /// The version of the import's journal: see [`JOURNAL_VERSION`].
    pub(in crate::import) journal_version: i64,
}

impl ImportRecord {
    /// Returns whether the archive was proven to be the account's.
    pub fn is_proven(&self) -> bool {
        self.proof().is_some_and(|proof| proof != Proof::Unproven.as_str())
    }

    /// Returns whether only a pinned pod key proved it.
    pub(crate) fn is_proven_by_pin(&self) -> bool {
        self.proof().is_some_and(|proof| proof == Proof::PinnedPodKey.as_str())
    }

    fn proof(&self) -> Option<String> {
        let report: Option<serde_json::Value> =
            self.report.as_deref().and_then(|text| serde_json::from_str(text).ok());
        report.and_then(|report| report.get("proof")?.as_str().map(str::to_owned))
    }
}

/// The current journal version: all kinds of records are noted, with transactions. Version 1 noted no transactions,
/// and neither aspects, contacts, blocks, followed tags, subscriptions, audiences and hidden posts nor existing rows.
pub(in crate::import) const JOURNAL_VERSION: i64 = 2;

/// `stage` of an import that is being undone.
pub(super) const UNDOING: &str = "undoing";

const COLUMNS: &str = "id, archive_sha256, old_id, new_username, pod_url, state, created_at, report, \
                       COALESCE(person_guid, id) AS account_guid, old_key, stage, settled_batch, \
                       journal_version, owner, evidence";

fn read(row: &StoreRow) -> Result<ImportRecord, StoreError> {
    let state: String = row.get("state")?;
    Ok(ImportRecord {
        id: row.get("id")?,
        archive_sha256: row.get("archive_sha256")?,
        old_id: row.get("old_id")?,
        new_username: row.get("new_username")?,
        pod_url: row.get("pod_url")?,
        state: state.parse().unwrap_or(ImportState::Importing),
        created_at: row.get("created_at")?,
        report: row.get("report")?,
        person_guid: row.get("account_guid")?,
        old_key: row.get("old_key")?,
        is_being_undone: row.get::<Option<String>>("stage")?.as_deref() == Some(UNDOING),
        settled_batch: row.get("settled_batch")?,
        journal_version: row.get("journal_version")?,
        owner: row.get("owner")?,
        evidence: row
            .get::<Option<String>>("evidence")?
            .and_then(|evidence| serde_json::from_str(&evidence).ok()),
    })
}

/// Lists the imports into a pod, newest first; without an address, those into all pods.
///
/// # Errors
/// An error of the store.
pub async fn list_imports(store: &Store, pod_url: Option<&str>) -> Result<Vec<ImportRecord>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM pappus_imports WHERE ? IS NULL OR pod_url = ? ORDER BY created_at DESC, id"
    );
    let rows = store.rows("listing imports", &sql, &[pod_url.into(), pod_url.into()]).await?;
    rows.iter().map(read).collect()
}

/// Finds an import by the beginning of its ID; none if several imports match.
///
/// # Errors
/// An error of the store.
pub async fn find_import(store: &Store, id: &str) -> Result<Option<ImportRecord>, StoreError> {
    let mut imports = list_imports(store, None).await?;
    imports.retain(|import| import.id.starts_with(id));
    Ok(if imports.len() == 1 { imports.pop() } else { None })
}

/// Returns the import of an account into a pod that was not undone: there is at most one.
pub(in crate::import) async fn active_import(
    store: &Store,
    old_id: &DiasporaId,
    pod_url: &str,
) -> Result<Option<ImportRecord>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM pappus_imports WHERE old_id = ? AND pod_url = ? AND state NOT IN ('undone', 'failed')"
    );
    let row = store.first("looking for the import", &sql, &[old_id.as_str().into(), pod_url.into()]).await?;
    row.as_ref().map(read).transpose()
}

/// Returns the imports of these people, by their GUIDs here, that were not undone.
pub(in crate::import) async fn active_imports(
    store: &Store,
    pod_url: &str,
    people: &[&str],
) -> Result<HashMap<String, ImportRecord>, StoreError> {
    let mut imports = HashMap::new();
    for chunk in people.chunks(1000) {
        let placeholders = placeholders(chunk.len());
        let sql = format!(
            "SELECT {COLUMNS} FROM pappus_imports WHERE pod_url = ? AND state NOT IN ('undone', 'failed') \
             AND COALESCE(person_guid, id) IN ({placeholders})"
        );
        let mut values = vec![pod_url.into()];
        values.extend(chunk.iter().map(|guid| (*guid).into()));
        for row in store.rows("listing imports", &sql, &values).await? {
            let import = read(&row)?;
            imports.insert(import.person_guid.clone(), import);
        }
    }
    Ok(imports)
}

/// The data of an import that starts.
pub(in crate::import) struct NewImport<'a> {
    pub(in crate::import) archive_sha256: &'a str,
    pub(in crate::import) old_id: &'a DiasporaId,
    /// See [`ImportRecord::old_key`].
    pub(in crate::import) old_key: Option<&'a str>,
    pub(in crate::import) username: &'a str,
    pub(in crate::import) owner: &'a str,
    pub(in crate::import) pod_url: &'a str,
    /// The GUID by which other pods may know the account.
    pub(in crate::import) person_guid: Option<&'a str>,
    pub(in crate::import) now: Timestamp,
}

/// Records the start of an import.
///
/// # Errors
/// [`StoreError::Duplicate`] if another import of the account starts at the same time.
pub(in crate::import) async fn begin(store: &Store, new: NewImport<'_>) -> Result<ImportRecord, StoreError> {
    let id = random_id()?;
    let import = ImportRecord {
        person_guid: new.person_guid.unwrap_or(&id).to_owned(),
        id: id.clone(),
        archive_sha256: new.archive_sha256.to_owned(),
        old_id: new.old_id.to_string(),
        old_key: new.old_key.map(str::to_owned),
        new_username: new.username.to_owned(),
        pod_url: new.pod_url.to_owned(),
        owner: Some(new.owner.to_owned()),
        state: ImportState::Importing,
        is_being_undone: false,
        created_at: millis(new.now),
        report: None,
        evidence: None,
        settled_batch: 0,
        journal_version: JOURNAL_VERSION,
    };
    let sql = "INSERT INTO pappus_imports (id, person_guid, archive_sha256, old_id, old_key, new_username, pod_url, \
               owner, state, journal_version, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'importing', ?, ?, ?)";
    let values = [
        import.id.as_str().into(),
        new.person_guid.into(),
        new.archive_sha256.into(),
        new.old_id.as_str().into(),
        new.old_key.into(),
        new.username.into(),
        new.pod_url.into(),
        new.owner.into(),
        JOURNAL_VERSION.into(),
        import.created_at.into(),
        import.created_at.into(),
    ];
    store.execute("starting the import", sql, &values).await?;
    Ok(import)
}

/// Returns a time in milliseconds since 1970.
pub(in crate::import) fn millis(time: Timestamp) -> i64 {
    time.to_utc().and_utc().timestamp_millis()
}
