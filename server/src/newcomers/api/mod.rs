//! The API for newcomers, and for podmins who manage them. Starting a move returns a secret that authenticates all
//! further requests, including those to [`tus`](super::tus) that upload the files.

mod documents;
mod invitations;
mod queue;
mod trusted_pods;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State as Shared};
use axum::http::StatusCode;
use documents::{Deliveries, MoveConditions, NewcomerDocument};
use pappus_engine::arrivals::{Newcomer, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::auth::CurrentNewcomer;
use super::pages::confirm::{self, Action, Choices, KeyPassphrase};
use super::pages::delivery_status;
use super::pages::start::{self, StartOutcome};
use super::tus;
use crate::api::problems::{BadRequest, Conflict, NotFound, TooManyRequests};
use crate::api::{ProblemDocument, body, query};
use crate::app::App;
use crate::error::WebError;
use crate::pages::Page;
use crate::security::Address;

/// Maximum number of pods, and of unreached recipients, in a response.
const PAGE_ROWS: u32 = 1000;

/// Returns the routes of the newcomers' API with their OpenAPI documentation.
pub fn documented_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(conditions, begin))
        .routes(routes!(get, cancel))
        .routes(routes!(check))
        .routes(routes!(choose))
        .routes(routes!(retry))
        .routes(routes!(undo))
        .routes(routes!(announce))
        .routes(routes!(deliveries))
        .routes(routes!(queue::list))
        .routes(routes!(queue::get, queue::decide))
        .routes(routes!(invitations::list, invitations::make))
        .routes(routes!(invitations::withdraw))
        .routes(routes!(trusted_pods::list, trusted_pods::add))
        .routes(routes!(trusted_pods::remove))
}

/// Returns the current state of the move.
async fn current(app: &App, page: &Page, id: i64) -> Result<Json<NewcomerDocument>, WebError> {
    document(app, page, app.newcomers.table.by_id(id).await?.ok_or(WebError::NotFound)?).await
}

async fn document(app: &App, page: &Page, newcomer: Newcomer) -> Result<Json<NewcomerDocument>, WebError> {
    let progress = app.newcomers.table.progress_of(newcomer.id).await?;
    Ok(Json(NewcomerDocument::new(page, newcomer, progress.and_then(|progress| progress.ahead))))
}

type JsonBody<T> = Result<Json<T>, JsonRejection>;

/// Returns the conditions of moving to this pod.
#[utoipa::path(get, path = "/api/v1/newcomers", tag = "newcomers",
    responses((status = 200, body = MoveConditions),
        (status = 404, description = "This pod accepts no newcomers", body = ProblemDocument, content_type = "application/problem+json")))]
async fn conditions(Shared(app): Shared<App>) -> Result<Json<MoveConditions>, WebError> {
    super::require_enabled(&app)?;
    Ok(Json(MoveConditions::of(&app)))
}

/// A new move.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMoveRequest {
    /// Invitation code from the podmin, if required.
    #[serde(default)]
    invitation: String,
}

/// The secret of a new move.
#[derive(Serialize, ToSchema)]
struct Secret {
    /// The secret, sent as `Authorization: Bearer SECRET`. It is not shown again.
    secret: String,
}

/// Starts a move to this pod.
#[utoipa::path(post, path = "/api/v1/newcomers", tag = "newcomers", request_body = NewMoveRequest,
    responses((status = 201, body = Secret),
        BadRequest,
        (status = 404, description = "This pod accepts no newcomers", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "This pod accepts no new moves, or the invitation is invalid", body = ProblemDocument, content_type = "application/problem+json"),
        TooManyRequests))]
async fn begin(
    Shared(app): Shared<App>,
    page: Page,
    address: Address,
    request: JsonBody<NewMoveRequest>,
) -> Result<(StatusCode, Json<Secret>), WebError> {
    let request = body(request)?;
    match start::start(&app, address, &request.invitation, page.words.code()).await? {
        StartOutcome::Started(secret) => Ok((StatusCode::CREATED, Json(Secret { secret }))),
        StartOutcome::Closed => {
            let texts = [page.words.say("newcomers-closed-title"), page.words.say("newcomers-closed")];
            Err(WebError::Conflict(texts.join(". ")))
        }
        StartOutcome::TooMany => Err(WebError::TooMany { seconds: 24 * 3600 }),
        StartOutcome::InvalidInvitation => {
            Err(WebError::Conflict(page.words.say("newcomers-invitation-wrong")))
        }
    }
}

/// Returns the state of the move.
#[utoipa::path(get, path = "/api/v1/newcomers/me", tag = "newcomers", security(("newcomer" = [])),
    responses((status = 200, body = NewcomerDocument),
        NotFound))]
async fn get(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    page: Page,
) -> Result<Json<NewcomerDocument>, WebError> {
    document(&app, &page, newcomer).await
}

/// Cancels the move while there is nothing to undo, also during the check; uploads are deleted.
#[utoipa::path(delete, path = "/api/v1/newcomers/me", tag = "newcomers", security(("newcomer" = [])),
    responses((status = 204, description = "Cancelled, or over already"),
        NotFound, Conflict))]
async fn cancel(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
) -> Result<StatusCode, WebError> {
    start::cancel(&app, &newcomer).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The uploaded files.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CheckForm {
    /// Passphrase of the archive, if it is encrypted with age and a passphrase.
    #[serde(default)]
    #[schema(max_length = 1000)]
    passphrase: String,
    /// True if a file of photos belongs to the archive. Completely uploaded photos count unless this is false, which
    /// deletes them; if true, they must exist.
    photos: Option<bool>,
}

/// Checks the archive uploaded to `/newcomers/uploads` (tus 1.0, with `Upload-Metadata: part YXJjaGl2ZQ==`, or
/// `cGhvdG9z` for photos).
#[utoipa::path(post, path = "/api/v1/newcomers/me/look", tag = "newcomers", security(("newcomer" = [])),
    request_body = CheckForm,
    responses((status = 202, body = NewcomerDocument),
        BadRequest, NotFound, Conflict))]
async fn check(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    page: Page,
    request: JsonBody<CheckForm>,
) -> Result<(StatusCode, Json<NewcomerDocument>), WebError> {
    let form = body(request)?;
    let passphrase = Zeroizing::new(form.passphrase);
    if !newcomer.state.takes_files() {
        return Err(too_late(&newcomer));
    }
    match tus::check_uploads(&app, &newcomer, &passphrase, form.photos).await? {
        tus::Uploaded::Complete => {}
        tus::Uploaded::NoArchive => return Err(WebError::Conflict(page.words.say("newcomers-empty"))),
        tus::Uploaded::NoPhotos => return Err(WebError::Conflict(page.words.say("newcomers-no-photos"))),
    }
    Ok((StatusCode::ACCEPTED, current(&app, &page, newcomer.id).await?))
}

fn too_late(newcomer: &Newcomer) -> WebError {
    WebError::Conflict(format!("this cannot be done while the move is {}", newcomer.state.as_str()))
}

/// Account name, e-mail address and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Choice {
    /// Username on this pod.
    username: String,
    /// E-mail address for this pod.
    email: String,
    /// Password on this pod, 6 to 128 characters. Common ones are rejected.
    #[schema(min_length = 6, max_length = 128)]
    password: String,
    /// True to accept the terms of this pod.
    #[serde(default)]
    accept_terms: bool,
    /// Passphrase of the key in the archive if `key_locked` is true: the announcement needs it.
    #[serde(default)]
    #[schema(max_length = 1000)]
    key_passphrase: String,
    /// True if that passphrase is lost: then the account moves without an announcement.
    #[serde(default)]
    passphrase_lost: bool,
}

/// Starts the move with a name and password; it continues with the import, or with approval by the podmin. The
/// announcement follows the import automatically, after a pause in which the move can be undone (`undo_until`).
#[utoipa::path(post, path = "/api/v1/newcomers/me/choice", tag = "newcomers", security(("newcomer" = [])),
    request_body = Choice,
    responses((status = 202, body = NewcomerDocument),
        (status = 400, description = "A value is missing or invalid", body = ProblemDocument, content_type = "application/problem+json"),
        NotFound, Conflict))]
async fn choose(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    page: Page,
    request: JsonBody<Choice>,
) -> Result<(StatusCode, Json<NewcomerDocument>), WebError> {
    let choice = body(request)?;
    let password = Zeroizing::new(choice.password);
    if newcomer.state != State::Checked {
        return Err(too_late(&newcomer));
    }
    let key_passphrase = Zeroizing::new(choice.key_passphrase);
    let key = KeyPassphrase::new(&key_passphrase, choice.passphrase_lost);
    let choices = Choices::new(&choice.username, &choice.email, &password, choice.accept_terms, key);
    let problems = confirm::submit(&app, &newcomer, &choices).await?;
    if !problems.is_empty() {
        let texts: Vec<String> = problems.into_iter().map(|key| page.words.say(key)).collect();
        return Err(WebError::BadRequest(texts.join(" ")));
    }
    Ok((StatusCode::ACCEPTED, current(&app, &page, newcomer.id).await?))
}

async fn perform(
    app: &App,
    page: &Page,
    newcomer: &Newcomer,
    action: Action<'_>,
) -> Result<(StatusCode, Json<NewcomerDocument>), WebError> {
    if !confirm::perform(app, newcomer, action).await? {
        return Err(too_late(newcomer));
    }
    Ok((StatusCode::ACCEPTED, current(app, page, newcomer.id).await?))
}

/// Retries a failed import.
#[utoipa::path(post, path = "/api/v1/newcomers/me/again", tag = "newcomers", security(("newcomer" = [])),
    responses((status = 202, body = NewcomerDocument),
        NotFound, Conflict))]
async fn retry(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    page: Page,
) -> Result<(StatusCode, Json<NewcomerDocument>), WebError> {
    perform(&app, &page, &newcomer, Action::Retry).await
}

/// Undoes the move: during the import, the pause after it, and while no other pod has been notified.
#[utoipa::path(post, path = "/api/v1/newcomers/me/undo", tag = "newcomers", security(("newcomer" = [])),
    responses((status = 202, body = NewcomerDocument),
        NotFound, Conflict))]
async fn undo(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    page: Page,
) -> Result<(StatusCode, Json<NewcomerDocument>), WebError> {
    perform(&app, &page, &newcomer, Action::Undo).await
}

/// The passphrase for the announcement.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Announcement {
    /// Passphrase of the key in the archive, if it has one and the choice did not include it.
    #[serde(default)]
    #[schema(max_length = 1000)]
    key_passphrase: String,
}

/// Announces the move immediately, without the rest of the pause. Then it can no longer be undone.
#[utoipa::path(post, path = "/api/v1/newcomers/me/announce", tag = "newcomers", security(("newcomer" = [])),
    request_body = Announcement,
    responses((status = 202, body = NewcomerDocument),
        BadRequest, NotFound, Conflict))]
async fn announce(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    page: Page,
    request: JsonBody<Announcement>,
) -> Result<(StatusCode, Json<NewcomerDocument>), WebError> {
    let passphrase = Zeroizing::new(body(request)?.key_passphrase);
    perform(&app, &page, &newcomer, Action::Announce(&passphrase)).await
}

/// Selects a page of pods.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeliveriesQuery {
    /// Cursor of the next page: `after` of the previous response.
    #[serde(default)]
    after: String,
}

/// Returns the deliveries of the move to other pods.
#[utoipa::path(get, path = "/api/v1/newcomers/me/deliveries", tag = "newcomers", security(("newcomer" = [])),
    params(DeliveriesQuery),
    responses((status = 200, body = Deliveries),
        BadRequest,
        (status = 404, description = "The move has not been announced yet", body = ProblemDocument, content_type = "application/problem+json")))]
async fn deliveries(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    parameters: Result<Query<DeliveriesQuery>, QueryRejection>,
) -> Result<Json<Deliveries>, WebError> {
    let status = delivery_status::read(&app, &newcomer, &query(parameters)?.after, PAGE_ROWS).await?;
    Ok(Json(Deliveries::new(status)))
}
