//! Archives that are uploaded by a form, where they lie, and the disk space reserved for them.

pub(super) mod files;
pub(super) mod form;
pub(super) mod space;
