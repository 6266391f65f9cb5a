//! One file for each kind of record: the selection of records to import, and their rows.

pub(super) mod account;
pub(super) mod aspects;
pub(super) mod contacts;
pub(super) mod conversation_rows;
pub(super) mod conversations;
pub(super) mod counters;
pub(super) mod photos;
pub(super) mod photos_here;
pub(super) mod post_rows;
pub(super) mod posts;
pub(super) mod references;
pub(super) mod relayable_rows;
pub(super) mod relayables;
pub(super) mod standalone_photos;
pub(super) mod subscriptions;
