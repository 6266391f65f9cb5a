//! Sign-in with name and password.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use pappus_engine::campaign::SignIn;
use serde::Deserialize;
use tower_sessions::Session;

use super::attempts::Guess;
use super::page::SignInPage;
use super::second_step::{FirstStep, begin};
use crate::app::App;
use crate::audit::audit;
use crate::error::WebError;
use crate::pages::{CheckedForm, Page, own_path};
use crate::security::Address;
use crate::sessions::Person;

/// The form as typed.
#[derive(Deserialize)]
pub(super) struct SignInForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

/// Checks name and password; then signs in, or asks for a code.
pub(super) async fn enter(
    State(app): State<App>,
    page: Page,
    session: Session,
    address: Address,
    CheckedForm(form): CheckedForm<SignInForm>,
) -> Result<Response, WebError> {
    let (now, sign_in) = (app.now_millis(), &app.sign_in);
    sign_in.attempts().count_address(address, now).await?;
    let person = sign_in.accounts().find(&form.name, now).await?;
    // All names of an account count under one key, and unknown names are counted too. Above the limit, the response
    // is that for a wrong password, after the same work: otherwise it would reveal which names belong to the same
    // account.
    let account = account_key(person.as_ref(), &form.name);
    let is_allowed = sign_in.attempts().is_allowed(Guess::Password, &account, now).await?;
    let hash = person.as_ref().map(|person| &person.password_hash);
    let matches = sign_in.passwords().verify(&form.password, hash).await? && is_allowed;
    let account_name = person.as_ref().map(|person| person.account.clone());
    let Some(person) = person.filter(|_| matches) else {
        // An unknown name is not logged: it may be a password typed in the wrong field.
        let act = if is_allowed { "sign-in-failed" } else { "sign-in-too-often" };
        audit(&app, None, act, account_name.as_deref(), None, Some(address)).await;
        return refuse(&app, &page, &form, "sign-in-wrong").await;
    };
    if person.closed || person.locked {
        audit(&app, None, "sign-in-refused", Some(&person.account), None, Some(address)).await;
        let key = if person.closed { "sign-in-closed" } else { "sign-in-locked" };
        return refuse(&app, &page, &form, key).await;
    }
    let next = own_path(&form.next);
    if needs_code(&person) {
        begin(&app, &session, &person, FirstStep::Password).await?;
        let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        return Ok(Redirect::to(&format!("/sign-in/code?next={next}")).into_response());
    }
    sign_in.attempts().reset(&account, address).await?;
    finish(&app, &session, &person, address, "sign-in").await?;
    Ok(Redirect::to(&next).into_response())
}

/// Returns the key under which an account's attempts are counted.
pub(super) fn account_key(person: Option<&SignIn>, name: &str) -> String {
    person.map_or_else(
        || format!("name {}", name.trim().to_lowercase()),
        |person| format!("user {}", person.user_id),
    )
}

/// Returns whether an account needs a code to sign in.
pub(super) fn needs_code(person: &SignIn) -> bool {
    person.second_factor.as_ref().is_some_and(|factor| factor.required)
}

/// Completes the sign-in.
pub(super) async fn finish(
    app: &App,
    session: &Session,
    person: &SignIn,
    address: Address,
    act: &'static str,
) -> Result<(), WebError> {
    let signed_in = Person {
        user_id: person.user_id,
        username: person.username.clone(),
        account: person.account.clone(),
        is_podmin: person.admin,
        stamp: app.sign_in.stamp(person),
    };
    crate::sessions::sign_in(session, &signed_in)
        .await
        .map_err(|error| WebError::Unavailable(error.to_string()))?;
    app.sign_in.cache_valid(&signed_in, app.now_millis());
    audit(app, Some(&signed_in), act, None, None, Some(address)).await;
    Ok(())
}

async fn refuse(app: &App, page: &Page, form: &SignInForm, key: &str) -> Result<Response, WebError> {
    let problem = Some(page.words.say(key));
    let base = SignInPage::new(app, page, form.name.as_str(), own_path(&form.next)).await;
    let link_help = (key == "sign-in-wrong").then(|| page.words.say("sign-in-forgotten-helps"));
    let sign_in_page = SignInPage { problem, link_help, ..base };
    let response = page.show(StatusCode::UNPROCESSABLE_ENTITY, &sign_in_page)?;
    Ok(crate::error::keep_body(response))
}
