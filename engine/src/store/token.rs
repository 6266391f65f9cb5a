//! Tokens that cannot be guessed, such as links, invitations and the secrets of newcomers.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::StoreError;

/// Random bytes in a token.
const LENGTH: usize = 32;

/// Returns a token that cannot be guessed.
///
/// # Errors
/// [`StoreError::Random`].
pub fn random_token() -> Result<String, StoreError> {
    let mut bytes = [0; LENGTH];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| StoreError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Returns the stored digest of a token. It is looked up by an index, which reveals nothing about similar tokens.
pub fn token_digest(token: &str) -> String {
    hex::encode(digest(&SHA256, token.as_bytes()).as_ref())
}
