//! Rate limits by address.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};

use super::Address;
use crate::error::WebError;
use crate::pages::is_asset;

/// Size of a burst, as a multiple of the requests allowed per second.
const BURST: u32 = 10;

/// The remaining quota of each address. Clones share it.
#[derive(Clone)]
pub struct Limits(Arc<DefaultKeyedRateLimiter<IpAddr>>);

impl Limits {
    /// Allows `rate` requests per second.
    pub fn new(rate: u32) -> Self {
        let rate = NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(rate)
            .allow_burst(rate.saturating_mul(NonZeroU32::MIN.saturating_add(BURST - 1)));
        Self(Arc::new(DefaultKeyedRateLimiter::keyed(quota)))
    }

    /// Removes addresses with a full quota.
    pub(crate) fn sweep(&self) {
        self.0.retain_recent();
        self.0.shrink_to_fit();
    }
}

/// Responds with 429 above the limit. Reading styles and images does not count: browsers request them once.
pub(crate) async fn limit(
    State(limits): State<Limits>,
    address: Address,
    request: Request,
    next: Next,
) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if is_read && is_asset(request.uri().path()) {
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
