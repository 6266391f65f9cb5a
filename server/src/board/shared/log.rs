//! What was done, page by page.

use crate::app::App;
use crate::audit::{Done, Wanted, done};
use crate::error::WebError;

/// Lines of a page.
const LINES: i64 = 100;

/// A page of what was done, the newest first. When there may be older ones, also what
/// `before` is for the next page.
///
/// # Errors
/// [`WebError::Unavailable`].
pub(crate) async fn lines(app: &App, wanted: &Wanted) -> Result<(Vec<Done>, Option<i64>), WebError> {
    let done = done(app, wanted, LINES).await?;
    let full = i64::try_from(done.len()).unwrap_or(0) == LINES;
    let older = done.last().map(|last| last.id).filter(|_| full);
    Ok((done, older))
}
