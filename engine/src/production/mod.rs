//! Producing one archive and storing it in a depot, for campaigns and requests.
//!
//! ```text
//! export into a Spool ──▶ Written: name, size, digest ──▶ recorded under the lease ──▶ adopted by the depot
//! ```
//!
//! The row records the archive's name and digest before the depot has the file, so a worker that takes over can tell
//! whether a stored file is the right one.

mod fault;
mod spool;
mod written;

pub(crate) use fault::{Fault, fault};
pub(crate) use spool::{Spool, SpoolError};
pub(crate) use written::{Written, depot_name};
