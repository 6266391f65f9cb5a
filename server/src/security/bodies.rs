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
const FORM: Duration = Duration::from_mins(2);
/// The path of uploads.
const UPLOADS: &str = "/newcomers/upload";

/// Ends bodies that stall, or that take too long for a form: answered with 408.
pub(crate) async fn limit_bodies(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let whole = (!request.uri().path().starts_with(UPLOADS)).then_some(FORM);
    let late = Arc::new(AtomicBool::new(false));
    let (idle, noted) = (app.config.web.body_timeout, Arc::clone(&late));
    let response = next.run(request.map(|body| timed(body, idle, whole, noted))).await;
    let wrong = response.status().is_client_error() || response.status().is_server_error();
    if wrong && late.load(Ordering::Relaxed) && response.extensions().get::<KeepBody>().is_none() {
        return WebError::Late.into_response();
    }
    response
}

/// Wraps a body that fails when nothing arrives for `idle`, or when it takes longer than `whole`.
fn timed(body: Body, idle: Duration, whole: Option<Duration>, late: Arc<AtomicBool>) -> Body {
    let deadline = whole.map(|whole| Instant::now() + whole);
    let pieces = stream::unfold(Some(body.into_data_stream()), move |body| {
        let late = Arc::clone(&late);
        async move {
            let mut body = body?;
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            match tokio::time::timeout(left.unwrap_or(idle).min(idle), body.next()).await {
                Ok(Some(Ok(piece))) => Some((Ok(piece), Some(body))),
                Ok(Some(Err(error))) => Some((Err(error), None)),
                Ok(None) => None,
                Err(elapsed) => {
                    late.store(true, Ordering::Relaxed);
                    Some((Err(axum::Error::new(elapsed)), None))
                }
            }
        }
    });
    Body::from_stream(pieces)
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

    async fn taken(idle: u64, whole: Option<u64>) -> (usize, bool) {
        let late = Arc::new(AtomicBool::new(false));
        let whole = whole.map(Duration::from_millis);
        let body = timed(slow(), Duration::from_millis(idle), whole, Arc::clone(&late));
        let pieces: Vec<_> =
            body.into_data_stream().take_while(|piece| std::future::ready(piece.is_ok())).collect().await;
        (pieces.len(), late.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn what_moves_may_take_its_time_unless_it_is_a_form() {
        assert_eq!(taken(400, None).await, (10, false));
        assert_eq!(taken(20, None).await, (0, true));
        let (pieces, late) = taken(400, Some(450)).await;
        assert!(late && (1..10).contains(&pieces), "{pieces}");
    }
}
