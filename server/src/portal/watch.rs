//! The queue, looked at once for everybody who watches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pappus_engine::requests::{Request, RequestState, Requests};
use tokio::sync::watch;

use super::Shared;

/// How often it is looked at while somebody watches.
const LOOK: Duration = Duration::from_secs(1);

/// How a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) running: bool,
    pub(super) ahead: u64,
    pub(super) percent: Option<u64>,
}

type All = Shared<HashMap<i64, Standing>>;

/// Whoever watches shares one look a second.
#[derive(Clone)]
pub(super) struct Queue {
    requests: Requests,
    looking: Arc<Mutex<Option<watch::Receiver<All>>>>,
}

impl Queue {
    pub(super) fn new(requests: &Requests) -> Self {
        Self { requests: requests.clone(), looking: Arc::default() }
    }

    /// Everything that is open, again and again.
    pub(super) async fn watch(&self) -> watch::Receiver<All> {
        // A channel whose other end is gone tells nothing new.
        if let Some(watched) = self.running() {
            return watched;
        }
        let now = look(&self.requests).await.unwrap_or_default();
        let mut looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watched) = looking.as_ref().filter(|watched| watched.has_changed().is_ok()) {
            return watched.clone();
        }
        let (sender, receiver) = watch::channel(now);
        *looking = Some(receiver.clone());
        drop(looking);
        tokio::spawn(keep_looking(self.clone(), sender));
        receiver
    }

    fn running(&self) -> Option<watch::Receiver<All>> {
        let looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        looking.as_ref().filter(|watched| watched.has_changed().is_ok()).cloned()
    }
}

async fn keep_looking(queue: Queue, sender: watch::Sender<All>) {
    // One end is kept by the queue itself.
    while sender.receiver_count() > 1 {
        tokio::time::sleep(LOOK).await;
        if let Some(now) = look(&queue.requests).await {
            sender.send_if_modified(|then| {
                let changed = *then != now;
                *then = now;
                changed
            });
        }
    }
}

async fn look(requests: &Requests) -> Option<All> {
    let open = requests.all_open().await.ok()?;
    Some(Arc::new((0..).zip(&open).map(|(ahead, request)| (request.id, standing(request, ahead))).collect()))
}

/// How a request stands that has so many before it.
pub(super) fn standing(request: &Request, ahead: u64) -> Standing {
    let running = request.state == RequestState::Running;
    // What is counted is about as much as is exported; the last steps take a while.
    let percent = (running && request.total > 0)
        .then(|| u64::try_from(request.advanced.saturating_mul(100) / request.total).unwrap_or(0).min(99));
    Standing { running, ahead: if running { 0 } else { ahead }, percent }
}
