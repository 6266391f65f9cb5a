//! The podmin's board. What is looked at and done here is what the pages look at and do: [`crate::board::shared`].

mod campaigns;
mod log;
mod notices;
mod overview;
mod people;

use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::WebError;

/// The paths of the board with their descriptions.
pub(super) fn described() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(overview::board))
        .routes(routes!(overview::closing, overview::decide))
        .routes(routes!(people::look))
        .routes(routes!(people::make))
        .routes(routes!(campaigns::list, campaigns::begin))
        .routes(routes!(campaigns::get, campaigns::change))
        .routes(routes!(notices::list, notices::send))
        .routes(routes!(notices::get, notices::change))
        .routes(routes!(log::list))
}

/// What was sent, or a sentence on what is wrong with it.
fn body<T>(sent: Result<Json<T>, JsonRejection>) -> Result<T, WebError> {
    sent.map(|Json(sent)| sent).map_err(|error| WebError::Bad(error.body_text()))
}

/// What stands behind the question mark, or a sentence on what is wrong with it.
fn query<T>(asked: Result<Query<T>, QueryRejection>) -> Result<T, WebError> {
    asked.map(|Query(asked)| asked).map_err(|error| WebError::Bad(error.body_text()))
}
