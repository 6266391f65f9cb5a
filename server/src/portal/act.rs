//! Requesting an archive, cancelling a request, and deleting an archive.

use std::ops::RangeInclusive;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use pappus_engine::departures::{Asked, MadeArchive, NewRequest, Origin};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::app::App;
use crate::audit::audit;
use crate::board::Closing;
use crate::error::WebError;
use crate::pages::{CheckedForm, Confirmation, Page, Question, Questions};
use crate::sessions::{Person, SignedIn};

/// Maximum number of requests by a person within [`REQUEST_PERIOD`].
const MAX_REQUESTS: i64 = 10;
/// The period in which requests are counted.
const REQUEST_PERIOD: Duration = Duration::from_hours(1);
/// Seconds to wait after too many requests.
const RETRY_SECONDS: u64 = 600;
/// Allowed length of a passphrase in characters: a shorter one protects nothing, a longer one is a mistake.
pub(crate) const PASSPHRASE_CHARS: RangeInclusive<usize> = 10..=1000;

/// The form for a new archive.
#[derive(Deserialize)]
pub(super) struct RequestForm {
    #[serde(default)]
    passphrase: String,
    #[serde(default)]
    again: String,
    /// A checkbox.
    mail: Option<String>,
}

/// Requests an archive.
pub(super) async fn ask(
    State(app): State<App>,
    SignedIn(person): SignedIn,
    page: Page,
    CheckedForm(form): CheckedForm<RequestForm>,
) -> Result<Redirect, WebError> {
    let (passphrase, again) = (Zeroizing::new(form.passphrase), Zeroizing::new(form.again));
    if *passphrase != *again {
        return Ok(Redirect::to("/archive?problem=different"));
    }
    if !passphrase.is_empty() && !PASSPHRASE_CHARS.contains(&passphrase.chars().count()) {
        return Ok(Redirect::to("/archive?problem=short"));
    }
    let passphrase = Some(passphrase.as_str()).filter(|passphrase| !passphrase.is_empty());
    match request_own(&app, &person, passphrase, form.mail.is_some(), page.words.code()).await {
        // The page shows this instead of the form.
        Ok(_) | Err(WebError::TooManyArchives) => Ok(Redirect::to("/archive")),
        Err(error) => Err(error),
    }
}

/// Returns the maximum number of requested archives kept for one account.
pub(super) fn max_archives(app: &App) -> u32 {
    app.config.archives.per_account.max(1)
}

/// Requests a person's own archive, for the page and the API.
pub(crate) async fn request_own(
    app: &App,
    person: &Person,
    key_passphrase: Option<&str>,
    sends_mail: bool,
    language: &str,
) -> Result<Asked, WebError> {
    if !Closing::stage(app).await?.takes_requests() {
        return Err(WebError::Conflict("the pod is off: no more archives are made".to_owned()));
    }
    request(app, person, key_passphrase, sends_mail, language, Some(max_archives(app))).await
}

/// Requests an archive: for oneself, or by the podmin, who can in every stage and without `max_archives`.
pub(crate) async fn request(
    app: &App,
    person: &Person,
    key_passphrase: Option<&str>,
    sends_mail: bool,
    language: &str,
    max_archives: Option<u32>,
) -> Result<Asked, WebError> {
    // No worker would create it.
    if !app.config.closing.enabled {
        return Err(WebError::NotFound);
    }
    if app.config.pod.is_none() {
        return Err(WebError::Conflict("the pod is gone: no more archives are made".to_owned()));
    }
    let portal = &app.portal;
    if portal.requests.open(person.user_id).await?.is_none()
        && portal.requests.recent(person.user_id, REQUEST_PERIOD).await? >= MAX_REQUESTS
    {
        return Err(WebError::TooMany { seconds: RETRY_SECONDS });
    }
    let new_request = NewRequest {
        user_id: person.user_id,
        username: &person.username,
        account: &person.account,
        key_passphrase,
        mail: sends_mail,
        language,
        most: max_archives,
    };
    Ok(portal.requests.ask(&new_request, &app.keys, app.now().into()).await?)
}

/// Cancels a request.
pub(super) async fn cancel(
    State(app): State<App>,
    SignedIn(person): SignedIn,
    Path(id): Path<i64>,
    CheckedForm(()): CheckedForm<()>,
) -> Result<Redirect, WebError> {
    app.portal.requests.of(person.user_id, id).await?.ok_or(WebError::NotFound)?;
    // If it has already ended, the page shows that.
    app.portal.requests.cancel(person.user_id, id).await?;
    Ok(Redirect::to("/archive"))
}

/// Deletes an archive that the person requested; asks for confirmation.
pub(super) async fn delete(
    State(app): State<App>,
    SignedIn(person): SignedIn,
    page: Page,
    questions: Questions,
    Path(name): Path<String>,
    CheckedForm(confirmation): CheckedForm<Confirmation>,
) -> Result<Response, WebError> {
    let archive = super::made::find(&app, &person, &name).await?;
    // Campaigns' archives belong to the podmin: they are on a signed list.
    let Origin::Request(id) = archive.origin else { return Err(WebError::NotFound) };
    if !questions.is_confirmed(confirmation.confirmed.as_deref()).await? {
        return questions.ask(&page, question(&app, &page, &archive).await?).await;
    }
    app.portal.requests.delete(person.user_id, id).await?;
    audit(&app, Some(&person), "archive-deleted", Some(&archive.file_name()), None, None).await;
    // The background work deletes what cannot be deleted now.
    if let Err(error) = app.portal.requests.sweep(&app.depot).await {
        tracing::warn!("a deleted archive is not removed from the depot yet: {error}");
    }
    Ok(Redirect::to("/archive?deleted=yes").into_response())
}

async fn question(app: &App, page: &Page, archive: &MadeArchive) -> Result<Question, WebError> {
    let words = &page.words;
    let number = |count: i64| u64::try_from(count).unwrap_or(0);
    let time = page.moment(archive.created_at);
    let numbers = vec![
        ("time", time.text().into()),
        ("size", words.size(number(archive.bytes)).into()),
        ("count", words.number(number(archive.records)).into()),
    ];
    let mut texts = vec![words.with("archive-delete-numbers", numbers)];
    let can_request = app.config.pod.is_some() && Closing::stage(app).await?.takes_requests();
    texts.push(words.say(if can_request { "archive-delete-again" } else { "archive-delete-last" }));
    Ok(Question {
        title: words.say("archive-delete-sure"),
        texts,
        at: Some(archive.created_at),
        button: words.say("archive-delete"),
        action: format!("/archive/made/{}/delete", archive.origin),
        back: "/archive".to_owned(),
        ..Question::default()
    })
}
