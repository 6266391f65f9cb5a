//! Connections that all see the same state of the pod.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Mutex;

use crate::pod::database::{DatabaseError, SharedSnapshot, Snapshot};
use crate::sql::DatabaseUrl;

/// Opens snapshots. On PostgreSQL all share the snapshot of a first connection; on other databases each snapshot has
/// its own point in time.
#[derive(Clone)]
pub(in crate::campaign) struct Source {
    database: DatabaseUrl,
    shared: Arc<Mutex<Option<(Snapshot, SharedSnapshot)>>>,
    in_use: Arc<AtomicUsize>,
    is_connection_limited: Arc<AtomicBool>,
}

/// A connection that is counted while in use.
pub(in crate::campaign) struct Connection {
    pub(in crate::campaign) snapshot: Snapshot,
    /// True once accounts have been read ahead with it.
    pub(in crate::campaign) has_read_ahead: bool,
    in_use: Arc<AtomicUsize>,
}

impl Source {
    pub(in crate::campaign) fn new(database: &DatabaseUrl) -> Self {
        let (in_use, is_connection_limited) = (Arc::default(), Arc::default());
        Self { database: database.clone(), shared: Arc::default(), in_use, is_connection_limited }
    }

    /// Opens another connection. If the one that holds the snapshot was lost, a new snapshot is started. Each archive
    /// contains the state of one point in time in either case.
    pub(in crate::campaign) async fn open(&self) -> Result<Connection, DatabaseError> {
        let mut shared = self.shared.lock().await;
        if let Some((_, name)) = shared.as_ref() {
            match Snapshot::open_shared(&self.database, name).await {
                Ok(snapshot) => return Ok(self.count_connection(snapshot)),
                // If no other connection is in use, the connection that holds the snapshot serves as well.
                Err(DatabaseError::TooManyConnections { .. }) if self.in_use() == 0 => {}
                Err(error @ DatabaseError::TooManyConnections { .. }) => return Err(error),
                Err(_) => *shared = None,
            }
            if let Some((first, _)) = shared.take() {
                return Ok(self.count_connection(first));
            }
        }
        let mut first = Snapshot::open_without_retries(&self.database).await?;
        let Some(name) = first.share().await? else { return Ok(self.count_connection(first)) };
        match Snapshot::open_shared(&self.database, &name).await {
            Ok(snapshot) => {
                *shared = Some((first, name));
                Ok(self.count_connection(snapshot))
            }
            Err(DatabaseError::TooManyConnections { .. }) => Ok(self.count_connection(first)),
            Err(error) => Err(error),
        }
    }

    /// Discards the shared snapshot: later connections see the pod's state at that time.
    pub(in crate::campaign) async fn renew(&self) {
        *self.shared.lock().await = None;
    }

    fn count_connection(&self, snapshot: Snapshot) -> Connection {
        self.in_use.fetch_add(1, Ordering::Relaxed);
        Connection { snapshot, has_read_ahead: false, in_use: Arc::clone(&self.in_use) }
    }

    /// Returns the number of connections in use.
    pub(in crate::campaign) fn in_use(&self) -> usize {
        self.in_use.load(Ordering::Relaxed)
    }

    /// Returns whether there were ever too few connections; then idle tasks release theirs.
    pub(in crate::campaign) fn is_connection_limited(&self) -> bool {
        self.is_connection_limited.load(Ordering::Relaxed)
    }

    /// Notes that there are too few connections. Returns whether this is the first time.
    pub(in crate::campaign) fn mark_connection_limited(&self) -> bool {
        !self.is_connection_limited.swap(true, Ordering::Relaxed)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.in_use.fetch_sub(1, Ordering::Relaxed);
    }
}
