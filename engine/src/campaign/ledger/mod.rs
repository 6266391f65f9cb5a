//! Campaigns and their accounts in the store: creation, claims, counts, completion.

pub(super) mod accounts;
pub(super) mod campaigns;
pub(super) mod final_status;
pub(super) mod incremental;
pub(super) mod prepare;
pub(super) mod queue;
pub(super) mod records;
pub(super) mod status;
pub(super) mod traits;
