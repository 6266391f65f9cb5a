//! Checks that every stored archive exists, complete and unaltered.

pub(super) mod file;
pub(super) mod lists;
pub(super) mod result;
pub(super) mod store;
