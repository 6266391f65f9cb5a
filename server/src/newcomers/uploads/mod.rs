//! Uploads by form, stored files, and reserved disk space.

pub(super) mod files;
pub(super) mod form;
pub(super) mod space;
