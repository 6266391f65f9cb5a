//! How many streams of events one address may hold open.

use crate::connections::{Connections, Crowded, Place};
use crate::error::WebError;
use crate::security::Address;

/// After how many seconds it makes sense to open a stream that was refused.
const AGAIN: u64 = 30;

/// Open streams of events. Clones count together.
#[derive(Debug, Clone)]
pub struct Streams(Connections);

impl Streams {
    /// At most so many from one address; all together are limited by their connections.
    pub fn new(most_per_address: usize) -> Self {
        Self(Connections::new(usize::MAX, most_per_address))
    }

    /// Counts a stream, as long as what this gives is kept.
    pub(crate) fn open(&self, address: Address) -> Result<Place, WebError> {
        self.0.enter(Some(address.0)).map_err(|crowded| match crowded {
            Crowded::Address | Crowded::Together => WebError::TooMany { seconds: AGAIN },
        })
    }
}
