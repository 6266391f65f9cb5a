//! Actions of newcomers: choosing name and password, undoing, announcing immediately.

use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use pappus_engine::arrivals::{Choice, Newcomer, PlanSummary, State, after_choice};
use pappus_engine::import::{ImportError, check_choice};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::app::App;
use crate::config::Admission;
use crate::error::{WebError, keep_body};
use crate::newcomers::auth::{CurrentNewcomer, secret};
use crate::newcomers::key_passphrase::opens_key;
use crate::newcomers::pages::overview::{Form, Message, present};
use crate::newcomers::strength::is_weak;
use crate::newcomers::uploads::form::{seal, seal_text};
use crate::pages::{CheckedForm, Confirmation, Page, Question, Questions};

/// Length of passwords that diaspora* accepts, in characters.
const PASSWORD_LENGTH: std::ops::RangeInclusive<usize> = 6..=128;

/// The form for name and password.
#[derive(Deserialize)]
pub(in crate::newcomers) struct ConfirmForm {
    #[serde(default)]
    username: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
    /// A checkbox.
    terms: Option<String>,
    /// Passphrase of the key in the archive.
    #[serde(default)]
    key_passphrase: String,
    /// A checkbox: the passphrase is lost.
    passphrase_lost: Option<String>,
}

/// Accepts name and password, and continues with approval by the podmin or with the import.
pub(in crate::newcomers) async fn choose(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    page: Page,
    headers: HeaderMap,
    CheckedForm(form): CheckedForm<ConfirmForm>,
) -> Result<Response, WebError> {
    let (password, again) = (Zeroizing::new(form.password), Zeroizing::new(form.again));
    let key_passphrase = Zeroizing::new(form.key_passphrase);
    if newcomer.state != State::Checked {
        return Ok(Redirect::to("/newcomers").into_response());
    }
    let key = KeyPassphrase::new(&key_passphrase, form.passphrase_lost.is_some());
    let choices =
        Choices::new(&form.username, &form.email, &password, form.terms.is_some(), key).with_repeated(&again);
    let problem_keys = submit(&app, &newcomer, &choices).await?;
    if problem_keys.is_empty() {
        return Ok(Redirect::to("/newcomers").into_response());
    }
    let problems = problem_keys.into_iter().map(|key| (field(key), page.words.say(key))).collect();
    let has_accepted_terms = choices.has_accepted_terms;
    let is_passphrase_lost = matches!(choices.key, KeyPassphrase::Lost);
    let Choices { username, email, .. } = choices;
    let form = Form { username, email, has_accepted_terms, is_passphrase_lost, problems };
    let caller = (&newcomer, secret(&app, &headers));
    let mut response = present(&app, &page, Some(caller), Some(form), Message::None).await?;
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(keep_body(response))
}

/// Returns the field that a problem belongs to.
pub(super) fn field(key: &str) -> &'static str {
    match key {
        "newcomers-email-wrong" => "email",
        "newcomers-password-length" | "newcomers-password-easy" => "password",
        "newcomers-password-different" => "again",
        "newcomers-terms-missing" => "terms",
        "newcomers-key-passphrase-missing" | "newcomers-problem-passphrase" => "key-passphrase",
        _ => "username",
    }
}

/// The choices of a newcomer.
pub(in crate::newcomers) struct Choices<'a> {
    username: String,
    email: String,
    password: &'a str,
    /// The repeated password; `None` for API calls.
    repeated_password: Option<&'a str>,
    has_accepted_terms: bool,
    key: KeyPassphrase<'a>,
}

impl<'a> Choices<'a> {
    pub(in crate::newcomers) fn new(
        username: &str,
        email: &str,
        password: &'a str,
        has_accepted_terms: bool,
        key: KeyPassphrase<'a>,
    ) -> Self {
        let (username, email) = (username.trim().to_lowercase(), email.trim().to_lowercase());
        Self { username, email, password, repeated_password: None, has_accepted_terms, key }
    }

    /// Adds the repeated password.
    fn with_repeated(self, repeated_password: &'a str) -> Self {
        Self { repeated_password: Some(repeated_password), ..self }
    }

    /// Returns the problems that need no lookup, as translation keys in the order of the form.
    fn problems(&self, app: &App, newcomer: &Newcomer) -> Vec<&'static str> {
        let (password, mut problems) = (self.password, Vec::new());
        let user_inputs = [
            self.username.as_str(),
            self.email.as_str(),
            newcomer.old_account.as_deref().unwrap_or_default(),
            &app.config.pod_url.diaspora_host(),
            "diaspora",
        ];
        if !PASSWORD_LENGTH.contains(&password.chars().count()) || password.contains('\0') {
            problems.push("newcomers-password-length");
        } else if is_weak(password, &user_inputs) {
            problems.push("newcomers-password-easy");
        }
        if self.repeated_password.is_some_and(|repeated| repeated != password) {
            problems.push("newcomers-password-different");
        }
        if app.config.newcomers.terms.is_some() && !self.has_accepted_terms {
            problems.push("newcomers-terms-missing");
        }
        if newcomer.key_locked && matches!(self.key, KeyPassphrase::Missing) {
            problems.push("newcomers-key-passphrase-missing");
        }
        problems
    }
}

/// The key's passphrase as given; irrelevant if the key has none.
#[derive(Clone, Copy)]
pub(in crate::newcomers) enum KeyPassphrase<'a> {
    /// Not given.
    Missing,
    /// Lost: the account moves without an announcement.
    Lost,
    /// Given.
    Given(&'a str),
}

impl<'a> KeyPassphrase<'a> {
    pub(in crate::newcomers) fn new(passphrase: &'a str, is_lost: bool) -> Self {
        match (passphrase, is_lost) {
            ("", false) => Self::Missing,
            ("", true) => Self::Lost,
            (passphrase, _) => Self::Given(passphrase),
        }
    }
}

/// Records the choices and continues; or returns their problems, as translation keys in the order of the form.
pub(in crate::newcomers) async fn submit(
    app: &App,
    newcomer: &Newcomer,
    choices: &Choices<'_>,
) -> Result<Vec<&'static str>, WebError> {
    let Choices { username, email, password, key, .. } = choices;
    let mut problems: Vec<_> = lookup_problem(app, newcomer, username, email).await?.into_iter().collect();
    problems.extend(choices.problems(app, newcomer));
    // Last, and alone: it may take seconds.
    if problems.is_empty()
        && let KeyPassphrase::Given(passphrase) = key
        && newcomer.key_locked
        && !opens_key(app, newcomer, passphrase).await?
    {
        problems.push("newcomers-problem-passphrase");
    }
    if !problems.is_empty() {
        return Ok(problems);
    }
    let hash = app.sign_in.hash_password(password).await?;
    let hash = seal_text(app, hash.expose()).await?;
    let mail_to = seal_text(app, email).await?;
    let next_state = if newcomer.approved == Some(true) {
        State::Importing
    } else {
        // Those who started while admission was open, or with an invitation, need no approval, unless they cannot open
        // the key: a person who stole the file could not open it either.
        let needs_approval =
            app.config.newcomers.admission == Admission::Approval || lacks_passphrase(newcomer, *key);
        after_choice(needs_approval, newcomer.proof.as_deref())
    };
    let sealed = match key {
        KeyPassphrase::Given(passphrase) if newcomer.key_locked => seal(app, passphrase).await?,
        _ => None,
    };
    let choice = Choice {
        username,
        sealed_password: &hash,
        mail_to: &mail_to,
        key_passphrase: sealed.as_deref(),
        to: next_state,
    };
    if !app.newcomers.table.choose(newcomer, &choice, app.now_millis()).await? {
        if app.newcomers.table.is_name_chosen(newcomer.id, username).await? {
            return Ok(vec!["newcomers-name-taken"]);
        }
        return Err(WebError::Conflict(
            "the move has changed in the meantime, so the choice was not saved".to_owned(),
        ));
    }
    Ok(problems)
}

fn lacks_passphrase(newcomer: &Newcomer, key: KeyPassphrase<'_>) -> bool {
    newcomer.key_locked && matches!(key, KeyPassphrase::Lost)
}

/// Returns the problem of a username or an e-mail address, looked up in the databases, as a translation key.
async fn lookup_problem(
    app: &App,
    newcomer: &Newcomer,
    username: &str,
    email: &str,
) -> Result<Option<&'static str>, WebError> {
    let pod = app.config.pod.as_ref().ok_or(WebError::NotFound)?;
    let old = newcomer.old_account.as_deref().and_then(|old| old.parse().ok()).ok_or(WebError::NotFound)?;
    let choice = (username, Some(email));
    match check_choice(&pod.database, &pod.url, &app.store, &old, &pod.reserved_names, choice).await {
        Ok(()) if app.newcomers.table.is_name_chosen(newcomer.id, username).await? => {
            Ok(Some("newcomers-name-taken"))
        }
        Ok(()) => Ok(None),
        Err(ImportError::Name(_)) => Ok(Some("newcomers-name-letters")),
        Err(ImportError::Username(..)) => Ok(Some("newcomers-name-taken")),
        Err(ImportError::FormerName(..)) => Ok(Some("newcomers-name-known-elsewhere")),
        Err(ImportError::Email(..)) => Ok(Some("newcomers-email-wrong")),
        Err(error) => Err(WebError::Unavailable(error.to_string())),
    }
}

/// Retries a failed import.
pub(in crate::newcomers) async fn retry(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    CheckedForm(()): CheckedForm<()>,
) -> Result<Redirect, WebError> {
    perform(&app, &newcomer, Action::Retry).await?;
    // If it was too late, the page shows the current state.
    Ok(Redirect::to("/newcomers"))
}

/// Undoes the import while no other pod has been notified, or stops it; asks for confirmation first.
pub(in crate::newcomers) async fn undo(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    page: Page,
    questions: Questions,
    CheckedForm(confirmation): CheckedForm<Confirmation>,
) -> Result<Response, WebError> {
    if newcomer.state.can_undo() && !questions.is_confirmed(confirmation.confirmed.as_deref()).await? {
        return questions.ask(&page, undo_question(&app, &page, &newcomer)).await;
    }
    perform(&app, &newcomer, Action::Undo).await?;
    Ok(Redirect::to("/newcomers").into_response())
}

fn undo_question(app: &App, page: &Page, newcomer: &Newcomer) -> Question {
    let words = &page.words;
    if newcomer.state == State::Importing {
        return Question {
            title: words.say("newcomers-stop-sure"),
            texts: vec![words.say("newcomers-stop-explained")],
            button: words.say("newcomers-stop"),
            action: "/newcomers/undo".to_owned(),
            back: "/newcomers".to_owned(),
            ..Question::default()
        };
    }
    let report =
        PlanSummary::read(newcomer.report.as_deref()).or_else(|| PlanSummary::read(newcomer.plan.as_deref()));
    let records: u64 = report.map_or(0, |summary| summary.kinds.values().map(|tally| tally.imported).sum());
    let account = newcomer.new_account(&app.config.pod_url.diaspora_host()).unwrap_or_default();
    let numbers =
        vec![("account", account.into()), ("count", records.into()), ("shown", words.number(records).into())];
    Question {
        title: words.say("newcomers-undo-sure"),
        texts: vec![words.with("newcomers-undo-numbers", numbers), words.say("newcomers-undo-explained")],
        button: words.say("newcomers-undo-yes"),
        action: "/newcomers/undo".to_owned(),
        back: "/newcomers".to_owned(),
        ..Question::default()
    }
}

/// An action on a move after the choice of name and password.
pub(in crate::newcomers) enum Action<'a> {
    /// Retry a failed import.
    Retry,
    /// Undo the import; stop it if it is running.
    Undo,
    /// Announce the move, with the passphrase of the key.
    Announce(&'a str),
}

/// Starts an action. Returns whether the state allowed it.
pub(in crate::newcomers) async fn perform(
    app: &App,
    newcomer: &Newcomer,
    action: Action<'_>,
) -> Result<bool, WebError> {
    let (table, id, now) = (&app.newcomers.table, newcomer.id, app.now_millis());
    Ok(match action {
        // A podmin has stopped the import: it can only be undone.
        Action::Retry if newcomer.approved == Some(false) => false,
        Action::Retry => table.start_step(id, &[State::Failed], State::Importing, now).await?,
        Action::Undo => {
            table.cancel_import(newcomer, now).await?
                || table.start_step(id, &[State::Imported, State::Failed], State::Undoing, now).await?
        }
        Action::Announce(passphrase) => {
            let sealed = seal(app, passphrase).await?;
            table.announce(id, sealed.as_deref(), now).await?
        }
    })
}

/// The passphrase for the announcement.
#[derive(Deserialize)]
pub(in crate::newcomers) struct Announcement {
    #[serde(default)]
    passphrase: String,
}

/// Announces the move immediately, without the rest of the pause. Then it can no longer be undone.
pub(in crate::newcomers) async fn announce(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    CheckedForm(announcement): CheckedForm<Announcement>,
) -> Result<Redirect, WebError> {
    let passphrase = Zeroizing::new(announcement.passphrase);
    perform(&app, &newcomer, Action::Announce(&passphrase)).await?;
    Ok(Redirect::to("/newcomers"))
}
