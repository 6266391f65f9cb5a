//! Metrics for Prometheus.

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics::{counter, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::app::{App, StartError};
use crate::error::WebError;
use crate::security::Address;

/// Buckets for the duration of requests, in seconds.
const BUCKETS_SECONDS: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// All recorded metrics.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Starts recording; once in a process.
    ///
    /// # Errors
    /// [`StartError::Metrics`].
    pub fn install() -> Result<Self, StartError> {
        let failed = |error: metrics_exporter_prometheus::BuildError| StartError::Metrics(error.to_string());
        PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS_SECONDS)
            .and_then(PrometheusBuilder::install_recorder)
            .map(Self)
            .map_err(failed)
    }

    /// Compacts the recorded data.
    pub(crate) fn sweep(&self) {
        self.0.run_upkeep();
    }
}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/metrics", get(show))
}

async fn show(State(app): State<App>, address: Address) -> Result<Response, WebError> {
    if !app.config.web.metrics_from.contains(address.0) {
        return Err(WebError::NotFound);
    }
    let text = app.metrics.0.render();
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

/// Returns the label of a method. Any token is a method in HTTP, and labels are never removed.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Counts a request and its duration, by route pattern: raw paths would have unbounded cardinality.
pub async fn count(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = method_label(request.method());
    let started = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    histogram!("pappus_web_request_seconds", "path" => path.clone()).record(started.elapsed().as_secs_f64());
    counter!("pappus_web_requests_total", "path" => path, "method" => method, "status" => status)
        .increment(1);
    response
}
