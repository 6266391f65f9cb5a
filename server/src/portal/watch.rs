//! The queue, read once for all watchers.

use std::collections::HashMap;
use std::sync::Arc;

use pappus_engine::departures::{Request, RequestState, Requests};
use tokio::sync::watch;

use crate::watched::Watched;

/// The progress of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RequestProgress {
    pub(super) is_running: bool,
    pub(super) ahead: u64,
    pub(super) percent: Option<u64>,
}

type ProgressById = HashMap<i64, RequestProgress>;

/// The queue; all watchers share one read per second.
#[derive(Clone)]
pub(super) struct Queue {
    requests: Requests,
    watched: Watched<ProgressById>,
}

impl Queue {
    pub(super) fn new(requests: &Requests) -> Self {
        Self { requests: requests.clone(), watched: Watched::default() }
    }

    /// Watches all open requests.
    pub(super) async fn watch(&self) -> watch::Receiver<Arc<ProgressById>> {
        let requests = self.requests.clone();
        let read = move || {
            let requests = requests.clone();
            async move { read_queue(&requests).await }
        };
        self.watched.watch(read).await
    }
}

async fn read_queue(requests: &Requests) -> Option<ProgressById> {
    let open_requests = requests.all_open().await.ok()?;
    Some(
        (0..)
            .zip(&open_requests)
            .map(|(ahead, request)| (request.id, request_progress(request, ahead)))
            .collect(),
    )
}

/// Returns the progress of a request with `ahead` others before it.
pub(super) fn request_progress(request: &Request, ahead: u64) -> RequestProgress {
    let is_running = request.state == RequestState::Running;
    // `total` is an estimate, and the last steps take a while.
    let percent = (is_running && request.total > 0)
        .then(|| u64::try_from(request.advanced.saturating_mul(100) / request.total).unwrap_or(0).min(99));
    RequestProgress { is_running, ahead: if is_running { 0 } else { ahead }, percent }
}
