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

mod account;
mod accounts;
mod busy;
mod care;
mod changed;
mod closing;
mod error;
mod feeder;
mod keeping;
mod list;
mod list_csv;
mod list_name;
mod list_reader;
mod outage;
mod prepare;
mod queue;
mod records;
mod register;
mod setup;
mod sign_in;
mod sign_in_live;
mod sign_in_rows;
mod sign_in_seal;
mod source;
mod spool;
mod standing;
mod status;
mod traits;
mod verification;
mod verify;
mod verify_file;
mod verify_known;
mod worker;

pub(crate) use account::{Fault, fault};
pub use busy::{Busy, is_in_use};
pub use error::CampaignError;
pub(crate) use list::CampaignList;
pub use list::{
    AccountResult, LIST_FORMAT, ListError, ListHead, ListOf, ListTotals, ResultState, WrittenList, write_list,
};
pub use list_reader::ListReadError;
pub use prepare::{Places, Prepared, names_digest};
pub use records::{AccountState, Campaign, CampaignOptions, CampaignState, Only, Order};
pub use register::{Campaigns, NewCampaign};
pub use setup::{Ended, Finished, Observer, Setup, WorkerOptions};
pub use sign_in::{SecondFactor, SecretText, SignIn, SignInCopied, SignInData, SignInError};
pub use sign_in_live::LiveSignIn;
pub(crate) use spool::Spool;
pub use standing::standing;
pub use status::{AccountLine, Status, Totals, WorkerLine};
pub(crate) use status::{lapsed, now as store_clock};
pub use verification::{CampaignVerification, CampaignVerifyError, ListVerification, Problem, ProblemKind};
pub use verify::{CampaignCheck, verify_campaign};
pub use verify_known::{rewrite_list, verify_known};
pub use worker::work;
