//! Links to an archive that cannot be guessed, for e-mails.

use std::time::Duration;

use super::Requests;
use super::records::{REQUEST, Request};
use crate::store::{StoreError, millis, random_token, token_digest};

/// The maximum length of a token that is looked up, in bytes.
const MAX_TOKEN_BYTES: usize = 100;

/// Links to archives of requests. The store has only the digests of their tokens, so its readers cannot use them.
#[derive(Debug, Clone)]
pub struct Links(Requests);

impl Links {
    /// Returns the links of a pod.
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

    /// Returns the request that a token is for, if the token is valid and the archive exists.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, token: &str) -> Result<Option<Request>, StoreError> {
        if token.len() > MAX_TOKEN_BYTES {
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
