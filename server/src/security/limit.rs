//! How many requests one address may make.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};

use super::Address;
use crate::error::WebError;
use crate::pages::is_asset;

/// For a moment so many times the number of requests that are allowed in each second.
const BURST: u32 = 10;

/// What each address has left. Clones share it.
#[derive(Clone)]
pub struct Limits(Arc<DefaultKeyedRateLimiter<IpAddr>>);

impl Limits {
    /// `rate` requests in each second.
    pub fn new(rate: u32) -> Self {
        let rate = NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(rate)
            .allow_burst(rate.saturating_mul(NonZeroU32::MIN.saturating_add(BURST - 1)));
        Self(Arc::new(DefaultKeyedRateLimiter::keyed(quota)))
    }

    /// Forgets addresses that have all left.
    pub(crate) fn sweep(&self) {
        self.0.retain_recent();
        self.0.shrink_to_fit();
    }
}

/// Answers with 429 whoever asks too often. Styles and pictures do not count: browsers ask for them once.
pub(crate) async fn limit(
    State(limits): State<Limits>,
    address: Address,
    request: Request,
    next: Next,
) -> Response {
    if is_asset(request.uri().path()) {
        return next.run(request).await;
    }
    match limits.0.check_key(&address.subject()) {
        Ok(()) => next.run(request).await,
        Err(refused) => {
            let seconds = refused.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
            WebError::TooMany { seconds }.into_response()
        }
    }
}
