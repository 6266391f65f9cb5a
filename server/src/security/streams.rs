//! Limits on open event streams by address.

use crate::connections::{Connections, LimitReached, Place};
use crate::error::WebError;
use crate::security::Address;

/// Seconds after which a refused stream may be retried.
const AGAIN: u64 = 30;

/// The open event streams. Clones share the count.
#[derive(Debug, Clone)]
pub struct Streams(Connections);

impl Streams {
    /// Limits the streams per address; their total is limited by the connections.
    pub fn new(most_per_address: usize) -> Self {
        Self(Connections::new(usize::MAX, most_per_address))
    }

    /// Counts a stream until the returned value is dropped.
    pub(crate) fn open(&self, address: Address) -> Result<Place, WebError> {
        self.0.enter(Some(address.0)).map_err(|crowded| match crowded {
            LimitReached::Address | LimitReached::Together => WebError::TooMany { seconds: AGAIN },
        })
    }
}
