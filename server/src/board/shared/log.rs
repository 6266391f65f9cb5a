//! The audit log in pages.

use crate::app::App;
use crate::audit::{self, AuditEntry, LogFilter};
use crate::error::WebError;

/// Number of entries per page.
const PAGE_ENTRIES: i64 = 100;

/// Returns a page of entries, newest first, and the next `before` cursor, if there may be older ones.
///
/// # Errors
/// [`WebError::Unavailable`].
pub(crate) async fn entries(
    app: &App,
    filter: &LogFilter,
) -> Result<(Vec<AuditEntry>, Option<i64>), WebError> {
    let entries = audit::entries(app, filter, PAGE_ENTRIES).await?;
    let is_full = i64::try_from(entries.len()).unwrap_or(0) == PAGE_ENTRIES;
    let next = entries.last().map(|last| last.id).filter(|_| is_full);
    Ok((entries, next))
}
