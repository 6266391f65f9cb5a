//! Who calls: somebody who has signed in, or a script with a token.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ProblemDocument;
use super::tokens_table::Tokens;
use crate::app::App;
use crate::error::WebError;
use crate::sessions::{Person, SignedIn};

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Looking at requests and archives.
    Read,
    /// Asking for archives, and giving requests up.
    Request,
    /// Fetching archives. They hold the account's key.
    Download,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Request, Self::Download];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Request => "request",
            Self::Download => "download",
        }
    }

    /// The scope of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// Whoever calls.
#[derive(Debug, Clone)]
pub struct Caller {
    /// In whose name.
    pub person: Person,
    /// What a token is good for; nothing when there is none, but a session.
    scopes: Option<Vec<Scope>>,
}

impl Caller {
    /// Lets pass who may do this.
    ///
    /// # Errors
    /// [`WebError::Forbidden`].
    pub fn may(&self, scope: Scope) -> Result<&Person, WebError> {
        match &self.scopes {
            Some(scopes) if !scopes.contains(&scope) => Err(WebError::Forbidden),
            _ => Ok(&self.person),
        }
    }

    /// Lets pass who has signed in: a token makes no tokens.
    pub(super) fn in_person(&self) -> Result<&Person, WebError> {
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
        let (_, token) =
            token.filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer")).ok_or(WebError::SignInFirst)?;
        let found = Tokens::new(app).find(token.trim()).await?.ok_or(WebError::SignInFirst)?;
        Ok(Self { person: found.person, scopes: Some(found.scopes) })
    }
}

/// Who one is.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    /// The username.
    username: String,
    /// The diaspora* ID.
    account: String,
    /// Whether this is a podmin.
    podmin: bool,
    /// What may be done.
    scopes: Vec<Scope>,
}

/// Who one is, and what one may do.
#[utoipa::path(get, path = "/api/v1/me", tag = "account", security(("token" = []), ("session" = [])),
    responses((status = 200, body = Me), (status = 401, body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn me(caller: Caller) -> Json<Me> {
    let Caller { person, scopes } = caller;
    Json(Me {
        username: person.username,
        account: person.account,
        podmin: person.podmin,
        scopes: scopes.unwrap_or_else(|| Scope::ALL.to_vec()),
    })
}
