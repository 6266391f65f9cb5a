//! Tokens for scripts.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::problems::{NobodySignedIn, NotAllowed, NotThere, Senseless, TooLate};
use super::tokens_table::{KeptToken, Tokens};
use super::{Caller, Scope, body};
use crate::app::App;
use crate::audit::audit;
use crate::error::WebError;
use crate::security::Address;

/// Longest time a token is good for.
const MAX_DAYS: u32 = 366;
/// Longest name.
const MAX_NAME: usize = 100;
/// Tokens a person may have.
const MANY: usize = 20;

/// A token.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
pub(super) struct TokenDocument {
    /// Its number.
    id: i64,
    /// What it is for, in its owner's words.
    name: String,
    /// What it is good for.
    scopes: Vec<Scope>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it ends.
    expires_at: DateTime<Utc>,
    /// When it was used last.
    last_used_at: Option<DateTime<Utc>>,
}

impl From<KeptToken> for TokenDocument {
    fn from(kept: KeptToken) -> Self {
        let KeptToken { id, name, scopes, created_at, expires_at, last_used_at } = kept;
        Self { id, name, scopes, created_at, expires_at, last_used_at }
    }
}

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// What it is for, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it is good for.
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
    /// For how many days, 1 to 366.
    #[schema(minimum = 1, maximum = 366)]
    days: u32,
}

/// A token that has just been made.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeToken {
    /// Its number.
    id: i64,
    /// What a script sends as `Authorization: Bearer TOKEN`. It is never shown again.
    token: String,
}

/// One's tokens. Only for sessions.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", security(("session" = [])),
    responses((status = 200, body = Vec<TokenDocument>),
        NobodySignedIn, NotAllowed))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Vec<TokenDocument>>, WebError> {
    let person = caller.in_person()?;
    let tokens = Tokens::new(&app).of(person.user_id).await?;
    Ok(Json(tokens.into_iter().map(TokenDocument::from).collect()))
}

/// Makes a token. Only for sessions; those with a scope for the board only for podmins.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", security(("session" = [])),
    request_body = NewToken,
    responses((status = 201, body = MadeToken),
        Senseless, NobodySignedIn, NotAllowed, TooLate))]
pub(super) async fn make(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    new: Result<Json<NewToken>, JsonRejection>,
) -> Result<(StatusCode, Json<MadeToken>), WebError> {
    let person = caller.in_person()?;
    let new = body(new)?;
    let bad = |sentence: &str| Err(WebError::Bad(sentence.to_owned()));
    if new.name.trim().is_empty() || new.name.chars().count() > MAX_NAME || new.name.contains('\0') {
        return bad("a token's name has 1 to 100 characters");
    }
    if new.scopes.is_empty() || !(1..=MAX_DAYS).contains(&new.days) {
        return bad("a token has at least one scope, and is good for 1 to 366 days");
    }
    let for_podmins = new.scopes.iter().any(|scope| scope.is_for_podmins());
    if for_podmins && !caller.is_podmin(&app).await? {
        return Err(WebError::Forbidden);
    }
    let tokens = Tokens::new(&app);
    if tokens.of(person.user_id).await?.len() >= MANY {
        return Err(WebError::Conflict("there are 20 tokens already: remove one first".to_owned()));
    }
    let (id, token) = tokens.make(person, new.name.trim(), &new.scopes, new.days).await?;
    if for_podmins {
        let details = json!({ "scopes": new.scopes, "days": new.days });
        audit(&app, Some(person), "board-token", Some(new.name.trim()), Some(&details), Some(address)).await;
    }
    Ok((StatusCode::CREATED, Json(MadeToken { id, token })))
}

/// Removes a token. Only for sessions.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens", security(("session" = [])),
    params(("id" = i64, Path, description = "Its number")),
    responses((status = 204, description = "It is gone"),
        NobodySignedIn, NotAllowed, NotThere))]
pub(super) async fn remove(
    State(app): State<App>,
    caller: Caller,
    id: Result<Path<i64>, PathRejection>,
) -> Result<StatusCode, WebError> {
    let person = caller.in_person()?;
    let Path(id) = id.map_err(|_| WebError::NotFound)?;
    if Tokens::new(&app).remove(person.user_id, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(WebError::NotFound)
    }
}
