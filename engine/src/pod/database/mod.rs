//! One connection to a pod's database, whatever that is: holding one read-only snapshot, or writing.
//!
//! diaspora* runs on PostgreSQL and MariaDB/MySQL; SQLite carries the sample pod. The statements are the
//! same for all three, so only this room knows which one it talks to.

mod columns;
mod error;
mod row;
mod snapshot;
mod text;
mod unsayable;
mod writer;

pub(crate) use columns::{Column, Columns};
pub use error::DatabaseError;
pub(crate) use error::reason;
pub use row::{Cell, Reading, Row};
pub(crate) use snapshot::numbered_placeholders;
pub use snapshot::{SharedSnapshot, Snapshot};
pub use text::clean_text;
pub use unsayable::Unsayable;
pub use writer::{OnConflict, PodWriter, Value};
