//! Reads the rows of a batch that exist on the target pod, and the journal's notes on them: one file per kind of
//! record.

pub(in crate::import) mod aspects;
pub(in crate::import) mod contacts;
pub(in crate::import) mod conversations;
pub(in crate::import) mod ignored_by;
pub(in crate::import) mod photos;
pub(in crate::import) mod posts;
pub(in crate::import) mod relayable_parents;
pub(in crate::import) mod relayables;
pub(in crate::import) mod subscriptions;
