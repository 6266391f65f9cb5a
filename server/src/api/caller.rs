//! The caller of the API: a signed-in user, or a script with a token.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problems::Unauthenticated;
use crate::app::App;
use crate::board::shared::Actor;
use crate::error::WebError;
use crate::security::Address;
use crate::sessions::{Person, SignedIn, is_podmin};
use crate::tokens::Tokens;

/// The permission of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[derive(strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Scope {
    /// View requests and archives.
    Read,
    /// Request archives and cancel requests.
    Request,
    /// Download archives, which contain the account's private key.
    Download,
    /// View the board. For podmins.
    BoardRead,
    /// Act on the board. For podmins.
    BoardWrite,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 5] = [Self::Read, Self::Request, Self::Download, Self::BoardRead, Self::BoardWrite];

    /// Returns the name of the scope.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns whether the scope is for podmins only.
    pub fn is_for_podmins(self) -> bool {
        matches!(self, Self::BoardRead | Self::BoardWrite)
    }

    /// Parses the name of a scope.
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

/// The caller of an API operation.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The user represented.
    pub person: Person,
    /// Scopes of the token; `None` for a session.
    scopes: Option<Vec<Scope>>,
}

impl Caller {
    /// Checks that the caller has a scope.
    ///
    /// # Errors
    /// [`WebError::Forbidden`].
    pub fn check_scope(&self, scope: Scope) -> Result<&Person, WebError> {
        match &self.scopes {
            Some(scopes) if !scopes.contains(&scope) => Err(WebError::Forbidden),
            _ => Ok(&self.person),
        }
    }

    /// Returns whether the caller is a podmin. A token needs a scope for podmins. The pod's current state counts,
    /// for sessions as well as tokens.
    ///
    /// # Errors
    /// [`WebError::Unavailable`] when neither the pod nor its stored copy can be read.
    pub(super) async fn is_podmin(&self, app: &App) -> Result<bool, WebError> {
        let can_be_podmin = match &self.scopes {
            Some(scopes) => scopes.iter().any(|scope| scope.is_for_podmins()),
            None => self.person.is_podmin,
        };
        Ok(can_be_podmin && is_podmin(app, &self.person).await?)
    }

    /// Checks that the caller may view the board.
    ///
    /// # Errors
    /// [`WebError::Forbidden`], and those of [`is_podmin`](Self::is_podmin).
    pub(crate) async fn check_board_read(&self, app: &App) -> Result<(), WebError> {
        self.check_scope(Scope::BoardRead)?;
        if self.is_podmin(app).await? { Ok(()) } else { Err(WebError::Forbidden) }
    }

    /// Checks that the caller may act on the board.
    ///
    /// # Errors
    /// As [`check_board_read`](Self::check_board_read).
    pub(crate) async fn check_board_write(self, app: &App, address: Address) -> Result<Actor, WebError> {
        self.check_scope(Scope::BoardWrite)?;
        if self.is_podmin(app).await? {
            Ok(Actor { podmin: self.person, address })
        } else {
            Err(WebError::Forbidden)
        }
    }

    /// Checks that the caller has a session: a token must not create tokens.
    ///
    /// # Errors
    /// [`WebError::Forbidden`].
    pub(super) fn check_session(&self) -> Result<&Person, WebError> {
        if self.scopes.is_some() { Err(WebError::Forbidden) } else { Ok(&self.person) }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, WebError> {
        let Some(header) = parts.headers.get(AUTHORIZATION) else {
            let SignedIn(person) =
                <SignedIn as FromRequestParts<App>>::from_request_parts(parts, app).await?;
            return Ok(Self { person, scopes: None });
        };
        let token = header.to_str().ok().and_then(|text| text.split_once(' '));
        let (_, token) = token
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .ok_or(WebError::Unauthenticated)?;
        let owner = Tokens::new(app).find(token.trim()).await?.ok_or(WebError::Unauthenticated)?;
        if !app.sign_in.is_current(&owner.person, app.now_millis()).await {
            return Err(WebError::Unauthenticated);
        }
        Ok(Self { person: owner.person, scopes: Some(owner.scopes) })
    }
}

/// The caller.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    /// The username.
    username: String,
    /// The diaspora* ID.
    account: String,
    /// True for a podmin; for a token, only if it has a scope for the board.
    podmin: bool,
    /// The caller's permissions.
    scopes: Vec<Scope>,
}

/// Returns the caller and their permissions.
#[utoipa::path(get, path = "/api/v1/me", tag = "account", security(("token" = []), ("session" = [])),
    responses((status = 200, body = Me), Unauthenticated))]
pub(super) async fn me(State(app): State<App>, caller: Caller) -> Result<Json<Me>, WebError> {
    let is_podmin = caller.is_podmin(&app).await?;
    let Caller { person, scopes } = caller;
    let mut scopes = scopes.unwrap_or_else(|| Scope::ALL.to_vec());
    scopes.retain(|scope| is_podmin || !scope.is_for_podmins());
    Ok(Json(Me { username: person.username, account: person.account, podmin: is_podmin, scopes }))
}
