//! The queue of jobs: work for whichever program of the pod is free.
//!
//! A job only says "work on number 42" of a queue. The task, its progress and whether it may be done at all are in
//! the tables of the program that pushes jobs, and workers check there first: a job may come twice, or for something
//! that is done. A lost job costs a delay: owners regularly look for open rows that nobody works on, and push them
//! again.
//!
//! The queue is apalis, in an SQLite file of its own or beside the tables of a store on PostgreSQL. The jobs of a
//! killed program come back when it has sent no heartbeat for [`ORPHANED`].

mod error;
mod open;
mod run;

use std::time::Duration;

use apalis_core::backend::TaskSink as _;
use apalis_postgres::{PgPool, PostgresStorage};
use apalis_sqlite::{SqlitePool, SqliteStorage};
use async_trait::async_trait;
use sqlx::AssertSqlSafe;

pub use error::JobsError;

use crate::pod::database::reason;

/// Interval of a worker's heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// Heartbeats that may be missed.
const MISSED: usize = 5;
/// Time without a heartbeat after which others take over a worker's jobs.
pub const ORPHANED: Duration = Duration::from_secs(10);
/// Interval at which an idle worker looks for jobs.
const LOOK: Duration = Duration::from_millis(250);

/// Processes jobs.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Processes a row of the handler's own tables, if there is still something to do. Errors are recorded there: the
    /// job is finished in any case.
    async fn work(&self, id: i64);
}

/// All queues of a store. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Jobs(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Jobs {
    /// Appends a job to a queue.
    ///
    /// # Errors
    /// [`JobsError::Queue`].
    pub async fn push(&self, queue: &str, id: i64) -> Result<(), JobsError> {
        let failed = |error: &dyn std::fmt::Display| JobsError::Queue(error.to_string());
        match &self.0 {
            Kind::Sqlite(pool) => {
                let mut storage = SqliteStorage::<i64>::new(pool).with_config(sqlite_config(queue));
                storage.push(id).await.map_err(|error| failed(&error))
            }
            Kind::Postgres(pool) => {
                let mut storage = PostgresStorage::<i64>::new(pool).with_config(postgres_config(queue));
                storage.push(id).await.map_err(|error| failed(&error))
            }
        }
    }

    /// Deletes finished jobs; returns their number.
    ///
    /// # Errors
    /// [`JobsError::Queue`].
    pub async fn tidy(&self) -> Result<u64, JobsError> {
        let failed = |error: sqlx::Error| JobsError::Queue(reason(&error));
        match &self.0 {
            Kind::Sqlite(pool) => {
                forget_future_times(pool).await.map_err(failed)?;
                let sql = "DELETE FROM Jobs WHERE status IN ('Done', 'Killed')";
                sqlx::query(sql).execute(pool).await.map(|done| done.rows_affected()).map_err(failed)
            }
            Kind::Postgres(pool) => {
                let sql =
                    "DELETE FROM apalis.jobs WHERE status IN ('Done', 'Killed') AND job_type LIKE 'pappus-%'";
                sqlx::query(sql).execute(pool).await.map(|done| done.rows_affected()).map_err(failed)
            }
        }
    }
}

/// Seconds that a time may be ahead: the queue's own clock is this machine's.
const AHEAD: i64 = 5;

/// Resets future times: jobs are due when they are pushed, and heartbeats are never ahead, so such times date from
/// before the clock was set back, and nobody waits for them.
async fn forget_future_times(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    for sql in [
        format!(
            "UPDATE Jobs SET run_at = strftime('%s', 'now') WHERE run_at > strftime('%s', 'now') + {AHEAD}"
        ),
        format!("UPDATE Workers SET last_seen = 0 WHERE last_seen > strftime('%s', 'now') + {AHEAD}"),
    ] {
        sqlx::query(AssertSqlSafe(sql)).execute(pool).await?;
    }
    Ok(())
}

/// Returns the name of a queue in apalis, which others may use in the same database.
fn queue_name(queue: &str) -> String {
    format!("pappus-{queue}")
}

fn sqlite_config(queue: &str) -> apalis_sqlite::Config {
    apalis_sqlite::Config::default()
        .queue(queue_name(queue))
        .batch_size(1)
        .heartbeat_interval(HEARTBEAT)
        .missed_heartbeats(MISSED)
}

fn postgres_config(queue: &str) -> apalis_postgres::Config {
    apalis_postgres::Config::default()
        .queue(queue_name(queue))
        .batch_size(1)
        .heartbeat_interval(HEARTBEAT)
        .missed_heartbeats(MISSED)
}
