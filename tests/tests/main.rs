//! Everything that is tested from outside, in one program: it is linked once, and its tests share the throwaway servers.
//! `cargo test -p pappus-tests --test all web::portal::` runs the tests of one folder.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "helpers of tests may stop the test, and are nobody else's"
)]

mod campaign;
mod delivery;
mod export;
mod format;
mod import;
mod project;
mod support;
mod web;
