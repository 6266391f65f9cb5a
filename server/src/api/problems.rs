//! Errors as the API's document describes them. The responses themselves are built from [`WebError`](crate::error).

use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// Always `about:blank`: the status defines the kind of error.
    #[serde(rename = "type")]
    kind: String,
    /// The name of the status.
    title: String,
    /// The HTTP status.
    status: u16,
    /// Details, if known.
    detail: Option<String>,
}

macro_rules! problems {
    ($($(#[doc = $text:literal])* $name:ident = $status:literal,)*) => {$(
        $(#[doc = $text])*
        #[derive(IntoResponses)]
        #[response(status = $status, content_type = "application/problem+json")]
        pub(crate) struct $name(#[expect(dead_code, reason = "only for the OpenAPI document")] ProblemDocument);
    )*};
}

problems! {
    /// The request is invalid
    BadRequest = 400,
    /// Not signed in, or the token is invalid
    Unauthenticated = 401,
    /// Not allowed for this account or token
    Forbidden = 403,
    /// Not found, or not visible to this account
    NotFound = 404,
    /// Conflicts with the current state
    Conflict = 409,
    /// The podmin has ended downloads
    Gone = 410,
    /// Too many requests; `Retry-After` tells when to retry
    TooManyRequests = 429,
}
