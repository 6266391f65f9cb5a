//! Asking for an archive, and giving it up.

use std::ops::RangeInclusive;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Redirect;
use pappus_engine::requests::{Asked, NewRequest, QUEUE};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::app::App;
use crate::board::Closing;
use crate::error::WebError;
use crate::pages::{CheckedForm, Page};
use crate::sessions::{Person, SignedIn};

/// Archives a person may ask for within [`WITHIN`].
const MANY: i64 = 10;
/// Who asks for more has to wait.
const WITHIN: Duration = Duration::from_hours(1);
/// How long.
const WAIT: u64 = 600;
/// Characters of a passphrase: a shorter one protects nothing, and a longer one is none.
pub(crate) const PASSPHRASE: RangeInclusive<usize> = 10..=1000;

/// What is asked for.
#[derive(Deserialize)]
pub(super) struct Wish {
    #[serde(default)]
    passphrase: String,
    #[serde(default)]
    again: String,
    /// A box that is ticked.
    mail: Option<String>,
}

/// Asks for an archive.
pub(super) async fn ask(
    State(app): State<App>,
    SignedIn(person): SignedIn,
    page: Page,
    CheckedForm(wish): CheckedForm<Wish>,
) -> Result<Redirect, WebError> {
    let (passphrase, again) = (Zeroizing::new(wish.passphrase), Zeroizing::new(wish.again));
    if *passphrase != *again {
        return Ok(Redirect::to("/archive?problem=different#protect"));
    }
    if !passphrase.is_empty() && !PASSPHRASE.contains(&passphrase.chars().count()) {
        return Ok(Redirect::to("/archive?problem=short#protect"));
    }
    let passphrase = Some(passphrase.as_str()).filter(|passphrase| !passphrase.is_empty());
    request_own(&app, &person, passphrase, wish.mail.is_some(), page.words.code()).await?;
    Ok(Redirect::to("/archive"))
}

/// What the page and the API do when somebody asks for their own archive.
pub(crate) async fn request_own(
    app: &App,
    person: &Person,
    key_passphrase: Option<&str>,
    mail: bool,
    language: &str,
) -> Result<Asked, WebError> {
    if !Closing::stage(app).await?.takes_requests() {
        return Err(WebError::Conflict("the pod is off: no more archives are made".to_owned()));
    }
    request(app, person, key_passphrase, mail, language).await
}

/// Has an archive made: for oneself, or by the podmin, who may in every stage.
pub(crate) async fn request(
    app: &App,
    person: &Person,
    key_passphrase: Option<&str>,
    mail: bool,
    language: &str,
) -> Result<Asked, WebError> {
    if app.config.pod.is_none() {
        return Err(WebError::Conflict("the pod is gone: no more archives are made".to_owned()));
    }
    let portal = &app.portal;
    if portal.requests.open(person.user_id).await?.is_none()
        && portal.requests.recent(person.user_id, WITHIN).await? >= MANY
    {
        return Err(WebError::TooMany { seconds: WAIT });
    }
    let new = NewRequest {
        user_id: person.user_id,
        username: &person.username,
        account: &person.account,
        key_passphrase,
        mail,
        language,
    };
    let asked = portal.requests.ask(&new, &app.keys, app.now().into()).await?;
    if let Asked::New(request) = &asked {
        // What does not get into the queue now is pushed by the next look.
        if portal.jobs.push(QUEUE, request.id).await.is_ok() {
            portal.requests.pushed(request.id).await?;
        }
    }
    Ok(asked)
}

/// Gives a request up.
pub(super) async fn cancel(
    State(app): State<App>,
    SignedIn(person): SignedIn,
    Path(id): Path<i64>,
    CheckedForm(()): CheckedForm<()>,
) -> Result<Redirect, WebError> {
    app.portal.requests.of(person.user_id, id).await?.ok_or(WebError::NotFound)?;
    // When it is over already, the page shows it.
    app.portal.requests.cancel(person.user_id, id).await?;
    Ok(Redirect::to("/archive"))
}
