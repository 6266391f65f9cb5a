//! The public page: the stage and its days, and, if the podmin publishes them, the numbers.

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::closing::Closing;
use super::numbers::Numbers;
use super::overview::{Figure, figures, stages};
use crate::app::App;
use crate::error::WebError;
use crate::pages::Page;
use crate::podmin_words::PodminMessage;

#[derive(Template)]
#[template(path = "board/public.html")]
struct PublicPage<'a> {
    page: &'a Page,
    stages: Vec<(&'static str, String, &'static str)>,
    /// Events and their days.
    days: Vec<(String, String)>,
    figures: Vec<Figure>,
    has_downloads: bool,
    podmin_words: PodminMessage,
}

/// Shows the public page.
pub(super) async fn show(State(app): State<App>, page: Page) -> Result<Response, WebError> {
    let closing = current_closing(&app).await?;
    let figures = if closing.is_public { figures(&page, &Numbers::of(&app).await?) } else { Vec::new() };
    let template = PublicPage {
        stages: stages(&page, Some(&closing)),
        days: closing.days(&page.words),
        figures,
        has_downloads: closing.stage.has_downloads(),
        podmin_words: PodminMessage::of(&app).await?,
        page: &page,
    };
    page.show(StatusCode::OK, &template)
}

/// Returns the contents of the public page as JSON.
pub(super) async fn json(State(app): State<App>) -> Result<Json<Value>, WebError> {
    let closing = current_closing(&app).await?;
    let numbers = if closing.is_public { Some(Numbers::of(&app).await?) } else { None };
    Ok(Json(json!({ "pod": app.config.pod_url.as_str(), "closing": closing, "accounts": numbers })))
}

/// Returns the decisions about the shutdown; [`WebError::NotFound`] before there are any.
async fn current_closing(app: &App) -> Result<Closing, WebError> {
    if !app.config.closing.enabled {
        return Err(WebError::NotFound);
    }
    Closing::of(app).await?.ok_or(WebError::NotFound)
}
