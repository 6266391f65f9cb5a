//! Verification that an archive's records are from their authors, in addition to the archive's integrity.
//!
//! Other people's comments, likes and votes are imported only if their authors signed them. [`check_signatures`] checks
//! all of them in several threads, with the keys in the archive and those that the caller knows.

mod check;
mod keys;
mod pool;
mod report;
mod signature_verifier;

pub use check::{SignatureError, check_signatures};
pub use keys::KnownKey;
pub use report::{RejectedRecord, SignatureCheck, SignatureReport};
pub use signature_verifier::SignatureVerifier;
