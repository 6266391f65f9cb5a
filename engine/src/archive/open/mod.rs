//! Opening and verifying archives: ours, and what stock pods write.
//!
//! ```text
//! Archive::open ──▶ Archive<Unverified> ──verify──▶ Archive<Verified> ──▶ document, extras, photos
//! ```
//!
//! Nothing of an archive can be read before it is verified: there is no function for it. Every step takes
//! the bytes for a stranger's. [`Archive::open`] looks at the container (the directory of the ZIP, names,
//! sizes, places); [`Archive::verify`] at the content, in this order: manifest and list of entries, local
//! headers and digests, signatures, the document and the extras record by record.
//!
//! The ZIP is read by a small strict reader of our own (`zip`): it accepts one reading of a file only
//! (no gaps, no overlaps, one name per entry, local headers that agree), so that no other program can find
//! another document in it than the one that was verified here; and its memory does not depend on what the
//! file claims. What innocent programs do is taken: another order or packing, folders, leftovers of operating
//! systems, sizes behind the data, comments, the same file twice.

mod archive;
mod content;
mod digests;
mod error;
mod gunzip;
mod manifest;
mod progress;
mod report;
mod shape;
mod signatures;
mod source;
mod verify;
mod zip;

pub use archive::{Archive, Unverified, Verified};
pub use error::{GzipError, OpenError, VerifyError};
pub use report::{AccountSignature, Finding, FindingCode, Findings, KeyOrigin, Origin, Verification};
pub(crate) use verify::count_records;
pub use zip::{NameProblem, ZipError};
