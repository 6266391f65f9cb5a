//! The archive, format `pappus/1`: one signed ZIP with an account and a manifest of its contents.
//!
//! `docs/archive-format.md` documents it; [`lists`] is the table of its lists. This module writes it ([`writer`]),
//! reads it and the archives of stock pods ([`open`]), merges several into one ([`merge`]), and converts it to the two
//! files that a stock pod accepts ([`convert`]).

pub mod convert;
pub mod document;
pub mod encryption;
pub mod limits;
pub mod lists;
pub mod manifest;
pub mod merge;
pub mod names;
pub mod open;
pub mod view;
pub mod writer;

/// Returns the SHA-256 of a file, in hexadecimal, as `sha256sum` prints it.
///
/// # Errors
/// Errors of the file system.
pub fn sha256_of_file(path: &std::path::Path) -> std::io::Result<String> {
    use sha2::Digest as _;
    use std::io::Read as _;
    let mut file = std::fs::File::open(path)?;
    let (mut digest, mut buffer) = (sha2::Sha256::new(), vec![0; 64 * 1024]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(digest.finalize())),
            read => digest.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

/// The value of `format` in `extras.json`.
pub const EXTRAS_FORMAT: &str = "pappus-extras/1";
