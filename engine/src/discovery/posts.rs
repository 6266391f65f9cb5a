//! Fetching public posts from the pods that have them
//! ([Fetching](https://diaspora.github.io/diaspora_federation/federation/fetching.html)).

use std::fmt;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{Discovery, DiscoveryError, with_path};
use crate::domain::Guid;
use crate::federation::{EnvelopeError, MagicEnvelope};
use crate::http::HttpError;

/// The number of posts fetched at a time; at most two of them are from the same host.
const CONCURRENT_POSTS: usize = 20;

/// The kind of GUID that identifies a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PostName {
    /// Its own GUID.
    Post,
    /// The GUID of its poll.
    Poll,
}

impl fmt::Display for PostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Post => "post",
            Self::Poll => "poll",
        })
    }
}

/// A public post to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedPost {
    /// The kind of the GUID.
    pub name: PostName,
    /// The GUID.
    pub guid: Guid,
    /// The hosts to query, `HOST` or `HOST:PORT` as in diaspora* IDs: the author's host if known, and hosts that have
    /// the post and redirect to the author's host.
    pub hosts: Vec<String>,
}

/// The reason a post was not fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No host is known that might have it.
    #[error("it is not known which pod has the post")]
    NobodyToAsk,
    /// The pod has no such public post, or cannot be queried.
    #[error(transparent)]
    Request(#[from] DiscoveryError),
    /// The pod redirects to another address than that of the same post on another pod.
    #[error("{0} does not redirect to the post")]
    Elsewhere(String),
    /// The answer is not an envelope.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
}

impl Discovery {
    /// Fetches posts, many at a time; returns the results in the order of `wanted`. The envelopes are returned as
    /// received: neither their signatures nor their contents have been verified.
    ///
    /// All calls together take no longer than the time that is left in the budget.
    pub async fn fetch_posts(&self, wanted: &[WantedPost]) -> Vec<Result<MagicEnvelope, FetchError>> {
        let start = Instant::now();
        let deadline = start + self.budget.saturating_sub(self.cache().spent);
        let fetching = stream::iter(wanted)
            .map(|post| async move {
                let out_of_time = || Err(DiscoveryError::OutOfTime(self.budget).into());
                if Instant::now() >= deadline {
                    return out_of_time();
                }
                timeout_at(deadline, self.fetch_post(post)).await.unwrap_or_else(|_| out_of_time())
            })
            .buffered(CONCURRENT_POSTS);
        let fetched = fetching.collect().await;
        self.cache().spent += start.elapsed();
        fetched
    }

    async fn fetch_post(&self, wanted: &WantedPost) -> Result<MagicEnvelope, FetchError> {
        let mut last_error = FetchError::NobodyToAsk;
        for host in &wanted.hosts {
            match self.fetch_post_from(wanted, host).await {
                Ok(envelope) => return Ok(envelope),
                Err(error) => last_error = error,
            }
        }
        Err(last_error)
    }

    async fn fetch_post_from(&self, wanted: &WantedPost, host: &str) -> Result<MagicEnvelope, FetchError> {
        const ACCEPT: &str = "application/magic-envelope+xml";
        let base = self.client.base_url(host).map_err(DiscoveryError::Http)?;
        self.check_spared(&base)?;
        let url = with_path(&base, &format!("/fetch/{}/{}", wanted.name, wanted.guid));
        let answer = match self.get(&base, &url, ACCEPT).await {
            // A pod redirects to the author's pod if that is another one. Only this redirect is followed, once and to
            // the same path.
            Err(DiscoveryError::Http(HttpError::Redirect { location: Some(location), .. })) => {
                let next = url.join(&location).ok().filter(|next| next.path() == url.path());
                let next: Url = next.ok_or_else(|| FetchError::Elsewhere(host.to_owned()))?;
                self.get(&base, &next, ACCEPT).await?
            }
            answer => answer?,
        };
        Ok(MagicEnvelope::parse(&answer.body)?)
    }
}
