//! Makes archives for tests, right ones and wrong ones: every header and every byte can be changed.

#![allow(dead_code, missing_docs, reason = "each test takes what it needs")]

pub mod forge;
pub mod raw_zip;
