//! Why a request came to nothing.

use std::error::Error;
use std::time::Duration;

use super::address::NotPublic;
use super::tls;

/// Why a request was not made, or why its answer is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The client could not be made.
    #[error("the HTTP client cannot start: {0}")]
    Setup(String),
    /// No address on the web.
    #[error("{0:?} is no address that can be asked (expected https://host/…, without user name or password)")]
    BadUrl(String),
    /// Plain http.
    #[error("{0} is not asked, since it does not use https; allow its host if it belongs to a test network")]
    NotHttps(String),
    /// It leads into somebody's own network.
    #[error(
        "{0} is not asked, since it is not on the public internet; allow its host if it belongs to a test network"
    )]
    NotPublic(String),
    /// A certificate that is not trusted, or no TLS that both sides speak.
    #[error("{host} cannot be reached: TLS failed, {reason}")]
    Tls {
        /// Whom we wanted to reach.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// Nobody there, no such name.
    #[error("{host} cannot be reached: {reason}")]
    Connect {
        /// Whom we wanted to reach.
        host: String,
        /// Why not.
        reason: String,
    },
    /// No answer, or not all of it, in time.
    #[error("{host} did not answer within {} s", after.as_secs_f32())]
    Timeout {
        /// Who was asked.
        host: String,
        /// How long we waited.
        after: Duration,
    },
    /// The connection ended before the answer did, or what came is not HTTP.
    #[error("{host} broke off: {reason}")]
    Broken {
        /// Who was asked.
        host: String,
        /// What happened.
        reason: String,
    },
    /// It is somewhere else.
    #[error("{host} sends us elsewhere (status {status}); redirects are not followed")]
    Redirect {
        /// Who was asked.
        host: String,
        /// The status.
        status: u16,
        /// The header `Location`, which nobody has checked.
        location: Option<String>,
    },
    /// It would not end.
    #[error("the answer of {host} is longer than {limit} bytes")]
    TooLarge {
        /// Who was asked.
        host: String,
        /// What would have been read.
        limit: usize,
    },
}

impl HttpError {
    /// Whether the host itself is the trouble, so that asking it for something else is of no use now.
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

    /// What the library says, without the address, which may be long.
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
        let connecting = error.is_connect();
        if error.is_timeout() {
            return Self::Timeout { host, after: if connecting { connect } else { total } };
        }
        if let Some(reason) = causes(&error).find_map(tls::problem) {
            return Self::Tls { host, reason };
        }
        let error = error.without_url();
        let reason = causes(&error).last().map_or_else(String::new, ToString::to_string);
        if connecting { Self::Connect { host, reason } } else { Self::Broken { host, reason } }
    }
}

fn causes<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let first: &'a (dyn Error + 'static) = error;
    std::iter::successors(Some(first), |error| (*error).source())
}
