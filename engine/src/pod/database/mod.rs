//! Connections to a pod's database: for reading, with one snapshot, and for writing.
//!
//! diaspora* runs on PostgreSQL and MariaDB/MySQL; the sample pod uses SQLite. The statements are the same for all
//! three, so only this module handles their differences.

mod collation;
mod columns;
mod connection;
mod error;
mod snapshot;
mod writer;

/// The condition that PostgreSQL finds a table, `c` in `pg_class`, by its name alone: it is in the first schema of the
/// search path that has one of this name.
pub(crate) const VISIBLE: &str =
    "pg_table_is_visible(c.oid) AND c.relnamespace <> 'pg_catalog'::regnamespace";

pub(crate) use columns::{Column, ColumnLimits};
pub use error::DatabaseError;
pub(crate) use error::reason;
pub use snapshot::{SharedSnapshot, Snapshot};
pub use writer::{OnConflict, PodWriter};
