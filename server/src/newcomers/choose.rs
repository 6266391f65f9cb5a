//! What newcomers decide: name and password, undoing, announcing at once.

use axum::extract::State as Shared;
use axum::response::{IntoResponse, Redirect, Response};
use pappus_engine::import::{ImportError, check_choice};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::admission;
use super::enter::Mine;
use super::page::{Form, present};
use super::records::{Newcomer, State};
use super::table::Choice;
use super::upload::{seal, seal_text};
use super::work::push_now;
use crate::app::App;
use crate::error::WebError;
use crate::pages::{CheckedForm, Page};

/// diaspora* takes passwords of so many letters.
const LETTERS: std::ops::RangeInclusive<usize> = 6..=128;

/// Name and password.
#[derive(Deserialize)]
pub(super) struct Wish {
    #[serde(default)]
    username: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
    /// A box that is ticked.
    terms: Option<String>,
    /// The passphrase of the key in the archive.
    #[serde(default)]
    key_passphrase: String,
    /// A box that is ticked: the passphrase is lost.
    passphrase_lost: Option<String>,
}

/// Takes name and password, and goes on: to the podmin, or to the import.
pub(super) async fn choose(
    Shared(app): Shared<App>,
    Mine(newcomer): Mine,
    page: Page,
    CheckedForm(wish): CheckedForm<Wish>,
) -> Result<Response, WebError> {
    let (password, again) = (Zeroizing::new(wish.password), Zeroizing::new(wish.again));
    let key_passphrase = Zeroizing::new(wish.key_passphrase);
    if newcomer.state != State::Checked {
        return Ok(Redirect::to("/newcomers").into_response());
    }
    let key = KeyPassphrase::new(&key_passphrase, wish.passphrase_lost.is_some());
    let chosen = Chosen::new(&wish.username, &wish.email, &password, wish.terms.is_some(), key);
    let problem = if *password == *again {
        take(&app, &newcomer, &chosen).await?
    } else {
        Some("newcomers-password-different")
    };
    if let Some(problem) = problem {
        let Chosen { username, email, .. } = chosen;
        let form = Form { username, email, problem: Some(page.words.say(problem)) };
        return present(&app, &page, Some((&newcomer, None)), Some(form), None).await;
    }
    Ok(Redirect::to("/newcomers").into_response())
}

/// What somebody has chosen.
pub(super) struct Chosen<'a> {
    username: String,
    email: String,
    password: &'a str,
    terms: bool,
    key: KeyPassphrase<'a>,
}

impl<'a> Chosen<'a> {
    pub(super) fn new(
        username: &str,
        email: &str,
        password: &'a str,
        terms: bool,
        key: KeyPassphrase<'a>,
    ) -> Self {
        let (username, email) = (username.trim().to_lowercase(), email.trim().to_lowercase());
        Self { username, email, password, terms, key }
    }
}

/// What somebody says of the passphrase of their key; of no use when the key has none.
#[derive(Clone, Copy)]
pub(super) enum KeyPassphrase<'a> {
    /// Nothing.
    Missing,
    /// It is lost: the account comes all the same, and the move is not announced.
    Lost,
    /// This is it.
    Given(&'a str),
}

impl<'a> KeyPassphrase<'a> {
    pub(super) fn new(passphrase: &'a str, is_lost: bool) -> Self {
        match (passphrase, is_lost) {
            ("", false) => Self::Missing,
            ("", true) => Self::Lost,
            (passphrase, _) => Self::Given(passphrase),
        }
    }
}

/// Writes down what somebody has chosen, and goes on with them; or says what is wrong with it, as the key of a text.
pub(super) async fn take(
    app: &App,
    newcomer: &Newcomer,
    chosen: &Chosen<'_>,
) -> Result<Option<&'static str>, WebError> {
    let Chosen { username, email, password, terms, key } = chosen;
    let problem = if !LETTERS.contains(&password.chars().count()) || password.contains('\0') {
        Some("newcomers-password-length")
    } else if app.config.newcomers.terms.is_some() && !terms {
        Some("newcomers-terms-missing")
    } else if newcomer.key_locked && matches!(key, KeyPassphrase::Missing) {
        Some("newcomers-key-passphrase-missing")
    } else {
        taken(app, newcomer, username, email).await?
    };
    if problem.is_some() {
        return Ok(problem);
    }
    let hash = app.sign_in.hash_password(password).await?;
    let hash = seal_text(app, hash.expose()).await?;
    let to = if newcomer.approved == Some(true) {
        State::Importing
    } else {
        admission::next(app.config.newcomers.admission, newcomer.proof.as_deref())
    };
    let sealed = match key {
        KeyPassphrase::Given(passphrase) if newcomer.key_locked => seal(app, passphrase).await?,
        _ => None,
    };
    let choice = Choice { username, email, sealed_password: &hash, key_passphrase: sealed.as_deref(), to };
    if app.newcomers.table.choose(newcomer.id, &choice, app.now_millis()).await? && to == State::Importing {
        push_now(app, newcomer.id).await;
    }
    Ok(None)
}

/// What is wrong with a name or an address, as the key of a text.
async fn taken(
    app: &App,
    newcomer: &Newcomer,
    username: &str,
    email: &str,
) -> Result<Option<&'static str>, WebError> {
    let pod = app.config.pod.as_ref().ok_or(WebError::NotFound)?;
    let old = newcomer.old_account.as_deref().and_then(|old| old.parse().ok()).ok_or(WebError::NotFound)?;
    let choice = (username, Some(email));
    match check_choice(&pod.database, &pod.url, &app.store, &old, &pod.reserved_names, choice).await {
        Ok(()) => Ok(None),
        Err(ImportError::Name(_)) => Ok(Some("newcomers-name-letters")),
        Err(ImportError::Username(..)) => Ok(Some("newcomers-name-taken")),
        Err(ImportError::FormerName(..)) => Ok(Some("newcomers-name-known-elsewhere")),
        Err(ImportError::Email(..)) => Ok(Some("newcomers-email-wrong")),
        Err(error) => Err(WebError::Away(error.to_string())),
    }
}

/// Tries an import again that did not end.
pub(super) async fn again(
    Shared(app): Shared<App>,
    Mine(newcomer): Mine,
    CheckedForm(()): CheckedForm<()>,
) -> Result<Redirect, WebError> {
    act(&app, &newcomer, Act::Again).await?;
    // When it was too late, the page shows how it is.
    Ok(Redirect::to("/newcomers"))
}

/// Takes the account away again, as long as nobody was told.
pub(super) async fn undo(
    Shared(app): Shared<App>,
    Mine(newcomer): Mine,
    CheckedForm(()): CheckedForm<()>,
) -> Result<Redirect, WebError> {
    act(&app, &newcomer, Act::Undo).await?;
    Ok(Redirect::to("/newcomers"))
}

/// What else there is to do.
pub(super) enum Act<'a> {
    /// Trying an import again that did not end.
    Again,
    /// Taking the account away again.
    Undo,
    /// Having everybody told, with the passphrase of the key.
    Announce(&'a str),
}

/// Begins to do something. Says whether it was time for that.
pub(super) async fn act(app: &App, newcomer: &Newcomer, act: Act<'_>) -> Result<bool, WebError> {
    let (table, id, now) = (&app.newcomers.table, newcomer.id, app.now_millis());
    let begun = match act {
        Act::Again => table.work(id, &[State::Failed], State::Importing, now).await?,
        Act::Undo => table.work(id, &[State::Imported, State::Failed], State::Undoing, now).await?,
        Act::Announce(passphrase) => {
            let sealed = seal(app, passphrase).await?;
            table.announce(id, sealed.as_deref(), now).await?
        }
    };
    if begun {
        push_now(app, id).await;
    }
    Ok(begun)
}

/// What opens the key.
#[derive(Deserialize)]
pub(super) struct Announcement {
    #[serde(default)]
    passphrase: String,
}

/// Has everybody told at once, without the rest of the pause. From then on nothing can be undone.
pub(super) async fn announce(
    Shared(app): Shared<App>,
    Mine(newcomer): Mine,
    CheckedForm(announcement): CheckedForm<Announcement>,
) -> Result<Redirect, WebError> {
    let passphrase = Zeroizing::new(announcement.passphrase);
    act(&app, &newcomer, Act::Announce(&passphrase)).await?;
    Ok(Redirect::to("/newcomers"))
}
