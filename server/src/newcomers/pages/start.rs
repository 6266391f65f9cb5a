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
pub(in crate::newcomers) enum StartOutcome {
    /// Started, with this secret.
    Started(String),
    /// New moves are not allowed.
    Closed,
    /// Too many have started today: in total, or from this IP address.
    TooMany,
    /// The invitation is unknown or used up.
    InvalidInvitation,
}

/// Starts a move if allowed.
pub(in crate::newcomers) async fn start(
    app: &App,
    address: Address,
    invitation: &str,
    language: &str,
) -> Result<StartOutcome, WebError> {
    crate::newcomers::require_enabled(app)?;
    let (section, table, now) = (&app.config.newcomers, &app.newcomers.table, app.now_millis());
    if section.admission == Admission::Closed {
        return Ok(StartOutcome::Closed);
    }
    let address = address.subject().to_string();
    let start = start_limits(app, &address);
    // In the same transaction, so that the invitation is used only if the move starts.
    let mut transaction = app.store.begin().await?;
    let invitation = if section.admission == Admission::Invitation {
        let Some(invitation) =
            app.newcomers.invitations.redeem(&mut transaction, invitation.trim(), now).await?
        else {
            return Ok(StartOutcome::InvalidInvitation);
        };
        Some(invitation)
    } else {
        None
    };
    let newcomer = NewNewcomer { language, invitation, start };
    let Some(secret) =
        table.begin(&mut transaction, &newcomer, now, crate::newcomers::link_lifetime(app)).await?
    else {
        return Ok(StartOutcome::TooMany);
    };
    transaction.commit().await?;
    Ok(StartOutcome::Started(secret))
}

/// Returns the limits on a start from this IP address.
fn start_limits<'a>(app: &App, address: &'a str) -> Start<'a> {
    let section = &app.config.newcomers;
    Start { address, per_day: section.per_day, per_address: section.per_address }
}

/// Starts a move, and sets the secret as a cookie.
pub(in crate::newcomers) async fn begin(
    Shared(app): Shared<App>,
    page: Page,
    address: Address,
    CheckedForm(form): CheckedForm<StartForm>,
) -> Result<Response, WebError> {
    let target = match start(&app, address, &form.invitation, page.words.code()).await? {
        StartOutcome::Started(secret) => {
            let cookie = set_cookie(&app, Some(&secret))?;
            return Ok(([(SET_COOKIE, cookie)], Redirect::to("/newcomers")).into_response());
        }
        StartOutcome::Closed => "/newcomers",
        StartOutcome::TooMany => "/newcomers?problem=too-many",
        StartOutcome::InvalidInvitation => "/newcomers?problem=invitation",
    };
    Ok(Redirect::to(target).into_response())
}

#[derive(Template)]
#[template(path = "newcomers/back.html")]
struct PrivateLinkPage<'a> {
    page: &'a Page,
    secret: &'a str,
    begun_at: Moment,
    account: Option<String>,
}

/// Shows the target of the private link: asks first, since a stranger's link would give them the uploaded archive.
pub(in crate::newcomers) async fn private_link(
    Shared(app): Shared<App>,
    page: Page,
    Path(secret): Path<String>,
) -> Result<Response, WebError> {
    let newcomer = app.newcomers.table.with_secret(&secret).await?.ok_or(WebError::NotFound)?;
    let begun_at = page.moment(newcomer.begun_at);
    page.show(
        StatusCode::OK,
        &PrivateLinkPage { page: &page, secret: &secret, begun_at, account: newcomer.old_account },
    )
}

/// Sets the secret as a cookie again.
pub(in crate::newcomers) async fn resume(
    Shared(app): Shared<App>,
    Path(secret): Path<String>,
    CheckedForm(()): CheckedForm<()>,
) -> Result<Response, WebError> {
    app.newcomers.table.with_secret(&secret).await?.ok_or(WebError::NotFound)?;
    let cookie = set_cookie(&app, Some(&secret))?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/newcomers")).into_response())
}

/// Cancels a move while there is nothing to undo; a check ends, and uploads are deleted. Asks for confirmation if there
/// are any.
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
            texts: vec![describe_deletion(words, &uploads), words.say("newcomers-leave-text")],
            button: words.say("newcomers-leave-yes"),
            action: "/newcomers/leave".to_owned(),
            back: "/newcomers".to_owned(),
            ..Question::default()
        };
        return questions.ask(&page, question).await;
    }
    cancel(&app, &newcomer).await?;
    let cookie = set_cookie(&app, None)?;
    // The account of a finished move stays on the pod.
    let left = if newcomer.state == State::Announced { "finished" } else { "yes" };
    Ok(([(SET_COOKIE, cookie)], Redirect::to(&format!("/newcomers?left={left}"))).into_response())
}

/// Cancels a move; a finished one does not change.
///
/// # Errors
/// [`WebError::Conflict`] for a move in progress, also one that the podmin has approved since `newcomer` was read. Its
/// uploads stay.
pub(in crate::newcomers) async fn cancel(app: &App, newcomer: &Newcomer) -> Result<(), WebError> {
    let is_over = !newcomer.state.is_work() && !newcomer.state.can_undo() && !newcomer.state.can_leave();
    if newcomer.state.can_leave() && app.newcomers.table.leave(newcomer, app.now_millis()).await? {
        tus::end_all(app, newcomer.id).await?;
    } else if !is_over {
        return Err(WebError::Conflict("the move is in progress, or it can be undone instead".to_owned()));
    }
    Ok(())
}

/// Describes the number and size of the uploads to be deleted.
fn describe_deletion(words: &Words, uploads: &[tus::NewcomerFile]) -> String {
    let bytes = uploads.iter().map(|upload| upload.received).sum();
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
            texts: vec![describe_deletion(words, &uploads)],
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
pub(in crate::newcomers) async fn redirect_to_page() -> Redirect {
    Redirect::to("/newcomers")
}

/// Starts again after a move was undone, with the same secret; that counts as one more start from the IP address.
pub(in crate::newcomers) async fn restart(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    address: Address,
    CheckedForm(()): CheckedForm<()>,
) -> Result<Redirect, WebError> {
    let (newcomers, id) = (&app.newcomers, newcomer.id);
    if newcomer.state == State::Undone {
        // Removes the previous move's files first; otherwise the next sweep of unneeded files would remove new ones.
        let files = newcomers.files.clone();
        let removing = tokio::task::spawn_blocking(move || files.remove_all(id)).await;
        let removed = removing.map_err(|error| WebError::Internal(error.to_string()))?;
        removed.map_err(|error| WebError::Unavailable(format!("old uploads cannot be removed: {error}")))?;
        newcomers.space.release_all(id).await?;
        let address = address.subject().to_string();
        let (start, lifetime) = (start_limits(&app, &address), crate::newcomers::link_lifetime(&app));
        if !newcomers.table.restart(id, &start, app.now_millis(), lifetime).await? {
            return Ok(Redirect::to("/newcomers?problem=too-many"));
        }
    }
    Ok(Redirect::to("/newcomers"))
}
