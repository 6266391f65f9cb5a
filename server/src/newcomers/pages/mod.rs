//! The pages of newcomers, and the podmin's queue.

pub(super) mod confirm;
pub(super) mod delivery_reason;
pub(super) mod delivery_status;
pub(super) mod overview;
pub(super) mod plan_table;
pub(super) mod progress;
pub(super) mod queue;
pub(super) mod start;
pub(super) mod trusted_pods;
