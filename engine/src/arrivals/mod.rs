//! Moves to this pod: newcomers upload their archive, view the import plan, choose a name and a password, and are
//! imported. After a pause for undo the move is announced automatically; until then, comments of their friends are
//! lost. The counterpart of [`departures`](crate::departures).
//!
//! ```text
//! uploading ──▶ checking ──▶ checked ──▶ (waiting) ──▶ importing ──▶ imported ──▶ announcing ──▶ announced
//!     ▲            ▼            │           ▼              ▼ ▲           │
//!     └───────  refused ◀───────┘        declined         failed ──▶ undoing ──▶ undone
//! ```
//!
//! The rows are the queue: workers acquire those with a step to take under a [lease](crate::store::lease). Newcomers
//! have no account yet: a secret authenticates them, of which the store has only a digest.

mod actions;
mod admission;
mod decisions;
mod error;
mod files;
mod lease;
mod mails;
mod records;
pub mod space;
pub mod steps;
mod summary;
mod sweep;
mod table;
mod uploads;
mod worker;

pub use actions::{Choice, NewNewcomer, Start};
pub use admission::{Invitation, InvitationError, Invitations, TrustedPod, TrustedPods, after_choice};
pub use decisions::Decision;
pub use error::ArrivalError;
pub use files::{Disk, FileLimits, Files, NoSpace, Part};
pub use mails::{AwaitingDecision, MailDue};
pub use records::{MoveProgress, Newcomer, State, percent};
pub use summary::{Group, PlanSummary};
pub use table::{Newcomers, PAGE};
pub use uploads::ChunkedUpload;
pub use worker::{ArrivalWorker, ArrivalWorkerSetup, Observer, StepReport, StepRunner};
