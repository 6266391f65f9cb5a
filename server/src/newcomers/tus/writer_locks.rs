//! One writer per upload, which a deletion can stop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Time for a stopped writer to flush its data to the disk.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// The uploads being written: two writers would mix their bytes.
#[derive(Debug, Clone, Default)]
pub(in crate::newcomers) struct WriterLocks(Arc<Mutex<HashMap<String, Running>>>);

#[derive(Debug)]
struct Running {
    newcomer: i64,
    stop: CancellationToken,
    ended: CancellationToken,
}

/// The right to write, exclusive while this exists.
pub(in crate::newcomers) struct WriterLock {
    locks: WriterLocks,
    name: String,
    stop: CancellationToken,
    ended: CancellationToken,
}

impl WriterLocks {
    /// Acquires the right to write an upload; `None` while another writer holds it.
    pub(in crate::newcomers) fn acquire(&self, newcomer: i64, name: &str) -> Option<WriterLock> {
        let mut writers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if writers.contains_key(name) {
            return None;
        }
        let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
        writers.insert(name.to_owned(), Running { newcomer, stop: stop.clone(), ended: ended.clone() });
        Some(WriterLock { locks: self.clone(), name: name.to_owned(), stop, ended })
    }

    /// Stops the writer of one upload, and waits until it has finished.
    pub(in crate::newcomers) async fn stop(&self, name: &str) {
        self.stop_where(|running, _| running == name).await;
    }

    /// Stops all writers of a newcomer's uploads.
    pub(in crate::newcomers) async fn stop_all(&self, newcomer: i64) {
        self.stop_where(|_, running| running.newcomer == newcomer).await;
    }

    async fn stop_where(&self, is_selected: impl Fn(&str, &Running) -> bool) {
        let stopped: Vec<_> = {
            let writers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let selected = writers.iter().filter(|(name, running)| is_selected(name, running));
            selected.map(|(_, running)| (running.stop.clone(), running.ended.clone())).collect()
        };
        for (stop, ended) in stopped {
            stop.cancel();
            if tokio::time::timeout(STOP_TIMEOUT, ended.cancelled()).await.is_err() {
                tracing::warn!("an upload that was stopped is still being written");
            }
        }
    }
}

impl WriterLock {
    /// Waits for the signal to stop.
    pub(in crate::newcomers) fn stopped(&self) -> WaitForCancellationFutureOwned {
        self.stop.clone().cancelled_owned()
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        self.locks.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
        self.ended.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_writes_at_a_time_until_stopped() {
        let locks = WriterLocks::default();
        let first = locks.acquire(1, "a").unwrap();
        assert!(locks.acquire(1, "a").is_none() && locks.acquire(1, "b").is_some());
        let writer = tokio::spawn(async move {
            first.stopped().await;
            drop(first);
        });
        locks.stop_all(2).await;
        assert!(locks.acquire(1, "a").is_none(), "another newcomer's uploads continue");
        locks.stop("a").await;
        assert!(locks.acquire(1, "a").is_some());
        writer.await.unwrap();
    }
}
