//! The queue, read once for everyone who watches.

use std::collections::HashMap;
use std::sync::Arc;

use pappus_engine::departures::{Request, RequestState, Requests};
use tokio::sync::watch;

use crate::watched::Watched;

/// The progress of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) running: bool,
    pub(super) ahead: u64,
    pub(super) percent: Option<u64>,
}

type All = HashMap<i64, Standing>;

/// The queue; all watchers share one read per second.
#[derive(Clone)]
pub(super) struct Queue {
    requests: Requests,
    watched: Watched<All>,
}

impl Queue {
    pub(super) fn new(requests: &Requests) -> Self {
        Self { requests: requests.clone(), watched: Watched::default() }
    }

    /// Watches all open requests.
    pub(super) async fn watch(&self) -> watch::Receiver<Arc<All>> {
        let requests = self.requests.clone();
        let look = move || {
            let requests = requests.clone();
            async move { look(&requests).await }
        };
        self.watched.watch(look).await
    }
}

async fn look(requests: &Requests) -> Option<All> {
    let open = requests.all_open().await.ok()?;
    Some((0..).zip(&open).map(|(ahead, request)| (request.id, standing(request, ahead))).collect())
}

/// Returns the progress of a request with `ahead` others before it.
pub(super) fn standing(request: &Request, ahead: u64) -> Standing {
    let running = request.state == RequestState::Running;
    // `total` is an estimate, and the last steps take a while.
    let percent = (running && request.total > 0)
        .then(|| u64::try_from(request.advanced.saturating_mul(100) / request.total).unwrap_or(0).min(99));
    Standing { running, ahead: if running { 0 } else { ahead }, percent }
}
