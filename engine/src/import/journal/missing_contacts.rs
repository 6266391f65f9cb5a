//! Contacts that an import left out because their people were unknown: their pods did not answer, and the archive is
//! not trusted to describe them. `import::missing_contacts` completes them once the pod knows these people.

use std::collections::BTreeMap;

use crate::domain::{Contact, DiasporaId};
use crate::import::journal::notes::{Intent, kinds};
use crate::sql::{Value, placeholders};
use crate::store::{Store, StoreError, StoreRow};

/// The journal's name for contacts that are missing, by the ID in the archive; `previous` is the list of their aspects.
pub(in crate::import) const MISSING_CONTACTS: &str = "missing_contacts";

/// An announced import with missing contacts.
pub(in crate::import) struct WaitingImport {
    pub(in crate::import) id: String,
    pub(in crate::import) old_id: String,
    pub(in crate::import) new_username: String,
    /// GUID of the new person.
    pub(in crate::import) person_guid: String,
}

/// Creates a note on a contact whom the account shares with, and whose person is unknown.
pub(in crate::import) fn missing_contact(contact: &Contact) -> Intent {
    let aspects = serde_json::json!(contact.contact_groups_membership).to_string();
    Intent { kind: MISSING_CONTACTS, guid: contact.account_id.to_string(), previous: Some(aspects) }
}

/// Returns the announced imports into a pod with missing contacts. One that is not announced may still be undone, and
/// nothing may be written for it meanwhile.
pub(in crate::import) async fn waiting_imports(
    store: &Store,
    pod_url: &str,
) -> Result<Vec<WaitingImport>, StoreError> {
    let sql = "SELECT i.id, i.old_id, i.new_username, COALESCE(i.person_guid, i.id) AS account_guid \
               FROM pappus_imports i WHERE i.pod_url = ? AND i.state = 'announced' \
               AND i.id IN (SELECT r.import_id FROM pappus_import_rows r WHERE r.kind = ?) ORDER BY i.id";
    let rows =
        store.rows("looking for missing contacts", sql, &[pod_url.into(), MISSING_CONTACTS.into()]).await?;
    let import = |row: &StoreRow| {
        Ok(WaitingImport {
            id: row.get("id")?,
            old_id: row.get("old_id")?,
            new_username: row.get("new_username")?,
            person_guid: row.get("account_guid")?,
        })
    };
    rows.iter().map(import).collect()
}

/// Returns an import's missing contacts, each once.
pub(in crate::import) async fn missing_contacts(
    store: &Store,
    import: &str,
) -> Result<Vec<Contact>, StoreError> {
    let sql =
        "SELECT guid, previous FROM pappus_import_rows WHERE kind = ? AND import_id = ? ORDER BY guid, seq";
    let rows =
        store.rows("looking for missing contacts", sql, &[MISSING_CONTACTS.into(), import.into()]).await?;
    let mut contacts = BTreeMap::new();
    for row in &rows {
        let (id, aspects): (String, Option<String>) = (row.get("guid")?, row.get("previous")?);
        let Ok(id) = id.parse::<DiasporaId>() else { continue };
        contacts.insert(id.clone(), contact(id, &aspects.unwrap_or_default()));
    }
    Ok(contacts.into_values().collect())
}

fn contact(id: DiasporaId, aspects: &str) -> Contact {
    Contact {
        sharing: false,
        receiving: true,
        following: false,
        followed: true,
        person_guid: None,
        person_name: String::new(),
        account_id: id,
        public_key: None,
        contact_groups_membership: serde_json::from_str(aspects).unwrap_or_default(),
    }
}

/// Notes missing contacts as written by the import: from now on, one that does not exist was removed by people.
pub(in crate::import) async fn note_as_written(
    store: &Store,
    import: &str,
    people: &[&str],
) -> Result<(), StoreError> {
    for chunk in people.chunks(500) {
        let sql = format!(
            "UPDATE pappus_import_rows SET kind = ?, previous = NULL, batch = 0 \
             WHERE import_id = ? AND kind = ? AND guid IN ({})",
            placeholders(chunk.len())
        );
        let mut values: Vec<Value<'_>> = vec![kinds::CONTACTS.into(), import.into(), MISSING_CONTACTS.into()];
        values.extend(chunk.iter().map(|person| Value::from(*person)));
        store.execute("recording that contacts are complete", &sql, &values).await?;
    }
    Ok(())
}

/// Deletes the notes on missing contacts that a later run of the import has written.
pub(in crate::import) async fn forget_completed(store: &Store, import: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM pappus_import_rows WHERE import_id = ? AND kind = ? AND guid IN \
               (SELECT r.guid FROM pappus_import_rows r JOIN pappus_imports i ON i.id = r.import_id \
               WHERE r.import_id = ? AND r.kind = ? AND r.batch <= i.settled_batch)";
    let values = [import.into(), MISSING_CONTACTS.into(), import.into(), kinds::CONTACTS.into()];
    store.execute("tidying the journal", sql, &values).await.map(drop)
}
