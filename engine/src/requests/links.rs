//! Links to an archive that cannot be guessed, for e-mails.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Requests;
use super::records::{REQUEST, Request, millis};
use crate::store::StoreError;

/// Random bytes in a token.
const LENGTH: usize = 32;
/// Longest token that is looked up.
const MAX_TOKEN: usize = 100;

/// Links to archives of requests. The store has only digests of their tokens: reading it does not allow using them.
#[derive(Debug, Clone)]
pub struct Links(Requests);

impl Links {
    /// The links of a pod.
    pub fn new(requests: &Requests) -> Self {
        Self(requests.clone())
    }

    /// Creates a token for an archive, valid for a period.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn make(&self, request: i64, good_for: Duration) -> Result<String, StoreError> {
        let token = random_token()?;
        let sql = format!(
            "INSERT INTO pappus_links (token_sha256, request_id, created_at, expires_at) VALUES (?, ?, {0}, {0} + ?)",
            self.0.now()
        );
        let values = [token_digest(&token).into(), request.into(), millis(good_for).into()];
        self.0.store.execute("creating a link", &sql, &values).await?;
        Ok(token)
    }

    /// Returns the request whose archive a token opens, while it is valid.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, token: &str) -> Result<Option<Request>, StoreError> {
        if token.len() > MAX_TOKEN {
            return Ok(None);
        }
        let sql = format!(
            "SELECT {REQUEST} FROM pappus_requests WHERE pod = ? AND state = 'done' AND id = \
             (SELECT request_id FROM pappus_links WHERE token_sha256 = ? AND expires_at > {})",
            self.0.now()
        );
        let values = [(&self.0.pod).into(), token_digest(token).into()];
        let row = self.0.store.first("looking for a link", &sql, &values).await?;
        row.as_ref().map(Request::from_row).transpose()
    }
}

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
