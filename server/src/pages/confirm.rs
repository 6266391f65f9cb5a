//! Confirmation of actions that cannot be undone. The form that starts one redirects to `/confirm`, which asks; the form
//! on that page repeats the first one with the field `confirmed`. So the back button and reloads never repeat a form.

use askama::Template;
use axum::Router;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use super::{Moment, Page};
use crate::app::App;
use crate::error::WebError;
use crate::sessions::flash;

/// The session key of the last question.
const QUESTION_KEY: &str = "asked";

/// A question that asks for confirmation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Question {
    /// The action.
    pub title: String,
    /// Its consequences, in numbers.
    pub texts: Vec<String>,
    /// The moment in their texts, if any.
    #[serde(default)]
    pub at: Option<DateTime<Utc>>,
    /// The label of the button.
    pub button: String,
    /// The target of the form, which receives the field `confirmed`.
    pub action: String,
    /// Other fields of the form.
    pub fields: Vec<(String, String)>,
    /// The target of the cancel link.
    pub back: String,
}

/// A form with only the confirmation.
#[derive(Debug, Deserialize)]
pub struct Confirmation {
    /// Present if it was given.
    pub confirmed: Option<String>,
}

/// The last question asked in a session.
#[derive(Serialize, Deserialize)]
struct LastQuestion {
    /// Absent once it was answered.
    question: Option<Question>,
    /// The language of its texts.
    language: String,
    /// The page that it came from.
    back: String,
}

/// The questions asked in the sender's session.
pub struct Questions {
    app: App,
    session: Session,
}

impl Questions {
    /// Redirects to the page that asks the question.
    ///
    /// # Errors
    /// [`WebError::Unavailable`] if the store or its key cannot be used.
    pub async fn ask(&self, page: &Page, question: Question) -> Result<Response, WebError> {
        let (language, back) = (page.words.code().to_owned(), question.back.clone());
        self.store(&LastQuestion { question: Some(question), language, back }).await?;
        Ok(Redirect::to("/confirm").into_response())
    }

    /// Returns whether a form contains the confirmation. If so, the question is not asked again.
    ///
    /// # Errors
    /// [`WebError::Unavailable`] if the store or its key cannot be used.
    pub async fn is_confirmed(&self, confirmed: Option<&str>) -> Result<bool, WebError> {
        if confirmed.is_none() {
            return Ok(false);
        }
        if let Some(last) = flash::get::<LastQuestion>(&self.app, &self.session, QUESTION_KEY).await? {
            self.store(&LastQuestion { question: None, ..last }).await?;
        }
        Ok(true)
    }

    async fn store(&self, last: &LastQuestion) -> Result<(), WebError> {
        flash::put(&self.app, &self.session, QUESTION_KEY, last).await
    }
}

impl FromRequestParts<App> for Questions {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, WebError> {
        let session = Session::from_request_parts(parts, app).await;
        let session = session.map_err(|(_, reason)| WebError::Internal(reason.to_owned()))?;
        Ok(Self { app: app.clone(), session })
    }
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage<'a> {
    page: &'a Page,
    question: Question,
    at: Option<Moment>,
}

/// Asks the last question. Redirects to the page it came from if it was answered, or asked in another language.
async fn show(State(app): State<App>, page: Page, session: Session) -> Result<Response, WebError> {
    let Some(last) = flash::get::<LastQuestion>(&app, &session, QUESTION_KEY).await? else {
        return Ok(Redirect::to("/").into_response());
    };
    match last.question {
        Some(question) if last.language == page.words.code() => {
            let at = question.at.map(|at| page.moment(at));
            page.show(StatusCode::OK, &ConfirmPage { page: &page, question, at })
        }
        _ => Ok(Redirect::to(&last.back).into_response()),
    }
}

/// Returns the route of the confirmation page.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/confirm", get(show))
}
