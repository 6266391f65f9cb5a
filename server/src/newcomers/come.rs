//! Beginning, coming back with the link that was kept, and leaving.

use askama::Template;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::enter::{Mine, set_cookie};
use super::invitations;
use super::records::Newcomer;
use super::table::Beginner;
use super::tus;
use crate::app::App;
use crate::config::Admission;
use crate::error::WebError;
use crate::pages::{CheckedForm, Page};
use crate::security::Address;

/// How somebody begins.
#[derive(Deserialize)]
pub(super) struct Beginning {
    #[serde(default)]
    invitation: String,
}

/// What becomes of somebody who wants to begin.
pub(super) enum Begun {
    /// They have; this is their secret.
    Secret(String),
    /// Nobody new may come.
    Closed,
    /// Too many have today: all together, or from there.
    TooMany,
    /// The invitation is not known, or used up.
    Invitation,
}

/// Begins, when that is allowed.
pub(super) async fn start(
    app: &App,
    address: Address,
    invitation: &str,
    language: &str,
) -> Result<Begun, WebError> {
    super::is_there(app)?;
    let (section, table, now) = (&app.config.newcomers, &app.newcomers.table, app.now_millis());
    if section.admission == Admission::Closed {
        return Ok(Begun::Closed);
    }
    let address = address.subject().to_string();
    // An invitation is used when somebody has begun with it, not before.
    let mut transaction = app.store.begin().await?;
    let invitation = if section.admission == Admission::Invitation {
        let Some(invitation) = invitations::take(app, &mut transaction, invitation.trim()).await? else {
            return Ok(Begun::Invitation);
        };
        Some(invitation)
    } else {
        None
    };
    let (per_day, per_address) = (section.per_day, section.per_address);
    let who = Beginner { language, address: &address, invitation, per_day, per_address };
    let Some(secret) = table.begin(&mut transaction, &who, now, super::good_for(app)).await? else {
        return Ok(Begun::TooMany);
    };
    transaction.commit().await?;
    Ok(Begun::Secret(secret))
}

/// Begins, and gives the browser its secret.
pub(super) async fn begin(
    Shared(app): Shared<App>,
    page: Page,
    address: Address,
    CheckedForm(beginning): CheckedForm<Beginning>,
) -> Result<Response, WebError> {
    let place = match start(&app, address, &beginning.invitation, page.words.code()).await? {
        Begun::Secret(secret) => {
            let cookie = set_cookie(&app, Some(&secret))?;
            return Ok(([(SET_COOKIE, cookie)], Redirect::to("/newcomers")).into_response());
        }
        Begun::Closed => "/newcomers",
        Begun::TooMany => "/newcomers?problem=too-many",
        Begun::Invitation => "/newcomers?problem=invitation",
    };
    Ok(Redirect::to(place).into_response())
}

#[derive(Template)]
#[template(path = "newcomers/back.html")]
struct BackPage<'a> {
    page: &'a Page,
    secret: &'a str,
    begun: String,
    account: Option<String>,
}

/// What the link leads to: a question first, for whoever follows a stranger's link would hand their archive to them.
pub(super) async fn link(
    Shared(app): Shared<App>,
    page: Page,
    Path(secret): Path<String>,
) -> Result<Response, WebError> {
    let newcomer = app.newcomers.table.with_secret(&secret).await?.ok_or(WebError::NotFound)?;
    let begun = page.words.moment(newcomer.begun_at);
    page.show(
        StatusCode::OK,
        &BackPage { page: &page, secret: &secret, begun, account: newcomer.old_account },
    )
}

/// Gives the browser the secret again.
pub(super) async fn back(
    Shared(app): Shared<App>,
    Path(secret): Path<String>,
    CheckedForm(()): CheckedForm<()>,
) -> Result<Response, WebError> {
    app.newcomers.table.with_secret(&secret).await?.ok_or(WebError::NotFound)?;
    let cookie = set_cookie(&app, Some(&secret))?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/newcomers")).into_response())
}

/// Ends it, as long as there is nothing to take back; what was handed in is deleted.
pub(super) async fn leave(
    Shared(app): Shared<App>,
    Mine(newcomer): Mine,
    CheckedForm(()): CheckedForm<()>,
) -> Result<Response, WebError> {
    end(&app, &newcomer).await?;
    let cookie = set_cookie(&app, None)?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/newcomers?left=yes")).into_response())
}

/// Ends it; what is over stays as it is.
pub(super) async fn end(app: &App, newcomer: &Newcomer) -> Result<(), WebError> {
    let over = !newcomer.state.is_work() && !newcomer.state.can_undo();
    if newcomer.state.can_leave() {
        app.newcomers.table.leave(newcomer.id, app.now_millis()).await?;
        tus::end_all(app, newcomer.id).await?;
    } else if !over {
        return Err(WebError::Conflict("something is being done just now, or can be undone".to_owned()));
    }
    Ok(())
}
