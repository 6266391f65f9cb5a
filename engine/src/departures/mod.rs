//! People's requests for their own archive, one at a time each.
//!
//! ```text
//! ask ────────▶ queued ───────▶ running ──archive──▶ done ──time──▶ expired
//!                │  ▲             │ │
//!              cancelled ◀────────┘ └──▶ failed
//! ```
//!
//! The rows are the queue: a person has at most one that is open, whatever they click, and workers acquire open ones
//! under a [lease](crate::store::lease). The archive is recorded in the row before it gets its name in the depot, so
//! a worker that takes over can tell whether an existing file is the right one, and [`Requests::sweep`] removes what
//! nobody may have.

mod ask;
mod downloads;
mod error;
mod lease;
mod links;
mod made;
mod opened;
mod records;
mod sweep;
mod worker;

pub use ask::{Asked, NewRequest, Requests};
pub use downloads::{DELETED, Downloads};
pub use error::RequestError;
pub use links::Links;
pub use made::{MadeArchive, Origin};
pub use opened::{DepotFile, OpenedArchive};
pub use records::{Queued, Request, RequestState};
pub use worker::{ArchiveWorker, ArchiveWorkerSetup, JobOutcome, Observer};
