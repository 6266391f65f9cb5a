//! Requests for archives.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use pappus_engine::departures::{Asked, Request, RequestState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::problems::{BadRequest, Forbidden, NotFound, TooManyRequests, Unauthenticated};
use super::{Caller, ProblemDocument, Scope, body};
use crate::app::App;
use crate::error::WebError;
use crate::pages::Page;
use crate::portal;

/// Maximum number of requests listed.
const MAX_LISTED: u32 = 100;

/// A request for an archive.
#[derive(Serialize, ToSchema)]
#[schema(as = Request)]
pub(super) struct RequestDocument {
    /// Number of the request.
    id: i64,
    /// `queued`, `running`, `done`, `failed`, `cancelled` or `expired`.
    state: &'static str,
    /// The time of the request.
    requested_at: DateTime<Utc>,
    /// The time at which it ended.
    finished_at: Option<DateTime<Utc>>,
    /// The time at which its archive is deleted.
    expires_at: Option<DateTime<Utc>>,
    /// Number of requests before it, while queued.
    ahead: Option<i64>,
    /// Number of records exported.
    records_done: i64,
    /// Estimated number of records; 0 before they are counted.
    records_total: i64,
    /// True if the private key is encrypted with a passphrase.
    key_locked: bool,
    /// True if an e-mail is sent when the archive is ready.
    mail: bool,
    /// The name of its archive, while that exists.
    archive: Option<String>,
    /// The reason why it failed or is waiting.
    reason: Option<String>,
}

impl RequestDocument {
    pub(super) fn new(request: Request, ahead: Option<i64>) -> Self {
        Self {
            id: request.id,
            state: request.state.as_str(),
            requested_at: request.requested_at,
            finished_at: request.finished_at,
            expires_at: request.expires_at,
            ahead,
            records_done: request.advanced,
            records_total: request.total,
            key_locked: request.key_locked,
            mail: request.mail_to.is_some(),
            archive: (request.state == RequestState::Done).then(|| format!("r{}", request.id)),
            reason: request.reason,
        }
    }

    pub(super) async fn with_position(app: &App, request: Request) -> Result<Self, WebError> {
        let ahead = app.portal.requests.position(&request).await?.map(|queued| queued.ahead);
        Ok(Self::new(request, ahead))
    }
}

/// A new request for an archive.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRequest {
    /// Passphrase to encrypt the account's private key with, 10 to 1,000 characters.
    #[schema(min_length = 10, max_length = 1000)]
    key_passphrase: Option<String>,
    /// True to send an e-mail to the account's address when the archive is ready.
    #[serde(default)]
    mail: bool,
}

/// Lists the caller's requests, newest first.
#[utoipa::path(get, path = "/api/v1/requests", tag = "requests", security(("token" = []), ("session" = [])),
    responses((status = 200, body = Vec<RequestDocument>),
        Unauthenticated, Forbidden))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Vec<RequestDocument>>, WebError> {
    let person = caller.check_scope(Scope::Read)?;
    let requests = app.portal.requests.history(person.user_id, MAX_LISTED).await?;
    Ok(Json(requests.into_iter().map(|request| RequestDocument::new(request, None)).collect()))
}

/// Requests an archive, or returns the request in progress. E-mails use the accepted language (`Accept-Language`).
#[utoipa::path(post, path = "/api/v1/requests", tag = "requests", security(("token" = []), ("session" = [])),
    request_body = NewRequest,
    responses((status = 201, description = "A new request", body = RequestDocument),
        (status = 200, description = "The one that is under way", body = RequestDocument),
        BadRequest, Unauthenticated, Forbidden, TooManyRequests,
        (status = 409, description = "No more archives are created, or as many as are kept for one account exist: delete one first", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn ask(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    request: Result<Json<NewRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<RequestDocument>), WebError> {
    let person = caller.check_scope(Scope::Request)?;
    let request = body(request)?;
    let passphrase = request.key_passphrase.map(Zeroizing::new);
    if passphrase.as_ref().is_some_and(|text| !portal::PASSPHRASE_CHARS.contains(&text.chars().count())) {
        return Err(WebError::BadRequest("a passphrase has 10 to 1,000 characters".to_owned()));
    }
    let passphrase = passphrase.as_ref().map(|text| text.as_str());
    let outcome = portal::request_own(&app, person, passphrase, request.mail, page.words.code()).await?;
    let (status, request) = match outcome {
        Asked::New(request) => (StatusCode::CREATED, request),
        Asked::UnderWay(request) => (StatusCode::OK, request),
    };
    Ok((status, Json(RequestDocument::with_position(&app, request).await?)))
}

/// Returns one of the caller's requests.
#[utoipa::path(get, path = "/api/v1/requests/{id}", tag = "requests", security(("token" = []), ("session" = [])),
    params(("id" = i64, Path, description = "Its number")),
    responses((status = 200, body = RequestDocument),
        Unauthenticated, Forbidden, NotFound))]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Json<RequestDocument>, WebError> {
    let person = caller.check_scope(Scope::Read)?;
    let Path(id) = id.map_err(|_| WebError::NotFound)?;
    let request = app.portal.requests.of(person.user_id, id).await?.ok_or(WebError::NotFound)?;
    Ok(Json(RequestDocument::with_position(&app, request).await?))
}

/// Cancels a request; a finished one does not change.
#[utoipa::path(delete, path = "/api/v1/requests/{id}", tag = "requests", security(("token" = []), ("session" = [])),
    params(("id" = i64, Path, description = "Its number")),
    responses((status = 204, description = "Given up, or over already"),
        Unauthenticated, Forbidden, NotFound))]
pub(super) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    id: Result<Path<i64>, PathRejection>,
) -> Result<StatusCode, WebError> {
    let person = caller.check_scope(Scope::Request)?;
    let Path(id) = id.map_err(|_| WebError::NotFound)?;
    app.portal.requests.of(person.user_id, id).await?.ok_or(WebError::NotFound)?;
    app.portal.requests.cancel(person.user_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
