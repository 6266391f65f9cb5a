//! Health checks, for monitoring.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::app::App;
use crate::error::KeepBody;

mod metrics;

pub use metrics::{Metrics, count};

/// Returns the routes `/health` and `/metrics`.
pub fn routes() -> Router<App> {
    Router::new().route("/health", get(health)).merge(metrics::routes())
}

/// Returns 200 when Pappus's own database responds, else 503. Ignores the pod, which may have been shut down.
async fn health(State(app): State<App>) -> Response {
    let is_available = app.store.rows("checking the store", "SELECT 1", &[]).await.is_ok();
    let (status, state) = if is_available {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the store is unavailable")
    };
    let mut response =
        (status, [(CACHE_CONTROL, "no-store")], Json(json!({ "status": state }))).into_response();
    response.extensions_mut().insert(KeepBody);
    response
}
