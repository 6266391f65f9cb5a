//! People of an archive who were imported here themselves and whose moves are not announced yet.
//!
//! Other pods know them by their old names only, and so do the archives of accounts imported later. Their records may
//! exist here under either name.

use std::collections::HashMap;

use crate::import::ImportError;
use crate::import::journal::notes::Journal;
use crate::import::scan::people::People;
use crate::import::target::Target;
use crate::sql::placeholders;
use crate::store::{Store, StoreError};

impl People {
    /// Finds the people who already exist here under new names.
    pub(in crate::import) async fn read_pending(
        &mut self,
        target: &mut Target,
        journal: &Journal,
    ) -> Result<(), ImportError> {
        let Some(store) = journal.store() else { return Ok(()) };
        let old_ids = self.unmoved_ids();
        let pending = pending(store, target.url.as_str(), &old_ids).await?;
        let guids: Vec<&str> = pending.values().map(String::as_str).collect();
        let rows = target.ids("people", &guids).await?;
        for (old_id, guid) in &pending {
            if let Some(id) = rows.get(guid) {
                self.set_pending(old_id, *id);
            }
        }
        Ok(())
    }
}

/// Returns the GUIDs of new persons by their old IDs, for imports that were not undone.
async fn pending(
    store: &Store,
    pod_url: &str,
    old_ids: &[String],
) -> Result<HashMap<String, String>, StoreError> {
    let mut pending = HashMap::new();
    for chunk in old_ids.chunks(1000) {
        let placeholders = placeholders(chunk.len());
        let sql = format!(
            "SELECT old_id, COALESCE(person_guid, id) AS account_guid FROM pappus_imports WHERE pod_url = ? \
             AND state NOT IN ('undone', 'failed') AND old_id IN ({placeholders})"
        );
        let mut values = vec![pod_url.into()];
        values.extend(chunk.iter().map(Into::into));
        for row in store.rows("listing imports", &sql, &values).await? {
            pending.insert(row.get("old_id")?, row.get("account_guid")?);
        }
    }
    Ok(pending)
}
