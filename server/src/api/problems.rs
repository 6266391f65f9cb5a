//! What goes wrong, as the API's document describes it. The answers themselves are made of [`WebError`](crate::error).

use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

/// What is wrong, as RFC 9457 has it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// Always `about:blank`: the status says which kind it is.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: String,
    /// The status.
    status: u16,
    /// What exactly is wrong, where that helps.
    detail: Option<String>,
}

macro_rules! problems {
    ($($(#[doc = $words:literal])* $name:ident = $status:literal,)*) => {$(
        $(#[doc = $words])*
        #[derive(IntoResponses)]
        #[response(status = $status, content_type = "application/problem+json")]
        pub(crate) struct $name(#[expect(dead_code, reason = "it only describes")] ProblemDocument);
    )*};
}

problems! {
    /// Something in the request makes no sense
    Senseless = 400,
    /// Nobody is signed in, or the token is not good
    NobodySignedIn = 401,
    /// Not for this person, or not with this token
    NotAllowed = 403,
    /// There is nothing here, or nothing for this person
    NotThere = 404,
    /// It does not go with what is there already
    TooLate = 409,
    /// The podmin has ended the downloads
    Over = 410,
    /// Too often; `Retry-After` says when it makes sense again
    TooOften = 429,
}
