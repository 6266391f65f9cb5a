//! Leases on rows: a table of the store is a queue of work.
//!
//! ```text
//! a transaction makes a row due ──▶ acquire ──heartbeat…──▶ finish
//!                                      ▲          │ │
//!                                      └──────────┘ └──▶ (given up by the module that knows why)
//!                              retry, release, lease expired
//! ```
//!
//! The row itself is the job, so whatever makes work due enqueues it in the same transaction. Whoever acquires a row
//! writes a random word into it, its *fence*, and the end of its lease; each later change requires the fence, so a
//! worker whose lease was taken over changes nothing any more. Times are those of the database: the machines' clocks
//! may differ.
//!
//! Workers in the same process are woken at once; others look every [`POLL_INTERVAL`].

mod keep;
mod queue;

use std::time::Duration;

pub use keep::{Kept, keep};
pub use queue::{Lease, Queue, WorkTable, Worker};

/// Interval at which an idle worker looks for work that other processes have enqueued.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Time without a heartbeat after which others may acquire a row whose worker sends heartbeats.
pub const EXPIRES: Duration = Duration::from_secs(10);

/// Returns a condition: a lease of `millis` milliseconds has expired. One that ends later than it can was given
/// before the clock was set back. All arguments are SQL.
pub fn expired(lease_until: &str, millis: &str, now: &str) -> String {
    format!("({lease_until} < {now} OR {lease_until} > {now} + {millis} + 1000)")
}
