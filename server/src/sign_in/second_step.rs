//! The second step of a sign-in: the code.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use pappus_engine::campaign::SignIn;
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use super::attempts::Guess;
use super::codes::accept;
use super::enter::{account_key, finish};
use super::page::CodePage;
use crate::app::App;
use crate::audit::audit;
use crate::error::WebError;
use crate::pages::{CheckedForm, Page, own_path};
use crate::security::Address;

/// The session key of a person after the first step.
const PENDING_KEY: &str = "half-way";
/// Time limit for the code, in milliseconds.
const CODE_TIMEOUT_MILLIS: i64 = 10 * 60 * 1000;

/// A person whose password was correct, or who used a link.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PendingSignIn {
    user_id: i64,
    first_step: FirstStep,
    /// The account's stamp at the first step, which is void once the password or second factor changes.
    stamp: String,
    /// The time of the first step, in milliseconds since 1970.
    since: i64,
}

/// The first step of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum FirstStep {
    /// Name and password.
    Password,
    /// A link by mail. Its codes are counted separately, so that guesses at passwords and codes do not block the
    /// owner's sign-in by mail.
    Link,
}

/// The form as typed.
#[derive(Deserialize)]
pub(super) struct CodeForm {
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
}

/// Starts the second step, when a code is needed.
pub(super) async fn begin(
    app: &App,
    session: &Session,
    person: &SignIn,
    first_step: FirstStep,
) -> Result<(), WebError> {
    let unavailable = |error: tower_sessions::session::Error| WebError::Unavailable(error.to_string());
    let pending = PendingSignIn {
        user_id: person.user_id,
        first_step,
        stamp: app.sign_in.stamp(person),
        since: app.now_millis(),
    };
    session.clear().await;
    session.cycle_id().await.map_err(unavailable)?;
    session.insert(PENDING_KEY, pending).await.map_err(unavailable)
}

/// Returns the person who has completed the first step.
pub(super) async fn pending(app: &App, session: &Session) -> Result<Option<PendingSignIn>, WebError> {
    let pending: Option<PendingSignIn> =
        session.get(PENDING_KEY).await.map_err(|error| WebError::Unavailable(error.to_string()))?;
    Ok(pending.filter(|pending| app.now_millis() - pending.since < CODE_TIMEOUT_MILLIS))
}

/// Checks the code, and signs in.
pub(super) async fn enter(
    State(app): State<App>,
    page: Page,
    session: Session,
    address: Address,
    CheckedForm(form): CheckedForm<CodeForm>,
) -> Result<Response, WebError> {
    let Some(pending) = pending(&app, &session).await? else {
        return Ok(Redirect::to("/sign-in").into_response());
    };
    let (now, sign_in) = (app.now_millis(), &app.sign_in);
    match pending.first_step {
        FirstStep::Password => sign_in.attempts().count_address(address, now).await?,
        FirstStep::Link => sign_in.attempts().count_link_use(address, now).await?,
    }
    // The account may have been locked or changed since the first step.
    let person = sign_in.accounts().by_row(pending.user_id, now).await?.person();
    let person =
        person.filter(|person| !person.locked && !person.closed && sign_in.stamp(person) == pending.stamp);
    let Some(person) = person else { return Ok(Redirect::to("/sign-in").into_response()) };
    let account = account_key(Some(&person), "");
    let guess = match pending.first_step {
        FirstStep::Password => Guess::Code,
        FirstStep::Link => Guess::CodeAfterLink,
    };
    sign_in.attempts().count_guess(guess, &account, now).await?;
    let is_valid = match &person.second_factor {
        Some(factor) if factor.required => accept(&app, person.user_id, factor, &form.code).await?,
        // Unreachable: the stamp matches only with a required second factor.
        _ => false,
    };
    let next = own_path(&form.next);
    if !is_valid {
        audit(&app, None, "code-failed", Some(&person.account), None, Some(address)).await;
        let problem = Some(page.words.say("code-wrong"));
        let response =
            page.show(StatusCode::UNPROCESSABLE_ENTITY, &CodePage::new(&app, &page, next, problem))?;
        return Ok(crate::error::keep_body(response));
    }
    sign_in.attempts().reset(&account, address).await?;
    finish(&app, &session, &person, address, "sign-in-with-code").await?;
    Ok(Redirect::to(&next).into_response())
}
