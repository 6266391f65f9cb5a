//! All routes, and the middleware that protects them.

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{Redirect, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;

use crate::app::{App, StartError};
use crate::error::{WebError, render_errors};
use crate::pages::Page;
use crate::security::{Limits, Requests, add_address, guard, limit, limit_bodies, limit_requests};
use crate::sessions::SignedIn;
use crate::{api, board, health, newcomers, pages, portal, sessions, sign_in, tokens};

/// Maximum size of a form in bytes. Routes that accept more set their own limit.
const MAX_FORM_BYTES: usize = 256 << 10;

/// Returns the router of the whole service.
///
/// # Errors
/// [`StartError`] when the public URL is invalid.
pub fn router(app: App, limits: Limits) -> Result<Router, StartError> {
    let requests = Requests::new(app.config.web.connections_per_address);
    let routes = Router::new()
        .route("/", get(home))
        .merge(pages::routes())
        .merge(health::routes())
        .merge(sign_in::routes())
        .merge(portal::routes())
        .merge(api::routes())
        .merge(board::routes())
        .merge(newcomers::routes())
        .merge(tokens::routes())
        .fallback(not_found);
    // Browsers send the origin of a form; forms from other sites are rejected before their body is read. Forms also
    // carry tokens, for browsers that send no origin.
    let same_site = CsrfLayer::new()
        .add_trusted_origin(app.config.web.origin())
        .map_err(|error| StartError::Origin(error.to_string()))?;
    Ok(routes
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .layer(from_fn(health::count))
        .layer(same_site)
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(app.clone(), limit_bodies))
        .layer(from_fn_with_state(requests, limit_requests))
        .layer(from_fn_with_state(limits, limit))
        .layer(from_fn_with_state(app.clone(), render_errors))
        .layer(sessions::layer(&app))
        .layer(from_fn_with_state(app.clone(), add_address))
        .layer(from_fn_with_state(app.clone(), guard))
        .with_state(app))
}

/// Redirects to the visitor's first page: sign-in, archive, board or import.
async fn home(State(app): State<App>, person: Option<SignedIn>) -> Redirect {
    match person {
        Some(SignedIn(person)) if !app.config.closing.enabled && person.is_podmin => {
            Redirect::to(if app.config.newcomers.enabled { "/board/newcomers" } else { "/board" })
        }
        _ if !app.config.closing.enabled && app.config.newcomers.enabled => Redirect::to("/newcomers"),
        Some(SignedIn(_)) if app.config.closing.enabled => Redirect::to("/archive"),
        Some(SignedIn(person)) if person.is_podmin => Redirect::to("/board"),
        // With neither archives nor imports, only tokens for the API remain.
        Some(_) => Redirect::to("/tokens"),
        None => Redirect::to("/sign-in"),
    }
}

async fn not_found(_: Page) -> Result<(StatusCode, Response), WebError> {
    Err(WebError::NotFound)
}
