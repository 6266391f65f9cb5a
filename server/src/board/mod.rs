//! The podmin's board: progress of the shutdown, accounts with and without an archive, campaigns, notices, and the
//! audit log.

mod campaigns;
mod closing;
mod log;
mod notices;
mod numbers;
mod overview;
mod people;
mod plot;
mod public;
pub(crate) mod shared;
mod words;
mod work;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;
use crate::error::WebError;

pub use closing::{Closing, Stage};
pub use numbers::{Numbers, NumbersCache};
pub use work::start;

/// Returns the routes of the board.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/board", get(overview::show))
        .route("/board/closing", post(overview::decide))
        .route("/board/words", get(words::show).post(words::save))
        .route("/board/people", get(people::show))
        .route("/board/people.csv", get(people::csv))
        .route("/board/people/archive", post(people::make))
        .route("/board/campaigns", get(campaigns::show).post(campaigns::begin))
        .route("/board/campaigns/{name}", post(campaigns::change))
        .route("/board/notices", get(notices::show).post(notices::send))
        .route("/board/notices/{id}", post(notices::change))
        .route("/board/log", get(log::show))
        .route("/closing", get(public::show))
        .route("/closing.json", get(public::json))
}

/// Returns [`WebError::NotFound`] unless the pod is closing.
fn require_closing(app: &App) -> Result<(), WebError> {
    if app.config.closing.enabled { Ok(()) } else { Err(WebError::NotFound) }
}
