//! Beginning, joining and reporting exports of a whole pod.

mod begin;
mod records;
mod report;
mod view;
mod work;

pub(crate) use begin::{export_all, join};
pub(crate) use report::{describe, document};
pub(crate) use view::{awaited, follow};
