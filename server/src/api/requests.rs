//! Asking for an archive.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use pappus_engine::requests::{Asked, Request, RequestState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::problems::{NobodySignedIn, NotAllowed, NotThere, Senseless, TooLate, TooOften};
use super::{Caller, Scope, body};
use crate::app::App;
use crate::error::WebError;
use crate::pages::Page;
use crate::portal;

/// Requests that are listed.
const MANY: u32 = 100;

/// A request for an archive.
#[derive(Serialize, ToSchema)]
#[schema(as = Request)]
pub(super) struct RequestDocument {
    /// Its number.
    id: i64,
    /// `queued`, `running`, `done`, `failed`, `cancelled` or `expired`.
    state: &'static str,
    /// When it was asked for.
    requested_at: DateTime<Utc>,
    /// When it ended.
    finished_at: Option<DateTime<Utc>>,
    /// When its archive is deleted.
    expires_at: Option<DateTime<Utc>>,
    /// Requests before it, while it waits.
    ahead: Option<i64>,
    /// Records that are done.
    records_done: i64,
    /// Records there are, about; 0 before they are counted.
    records_total: i64,
    /// Whether the private key is put under a passphrase.
    key_locked: bool,
    /// Whether a mail will be written when the archive is there.
    mail: bool,
    /// The name of its archive, while it is there.
    archive: Option<String>,
    /// Why it failed, or what it waits for.
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

    pub(super) async fn placed(app: &App, request: Request) -> Result<Self, WebError> {
        let ahead = app.portal.requests.position(&request).await?.map(|queued| queued.ahead);
        Ok(Self::new(request, ahead))
    }
}

/// What is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRequest {
    /// Puts the account's private key under this passphrase, 10 to 1,000 characters.
    #[schema(min_length = 10, max_length = 1000)]
    key_passphrase: Option<String>,
    /// Whether to write to the account's address when the archive is there.
    #[serde(default)]
    mail: bool,
}

/// One's requests, the newest first.
#[utoipa::path(get, path = "/api/v1/requests", tag = "requests", security(("token" = []), ("session" = [])),
    responses((status = 200, body = Vec<RequestDocument>),
        NobodySignedIn, NotAllowed))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Vec<RequestDocument>>, WebError> {
    let person = caller.may(Scope::Read)?;
    let requests = app.portal.requests.history(person.user_id, MANY).await?;
    Ok(Json(requests.into_iter().map(|request| RequestDocument::new(request, None)).collect()))
}

/// Asks for an archive. While one is under way, this is the one. A mail is written in the language that is accepted.
#[utoipa::path(post, path = "/api/v1/requests", tag = "requests", security(("token" = []), ("session" = [])),
    request_body = NewRequest,
    responses((status = 201, description = "A new request", body = RequestDocument),
        (status = 200, description = "The one that is under way", body = RequestDocument),
        Senseless, NobodySignedIn, NotAllowed, TooLate, TooOften))]
pub(super) async fn ask(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    request: Result<Json<NewRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<RequestDocument>), WebError> {
    let person = caller.may(Scope::Request)?;
    let request = body(request)?;
    let passphrase = request.key_passphrase.map(Zeroizing::new);
    if passphrase.as_ref().is_some_and(|text| !portal::PASSPHRASE.contains(&text.chars().count())) {
        return Err(WebError::BadRequest("a passphrase has 10 to 1,000 characters".to_owned()));
    }
    let passphrase = passphrase.as_ref().map(|text| text.as_str());
    let asked = portal::request_own(&app, person, passphrase, request.mail, page.words.code()).await?;
    let (status, request) = match asked {
        Asked::New(request) => (StatusCode::CREATED, request),
        Asked::UnderWay(request) => (StatusCode::OK, request),
    };
    Ok((status, Json(RequestDocument::placed(&app, request).await?)))
}

/// One of one's requests.
#[utoipa::path(get, path = "/api/v1/requests/{id}", tag = "requests", security(("token" = []), ("session" = [])),
    params(("id" = i64, Path, description = "Its number")),
    responses((status = 200, body = RequestDocument),
        NobodySignedIn, NotAllowed, NotThere))]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Json<RequestDocument>, WebError> {
    let person = caller.may(Scope::Read)?;
    let Path(id) = id.map_err(|_| WebError::NotFound)?;
    let request = app.portal.requests.of(person.user_id, id).await?.ok_or(WebError::NotFound)?;
    Ok(Json(RequestDocument::placed(&app, request).await?))
}

/// Gives a request up. What is over stays as it is.
#[utoipa::path(delete, path = "/api/v1/requests/{id}", tag = "requests", security(("token" = []), ("session" = [])),
    params(("id" = i64, Path, description = "Its number")),
    responses((status = 204, description = "Given up, or over already"),
        NobodySignedIn, NotAllowed, NotThere))]
pub(super) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    id: Result<Path<i64>, PathRejection>,
) -> Result<StatusCode, WebError> {
    let person = caller.may(Scope::Request)?;
    let Path(id) = id.map_err(|_| WebError::NotFound)?;
    app.portal.requests.of(person.user_id, id).await?.ok_or(WebError::NotFound)?;
    app.portal.requests.cancel(person.user_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
