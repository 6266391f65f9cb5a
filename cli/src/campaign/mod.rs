//! Starts, joins and reports exports of a whole pod.

mod begin;
mod records;
mod report;
mod resume;
mod start;
mod view;
mod work;

pub(crate) use begin::{export_all, join, lost_key, say};
pub(crate) use report::{describe, document};
pub(crate) use view::{awaited, follow};
