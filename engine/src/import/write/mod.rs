//! Writes the rows of a batch, and of the account itself.

pub(super) mod account;
pub(super) mod aspects;
pub(super) mod contacts;
pub(super) mod conversations;
pub(super) mod counters;
pub(super) mod fetched_posts;
pub(super) mod ignored_by;
pub(super) mod people;
pub(super) mod photos;
pub(super) mod photos_here;
pub(super) mod posts;
pub(super) mod references;
pub(super) mod relayables;
pub(super) mod subscriptions;
