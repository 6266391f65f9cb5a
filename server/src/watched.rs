//! A shared read of the store for everyone who watches it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// Interval between reads while there are watchers.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A value shared by all its watchers: it is read once a second for all of them, and not at all without watchers.
/// Clones share it.
pub(crate) struct Watched<T>(SharedReceiver<T>);

type SharedReceiver<T> = Arc<Mutex<Option<watch::Receiver<Arc<T>>>>>;

impl<T> Clone for Watched<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Watched<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Default + PartialEq + Send + Sync + 'static> Watched<T> {
    /// Subscribes. `read` returns `None` while the store is unavailable, and is retried.
    pub(crate) async fn watch<F>(
        &self,
        read: impl Fn() -> F + Send + Sync + 'static,
    ) -> watch::Receiver<Arc<T>>
    where
        F: Future<Output = Option<T>> + Send + 'static,
    {
        // A closed channel has no more updates.
        if let Some(watched) = self.active_receiver() {
            return watched;
        }
        let value = read().await.unwrap_or_default();
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watched) = shared.as_ref().filter(|watched| watched.has_changed().is_ok()) {
            return watched.clone();
        }
        let (sender, receiver) = watch::channel(Arc::new(value));
        *shared = Some(receiver.clone());
        drop(shared);
        tokio::spawn(poll(sender, read));
        receiver
    }

    fn active_receiver(&self) -> Option<watch::Receiver<Arc<T>>> {
        let shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shared.as_ref().filter(|watched| watched.has_changed().is_ok()).cloned()
    }
}

async fn poll<T, F>(sender: watch::Sender<Arc<T>>, read: impl Fn() -> F + Send + Sync)
where
    T: PartialEq,
    F: Future<Output = Option<T>> + Send,
{
    // One receiver is kept for later watchers.
    while sender.receiver_count() > 1 {
        tokio::time::sleep(POLL_INTERVAL).await;
        if let Some(value) = read().await {
            sender.send_if_modified(|current| {
                let is_changed = **current != value;
                if is_changed {
                    *current = Arc::new(value);
                }
                is_changed
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_hundred_watchers_share_one_read_a_second() {
        let (watched, reads) = (Watched::<u64>::default(), Arc::<AtomicU64>::default());
        let mut receivers = Vec::new();
        for _ in 0..100 {
            let reads = Arc::clone(&reads);
            receivers.push(
                watched
                    .watch(move || {
                        let reads = Arc::clone(&reads);
                        async move { Some(reads.fetch_add(1, Ordering::SeqCst)) }
                    })
                    .await,
            );
        }
        let mut last = receivers.pop().unwrap();
        let first = **last.borrow_and_update();
        last.changed().await.unwrap();
        assert!(**last.borrow() > first, "a new value is received");
        assert!(reads.load(Ordering::SeqCst) <= 3, "{reads:?}");
        drop((last, receivers));
        // No watchers remain.
        tokio::time::sleep(POLL_INTERVAL * 2).await;
        let final_reads = reads.load(Ordering::SeqCst);
        tokio::time::sleep(POLL_INTERVAL * 2).await;
        assert_eq!(reads.load(Ordering::SeqCst), final_reads);
    }
}
