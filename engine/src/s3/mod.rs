//! S3, for photos and for archives: access, requests and error responses.

mod access;
mod answers;
mod client;
mod connector;
mod list;

pub(crate) use access::REGION;
pub use access::{S3Access, S3AccessError};
pub(crate) use answers::{
    code, is_denied, is_missing, is_refused, is_unavailable, lacks_conditional_put, why,
};
pub(crate) use client::{Readers, ask_bucket, client};
pub(crate) use list::list;
