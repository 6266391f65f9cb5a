//! A shared read of the store for everyone who watches it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// Interval between reads while there are watchers.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A value shared by all its watchers; read once a second for all of them together, and not at all without watchers.
/// Clones share it.
pub(crate) struct Watched<T>(Looking<T>);

type Looking<T> = Arc<Mutex<Option<watch::Receiver<Arc<T>>>>>;

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
    /// Subscribes. `look` returns `None` while the store is unavailable, and is retried.
    pub(crate) async fn watch<F>(
        &self,
        look: impl Fn() -> F + Send + Sync + 'static,
    ) -> watch::Receiver<Arc<T>>
    where
        F: Future<Output = Option<T>> + Send + 'static,
    {
        // A closed channel has no more updates.
        if let Some(watched) = self.running() {
            return watched;
        }
        let now = look().await.unwrap_or_default();
        let mut looking = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watched) = looking.as_ref().filter(|watched| watched.has_changed().is_ok()) {
            return watched.clone();
        }
        let (sender, receiver) = watch::channel(Arc::new(now));
        *looking = Some(receiver.clone());
        drop(looking);
        tokio::spawn(keep_looking(sender, look));
        receiver
    }

    fn running(&self) -> Option<watch::Receiver<Arc<T>>> {
        let looking = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looking.as_ref().filter(|watched| watched.has_changed().is_ok()).cloned()
    }
}

async fn keep_looking<T, F>(sender: watch::Sender<Arc<T>>, look: impl Fn() -> F + Send + Sync)
where
    T: PartialEq,
    F: Future<Output = Option<T>> + Send,
{
    // One receiver is kept for later watchers.
    while sender.receiver_count() > 1 {
        tokio::time::sleep(POLL_INTERVAL).await;
        if let Some(now) = look().await {
            sender.send_if_modified(|then| {
                let changed = **then != now;
                if changed {
                    *then = Arc::new(now);
                }
                changed
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_hundred_who_watch_look_once_a_second() {
        let (watched, looks) = (Watched::<u64>::default(), Arc::<AtomicU64>::default());
        let mut watching = Vec::new();
        for _ in 0..100 {
            let looks = Arc::clone(&looks);
            watching.push(
                watched
                    .watch(move || {
                        let looks = Arc::clone(&looks);
                        async move { Some(looks.fetch_add(1, Ordering::SeqCst)) }
                    })
                    .await,
            );
        }
        let mut last = watching.pop().unwrap();
        let first = **last.borrow_and_update();
        last.changed().await.unwrap();
        assert!(**last.borrow() > first, "what is new is seen");
        assert!(looks.load(Ordering::SeqCst) <= 3, "{looks:?}");
        drop((last, watching));
        // No watchers remain.
        tokio::time::sleep(POLL_INTERVAL * 2).await;
        let then = looks.load(Ordering::SeqCst);
        tokio::time::sleep(POLL_INTERVAL * 2).await;
        assert_eq!(looks.load(Ordering::SeqCst), then);
    }
}
