//! Checking that every stored archive is there, whole, and what it was.

pub(super) mod file;
pub(super) mod lists;
pub(super) mod result;
pub(super) mod store;
