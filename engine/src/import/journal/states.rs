//! The states of an import, and the changes from one to the next.
//!
//! Two programs may work on one import at the same time: the podmin's command and the web service. Each change
//! checks the state that it starts from in the statement that writes it, so of an announcement and an undo only the
//! first begins.

use super::imports::{UNDOING, millis};
use crate::domain::Timestamp;
use crate::store::{Store, StoreError};

/// The operation, as errors of the store name it.
const RECORDING: &str = "recording the state of the import";

/// The reason an import was not marked as announced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MarkError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The import, by its ID, is incomplete, was undone, or is being undone.
    #[error("the import {0} is not complete, or it is being undone")]
    Refused(String),
}

/// Records that an import is complete, and that all batches up to `settled_batch` are on the pod. An announced import
/// stays announced, and keeps the evidence that the announcement relied on: the pod knows the account since then.
///
/// Returns false and records nothing if the import was undone, or is being undone.
pub(in crate::import) async fn finish(
    store: &Store,
    id: &str,
    (report, evidence): (&str, &str),
    settled_batch: i64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE pappus_imports SET state = CASE WHEN state = 'announced' THEN 'announced' ELSE 'imported' END, \
               evidence = CASE WHEN state = 'announced' THEN evidence ELSE ? END, \
               report = ?, settled_batch = ?, updated_at = ? \
               WHERE id = ? AND state <> 'undone' AND COALESCE(stage, 'none') <> ?";
    let values =
        [evidence.into(), report.into(), settled_batch.into(), millis(now).into(), id.into(), UNDOING.into()];
    Ok(store.execute(RECORDING, sql, &values).await? > 0)
}

/// Records that an import is being undone: it can be neither continued nor announced.
///
/// Returns false and records nothing if it was announced or undone.
pub(in crate::import) async fn begin_undo(store: &Store, id: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE pappus_imports SET stage = ? WHERE id = ? AND state NOT IN ('announced', 'undone')";
    Ok(store.execute(RECORDING, sql, &[UNDOING.into(), id.into()]).await? > 0)
}

/// Records that an import was undone.
pub(in crate::import) async fn finish_undo(
    store: &Store,
    id: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE pappus_imports SET state = 'undone', stage = NULL, updated_at = ? WHERE id = ?";
    store.execute(RECORDING, sql, &[millis(now).into(), id.into()]).await.map(drop)
}

/// Records that the contacts are being notified: from now on the import cannot be undone.
///
/// # Errors
/// [`MarkError::Refused`] for an import that is not complete, was undone or is being undone: nothing is recorded.
pub(crate) async fn mark_announced(store: &Store, id: &str, now: Timestamp) -> Result<(), MarkError> {
    let sql = "UPDATE pappus_imports SET state = 'announced', stage = NULL, updated_at = ? \
               WHERE id = ? AND state IN ('imported', 'announced') AND COALESCE(stage, 'none') <> ?";
    match store.execute(RECORDING, sql, &[millis(now).into(), id.into(), UNDOING.into()]).await? {
        0 => Err(MarkError::Refused(id.to_owned())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::journal::imports::{ImportState, NewImport, begin, find_import};
    use crate::sql::DatabaseUrl;

    /// A store with an import that has just started.
    struct Scene {
        store: Store,
        id: String,
        now: Timestamp,
        _folder: tempfile::TempDir,
    }

    impl Scene {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}", folder.path().join("store.db").display());
            let store = Store::open(&DatabaseUrl::parse(&url).unwrap()).await.unwrap();
            let now: Timestamp = chrono::DateTime::<chrono::Utc>::UNIX_EPOCH.into();
            let import = NewImport {
                archive_sha256: "00",
                old_id: &"ida@old.example".parse().unwrap(),
                old_key: None,
                username: "ida",
                owner: "podmin",
                pod_url: "https://pod.example/",
                person_guid: None,
                now,
            };
            let id = begin(&store, import).await.unwrap().id;
            Self { store, id, now, _folder: folder }
        }

        async fn finish(&self, report: &str) -> bool {
            finish(&self.store, &self.id, (report, "{}"), 1, self.now).await.unwrap()
        }

        async fn begin_undo(&self) -> bool {
            begin_undo(&self.store, &self.id).await.unwrap()
        }

        async fn announce(&self) -> bool {
            match mark_announced(&self.store, &self.id, self.now).await {
                Ok(()) => true,
                Err(MarkError::Refused(id)) => {
                    assert_eq!(id, self.id);
                    false
                }
                Err(error) => panic!("{error}"),
            }
        }

        /// Returns the state, whether an undo is under way, and the report.
        async fn state(&self) -> (ImportState, bool, Option<String>) {
            let import = find_import(&self.store, &self.id).await.unwrap().unwrap();
            (import.state, import.is_being_undone, import.report)
        }
    }

    #[tokio::test]
    async fn an_announced_import_stays_announced() {
        let scene = Scene::new().await;
        assert!(!scene.announce().await, "it is not complete");
        assert!(scene.finish("first").await);
        assert_eq!(scene.state().await, (ImportState::Imported, false, Some("first".to_owned())));
        assert!(scene.announce().await);
        assert!(scene.announce().await, "again, since an announcement may be repeated");
        // A second run that began before the announcement.
        assert!(scene.finish("second").await);
        assert_eq!(scene.state().await, (ImportState::Announced, false, Some("second".to_owned())));
        assert!(!scene.begin_undo().await);
        assert_eq!(scene.state().await, (ImportState::Announced, false, Some("second".to_owned())));
    }

    #[tokio::test]
    async fn an_import_that_is_being_undone_is_neither_announced_nor_finished() {
        let scene = Scene::new().await;
        assert!(scene.finish("first").await);
        assert!(scene.begin_undo().await);
        assert!(scene.begin_undo().await, "again, since an undo may be interrupted");
        for state in [ImportState::Imported, ImportState::Undone] {
            assert!(!scene.announce().await);
            assert!(!scene.finish("second").await);
            let is_being_undone = state == ImportState::Imported;
            assert_eq!(scene.state().await, (state, is_being_undone, Some("first".to_owned())));
            finish_undo(&scene.store, &scene.id, scene.now).await.unwrap();
        }
        assert!(!scene.begin_undo().await);
    }

    #[tokio::test]
    async fn an_incomplete_import_can_be_undone() {
        let scene = Scene::new().await;
        assert!(scene.begin_undo().await);
        finish_undo(&scene.store, &scene.id, scene.now).await.unwrap();
        assert_eq!(scene.state().await, (ImportState::Undone, false, None));
    }
}
