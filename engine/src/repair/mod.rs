//! Fixes data that earlier versions of Pappus wrote into a pod, as far as it can still be identified.
//!
//! Every repair looks for rows that are unchanged since an earlier version wrote them, changes those, and keeps the
//! pod's own updates. So a second run finds nothing to do. A dry run changes nothing.

mod moved;
mod people;
mod tags;

use serde::Serialize;

use crate::discovery::Discovery;
use crate::domain::Timestamp;
use crate::pod::config::PodUrl;
use crate::pod::database::{DatabaseError, PodWriter};
use crate::sql::DatabaseUrl;
use crate::store::{Store, StoreError};

/// The reason why a repair stopped. Changes made so far stay, and the same call resumes.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The pod's database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The store, which records imports, failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Options of a repair.
pub struct RepairOptions {
    /// Looks up people.
    pub discovery: Discovery,
    /// True to report the changes without making them.
    pub dry_run: bool,
    /// The timestamp of changed rows.
    pub now: Timestamp,
}

/// The available repairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// People added by imports get the names, photos, key and search setting that their pods publish.
    People,
    /// People who have moved here keep only a closed row under their old IDs.
    MovedPeople,
    /// Followed tags that imports added under names with markup get the names that diaspora* would store, or are
    /// removed if these exist already.
    Tags,
}

/// The result of a repair.
#[derive(Debug, Clone, Serialize)]
pub struct RepairReport {
    /// The repair.
    pub repair: Repair,
    /// The number of rows that an earlier version may have written.
    pub examined: u64,
    /// Changes made, or to be made in a dry run.
    pub changes: Vec<Change>,
    /// People who could not be checked or must not be changed.
    pub skipped: Vec<Skipped>,
}

/// A person or a tag whose rows are changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The person's diaspora* ID, or the tag's name.
    pub person: String,
    /// The columns, in the order of the table.
    pub fields: Vec<FieldChange>,
}

/// A column that is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// The column's name.
    pub column: &'static str,
    /// The old value; none if it was empty.
    pub from: Option<String>,
    /// The new value.
    pub to: Option<String>,
}

/// A person whose rows stay unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The person's diaspora* ID.
    pub person: String,
    /// The reason, in a sentence.
    pub reason: String,
}

impl RepairReport {
    fn new(repair: Repair) -> Self {
        Self { repair, examined: 0, changes: Vec::new(), skipped: Vec::new() }
    }
}

/// The context of every repair.
struct RepairContext<'a> {
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
) -> Result<Vec<RepairReport>, RepairError> {
    let pod = if options.dry_run {
        PodWriter::open_read_only(database).await?
    } else {
        PodWriter::open(database).await?
    };
    let mut context = RepairContext { pod, url, store, options };
    Ok(vec![context.people().await?, context.moved_people().await?, context.tags().await?])
}
