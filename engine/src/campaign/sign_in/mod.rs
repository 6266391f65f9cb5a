//! Data that people need to sign in when the pod's database no longer exists.

pub(super) mod copy;
pub(super) mod live;
pub(super) mod rows;
pub(super) mod seal;
