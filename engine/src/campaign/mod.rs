//! The export of a whole pod: a list of its accounts in the store, and workers that claim them.
//!
//! ```text
//! pod's users ──prepare──▶ list in the store ──claim──▶ worker ──export──▶ depot
//!                                 ▲                        │
//!                                 └───────result───────────┘
//! ```
//!
//! Any number of workers, on any machine that reaches the pod's database, the store and the depot, share one
//! campaign. A worker's accounts are free again when its lease has expired. An archive is recorded in the store
//! before it gets its final name, so a worker that takes over an account can tell whether the existing file is the
//! right one; nothing is exported twice needlessly, and no incomplete archive is kept.

mod error;
mod ledger;
mod report;
mod sign_in;
mod verify;
mod worker;

pub use error::CampaignError;
pub use ledger::campaigns::{Campaigns, NewCampaign};
pub use ledger::final_status::final_status;
pub use ledger::prepare::{Places, Prepared, names_digest};
pub use ledger::records::{AccountState, Campaign, CampaignOptions, CampaignState, Only, Order};
pub use ledger::status::{AccountLine, Status, Totals, WorkerLine};
pub(crate) use report::list::CampaignList;
pub use report::list::{
    AccountResult, LIST_FORMAT, ListError, ListHead, ListOf, ListTotals, ResultState, WrittenList, write_list,
};
pub use report::list_reader::ListReadError;
pub use sign_in::copy::{SecondFactor, SecretText, SignIn, SignInCopied, SignInData, SignInError};
pub use sign_in::live::LiveSignIn;
pub use verify::lists::{CampaignCheck, verify_campaign};
pub use verify::result::{CampaignVerification, CampaignVerifyError, ListVerification, Problem, ProblemKind};
pub use verify::store::{rewrite_list, verify_known};
pub use worker::busy::{BusyCheck, is_in_use};
pub use worker::session::work;
pub use worker::setup::{Ended, Finished, Observer, Setup, WorkerOptions};
