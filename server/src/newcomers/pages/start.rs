//! Starting a move, returning through the private link, and cancelling.

use askama::Template;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Redirect, Response};
use pappus_engine::arrivals::{NewNewcomer, Newcomer, Start, State};
use serde::Deserialize;

use crate::app::App;
use crate::config::Admission;
use crate::error::WebError;
use crate::newcomers::auth::{CurrentNewcomer, set_cookie};
use crate::newcomers::tus;
use crate::pages::{CheckedForm, Confirmation, Moment, Page, Question, Questions};
use crate::security::Address;
use crate::words::Words;

/// The form to start a move.
#[derive(Deserialize)]
pub(in crate::newcomers) struct StartForm {
    #[serde(default)]
    invitation: String,
}

/// The result of starting a move.
pub(in crate::newcomers) enum Begun {
    /// Started, with this secret.
    Secret(String),
    /// New moves are not allowed.
    Closed,
    /// Too many have started today: in total, or from this IP address.
    TooMany,
    /// The invitation is unknown or used up.
    Invitation,
}

/// Starts a move if allowed.
pub(in crate::newcomers) async fn start(
    app: &App,
    address: Address,
    invitation: &str,
    language: &str,
) -> Result<Begun, WebError> {
    crate::newcomers::is_there(app)?;
    let (section, table, now) = (&app.config.newcomers, &app.newcomers.table, app.now_millis());
    if section.admission == Admission::Closed {
        return Ok(Begun::Closed);
    }
    let address = address.subject().to_string();
    let start = limited(app, &address);
    // Uses the invitation in the same transaction: only if the move starts.
    let mut transaction = app.store.begin().await?;
    let invitation = if section.admission == Admission::Invitation {
        let Some(invitation) =
            app.newcomers.invitations.take(&mut transaction, invitation.trim(), now).await?
        else {
            return Ok(Begun::Invitation);
        };
        Some(invitation)
    } else {
        None
    };
    let who = NewNewcomer { language, invitation, start };
    let Some(secret) = table.begin(&mut transaction, &who, now, crate::newcomers::link_lifetime(app)).await?
    else {
        return Ok(Begun::TooMany);
    };
    transaction.commit().await?;
    Ok(Begun::Secret(secret))
}

/// Returns the limits on a start from this IP address.
fn limited<'a>(app: &App, address: &'a str) -> Start<'a> {
    let section = &app.config.newcomers;
    Start { address, per_day: section.per_day, per_address: section.per_address }
}

/// Starts a move, and sets the secret as a cookie.
pub(in crate::newcomers) async fn begin(
    Shared(app): Shared<App>,
    page: Page,
    address: Address,
    CheckedForm(beginning): CheckedForm<StartForm>,
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
    begun: Moment,
    account: Option<String>,
}

/// The target of the private link: asks first, since a stranger's link would give them the uploaded archive.
pub(in crate::newcomers) async fn link(
    Shared(app): Shared<App>,
    page: Page,
    Path(secret): Path<String>,
) -> Result<Response, WebError> {
    let newcomer = app.newcomers.table.with_secret(&secret).await?.ok_or(WebError::NotFound)?;
    let begun = page.moment(newcomer.begun_at);
    page.show(
        StatusCode::OK,
        &BackPage { page: &page, secret: &secret, begun, account: newcomer.old_account },
    )
}

/// Sets the secret as a cookie again.
pub(in crate::newcomers) async fn back(
    Shared(app): Shared<App>,
    Path(secret): Path<String>,
    CheckedForm(()): CheckedForm<()>,
) -> Result<Response, WebError> {
    app.newcomers.table.with_secret(&secret).await?.ok_or(WebError::NotFound)?;
    let cookie = set_cookie(&app, Some(&secret))?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/newcomers")).into_response())
}

/// Cancels a move while there is nothing to undo; uploads are deleted. Asks for confirmation if there are any.
pub(in crate::newcomers) async fn leave(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    page: Page,
    questions: Questions,
    CheckedForm(confirmation): CheckedForm<Confirmation>,
) -> Result<Response, WebError> {
    let uploads =
        if newcomer.state.has_uploads() { tus::uploads(&app, newcomer.id).await? } else { Vec::new() };
    if !uploads.is_empty() && !questions.is_confirmed(confirmation.confirmed.as_deref()).await? {
        let words = &page.words;
        let question = Question {
            title: words.say("newcomers-leave-sure"),
            texts: vec![deleted(words, &uploads), words.say("newcomers-leave-text")],
            button: words.say("newcomers-leave-yes"),
            action: "/newcomers/leave".to_owned(),
            back: "/newcomers".to_owned(),
            ..Question::default()
        };
        return questions.ask(&page, question).await;
    }
    end(&app, &newcomer).await?;
    let cookie = set_cookie(&app, None)?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/newcomers?left=yes")).into_response())
}

/// Cancels a move; a finished one does not change.
pub(in crate::newcomers) async fn end(app: &App, newcomer: &Newcomer) -> Result<(), WebError> {
    let over = !newcomer.state.is_work() && !newcomer.state.can_undo();
    if newcomer.state.can_leave() {
        app.newcomers.table.leave(newcomer.id, app.now_millis()).await?;
        tus::end_all(app, newcomer.id).await?;
    } else if !over {
        return Err(WebError::Conflict("something is being done just now, or can be undone".to_owned()));
    }
    Ok(())
}

/// Describes the number and size of the uploads to be deleted.
fn deleted(words: &Words, uploads: &[tus::Begun]) -> String {
    let bytes = uploads.iter().map(|upload| upload.here).sum();
    let count = uploads.len();
    words.with("newcomers-deletes", vec![("count", count.into()), ("size", words.size(bytes).into())])
}

/// Deletes incomplete uploads; asks for confirmation.
pub(in crate::newcomers) async fn end_uploads(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    page: Page,
    questions: Questions,
    CheckedForm(confirmation): CheckedForm<Confirmation>,
) -> Result<Response, WebError> {
    let uploads = tus::unfinished(&app, newcomer.id).await?;
    if !uploads.is_empty() && !questions.is_confirmed(confirmation.confirmed.as_deref()).await? {
        let words = &page.words;
        let question = Question {
            title: words.say("newcomers-end-uploads-sure"),
            texts: vec![deleted(words, &uploads)],
            button: words.say("newcomers-end-uploads-yes"),
            action: "/newcomers/uploads/end".to_owned(),
            back: "/newcomers".to_owned(),
            ..Question::default()
        };
        return questions.ask(&page, question).await;
    }
    if newcomer.state.takes_files() {
        tus::end_all(&app, newcomer.id).await?;
    }
    Ok(Redirect::to("/newcomers").into_response())
}

/// Redirects the address of a submitted form to the page when it is reloaded.
pub(in crate::newcomers) async fn to_the_page() -> Redirect {
    Redirect::to("/newcomers")
}

/// Starts again after a move was undone, with the same secret; that counts as one more start from the IP address.
pub(in crate::newcomers) async fn restart(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    address: Address,
    CheckedForm(()): CheckedForm<()>,
) -> Result<Redirect, WebError> {
    let (room, id) = (&app.newcomers, newcomer.id);
    if newcomer.state == State::Undone {
        // Removes the previous move's files first; otherwise the next sweep of unneeded files would remove new ones.
        let files = room.files.clone();
        let removing = tokio::task::spawn_blocking(move || files.remove_all(id)).await;
        let removed = removing.map_err(|error| WebError::Internal(error.to_string()))?;
        removed.map_err(|error| WebError::Unavailable(format!("old uploads cannot be removed: {error}")))?;
        room.space.release_all(id).await?;
        let address = address.subject().to_string();
        let (start, good_for) = (limited(&app, &address), crate::newcomers::link_lifetime(&app));
        if !room.table.restart(id, &start, app.now_millis(), good_for).await? {
            return Ok(Redirect::to("/newcomers?problem=too-many"));
        }
    }
    Ok(Redirect::to("/newcomers"))
}
