//! The board's page "Trusted pods": pod keys that prove the archives of their own people.

use askama::Template;
use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use pappus_engine::arrivals::TrustedPod;
use pappus_engine::import::{InvalidPin, PodPin};
use serde::Deserialize;

use crate::app::App;
use crate::board::shared::Actor;
use crate::error::{WebError, keep_body};
use crate::newcomers::key_comparison::groups;
use crate::newcomers::trusted_pods::{self, AddError};
use crate::pages::{CheckedForm, Confirmation, FieldProblems, Moment, Page, Question, Questions};
use crate::sessions::Podmin;

/// The path of the page.
const PAGE: &str = "/board/trusted-pods";

#[derive(Template)]
#[template(path = "newcomers/trusted_pods.html")]
struct TrustedPodsPage<'a> {
    page: &'a Page,
    added: Vec<KeyRow>,
    /// The keys of the configuration: host, and groups of digits.
    configured: Vec<(String, Vec<String>)>,
    host: String,
    fingerprint: String,
    problems: FieldProblems,
}

/// A key that was added on the board.
struct KeyRow {
    id: i64,
    host: String,
    /// The fingerprint in groups that are easy to compare.
    digits: Vec<String>,
    added_by: String,
    added_at: Moment,
}

/// The form as typed; links from the queue prefill it.
#[derive(Deserialize)]
pub(in crate::newcomers) struct PinForm {
    #[serde(default)]
    host: String,
    #[serde(default)]
    fingerprint: String,
}

/// Shows the keys and the form.
pub(in crate::newcomers) async fn show(
    Shared(app): Shared<App>,
    _: Podmin,
    page: Page,
    Query(form): Query<PinForm>,
) -> Result<Response, WebError> {
    present(&app, &page, form, FieldProblems::default()).await
}

async fn present(
    app: &App,
    page: &Page,
    form: PinForm,
    problems: FieldProblems,
) -> Result<Response, WebError> {
    let (configured, added) = trusted_pods::list(app).await?;
    let row = |trusted: TrustedPod| KeyRow {
        id: trusted.id,
        digits: groups(&trusted.pin.fingerprint),
        host: trusted.pin.host,
        added_by: trusted.added_by,
        added_at: page.moment(trusted.added_at),
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let template = TrustedPodsPage {
        page,
        added: added.into_iter().map(row).collect(),
        configured: configured
            .into_iter()
            .map(|PodPin { host, fingerprint }| (host, groups(&fingerprint)))
            .collect(),
        host: form.host,
        fingerprint: form.fingerprint,
        problems,
    };
    Ok(keep_body(page.show(status, &template)?))
}

/// Trusts a key.
pub(in crate::newcomers) async fn add(
    Shared(app): Shared<App>,
    actor: Actor,
    page: Page,
    CheckedForm(form): CheckedForm<PinForm>,
) -> Result<Response, WebError> {
    let (field, text) = match trusted_pods::add(&app, &actor, &form.host, &form.fingerprint).await {
        Ok(_) => return Ok(Redirect::to(&format!("{PAGE}?done=pod-trusted")).into_response()),
        Err(AddError::Invalid(InvalidPin::Host)) => ("host", "trusted-pods-host-wrong"),
        Err(AddError::Invalid(InvalidPin::Fingerprint)) => ("fingerprint", "trusted-pods-fingerprint-wrong"),
        Err(AddError::Known) => ("host", "trusted-pods-known"),
        Err(AddError::Failed(error)) => return Err(error),
    };
    let problems = FieldProblems::one(field, page.words.say(text));
    present(&app, &page, form, problems).await
}

/// Stops trusting a key; asks for confirmation, with the number of moves that only this key proves.
pub(in crate::newcomers) async fn remove(
    Shared(app): Shared<App>,
    actor: Actor,
    page: Page,
    questions: Questions,
    Path(id): Path<i64>,
    CheckedForm(confirmation): CheckedForm<Confirmation>,
) -> Result<Response, WebError> {
    // Removing twice is harmless.
    let Some((trusted, moves)) = trusted_pods::by_id(&app, id).await? else {
        return Ok(Redirect::to(PAGE).into_response());
    };
    if !questions.is_confirmed(confirmation.confirmed.as_deref()).await? {
        let words = &page.words;
        let PodPin { host, fingerprint } = trusted.pin;
        let values = vec![("host", host.into()), ("fingerprint", fingerprint.into())];
        let question = Question {
            title: words.say("trusted-pods-remove-sure"),
            texts: vec![
                words.with("trusted-pods-remove-text", values),
                words.one("trusted-pods-remove-numbers", "count", moves),
            ],
            button: words.say("trusted-pods-remove"),
            action: format!("{PAGE}/{id}"),
            back: PAGE.to_owned(),
            ..Question::default()
        };
        return questions.ask(&page, question).await;
    }
    trusted_pods::remove(&app, &actor, id).await?;
    Ok(Redirect::to(&format!("{PAGE}?done=pod-not-trusted")).into_response())
}

/// Returns the address of the page with the form filled in.
pub(in crate::newcomers) fn prefilled_url(host: &str, fingerprint: &str) -> String {
    let pairs = [("host", host), ("fingerprint", fingerprint)];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{PAGE}?{query}")
}
