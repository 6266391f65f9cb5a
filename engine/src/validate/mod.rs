//! Verifies the authorship of an archive's records for a target pod, beyond the archive's integrity.
//!
//! Other people's comments, likes and votes count only if their authors signed them. [`check_signatures`] checks all
//! of them on all cores, with the keys in the archive and those that the caller knows.

mod check;
mod keys;
mod pool;
mod report;
mod signature_verifier;

pub use check::{SignatureError, check_signatures};
pub use keys::KnownKey;
pub use report::{RejectedRecord, SignatureCheck, SignatureReport};
pub use signature_verifier::SignatureVerifier;
