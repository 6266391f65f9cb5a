//! Makes archives for tests, right ones and wrong ones: every header and every byte can be changed.

pub(crate) mod forge;
pub(crate) mod raw_zip;
