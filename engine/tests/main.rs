//! Everything of the engine that is tested from outside, in one program: it is linked once.
//! `cargo test -p pappus-engine --test all delivery::` runs the tests of one module.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may stop the test")]

mod archive_open;
mod delivery;
mod federation;
mod hostile;
mod hostile_generator;
mod hostile_vectors;
mod network;
mod other_files;
mod repacked;
mod stock_files;
mod store;
mod support;
mod two_documents;
