//! Connections to the pod that all see the same pod.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::pod::config::DatabaseUrl;
use crate::pod::database::{DatabaseError, SharedSnapshot, Snapshot};

/// Opens snapshots. On PostgreSQL all of them are one, which a first connection holds; elsewhere each is of its
/// own moment.
#[derive(Clone)]
pub(super) struct Source {
    database: DatabaseUrl,
    shared: Arc<Mutex<Option<(Snapshot, SharedSnapshot)>>>,
}

impl Source {
    pub(super) fn new(database: &DatabaseUrl) -> Self {
        Self { database: database.clone(), shared: Arc::default() }
    }

    /// Another connection. When the one that holds the snapshot has been lost, a new snapshot is begun; archives
    /// are of one moment each in any case.
    pub(super) async fn open(&self) -> Result<Snapshot, DatabaseError> {
        let mut shared = self.shared.lock().await;
        if let Some((_, name)) = shared.as_ref() {
            if let Ok(snapshot) = Snapshot::open_shared(&self.database, name).await {
                return Ok(snapshot);
            }
            *shared = None;
        }
        let mut first = Snapshot::open(&self.database).await?;
        let Some(name) = first.share().await? else { return Ok(first) };
        let snapshot = Snapshot::open_shared(&self.database, &name).await?;
        *shared = Some((first, name));
        Ok(snapshot)
    }
}
