//! People's requests for their own archives. Each person has at most one open request.
//!
//! ```text
//! ask ────────▶ queued ───────▶ running ──archive──▶ done ──time──▶ expired
//!                │  ▲             │ │
//!              cancelled ◀────────┘ └──▶ failed
//! ```
//!
//! The rows are the queue: workers acquire open requests under a [lease](crate::store::lease). The archive is recorded
//! in the row before it is stored in the depot, so a worker that takes over can tell whether an existing file is the
//! right one. [`Requests::sweep`] removes the archives of requests that have expired, failed or been cancelled.

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
