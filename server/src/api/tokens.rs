//! API tokens for scripts.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problems::{BadRequest, Conflict, Forbidden, NotFound, Unauthenticated};
use super::{Caller, Scope, body};
use crate::app::App;
use crate::error::WebError;
use crate::pages::Page;
use crate::security::Address;
use crate::tokens::{StoredToken, TokenForm, Tokens};

/// An API token.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
pub(super) struct TokenDocument {
    /// Number of the token.
    id: i64,
    /// Its purpose, as its owner described it.
    name: String,
    /// Its permissions.
    scopes: Vec<Scope>,
    /// The time at which it was created.
    created_at: DateTime<Utc>,
    /// The time at which it expires.
    expires_at: DateTime<Utc>,
    /// The time at which it was last used.
    last_used_at: Option<DateTime<Utc>>,
}

impl From<StoredToken> for TokenDocument {
    fn from(token: StoredToken) -> Self {
        let StoredToken { id, name, scopes, created_at, expires_at, last_used_at } = token;
        Self { id, name, scopes, created_at, expires_at, last_used_at }
    }
}

/// A token to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// Its purpose, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Its permissions.
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
    /// Validity in days, 1 to 366.
    #[schema(minimum = 1, maximum = 366)]
    days: u32,
}

/// A newly created token.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeToken {
    /// Number of the token.
    id: i64,
    /// The token, sent as `Authorization: Bearer TOKEN`. It is not shown again.
    token: String,
}

/// Lists the caller's tokens. Only with a session.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", security(("session" = [])),
    responses((status = 200, body = Vec<TokenDocument>),
        Unauthenticated, Forbidden))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Vec<TokenDocument>>, WebError> {
    let person = caller.check_session()?;
    let tokens = Tokens::new(&app).of(person.user_id).await?;
    Ok(Json(tokens.into_iter().map(TokenDocument::from).collect()))
}

/// Creates a token. Only with a session; scopes for the board only for podmins.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", security(("session" = [])),
    request_body = NewToken,
    responses((status = 201, body = MadeToken),
        BadRequest, Unauthenticated, Forbidden, Conflict))]
pub(super) async fn make(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    page: Page,
    request: Result<Json<NewToken>, JsonRejection>,
) -> Result<(StatusCode, Json<MadeToken>), WebError> {
    let person = caller.check_session()?;
    let NewToken { name, scopes, days } = body(request)?;
    let form = TokenForm { name, scopes, days };
    let (id, token) = crate::tokens::make(&app, &page.words, person, address, &form).await?;
    Ok((StatusCode::CREATED, Json(MadeToken { id, token })))
}

/// Revokes a token. Only with a session.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens", security(("session" = [])),
    params(("id" = i64, Path, description = "Its number")),
    responses((status = 204, description = "It is gone"),
        Unauthenticated, Forbidden, NotFound))]
pub(super) async fn remove(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    id: Result<Path<i64>, PathRejection>,
) -> Result<StatusCode, WebError> {
    let person = caller.check_session()?;
    let Path(id) = id.map_err(|_| WebError::NotFound)?;
    if crate::tokens::revoke(&app, person, address, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(WebError::NotFound)
    }
}
