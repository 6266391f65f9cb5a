//! The audit log in pages.

use crate::app::App;
use crate::audit::{Done, LogFilter, done};
use crate::error::WebError;

/// Entries per page.
const LINES: i64 = 100;

/// Returns a page of entries, newest first, and the next `before` cursor, if there may be older ones.
///
/// # Errors
/// [`WebError::Unavailable`].
pub(crate) async fn lines(app: &App, wanted: &LogFilter) -> Result<(Vec<Done>, Option<i64>), WebError> {
    let done = done(app, wanted, LINES).await?;
    let full = i64::try_from(done.len()).unwrap_or(0) == LINES;
    let older = done.last().map(|last| last.id).filter(|_| full);
    Ok((done, older))
}
