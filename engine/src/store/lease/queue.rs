//! A table as a queue, and the lease on one of its rows.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{POLL_INTERVAL, expired};
use crate::backoff::Backoff;
use crate::sql::{Dialect, Value};
use crate::store::{Store, StoreError, StoreRow, Transaction, millis, random_id};

/// SQL assignments that end a lease.
const END_LEASE: &str = "fence = NULL, lease_until = NULL";

/// A table whose rows are jobs. It has the columns `id`, `due_at`, `attempts`, `fence` and `lease_until`.
#[derive(Debug)]
pub struct WorkTable {
    /// Its name.
    pub name: &'static str,
    /// The SQL condition that a row is waiting or in progress. An index should have the same condition.
    pub open: &'static str,
    /// The columns by which rows are ordered when they are acquired.
    pub order: &'static str,
    /// SQL assignments for a row that waits again; may be empty.
    pub released: &'static str,
    /// The time without a heartbeat after which others may acquire the row.
    pub expires: Duration,
    /// The pauses between attempts.
    pub backoff: Backoff,
    /// The number of the attempt for which [`Lease::is_last`] is true.
    pub tries: i64,
}

/// The queue of a [`WorkTable`] in a store. Clones wake the same workers.
#[derive(Debug, Clone)]
pub struct Queue {
    store: Store,
    table: &'static WorkTable,
    /// The pod whose rows are in the queue; `None` for all rows.
    pod: Option<String>,
    enqueued: Arc<Notify>,
}

/// Processes rows.
#[async_trait]
pub trait Worker: Send + Sync {
    /// Acquires a row that is due and processes it. Errors are recorded in the row, or reported. Returns false if no
    /// row is due, or the store is unavailable.
    async fn next(&self) -> bool;
}

/// A lease on one row.
#[derive(Debug)]
pub struct Lease {
    store: Store,
    table: &'static WorkTable,
    id: i64,
    attempts: i64,
    fence: String,
}

impl Queue {
    /// Returns the queue of a table, or of one pod's rows in it.
    pub fn new(store: &Store, table: &'static WorkTable, pod: Option<&str>) -> Self {
        let (store, pod) = (store.clone(), pod.map(str::to_owned));
        Self { store, table, pod, enqueued: Arc::default() }
    }

    /// Wakes a worker of this process. Must be called after the transaction that made a row due.
    pub fn wake(&self) {
        self.enqueued.notify_one();
    }

    /// Waits until [`wake`](Self::wake) is called, for [`POLL_INTERVAL`] at most.
    pub async fn enqueued(&self) {
        _ = tokio::time::timeout(POLL_INTERVAL, self.enqueued.notified()).await;
    }

    /// Acquires the next row that is due and has no lease. `set` are further SQL assignments, `columns` those of the
    /// returned row.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn acquire(&self, set: &str, columns: &str) -> Result<Option<(Lease, StoreRow)>, StoreError> {
        let (table, now) = (self.table, self.store.now());
        let of_pod = if self.pod.is_some() { "pod = ? AND " } else { "" };
        // If the pause is longer than any possible one, the clock was set back after it was computed.
        let next = format!(
            "SELECT id FROM {} WHERE {of_pod}{} AND (due_at <= {now} OR due_at > {now} + {}) \
             AND (lease_until IS NULL OR {}) ORDER BY {} LIMIT 1",
            table.name,
            table.open,
            2 * millis(table.backoff.longest()),
            expired("lease_until", &millis(table.expires).to_string(), now),
            table.order
        );
        let pod = self.pod.as_ref().map(Value::from);
        // This only reads, because idle workers must not lock an SQLite file for writing.
        if self.store.first("looking for work", &next, pod.as_slice()).await?.is_none() {
            return Ok(None);
        }
        let locking = if self.store.dialect() == Dialect::Sqlite { "" } else { " FOR UPDATE SKIP LOCKED" };
        let lease = format!("fence = ?, lease_until = {now} + ?, attempts = attempts + 1");
        // These columns have other names, because the caller's columns may include them too.
        let sql = format!(
            "UPDATE {} SET {} WHERE id = ({next}{locking}) \
             RETURNING {columns}, id AS leased_id, attempts AS leased_attempts",
            table.name,
            joined(&[set, &lease])
        );
        let fence = random_id()?;
        let mut values = vec![Value::from(&fence), millis(table.expires).into()];
        values.extend(pod);
        let Some(row) = self.store.first("acquiring a lease", &sql, &values).await? else { return Ok(None) };
        // More rows may be due while another worker is idle.
        self.wake();
        let (id, attempts) = (row.get("leased_id")?, row.get("leased_attempts")?);
        Ok(Some((Lease { store: self.store.clone(), table, id, attempts, fence }, row)))
    }

    /// Works on the queue, `tasks` rows at a time, until `stop` is cancelled; rows in progress are finished.
    pub async fn work(&self, tasks: usize, worker: Arc<dyn Worker>, stop: CancellationToken) {
        let mut workers = JoinSet::new();
        for _ in 0..tasks.max(1) {
            workers.spawn(self.clone().work_alone(Arc::clone(&worker), stop.clone()));
        }
        while workers.join_next().await.is_some() {}
    }

    async fn work_alone(self, worker: Arc<dyn Worker>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            // After a panic the lease of the row expires, and the worker continues.
            let result = AssertUnwindSafe(worker.next()).catch_unwind().await;
            if result.unwrap_or(false) {
                continue;
            }
            tokio::select! {
                () = self.enqueued() => {}
                () = stop.cancelled() => return,
            }
        }
    }
}

impl Lease {
    /// Returns the row's number.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// Returns the fence, for programs that work under this lease.
    pub fn fence(&self) -> &str {
        &self.fence
    }

    /// Returns whether this is the last attempt, for work that is not retried indefinitely.
    pub fn is_last(&self) -> bool {
        self.attempts >= self.table.tries
    }

    /// Changes the row if the lease is still held. `set` are SQL assignments. Returns whether the row was changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change(
        &self,
        operation: &'static str,
        set: &str,
        values: &[Value<'_>],
    ) -> Result<bool, StoreError> {
        let (sql, values) = self.fenced(set, values);
        Ok(self.store.execute(operation, &sql, &values).await? > 0)
    }

    /// Returns a statement that changes the row if it has the fence, with its values.
    fn fenced<'a>(&'a self, set: &str, values: &[Value<'a>]) -> (String, Vec<Value<'a>>) {
        let mut all = values.to_vec();
        all.extend([self.id.into(), (&self.fence).into()]);
        (format!("UPDATE {} SET {set} WHERE id = ? AND fence = ?", self.table.name), all)
    }

    /// Extends the lease and makes other changes. Returns whether the lease is still held.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn heartbeat(&self, set: &str, values: &[Value<'_>]) -> Result<bool, StoreError> {
        let until = format!("lease_until = {} + {}", self.store.now(), millis(self.table.expires));
        self.change("extending a lease", &joined(&[set, &until]), values).await
    }

    /// Ends the lease. `set` removes the row from the queue, or makes its next step due.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish(
        &self,
        operation: &'static str,
        set: &str,
        values: &[Value<'_>],
    ) -> Result<bool, StoreError> {
        self.change(operation, &joined(&[set, END_LEASE]), values).await
    }

    /// Ends the lease within a transaction, as [`finish`](Self::finish) does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish_in(
        &self,
        transaction: &mut Transaction,
        operation: &'static str,
        set: &str,
        values: &[Value<'_>],
    ) -> Result<bool, StoreError> {
        let (sql, values) = self.fenced(&joined(&[set, END_LEASE]), values);
        Ok(transaction.execute(operation, &sql, &values).await? > 0)
    }

    /// Ends the lease; the row is due again after a pause, which grows with each attempt.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn retry(&self, set: &str, values: &[Value<'_>]) -> Result<bool, StoreError> {
        let pause = self.table.backoff.after(self.attempts);
        let due = format!("due_at = {} + {}", self.store.now(), millis(pause));
        self.change(
            "scheduling another attempt",
            &joined(&[set, self.table.released, &due, END_LEASE]),
            values,
        )
        .await
    }

    /// Ends the lease as if the row had never been acquired.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release(&self) -> Result<bool, StoreError> {
        let set = joined(&[self.table.released, "attempts = attempts - 1", END_LEASE]);
        self.change("releasing a lease", &set, &[]).await
    }
}

/// Joins SQL assignments.
fn joined(sets: &[&str]) -> String {
    let sets: Vec<&str> = sets.iter().copied().filter(|set| !set.is_empty()).collect();
    sets.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::DatabaseUrl;

    static MAILS: WorkTable = WorkTable {
        name: "pappus_outbox",
        open: "state IN ('queued', 'sending')",
        order: "due_at, id",
        released: "state = 'queued'",
        expires: Duration::from_mins(2),
        backoff: Backoff::new(Duration::from_secs(5), Duration::from_mins(1)),
        tries: 3,
    };

    async fn run(store: &Store, sql: &str) {
        store.execute("a test", sql, &[]).await.unwrap();
    }

    #[tokio::test]
    async fn a_row_has_one_worker_and_a_lost_lease_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("store.db").display());
        let store = Store::open(&DatabaseUrl::parse(&url).unwrap()).await.unwrap();
        run(&store, "INSERT INTO pappus_outbox (key, state, queued_at, due_at) VALUES ('a', 'queued', 1, 1)")
            .await;
        let queue = Queue::new(&store, &MAILS, None);
        let acquire = async || queue.acquire("state = 'sending'", "key, state").await.unwrap();
        let (first, row) = acquire().await.unwrap();
        assert_eq!((row.get::<String>("state").unwrap().as_str(), first.attempts), ("sending", 1));
        assert!(acquire().await.is_none(), "it has a lease");
        assert!(first.heartbeat("last_error = ?", &["x".into()]).await.unwrap());

        run(&store, "UPDATE pappus_outbox SET lease_until = 1").await;
        let (second, _) = acquire().await.unwrap();
        assert!(!first.heartbeat("", &[]).await.unwrap());
        assert!(!first.finish("a test", "state = 'sent'", &[]).await.unwrap());
        assert!(!first.retry("", &[]).await.unwrap() && !first.release().await.unwrap());

        // The attempt does not count.
        assert!(second.release().await.unwrap());
        let (third, _) = acquire().await.unwrap();
        assert_eq!((third.attempts, third.is_last()), (2, false));
        assert!(third.retry("last_error = ?", &["y".into()]).await.unwrap());
        assert!(acquire().await.is_none(), "it is not due yet");
        let sql = format!("SELECT due_at - {} AS pause FROM pappus_outbox", store.now());
        let pause: i64 = store.first("a test", &sql, &[]).await.unwrap().unwrap().get("pause").unwrap();
        assert!((6_500..=12_500).contains(&pause), "the second pause: {pause}");

        run(&store, "UPDATE pappus_outbox SET due_at = 1").await;
        let (fourth, _) = acquire().await.unwrap();
        assert!(fourth.is_last());
        assert!(fourth.finish("a test", "state = 'sent'", &[]).await.unwrap());
        assert!(acquire().await.is_none());
    }
}
