//! Newcomers in the store: their rows, states and leases.

mod expiry;
pub(super) mod lease;
pub(super) mod records;
pub(super) mod summary;
pub(super) mod table;
