//! Errors of handlers.
//!
//! A [`WebError`] becomes a response without a body; [`render_errors`] fills it in: a page in the reader's language, or,
//! under `/api/`, a problem document (RFC 9457). All errors look the same, including the framework's.

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use pappus_engine::arrivals::ArrivalError;
use pappus_engine::store::StoreError;
use serde::Serialize;

use crate::app::App;
use crate::mail::OutboxError;
use crate::pages::Page;

/// An error of a handler.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// Nothing exists at this URL, or nothing for this person: the responses are the same.
    #[error("not found")]
    NotFound,
    /// A link from a mail that is unknown, or whose archive is gone: the responses are the same.
    #[error("this link no longer works")]
    DeadLink,
    /// The person is not signed in.
    #[error("you are not signed in")]
    Unauthenticated,
    /// The person lacks permission.
    #[error("this is for the podmin only")]
    Forbidden,
    /// The form did not come from our page, or is too old.
    #[error("the form is too old or came from another page")]
    Form,
    /// The request is invalid.
    #[error("{0}")]
    BadRequest(String),
    /// The request conflicts with the current state.
    #[error("{0}")]
    Conflict(String),
    /// The person has the maximum number of archives for one account.
    #[error(
        "the maximum number of archives is stored for this account: delete one on the page /archive first"
    )]
    TooManyArchives,
    /// The downloads have ended.
    #[error("the downloads have ended")]
    Gone,
    /// Too many requests.
    #[error("too many requests")]
    TooMany {
        /// Seconds to wait before a retry.
        seconds: u64,
    },
    /// The request was too slow.
    #[error("the request was too slow")]
    Late,
    /// A dependency is unavailable, temporarily.
    #[error("{0}")]
    Unavailable(String),
    /// A defect or an unexpected error.
    #[error("{0}")]
    Internal(String),
}

impl WebError {
    /// Returns the status of the response.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::DeadLink => StatusCode::NOT_FOUND,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::Form => StatusCode::FORBIDDEN,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Conflict(_) | Self::TooManyArchives => StatusCode::CONFLICT,
            Self::Gone => StatusCode::GONE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Late => StatusCode::REQUEST_TIMEOUT,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the details that the reader may see; the rest is for the log.
    fn detail(&self) -> Option<String> {
        match self {
            Self::BadRequest(reason) | Self::Conflict(reason) => Some(reason.clone()),
            Self::Form | Self::Gone | Self::TooManyArchives => Some(self.to_string()),
            _ => None,
        }
    }
}

impl From<StoreError> for WebError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<ArrivalError> for WebError {
    fn from(error: ArrivalError) -> Self {
        match error {
            ArrivalError::Broken => Self::Internal(error.to_string()),
            ArrivalError::Store(_) | ArrivalError::Files(_) => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<OutboxError> for WebError {
    fn from(error: OutboxError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<askama::Error> for WebError {
    fn from(error: askama::Error) -> Self {
        Self::Internal(error.to_string())
    }
}

/// Marks a response whose body has yet to be filled in.
#[derive(Debug, Clone)]
struct Reason {
    key: Option<&'static str>,
    detail: Option<String>,
}

/// Marks a response whose body stays unchanged for any status.
#[derive(Debug, Clone, Copy)]
pub struct KeepBody;

/// Keeps the body of a response for any status.
pub fn keep_body(mut response: Response) -> Response {
    response.extensions_mut().insert(KeepBody);
    response
}

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::error!(status = status.as_u16(), "{self}");
        }
        let key = match self {
            Self::Form => Some("error-form"),
            Self::DeadLink => Some("error-dead-link"),
            _ => None,
        };
        let mut response = status.into_response();
        response.extensions_mut().insert(Reason { key, detail: self.detail() });
        if let Self::TooMany { seconds } = self {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

/// A problem document (RFC 9457).
#[derive(Debug, Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// Fills in the body of every error response that has none yet.
pub async fn render_errors(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let mut request_parts = parts.clone();
    let response = next.run(Request::from_parts(parts, body)).await;
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || response.extensions().get::<KeepBody>().is_some() {
        return response;
    }
    let reason = response.extensions().get::<Reason>().cloned();
    if request_parts.uri.path().starts_with("/api/") {
        return problem(response, reason);
    }
    if status == StatusCode::UNAUTHORIZED {
        return crate::sessions::to_sign_in(&request_parts.method, &request_parts.uri);
    }
    let page = Page::of(&mut request_parts, &app).await;
    let key = reason.as_ref().and_then(|reason| reason.key).unwrap_or_else(|| status_key(status));
    let detail =
        reason.and_then(|reason| reason.detail).filter(|_| key == "error-bad" || key == "error-conflict");
    let mut rendered = page.error(status, key, detail);
    let (head, _) = response.into_parts();
    for name in [RETRY_AFTER, axum::http::header::ALLOW] {
        if let Some(value) = head.headers.get(&name) {
            rendered.headers_mut().insert(name, value.clone());
        }
    }
    rendered
}

fn problem(response: Response, reason: Option<Reason>) -> Response {
    let status = response.status();
    let has_body =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    if has_body {
        return response;
    }
    let title = status.canonical_reason().unwrap_or("Error");
    let detail = reason.and_then(|reason| reason.detail);
    let document = Problem { kind: "about:blank", title, status: status.as_u16(), detail };
    let text = serde_json::to_string(&document).unwrap_or_default();
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(axum::http::header::CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    Response::from_parts(parts, text.into())
}

/// Returns the key of the text for a status.
fn status_key(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => "error-not-found",
        StatusCode::FORBIDDEN => "error-forbidden",
        StatusCode::CONFLICT => "error-conflict",
        StatusCode::GONE => "error-gone",
        StatusCode::TOO_MANY_REQUESTS => "error-too-many",
        StatusCode::PAYLOAD_TOO_LARGE => "error-too-large",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT => {
            "error-away"
        }
        status if status.is_server_error() => "error-broken",
        _ => "error-bad",
    }
}
