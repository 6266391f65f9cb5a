//! Account search and failed exports, for podmins.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use pappus_engine::departures::Asked;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::problems::{BadRequest, Conflict, Forbidden, TooManyRequests, Unauthenticated};
use crate::api::requests::RequestDocument;
use crate::api::{Caller, ProblemDocument, body, query};
use crate::app::App;
use crate::board::shared::people::{
    AccountStatus, FailedArchive, failed, make_archive, status as account_status,
};
use crate::error::WebError;
use crate::pages::Page;
use crate::security::Address;

/// Search parameters.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PeopleQuery {
    /// A complete username, e-mail address or diaspora* ID.
    query: Option<String>,
    /// Cursor of the next page of failed exports: `after` of the previous response.
    after: Option<i64>,
}

/// The account found, and failed exports.
#[derive(Serialize, ToSchema)]
pub(super) struct People {
    /// The account found, if any.
    found: Option<PersonDocument>,
    /// People whose newest request has failed, latest first, 50 per page.
    failed: Vec<FailedDocument>,
    /// Cursor of the next page, if there may be one.
    after: Option<i64>,
}

/// An account as podmins see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Person)]
pub(super) struct PersonDocument {
    /// The username.
    username: String,
    /// The diaspora* ID.
    account: String,
    /// The e-mail address.
    email: String,
    /// True if a podmin has locked it.
    locked: bool,
    /// True if it is closed.
    closed: bool,
    /// The last requests, newest first.
    requests: Vec<RequestDocument>,
    /// The existing archives, newest first.
    archives: Vec<PersonArchive>,
    /// Its downloads, if any.
    fetched: Option<Fetched>,
}

/// An archive without a download link: only its owner can download it.
#[derive(Serialize, ToSchema)]
pub(super) struct PersonArchive {
    /// The point in time of the account data in it.
    created_at: DateTime<Utc>,
    /// Stored size in bytes.
    bytes: i64,
    /// Number of records in it.
    records: i64,
    /// Number of records left out or incomplete.
    omissions: i64,
    /// The time at which it is deleted.
    expires_at: Option<DateTime<Utc>>,
}

/// Downloads of archives.
#[derive(Serialize, ToSchema)]
pub(super) struct Fetched {
    /// First download.
    first_at: DateTime<Utc>,
    /// Last download.
    last_at: DateTime<Utc>,
    /// Number of downloads.
    times: i64,
}

/// A person whose newest request has failed.
#[derive(Serialize, ToSchema)]
#[schema(as = FailedRequest)]
pub(super) struct FailedDocument {
    /// The username.
    username: String,
    /// The diaspora* ID.
    account: String,
    /// The time of the failure.
    at: DateTime<Utc>,
    /// The reason.
    reason: String,
}

impl From<AccountStatus> for PersonDocument {
    fn from(status: AccountStatus) -> Self {
        let AccountStatus { person, requests, archives, downloads } = status;
        let archives = archives.into_iter().map(|archive| PersonArchive {
            created_at: archive.created_at,
            bytes: archive.bytes,
            records: archive.records,
            omissions: archive.omissions,
            expires_at: archive.expires_at,
        });
        Self {
            username: person.username,
            account: person.account,
            email: person.email,
            locked: person.locked,
            closed: person.closed,
            requests: requests.into_iter().map(|request| RequestDocument::new(request, None)).collect(),
            archives: archives.collect(),
            fetched: downloads.map(|downloads| Fetched {
                first_at: downloads.first_at,
                last_at: downloads.last_at,
                times: downloads.times,
            }),
        }
    }
}

impl From<FailedArchive> for FailedDocument {
    fn from(failed: FailedArchive) -> Self {
        let FailedArchive { username, account, at, reason } = failed;
        Self { username, account, at, reason }
    }
}

/// The account to create an archive for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ArchiveFor {
    /// A complete username, e-mail address or diaspora* ID.
    name: String,
}

/// Searches an account by name, and lists failed exports. For podmins.
#[utoipa::path(get, path = "/api/v1/board/people", tag = "board", security(("token" = []), ("session" = [])),
    params(PeopleQuery),
    responses((status = 200, body = People),
        BadRequest, Unauthenticated, Forbidden))]
pub(super) async fn look(
    State(app): State<App>,
    caller: Caller,
    parameters: Result<Query<PeopleQuery>, QueryRejection>,
) -> Result<Json<People>, WebError> {
    caller.check_board_read(&app).await?;
    let parameters = query(parameters)?;
    let found = account_status(&app, parameters.query.as_deref().unwrap_or_default()).await?;
    let (failed, after) = failed(&app, parameters.after).await?;
    Ok(Json(People {
        found: found.map(PersonDocument::from),
        failed: failed.into_iter().map(FailedDocument::from).collect(),
        after,
    }))
}

/// Requests an archive for a user, who is notified as if they had asked, or returns the current one. For podmins.
#[utoipa::path(post, path = "/api/v1/board/people/archives", tag = "board", security(("token" = []), ("session" = [])),
    request_body = ArchiveFor,
    responses((status = 201, description = "A new request", body = RequestDocument),
        (status = 200, description = "The one that is under way", body = RequestDocument),
        BadRequest, Unauthenticated, Forbidden,
        (status = 404, description = "There is nobody of this name", body = ProblemDocument, content_type = "application/problem+json"),
        Conflict, TooManyRequests))]
pub(super) async fn make(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    page: Page,
    request: Result<Json<ArchiveFor>, JsonRejection>,
) -> Result<(StatusCode, Json<RequestDocument>), WebError> {
    let actor = caller.check_board_write(&app, address).await?;
    let request = body(request)?;
    let (_, outcome) = make_archive(&app, &actor, &request.name, page.words.code()).await?;
    let (status, request) = match outcome {
        Asked::New(request) => (StatusCode::CREATED, request),
        Asked::UnderWay(request) => (StatusCode::OK, request),
    };
    Ok((status, Json(RequestDocument::with_position(&app, request).await?)))
}
