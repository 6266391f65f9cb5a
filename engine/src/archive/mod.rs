//! The archive, format `pappus/1`: one ZIP that carries an account, says what is in it, and is signed.
//!
//! `docs/archive-format.md` describes it for people; this room writes it ([`writer`]), reads it and what
//! stock pods write ([`open`]), makes one of several ([`merge`]), and turns it into the two files a stock pod takes ([`convert`]).

pub mod convert;
pub mod document;
pub mod encryption;
pub mod limits;
pub mod manifest;
pub mod merge;
pub mod names;
pub mod open;
pub mod view;

pub mod writer;

/// The SHA-256 of a file, in hexadecimal, as `sha256sum` prints it.
///
/// # Errors
/// What the system says.
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
