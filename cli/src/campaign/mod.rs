//! Starts, joins and reports exports of a whole pod.

mod begin;
mod report;
mod resume;
mod start;
mod telemetry;
mod view;
mod work;

pub(crate) use begin::{export_all, join, lost_key, print_note};
pub(crate) use report::{describe, document};
pub(crate) use view::{await_campaign, follow};
