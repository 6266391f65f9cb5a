//! Uploads of archives by a form.

pub(super) mod form;
