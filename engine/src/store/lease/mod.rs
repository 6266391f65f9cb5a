//! Leases on rows: a table of the store is a queue of work.
//!
//! ```text
//! a transaction makes a row due ──▶ acquire ──heartbeat…──▶ finish
//!                                      ▲          │ │
//!                                      └──────────┘ └──▶ (given up by the module that uses it)
//!                              retry, release, lease expired
//! ```
//!
//! The row itself is the job, so the transaction that makes work due also enqueues it. A worker that acquires a row
//! writes a random word to it, its *fence*, and the end of its lease. Each later change requires the fence, so a worker
//! whose lease was taken over can no longer change the row. Times are those of the database, because the clocks of
//! the machines may differ.
//!
//! Workers in the same process are woken immediately; others check every [`POLL_INTERVAL`].

mod keep;
mod queue;

use std::time::Duration;

pub use keep::{Kept, keep};
pub use queue::{Lease, Queue, WorkTable, Worker};

/// The interval at which an idle worker checks for work that other processes have enqueued.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The time without a heartbeat after which others may acquire a row whose worker sends heartbeats.
pub const EXPIRES: Duration = Duration::from_secs(10);

/// Returns the SQL condition that a lease of `millis` milliseconds has expired. It also holds for a lease that ends
/// later than possible, because the clock was set back after it was given. All arguments are SQL expressions.
pub fn expired(lease_until: &str, millis: &str, now: &str) -> String {
    format!("({lease_until} < {now} OR {lease_until} > {now} + {millis} + 1000)")
}
