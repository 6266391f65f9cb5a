//! Exports the accounts of a campaign under a lease.

pub(super) mod account;
pub(super) mod ahead;
pub(super) mod busy;
pub(super) mod feeder;
pub(super) mod keeping;
pub(super) mod presence;
pub(super) mod retry;
pub(super) mod session;
pub(super) mod setup;
pub(super) mod source;
pub(super) mod throttle;
