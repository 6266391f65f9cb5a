//! Timeouts for the bodies of requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

use crate::app::App;
use crate::error::{KeepBody, WebError};

/// Time limit for a whole form; uploads of newcomers may take longer, as long as they make progress.
const FORM_TIMEOUT: Duration = Duration::from_mins(2);
/// The path of uploads.
const UPLOADS_PATH: &str = "/newcomers/upload";

/// Ends bodies that stall, or that take too long for a form; then responds with 408.
pub(crate) async fn limit_bodies(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let total = (!request.uri().path().starts_with(UPLOADS_PATH)).then_some(FORM_TIMEOUT);
    let is_late = Arc::new(AtomicBool::new(false));
    let (idle, late_flag) = (app.config.web.body_timeout, Arc::clone(&is_late));
    let response = next.run(request.map(|body| timed(body, idle, total, late_flag))).await;
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    if is_error && is_late.load(Ordering::Relaxed) && response.extensions().get::<KeepBody>().is_none() {
        return WebError::Late.into_response();
    }
    response
}

/// Wraps a body that fails when nothing arrives for `idle`, or when it takes longer than `total`.
fn timed(body: Body, idle: Duration, total: Option<Duration>, is_late: Arc<AtomicBool>) -> Body {
    let deadline = total.map(|total| Instant::now() + total);
    let chunks = stream::unfold(Some(body.into_data_stream()), move |body| {
        let is_late = Arc::clone(&is_late);
        async move {
            let mut body = body?;
            let remaining = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            match tokio::time::timeout(remaining.unwrap_or(idle).min(idle), body.next()).await {
                Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(body))),
                Ok(Some(Err(error))) => Some((Err(error), None)),
                Ok(None) => None,
                Err(elapsed) => {
                    is_late.store(true, Ordering::Relaxed);
                    Some((Err(axum::Error::new(elapsed)), None))
                }
            }
        }
    });
    Body::from_stream(chunks)
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;

    use super::*;

    /// Returns a body of ten chunks, one every 100 milliseconds.
    fn slow() -> Body {
        Body::from_stream(stream::iter(0..10).then(|_| async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok::<_, axum::Error>(Bytes::from_static(b"x"))
        }))
    }

    async fn received(idle: u64, total: Option<u64>) -> (usize, bool) {
        let is_late = Arc::new(AtomicBool::new(false));
        let total = total.map(Duration::from_millis);
        let body = timed(slow(), Duration::from_millis(idle), total, Arc::clone(&is_late));
        let chunks: Vec<_> =
            body.into_data_stream().take_while(|chunk| std::future::ready(chunk.is_ok())).collect().await;
        (chunks.len(), is_late.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn only_forms_have_a_time_limit_while_data_arrives() {
        assert_eq!(received(400, None).await, (10, false));
        assert_eq!(received(20, None).await, (0, true));
        let (chunks, is_late) = received(400, Some(450)).await;
        assert!(is_late && (1..10).contains(&chunks), "{chunks}");
    }
}
