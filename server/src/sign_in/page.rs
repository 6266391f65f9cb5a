//! What is shown.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tower_sessions::Session;

use super::second_step::half_way;
use crate::app::App;
use crate::error::WebError;
use crate::pages::{Page, own_path};

/// What the address of the page says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// Where to go afterwards.
    #[serde(default)]
    next: String,
    /// Somebody has just signed out.
    #[serde(default)]
    out: String,
}

/// Name and password.
#[derive(Template)]
#[template(path = "sign_in/sign_in.html")]
pub(super) struct SignInPage<'a> {
    pub(super) page: &'a Page,
    pub(super) name: &'a str,
    pub(super) next: String,
    pub(super) mail: bool,
    pub(super) note: Option<String>,
    pub(super) problem: Option<String>,
}

/// The code.
#[derive(Template)]
#[template(path = "sign_in/code.html")]
pub(super) struct CodePage<'a> {
    pub(super) page: &'a Page,
    pub(super) next: String,
    pub(super) problem: Option<String>,
}

/// Asking for a link.
#[derive(Template)]
#[template(path = "sign_in/forgotten.html")]
pub(super) struct ForgottenPage<'a> {
    pub(super) page: &'a Page,
    pub(super) sent: bool,
    pub(super) mail: bool,
}

pub(super) async fn sign_in(
    State(app): State<App>,
    page: Page,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    let next = own_path(&asked.next);
    if page.person.is_some() {
        return Ok(Redirect::to(&next).into_response());
    }
    let note = (!asked.out.is_empty()).then(|| page.words.say("signed-out"));
    let mail = app.config.mail.is_sent();
    page.show(StatusCode::OK, &SignInPage { page: &page, name: "", next, mail, note, problem: None })
}

pub(super) async fn code(
    State(app): State<App>,
    page: Page,
    session: Session,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    if half_way(&app, &session).await?.is_none() {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    page.show(StatusCode::OK, &CodePage { page: &page, next: own_path(&asked.next), problem: None })
}

pub(super) async fn forgotten(State(app): State<App>, page: Page) -> Result<Response, WebError> {
    page.show(StatusCode::OK, &ForgottenPage { page: &page, sent: false, mail: app.config.mail.is_sent() })
}
