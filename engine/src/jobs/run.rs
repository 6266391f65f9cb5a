//! Works on a queue until told to stop.

use std::sync::Arc;
use std::time::Duration;

use apalis_core::backend::ext::BackendExt as _;
use apalis_core::error::{BoxDynError, WorkerError};
use apalis_core::worker::builder::WorkerBuilder;
use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::limit::ConcurrencyLimitLayer;

use super::{Handler, Jobs, Kind, LOOK, postgres_config, sqlite_config};
use crate::store::random_id;

/// Pause before a retry after a failure of the queue.
const PAUSE: Duration = Duration::from_secs(1);

impl Jobs {
    /// Works on a queue, `tasks` jobs at a time, until `stop` is true: then running jobs are finished, and no new
    /// ones claimed. Waits while the queue's database is unavailable.
    pub async fn run(
        &self,
        queue: &'static str,
        tasks: usize,
        handler: Arc<dyn Handler>,
        stop: watch::Receiver<bool>,
    ) {
        let mut workers = JoinSet::new();
        for _ in 0..tasks.max(1) {
            workers.spawn(keep_working(self.clone(), queue, Arc::clone(&handler), stop.clone()));
        }
        while workers.join_next().await.is_some() {}
    }
}

/// Runs one worker after another: each has a name of its own, so that the jobs of a broken one are given to others.
async fn keep_working(
    jobs: Jobs,
    queue: &'static str,
    handler: Arc<dyn Handler>,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        if let Ok(name) = random_id() {
            // A task of its own: not even a panic in the handler ends the work.
            _ = tokio::spawn(work(&jobs, &name, queue, Arc::clone(&handler), stop.clone())).await;
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Boxed piece by piece: the compiler cannot prove the whole future `Send` at once.
fn work(
    jobs: &Jobs,
    name: &str,
    queue: &'static str,
    handler: Arc<dyn Handler>,
    mut stop: watch::Receiver<bool>,
) -> BoxFuture<'static, Result<(), WorkerError>> {
    let told: BoxFuture<'static, Result<(), WorkerError>> = Box::pin(async move {
        // An error means that the sender is gone.
        _ = stop.wait_for(|stop| *stop).await;
        Ok(())
    });
    let task = move |id: i64| -> BoxFuture<'static, Result<(), BoxDynError>> {
        let handler = Arc::clone(&handler);
        Box::pin(async move {
            handler.work(id).await;
            Ok(())
        })
    };
    // Without a limit a worker claims the whole queue at once.
    let one = ConcurrencyLimitLayer::new(1);
    match &jobs.0 {
        Kind::Sqlite(pool) => {
            let storage = SqliteStorage::<i64>::new(pool).with_config(sqlite_config(queue));
            let worker = WorkerBuilder::new(name).backend(storage.poll_with_interval(LOOK)).layer(one);
            Box::pin(worker.build(task).run_until(told))
        }
        Kind::Postgres(pool) => {
            let storage = PostgresStorage::<i64>::new(pool).with_config(postgres_config(queue));
            let worker = WorkerBuilder::new(name).backend(storage.poll_with_interval(LOOK)).layer(one);
            Box::pin(worker.build(task).run_until(told))
        }
    }
}
