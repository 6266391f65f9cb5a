//! The export of a whole pod: a list of its accounts in the store, and workers that take them up.
//!
//! ```text
//! pod's users ──prepare──▶ list in the store ──claim──▶ worker ──export──▶ depot
//!                                 ▲                        │
//!                                 └───────result───────────┘
//! ```
//!
//! Any number of workers, on any machine that reaches the pod's database, the store and the depot, share one
//! campaign. What a worker has in hand is free again when its lease has run out. An archive is written down in
//! the store before it gets its final name, so whoever takes an account over knows whether the file that is there
//! is the one; nothing is exported twice for nothing, and nothing is kept that is not whole.

mod error;
mod ledger;
mod report;
mod sign_in;
mod verify;
mod worker;

pub use error::CampaignError;
pub use ledger::campaigns::{Campaigns, NewCampaign};
pub use ledger::prepare::{Places, Prepared, names_digest};
pub use ledger::records::{AccountState, Campaign, CampaignOptions, CampaignState, Only, Order};
pub use ledger::standing::standing;
pub use ledger::status::{AccountLine, Status, Totals, WorkerLine};
pub(crate) use ledger::status::{lapsed, now as store_clock};
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
pub(crate) use worker::account::{Fault, fault};
pub use worker::busy::{Busy, is_in_use};
pub use worker::session::work;
pub use worker::setup::{Ended, Finished, Observer, Setup, WorkerOptions};
pub(crate) use worker::spool::Spool;
