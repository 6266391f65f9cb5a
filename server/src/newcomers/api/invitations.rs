//! Invitations, for podmins.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use pappus_engine::arrivals::Invitation;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::problems::{BadRequest, Forbidden, NotFound, Unauthenticated};
use crate::api::{Caller, ProblemDocument, body, query};
use crate::app::App;
use crate::error::WebError;
use crate::newcomers::invitations;
use crate::security::Address;

/// Selects a page of invitations.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct InvitationsQuery {
    /// Cursor of the next page: `before` of the previous response.
    before: Option<i64>,
}

/// A page of usable invitations.
#[derive(Serialize, ToSchema)]
pub(super) struct Invitations {
    /// The invitations, newest first, 200 per page.
    invitations: Vec<InvitationDocument>,
    /// Cursor of the next page, if there may be one.
    before: Option<i64>,
}

/// An invitation. Its code is returned only once, to its creator.
#[derive(Serialize, ToSchema)]
#[schema(as = Invitation)]
pub(super) struct InvitationDocument {
    /// Number of the invitation.
    id: i64,
    /// A note for the podmin on its recipient.
    note: String,
    /// The diaspora* ID of its creator.
    made_by: String,
    /// Time of creation.
    made_at: DateTime<Utc>,
    /// The time at which it expires.
    expires_at: DateTime<Utc>,
    /// Number of remaining uses.
    uses_left: i64,
}

impl From<Invitation> for InvitationDocument {
    fn from(invitation: Invitation) -> Self {
        let Invitation { id, note, created_by, created_at, uses_left, expires_at } = invitation;
        Self { id, note, made_by: created_by, made_at: created_at, expires_at, uses_left }
    }
}

/// An invitation to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewInvitation {
    /// A note for the podmin on its recipient, one line.
    #[serde(default)]
    #[schema(max_length = 200)]
    note: String,
    /// Number of people who can use it.
    #[schema(minimum = 1, maximum = 1000)]
    uses: i64,
}

/// A newly created invitation.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeInvitation {
    /// The invitation.
    invitation: InvitationDocument,
    /// The code that invited people enter. It is not shown again.
    code: String,
}

/// Lists usable invitations, newest first. For podmins.
#[utoipa::path(get, path = "/api/v1/board/invitations", tag = "board", security(("token" = []), ("session" = [])),
    params(InvitationsQuery),
    responses((status = 200, body = Invitations),
        BadRequest, Unauthenticated, Forbidden,
        (status = 404, description = "This pod accepts no newcomers", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn list(
    Shared(app): Shared<App>,
    caller: Caller,
    parameters: Result<Query<InvitationsQuery>, QueryRejection>,
) -> Result<Json<Invitations>, WebError> {
    caller.check_board_read(&app).await?;
    let (page, before) = invitations::list(&app, query(parameters)?.before).await?;
    Ok(Json(Invitations { invitations: page.into_iter().map(Into::into).collect(), before }))
}

/// Creates an invitation, valid for 90 days. For podmins.
#[utoipa::path(post, path = "/api/v1/board/invitations", tag = "board", security(("token" = []), ("session" = [])),
    request_body = NewInvitation,
    responses((status = 201, body = MadeInvitation),
        BadRequest, Unauthenticated, Forbidden,
        (status = 404, description = "This pod accepts no newcomers", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn make(
    Shared(app): Shared<App>,
    caller: Caller,
    address: Address,
    request: Result<Json<NewInvitation>, JsonRejection>,
) -> Result<(StatusCode, Json<MadeInvitation>), WebError> {
    let actor = caller.check_board_write(&app, address).await?;
    let request = body(request)?;
    let (invitation, code) = invitations::make(&app, &actor, &request.note, request.uses).await?;
    Ok((StatusCode::CREATED, Json(MadeInvitation { invitation: invitation.into(), code })))
}

/// Revokes an invitation: it cannot be used any more. For podmins.
#[utoipa::path(delete, path = "/api/v1/board/invitations/{id}", tag = "board", security(("token" = []), ("session" = [])),
    params(("id" = i64, Path, description = "Its number")),
    responses((status = 204, description = "Withdrawn, or used up already"),
        Unauthenticated, Forbidden, NotFound))]
pub(super) async fn withdraw(
    Shared(app): Shared<App>,
    caller: Caller,
    address: Address,
    id: Result<Path<i64>, PathRejection>,
) -> Result<StatusCode, WebError> {
    let actor = caller.check_board_write(&app, address).await?;
    let Path(id) = id.map_err(|_| WebError::NotFound)?;
    invitations::withdraw(&app, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
