//! The page "Tokens".

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tower_sessions::Session;

use super::{StoredToken, TokenForm, Tokens};
use crate::api::Scope;
use crate::app::App;
use crate::error::WebError;
use crate::pages::{CheckedForm, Moment, Page};
use crate::security::Address;
use crate::sessions::{SignedIn, flash};

/// The session key of a newly created token.
const TOKEN_KEY: &str = "made-token";

#[derive(Template)]
#[template(path = "tokens/page.html")]
struct TokensPage<'a> {
    page: &'a Page,
    tokens: Vec<TokenRow>,
    /// The scopes: field, text, and whether it is selected.
    choices: Vec<(&'static str, String, bool)>,
    name: &'a str,
    days: u32,
    /// The newly created token, to be copied.
    new_token: Option<String>,
    problem: Option<String>,
}

struct TokenRow {
    id: i64,
    name: String,
    scopes: String,
    created_at: Moment,
    last_used_at: Option<Moment>,
    expires: String,
}

/// The form as typed.
#[derive(Deserialize)]
pub(super) struct NewTokenForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    days: String,
    read: Option<String>,
    request: Option<String>,
    download: Option<String>,
    board_read: Option<String>,
    board_write: Option<String>,
}

impl NewTokenForm {
    fn has(&self, scope: Scope) -> bool {
        match scope {
            Scope::Read => self.read.is_some(),
            Scope::Request => self.request.is_some(),
            Scope::Download => self.download.is_some(),
            Scope::BoardRead => self.board_read.is_some(),
            Scope::BoardWrite => self.board_write.is_some(),
        }
    }
}

pub(super) async fn show(
    State(app): State<App>,
    SignedIn(person): SignedIn,
    page: Page,
    session: Session,
) -> Result<Response, WebError> {
    let new_token = flash::take(&app, &session, TOKEN_KEY).await?;
    let tokens = rows(&page, Tokens::new(&app).of(person.user_id).await?);
    let choices = choices(&page, person.is_podmin, |scope| scope == Scope::Read);
    page.show(
        StatusCode::OK,
        &TokensPage { page: &page, tokens, choices, name: "", days: 30, new_token, problem: None },
    )
}

pub(super) async fn make(
    State(app): State<App>,
    SignedIn(person): SignedIn,
    page: Page,
    session: Session,
    address: Address,
    CheckedForm(form): CheckedForm<NewTokenForm>,
) -> Result<Response, WebError> {
    let scopes: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| form.has(*scope)).collect();
    let request = TokenForm { name: form.name.clone(), scopes, days: form.days.trim().parse().unwrap_or(0) };
    let problem = match super::make(&app, &page.words, &person, address, &request).await {
        Ok((_, token)) => {
            flash::put(&app, &session, TOKEN_KEY, &token).await?;
            return Ok(Redirect::to("/tokens").into_response());
        }
        Err(WebError::BadRequest(_)) => page.words.say("tokens-senseless"),
        Err(WebError::Conflict(_)) => page.words.say("tokens-many"),
        Err(error) => return Err(error),
    };
    let tokens = rows(&page, Tokens::new(&app).of(person.user_id).await?);
    let choices = choices(&page, person.is_podmin, |scope| form.has(scope));
    let template = TokensPage {
        page: &page,
        tokens,
        choices,
        name: &form.name,
        days: request.days.max(1),
        new_token: None,
        problem: Some(problem),
    };
    Ok(crate::error::keep_body(page.show(StatusCode::UNPROCESSABLE_ENTITY, &template)?))
}

pub(super) async fn revoke(
    State(app): State<App>,
    SignedIn(person): SignedIn,
    address: Address,
    Path(id): Path<i64>,
    CheckedForm(()): CheckedForm<()>,
) -> Result<Response, WebError> {
    // Revoking twice is harmless.
    let is_revoked = super::revoke(&app, &person, address, id).await?;
    Ok(Redirect::to(if is_revoked { "/tokens?done=token-revoked" } else { "/tokens" }).into_response())
}

fn choices(
    page: &Page,
    is_podmin: bool,
    is_selected: impl Fn(Scope) -> bool,
) -> Vec<(&'static str, String, bool)> {
    let allowed = Scope::ALL.into_iter().filter(|scope| is_podmin || !scope.is_for_podmins());
    allowed.map(|scope| (scope.as_str(), scope_text(page, scope), is_selected(scope))).collect()
}

fn scope_text(page: &Page, scope: Scope) -> String {
    page.words.say(&format!("tokens-scope-{}", scope.as_str().replace('_', "-")))
}

fn rows(page: &Page, tokens: Vec<StoredToken>) -> Vec<TokenRow> {
    let row = |token: StoredToken| TokenRow {
        id: token.id,
        name: token.name,
        scopes: token.scopes.iter().map(|scope| scope_text(page, *scope)).collect::<Vec<_>>().join("; "),
        created_at: page.moment(token.created_at),
        last_used_at: token.last_used_at.map(|at| page.moment(at)),
        expires: page.words.day(token.expires_at),
    };
    tokens.into_iter().map(row).collect()
}
