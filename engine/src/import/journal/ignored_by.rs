//! People of the pod who ignore an imported account.

use crate::import::journal::notes::kinds;
use crate::store::{Store, StoreError};

/// Returns the GUIDs of people who certainly ignored the account by its new name when it was imported: those who no
/// longer do have lifted the block.
pub(crate) async fn ignoring_people(store: &Store, import: &str) -> Result<Vec<String>, StoreError> {
    // A run that was killed may have noted blocks that it never wrote.
    let sql = "SELECT DISTINCT r.guid FROM pappus_import_rows r JOIN pappus_imports i ON i.id = r.import_id \
               WHERE r.import_id = ? AND r.kind = ? AND r.batch <= i.settled_batch";
    let rows = store.rows("reading the journal", sql, &[import.into(), kinds::IGNORED_BY.into()]).await?;
    rows.iter().map(|row| row.get("guid")).collect()
}
