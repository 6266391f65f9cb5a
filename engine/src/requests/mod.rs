//! People asking for their own archive, one at a time each.
//!
//! ```text
//! ask ──row──▶ queued ──job──▶ running ──archive──▶ done ──time──▶ expired
//!                │  ▲             │ │
//!              cancelled ◀────────┘ └──▶ failed
//! ```
//!
//! The row is the truth: a person has at most one that is open, whatever they click; a [job](crate::jobs) only says
//! which row is to be looked at. Whoever takes a request up writes a word of its own into the row, its *fence*, and
//! each later change asks for that word: a worker that was given up for dead changes nothing any more. The archive is
//! written down in the row before it gets its name in the depot, so whoever takes over knows whether what is there is
//! the one, and [`Requests::sweep`] removes what nobody shall have.

mod archive_worker;
mod ask;
mod downloads;
mod error;
mod lease;
mod links;
mod made;
mod opened;
mod records;
mod sweep;

pub use archive_worker::{ArchiveWorker, ArchiveWorkerSetup, JobOutcome, Observer, QUEUE};
pub use ask::{Asked, NewRequest, Requests};
pub use downloads::{DELETED, Downloads};
pub use error::RequestError;
pub use links::{Links, random_token, token_digest};
pub use made::{MadeArchive, Origin};
pub use opened::{DepotFile, OpenedArchive};
pub use records::{Queued, Request, RequestState};
pub use sweep::RequestsOrJobs;
