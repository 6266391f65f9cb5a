//! The code, after the password was right.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use pappus_engine::campaign::SignIn;
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use super::codes::accept;
use super::enter::{account_key, finish};
use super::page::CodePage;
use crate::app::App;
use crate::audit::audit;
use crate::error::WebError;
use crate::pages::{CheckedForm, Page, own_path};
use crate::security::Address;

/// Under what name the session holds who is half-way in.
const HALF_WAY: &str = "half-way";
/// How long the code may take, in milliseconds.
const PATIENCE: i64 = 10 * 60 * 1000;

/// Somebody whose password was right.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct HalfWay {
    user_id: i64,
    username: String,
    since: i64,
}

/// What people type.
#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
}

/// The password was right, and a code is needed.
pub(super) async fn begin(session: &Session, person: &SignIn, now: i64) -> Result<(), WebError> {
    let away = |error: tower_sessions::session::Error| WebError::Away(error.to_string());
    let half_way = HalfWay { user_id: person.user_id, username: person.username.clone(), since: now };
    session.clear().await;
    session.cycle_id().await.map_err(away)?;
    session.insert(HALF_WAY, half_way).await.map_err(away)
}

/// Who is half-way in.
pub(super) async fn half_way(app: &App, session: &Session) -> Result<Option<HalfWay>, WebError> {
    let found: Option<HalfWay> =
        session.get(HALF_WAY).await.map_err(|error| WebError::Away(error.to_string()))?;
    Ok(found.filter(|half_way| app.now_millis() - half_way.since < PATIENCE))
}

pub(super) async fn enter(
    State(app): State<App>,
    page: Page,
    session: Session,
    address: Address,
    CheckedForm(typed): CheckedForm<Typed>,
) -> Result<Response, WebError> {
    let Some(half_way) = half_way(&app, &session).await? else {
        return Ok(Redirect::to("/sign-in").into_response());
    };
    let (now, room) = (app.now_millis(), &app.sign_in);
    room.attempts().from(address, now).await?;
    // Somebody may have been locked meanwhile.
    let person = room.accounts().find(&half_way.username, now).await?;
    let person =
        person.filter(|person| person.user_id == half_way.user_id && !person.locked && !person.closed);
    let Some(person) = person else { return Ok(Redirect::to("/sign-in").into_response()) };
    let account = account_key(Some(&person), "");
    room.attempts().of(&account, now).await?;
    let good = match &person.second_factor {
        Some(factor) if factor.required => accept(&app, person.user_id, factor, &typed.code).await?,
        // Switched off on the pod meanwhile.
        _ => true,
    };
    let next = own_path(&typed.next);
    if !good {
        audit(&app, None, "code-failed", Some(&person.account), None, Some(address)).await;
        let problem = Some(page.words.say("code-wrong"));
        let response =
            page.show(StatusCode::UNPROCESSABLE_ENTITY, &CodePage { page: &page, next, problem })?;
        return Ok(crate::error::as_it_is(response));
    }
    room.attempts().forgive(&account, address).await?;
    finish(&app, &session, &person, address, "sign-in-with-code").await?;
    Ok(Redirect::to(&next).into_response())
}
