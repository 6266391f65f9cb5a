//! The pages for signing in.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tower_sessions::Session;

use super::second_step::pending;
use crate::app::App;
use crate::board::{Closing, Stage};
use crate::error::WebError;
use crate::pages::{Page, own_path};
use crate::podmin_words::PodminMessage;

/// The query parameters of the pages.
#[derive(Debug, Default, Deserialize)]
pub(super) struct SignInQuery {
    /// The path to continue at.
    #[serde(default)]
    next: String,
    /// Set after signing out.
    #[serde(default)]
    out: String,
    /// Set if a form was sent after the session had ended.
    #[serde(default)]
    over: String,
    /// Set after a link was requested.
    #[serde(default)]
    sent: String,
}

/// The page for name and password.
#[derive(Template)]
#[template(path = "sign_in/sign_in.html")]
pub(super) struct SignInPage<'a> {
    pub(super) page: &'a Page,
    pub(super) name: &'a str,
    pub(super) next: String,
    pub(super) sends_mail: bool,
    pub(super) note: Option<String>,
    pub(super) problem: Option<String>,
    /// A hint after a wrong password that a link helps; locked and closed accounts get none.
    pub(super) link_help: Option<String>,
    /// The dates of the shutdown, if the pod closes.
    pub(super) days: Vec<(String, String)>,
    /// True while archives can be requested.
    pub(super) is_exporting: bool,
    /// True while archives can be downloaded.
    pub(super) has_downloads: bool,
    pub(super) podmin_words: PodminMessage,
}

impl<'a> SignInPage<'a> {
    /// Creates the page with stage and days of the shutdown; without them while the store is unavailable.
    pub(super) async fn new(app: &App, page: &'a Page, name: &'a str, next: String) -> Self {
        let (mut closing, mut podmin_words) = (None, PodminMessage::default());
        if app.config.closing.enabled {
            closing = Closing::of(app).await.ok().flatten();
            podmin_words = PodminMessage::of(app).await.unwrap_or_default();
        }
        let stage = closing.as_ref().map_or(Stage::Exporting, |closing| closing.stage);
        Self {
            page,
            name,
            next,
            sends_mail: app.config.mail.is_sent(),
            note: None,
            problem: None,
            link_help: None,
            days: closing.map(|closing| closing.days(&page.words)).unwrap_or_default(),
            is_exporting: app.config.pod.is_some() && stage.takes_requests(),
            has_downloads: stage.has_downloads(),
            podmin_words,
        }
    }
}

/// The page for the code.
#[derive(Template)]
#[template(path = "sign_in/code.html")]
pub(super) struct CodePage<'a> {
    page: &'a Page,
    next: String,
    problem: Option<String>,
    /// The pod's page for new recovery codes, while there is a pod.
    pod_page: Option<String>,
}

impl<'a> CodePage<'a> {
    /// Creates the page.
    pub(super) fn new(app: &App, page: &'a Page, next: String, problem: Option<String>) -> Self {
        let pod_url = app.config.pod_url.as_str().trim_end_matches('/');
        let pod_page = app.config.pod.is_some().then(|| format!("{pod_url}/two_factor_authentication"));
        Self { page, next, problem, pod_page }
    }
}

/// The page to request a link.
#[derive(Template)]
#[template(path = "sign_in/forgotten.html")]
pub(super) struct ForgottenPage<'a> {
    pub(super) page: &'a Page,
    pub(super) is_sent: bool,
    pub(super) sends_mail: bool,
}

pub(super) async fn sign_in(
    State(app): State<App>,
    page: Page,
    Query(query): Query<SignInQuery>,
) -> Result<Response, WebError> {
    let next = own_path(&query.next);
    if page.person.is_some() {
        return Ok(Redirect::to(&next).into_response());
    }
    let notes = [(&query.over, "session-over"), (&query.out, "signed-out")];
    let note = notes.into_iter().find(|(value, _)| !value.is_empty()).map(|(_, key)| page.words.say(key));
    page.show(StatusCode::OK, &SignInPage { note, ..SignInPage::new(&app, &page, "", next).await })
}

pub(super) async fn code(
    State(app): State<App>,
    page: Page,
    session: Session,
    Query(query): Query<SignInQuery>,
) -> Result<Response, WebError> {
    if pending(&app, &session).await?.is_none() {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    page.show(StatusCode::OK, &CodePage::new(&app, &page, own_path(&query.next), None))
}

pub(super) async fn forgotten(
    State(app): State<App>,
    page: Page,
    Query(query): Query<SignInQuery>,
) -> Result<Response, WebError> {
    let sends_mail = app.config.mail.is_sent();
    let is_sent = sends_mail && !query.sent.is_empty();
    page.show(StatusCode::OK, &ForgottenPage { page: &page, is_sent, sends_mail })
}
