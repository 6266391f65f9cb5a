//! Opening and verifying archives of Pappus and of stock pods.
//!
//! ```text
//! Archive::open ──▶ Archive<Unverified> ──verify──▶ Archive<Verified> ──▶ document, extras, photos
//! ```
//!
//! The types prevent reading an archive before it is verified. Every step treats the bytes as untrusted.
//! [`Archive::open`] checks the container (the directory of the ZIP, names, sizes, positions); [`Archive::verify`]
//! checks the content, in this order: manifest and list of entries, local headers and digests, signatures, the
//! document and the extras record by record.
//!
//! The ZIP is read by our own small strict reader (`zip`): it accepts only files with one interpretation (no gaps, no
//! overlaps, one content per name, local headers that agree), so that no other program can find a different document
//! in it than the one verified here; and its memory does not depend on sizes that the file claims. Harmless
//! differences are accepted: another order or compression, folders, system files, data descriptors, comments,
//! duplicate entries.

mod archive;
mod content;
mod digests;
mod error;
mod gunzip;
mod manifest;
mod photo_names;
mod progress;
mod report;
mod shape;
mod signatures;
mod source;
mod verify;
mod zip;

pub use archive::{Archive, Unverified, Verified};
pub use error::{OpenError, VerifyError};
pub use gunzip::GzipError;
pub use report::{AccountSignature, Finding, FindingCode, Findings, KeyOrigin, Origin, Verification};
pub(crate) use verify::count_records;
pub use zip::{NameProblem, ZipError};
