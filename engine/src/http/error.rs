//! Errors of requests.

use std::error::Error;
use std::time::Duration;

use super::address::NotPublic;
use super::tls;

/// The reason why a request was not sent, or its answer is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The client could not be created.
    #[error("the HTTP client cannot start: {0}")]
    Setup(String),
    /// The text is not a web address.
    #[error(
        "{0:?} is not an address that can be requested (expected https://host/…, without user name or password)"
    )]
    BadUrl(String),
    /// The address uses plain http.
    #[error(
        "{0} is not contacted, since it does not use https; allow its host if it belongs to a test network"
    )]
    NotHttps(String),
    /// The address is in a private network.
    #[error(
        "{0} is not contacted, since it is not on the public internet; allow its host if it belongs to a test network"
    )]
    NotPublic(String),
    /// The certificate is not trusted, or there is no TLS version that both sides support.
    #[error("{host} cannot be reached: TLS failed, {reason}")]
    Tls {
        /// The host.
        host: String,
        /// The problem.
        reason: String,
    },
    /// The host's name does not exist, or it accepts no connection.
    #[error("{host} cannot be reached: {reason}")]
    Connect {
        /// The host.
        host: String,
        /// The reason.
        reason: String,
    },
    /// The host did not answer completely in time.
    #[error("{host} did not answer within {} s", after.as_secs_f32())]
    Timeout {
        /// The host.
        host: String,
        /// The time limit.
        after: Duration,
    },
    /// The connection ended before the answer did, or the answer is not HTTP.
    #[error("{host} broke off the connection: {reason}")]
    Broken {
        /// The host.
        host: String,
        /// The reason.
        reason: String,
    },
    /// The answer is a redirect.
    #[error("{host} redirects to another address (status {status}); redirects are not followed")]
    Redirect {
        /// The host.
        host: String,
        /// The status.
        status: u16,
        /// The header `Location`, unchecked.
        location: Option<String>,
    },
    /// The answer exceeds the limit.
    #[error("the answer of {host} is longer than {limit} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// The limit in bytes.
        limit: usize,
    },
}

impl HttpError {
    /// Returns whether the host caused the error, so that other requests to it would fail now, too.
    pub fn is_dead_host(&self) -> bool {
        matches!(
            self,
            Self::NotPublic(_)
                | Self::Tls { .. }
                | Self::Connect { .. }
                | Self::Timeout { .. }
                | Self::Broken { .. }
        )
    }

    /// Converts the library's error. The address is omitted, since it may be long.
    pub(super) fn from_library(
        error: reqwest::Error,
        host: &str,
        connect: Duration,
        total: Duration,
    ) -> Self {
        let host = host.to_owned();
        if causes(&error).any(<dyn Error>::is::<NotPublic>) {
            return Self::NotPublic(host);
        }
        let is_connecting = error.is_connect();
        if error.is_timeout() {
            return Self::Timeout { host, after: if is_connecting { connect } else { total } };
        }
        if let Some(reason) = causes(&error).find_map(tls::problem) {
            return Self::Tls { host, reason };
        }
        let error = error.without_url();
        let reason = causes(&error).last().map_or_else(String::new, ToString::to_string);
        if is_connecting { Self::Connect { host, reason } } else { Self::Broken { host, reason } }
    }
}

fn causes<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let first: &'a (dyn Error + 'static) = error;
    std::iter::successors(Some(first), |error| (*error).source())
}
