//! Fixes what earlier versions of Pappus entered into a pod, as far as it can still be told.
//!
//! Every repair looks for rows that still hold just what an earlier version wrote, changes those, and leaves alone what
//! the pod has learned since. So a second run finds nothing to do. A dry run looks only.

mod moved;
mod people;

use serde::Serialize;

use crate::discovery::Discovery;
use crate::domain::Timestamp;
use crate::pod::config::{DatabaseUrl, PodUrl};
use crate::pod::database::{DatabaseError, PodWriter};
use crate::store::{Store, StoreError};

/// Why a repair stopped. What it has changed until then stays, and the same call goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The pod's database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The store, which knows what was imported, failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How to repair.
pub struct RepairOptions {
    /// Looks people up.
    pub discovery: Discovery,
    /// Only look for what would be changed.
    pub dry_run: bool,
    /// The time that changed rows get.
    pub now: Timestamp,
}

/// The repairs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// People whom imports brought along get the names, the photos, the key and the search setting that their pods
    /// tell.
    People,
    /// People who have moved here are nothing but closed under their old names.
    MovedPeople,
}

/// What a repair found.
#[derive(Debug, Clone, Serialize)]
pub struct Repaired {
    /// Which repair.
    pub repair: Repair,
    /// How many rows an earlier version may have written.
    pub examined: u64,
    /// What was changed, or would be in a dry run.
    pub changes: Vec<Change>,
    /// What could not be told.
    pub skipped: Vec<Skipped>,
}

/// A person whose rows are changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The person's diaspora* ID.
    pub person: String,
    /// The columns, in the order of the table.
    pub fields: Vec<FieldChange>,
}

/// A column that is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Its name.
    pub column: &'static str,
    /// What it held; none for nothing.
    pub from: Option<String>,
    /// What it holds now.
    pub to: Option<String>,
}

/// A person whose rows stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The person's diaspora* ID.
    pub person: String,
    /// Why, in a sentence.
    pub reason: String,
}

impl Repaired {
    fn new(repair: Repair) -> Self {
        Self { repair, examined: 0, changes: Vec::new(), skipped: Vec::new() }
    }
}

/// What every repair works with.
struct Work<'a> {
    pod: PodWriter,
    url: &'a PodUrl,
    store: &'a Store,
    options: &'a RepairOptions,
}

/// Runs every repair on a pod, one after another.
///
/// # Errors
/// [`RepairError`].
pub async fn repair(
    database: &DatabaseUrl,
    url: &PodUrl,
    store: &Store,
    options: &RepairOptions,
) -> Result<Vec<Repaired>, RepairError> {
    let pod = if options.dry_run {
        PodWriter::open_read_only(database).await?
    } else {
        PodWriter::open(database).await?
    };
    let mut work = Work { pod, url, store, options };
    Ok(vec![work.people().await?, work.moved_people().await?])
}
