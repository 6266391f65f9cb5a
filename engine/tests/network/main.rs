//! The guarded client, and discovery with it, against servers on this machine.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

mod discovery;
mod double;
mod http;
mod posts;
