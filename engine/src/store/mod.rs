//! What Pappus itself keeps between runs: the pod's archive key, and signatures it has made.
//!
//! All of it lies in one folder that only its owner can read.

mod signatures;
mod state_folder;

pub use signatures::StoredSignatures;
pub use state_folder::{StateError, StateFolder};
