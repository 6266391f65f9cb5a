//! The podmin's board. Pages and API share their queries and actions: [`crate::board::shared`]. Newcomers and
//! invitations are in [their own module](crate::newcomers).

mod accounts;
mod campaigns;
mod log;
mod notices;
mod overview;
mod people;
mod words;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

/// Returns the board's routes with their OpenAPI documentation.
pub(super) fn documented_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(overview::board))
        .routes(routes!(overview::closing, overview::decide))
        .routes(routes!(accounts::get))
        .routes(routes!(words::get, words::put))
        .routes(routes!(people::look))
        .routes(routes!(people::make))
        .routes(routes!(campaigns::list, campaigns::begin))
        .routes(routes!(campaigns::get, campaigns::change))
        .routes(routes!(notices::list, notices::send))
        .routes(routes!(notices::get, notices::change))
        .routes(routes!(log::list))
}
