//! The signed list of a campaign, beside its archives.

pub(super) mod closing;
pub(super) mod list;
pub(super) mod list_csv;
pub(super) mod list_name;
pub(super) mod list_reader;
