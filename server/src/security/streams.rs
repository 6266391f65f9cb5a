//! Limits on open event streams by address.

use crate::connections::{Connections, LimitReached, Permit};
use crate::error::WebError;
use crate::security::Address;

/// Seconds after which a refused stream may be retried.
const RETRY_SECONDS: u64 = 30;

/// The open event streams. Clones share the count.
#[derive(Debug, Clone)]
pub struct Streams(Connections);

impl Streams {
    /// Limits the streams per address; their total is limited by the connections.
    pub fn new(max_per_address: usize) -> Self {
        Self(Connections::new(usize::MAX, max_per_address))
    }

    /// Counts a stream until the returned value is dropped.
    pub(crate) fn open(&self, address: Address) -> Result<Permit, WebError> {
        self.0.acquire(Some(address.0)).map_err(|limit| match limit {
            LimitReached::Address | LimitReached::Total => WebError::TooMany { seconds: RETRY_SECONDS },
        })
    }
}
