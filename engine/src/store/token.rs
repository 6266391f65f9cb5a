//! Tokens that cannot be guessed, for links, invitations and the secrets of newcomers.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::StoreError;

/// The number of random bytes in a token.
const TOKEN_BYTES: usize = 32;

/// Returns a token that cannot be guessed: 43 characters of URL-safe base64.
///
/// # Errors
/// [`StoreError::Random`].
pub fn random_token() -> Result<String, StoreError> {
    let mut bytes = [0; TOKEN_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| StoreError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Returns the digest by which a token is stored and found, in hexadecimal digits: the time of a lookup by an index
/// reveals nothing about similar tokens.
pub fn token_digest(token: &str) -> String {
    hex::encode(digest(&SHA256, token.as_bytes()).as_ref())
}
