//! One writer per upload, which a deletion can stop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// Time for a stopped writer to flush its data to the disk.
const PATIENCE: Duration = Duration::from_secs(10);

/// The uploads being written: two writers would mix their bytes.
#[derive(Debug, Clone, Default)]
pub(in crate::newcomers) struct WriterLocks(Arc<Mutex<HashMap<String, Running>>>);

#[derive(Debug)]
struct Running {
    newcomer: i64,
    stop: Arc<watch::Sender<bool>>,
}

/// The right to write, exclusive while this or a [`Stopped`] of it exists.
pub(in crate::newcomers) struct WriterLock {
    turns: WriterLocks,
    name: String,
    stop: watch::Receiver<bool>,
}

/// Waits for the signal to stop a writer.
pub(in crate::newcomers) struct Stopped(watch::Receiver<bool>);

impl WriterLocks {
    /// Acquires the turn, unless it is held.
    pub(in crate::newcomers) fn take(&self, newcomer: i64, name: &str) -> Option<WriterLock> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.contains_key(name) {
            return None;
        }
        let (sender, stop) = watch::channel(false);
        taken.insert(name.to_owned(), Running { newcomer, stop: Arc::new(sender) });
        Some(WriterLock { turns: self.clone(), name: name.to_owned(), stop })
    }

    /// Stops the writer of one upload, and waits until it has finished.
    pub(in crate::newcomers) async fn stop(&self, name: &str) {
        self.stop_where(|running, _| running == name).await;
    }

    /// Stops all writers of a newcomer's uploads.
    pub(in crate::newcomers) async fn stop_all(&self, newcomer: i64) {
        self.stop_where(|_, running| running.newcomer == newcomer).await;
    }

    async fn stop_where(&self, which: impl Fn(&str, &Running) -> bool) {
        let senders: Vec<_> = {
            let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let those = taken.iter().filter(|(name, running)| which(name, running));
            those.map(|(_, running)| Arc::clone(&running.stop)).collect()
        };
        for sender in senders {
            // An error means that the writer has ended already.
            _ = sender.send(true);
            if tokio::time::timeout(PATIENCE, sender.closed()).await.is_err() {
                tracing::warn!("an upload that was stopped is still being written");
            }
        }
    }
}

impl WriterLock {
    pub(in crate::newcomers) fn stopped(&self) -> Stopped {
        Stopped(self.stop.clone())
    }
}

impl Stopped {
    /// Waits for the signal to stop.
    pub(in crate::newcomers) async fn wait(&mut self) {
        if self.0.wait_for(|stop| *stop).await.is_err() {
            // The turn has ended; nothing can stop it any more.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        self.turns.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_writes_at_a_time_until_stopped() {
        let turns = WriterLocks::default();
        let first = turns.take(1, "a").unwrap();
        assert!(turns.take(1, "a").is_none() && turns.take(1, "b").is_some());
        let mut stopped = first.stopped();
        let writer = tokio::spawn(async move {
            stopped.wait().await;
            drop((stopped, first));
        });
        turns.stop_all(2).await;
        assert!(turns.take(1, "a").is_none(), "another person's uploads go on");
        turns.stop("a").await;
        assert!(turns.take(1, "a").is_some());
        writer.await.unwrap();
    }
}
