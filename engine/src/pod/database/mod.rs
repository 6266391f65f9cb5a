//! One connection to a pod's database, whatever that is: holding one read-only snapshot, or writing.
//!
//! diaspora* runs on PostgreSQL and MariaDB/MySQL; SQLite carries the sample pod. The statements are the
//! same for all three, so only this room knows which one it talks to.

mod columns;
mod row;
mod snapshot;
mod text;
mod writer;

pub(crate) use columns::{Column, Columns};
pub use row::{Cell, Row};
pub use snapshot::{DatabaseError, SharedSnapshot, Snapshot};
pub(crate) use snapshot::{numbered_placeholders, reason};
pub use text::clean_text;
pub use writer::{Existing, PodWriter, Value};
