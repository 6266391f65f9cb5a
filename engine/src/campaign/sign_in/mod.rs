//! Data that people need to sign in once the pod's database is gone.

pub(super) mod copy;
pub(super) mod live;
pub(super) mod rows;
pub(super) mod seal;
