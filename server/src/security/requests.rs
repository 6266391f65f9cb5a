//! Limits on requests in progress by address: many people share the connections of a proxy.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};

use super::Address;
use crate::connections::{Connections, Permit};
use crate::error::WebError;

/// Seconds after which a refused request may be retried.
const RETRY_SECONDS: u64 = 5;

/// The requests in progress. Clones share the count.
#[derive(Debug, Clone)]
pub(crate) struct Requests(Connections);

impl Requests {
    /// Limits the requests per address; their total is limited by the connections.
    pub(crate) fn new(max_per_address: usize) -> Self {
        Self(Connections::new(usize::MAX, max_per_address))
    }
}

/// Responds with 429 above the limit. A request is in progress until its response has been read.
pub(crate) async fn limit_requests(
    State(requests): State<Requests>,
    address: Address,
    request: Request,
    next: Next,
) -> Response {
    let Ok(permit) = requests.0.acquire(Some(address.0)) else {
        return WebError::TooMany { seconds: RETRY_SECONDS }.into_response();
    };
    let response = next.run(request).await;
    if response.body().is_end_stream() {
        return response;
    }
    response.map(|body| Body::new(CountedBody { body, _permit: permit }))
}

/// A body that counts as a request in progress until it is dropped.
struct CountedBody {
    body: Body,
    _permit: Permit,
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
