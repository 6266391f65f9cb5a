//! Data common to all pages: language, person signed in, form token; and rendering.

mod assets;
mod confirm;
mod form;
mod language;
mod moment;
mod problems;

use std::sync::Mutex;

use askama::Template;
use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_TYPE, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum_csrf::CsrfToken;

use crate::app::App;
use crate::error::WebError;
use crate::sessions::Person;
use crate::words::{LANGUAGES, Words};

pub use assets::asset;
pub(crate) use assets::is_asset;
pub use confirm::{Confirmation, Question, Questions};
pub use form::CheckedForm;
pub use language::{LANGUAGE_COOKIE, own_path};
pub use moment::{Markup, Moment};
pub use problems::FieldProblems;

/// Data common to all pages.
pub struct Page {
    /// The texts in the reader's language.
    pub words: Words,
    /// The person signed in.
    pub person: Option<Person>,
    /// The pod's host, for display.
    pub pod_host: String,
    /// True if people may download their archives here.
    pub is_closing: bool,
    /// True if people may import their archives here.
    pub accepts_newcomers: bool,
    /// The contact address, if known and not shown on the page yet.
    podmin: Mutex<Option<String>>,
    /// True if mail is sent.
    pub sends_mail: bool,
    /// The message about the action just completed (`?done=NAME`).
    pub message: Option<String>,
    /// The path of the request.
    pub path: String,
    token: Option<CsrfToken>,
}

impl Page {
    /// Reads the page's data from a request.
    pub(crate) async fn of(parts: &mut Parts, app: &App) -> Self {
        let token = CsrfToken::from_request_parts(parts, app).await.ok();
        // The page that reports an unavailable store must still render.
        let person = crate::sessions::person(parts, app).await.ok().flatten();
        let words = language::request_words(&parts.headers, app);
        Self {
            message: message(&words, parts.uri.query()),
            words,
            person,
            pod_host: app.config.pod_url.diaspora_host(),
            is_closing: app.config.closing.enabled,
            accepts_newcomers: app.config.newcomers.enabled,
            podmin: Mutex::new(app.config.podmin_email.clone()),
            sends_mail: app.config.mail.is_sent(),
            path: parts.uri.path().to_owned(),
            token,
        }
    }

    /// Returns the value of a form's hidden field `token`.
    pub fn token(&self) -> String {
        self.token.as_ref().and_then(|token| token.authenticity_token().ok()).unwrap_or_default()
    }

    /// Verifies that a form that is not read as a whole came from our own page.
    ///
    /// # Errors
    /// [`WebError::Form`].
    pub fn check_token(&self, token: &str) -> Result<(), WebError> {
        let expected = self.token.as_ref().ok_or(WebError::Form)?;
        expected.verify(token).map_err(|_| WebError::Form)
    }

    /// Returns the contact address at the first call only: the footer comes last, and does not repeat it.
    pub fn podmin_once(&self) -> Option<String> {
        self.podmin.lock().ok()?.take()
    }

    /// Returns the URL of a built-in file, which changes with its contents.
    pub fn asset(&self, name: &str) -> String {
        asset(name)
    }

    /// Returns a moment in the reader's language.
    pub fn moment(&self, at: chrono::DateTime<chrono::Utc>) -> Moment {
        Moment::new(&self.words, at)
    }

    /// Returns the name of a form's field, for links to it. The name of a field for one language ends in its code.
    pub fn field_name(&self, field: &str) -> String {
        let name = |field: &str| self.words.find(&format!("field-{field}"));
        let with_language = || {
            let (field, code) = field.rsplit_once('_')?;
            Some(format!("{} ({})", name(field)?, self.words.find(&format!("language-{code}"))?))
        };
        name(field).or_else(with_language).unwrap_or_else(|| field.to_owned())
    }

    /// Returns the path, encoded for a link's query.
    pub fn path_in_link(&self) -> String {
        url::form_urlencoded::byte_serialize(self.path.as_bytes()).collect()
    }

    /// Returns the other languages: code and name.
    pub fn other_languages(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        let code = self.words.code();
        LANGUAGES.into_iter().filter(move |(other, _)| *other != code)
    }

    /// Renders the page as a response. Only the reader's browser may cache it.
    ///
    /// # Errors
    /// [`WebError::Internal`].
    pub fn show(&self, status: StatusCode, template: &impl Template) -> Result<Response, WebError> {
        let html = template.render()?;
        let head = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-store")];
        let mut response = (status, head, html).into_response();
        if let Some(token) = &self.token {
            let cookie = (token.clone(), ()).into_response();
            response.headers_mut().extend(cookie.headers().clone());
        }
        Ok(response)
    }

    /// Renders an error page.
    pub(crate) fn error(&self, status: StatusCode, key: &str, detail: Option<String>) -> Response {
        let title = self.words.say(&format!("{key}-title"));
        let text = self.words.say(&format!("{key}-text"));
        let response = self.show(status, &ErrorPage { page: self, title, text, detail });
        response.unwrap_or_else(|_| status.into_response())
    }
}

impl FromRequestParts<App> for Page {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts, app).await)
    }
}

/// The error page.
#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    page: &'a Page,
    title: String,
    text: String,
    detail: Option<String>,
}

/// Returns the message about the action just completed: always one of our own texts.
fn message(words: &Words, query: Option<&str>) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let (_, name) = pairs.find(|(key, _)| key == "done")?;
    words.find(&format!("done-{name}"))
}

/// Returns the routes of built-in files, language choice and confirmation.
pub fn routes() -> Router<App> {
    Router::new().merge(assets::routes()).merge(language::routes()).merge(confirm::routes())
}

/// Returns the value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Returns the browser's languages.
fn accepted(headers: &HeaderMap) -> &str {
    headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
