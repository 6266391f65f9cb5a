//! The audit log, for the podmin.

use pappus_engine::store::{AuditLine, StoreError};
use serde::Serialize;

use crate::app::App;
use crate::security::Address;
use crate::sessions::Person;

/// Records an action. `act` is a stable name, such as `campaign-pause`; `subject` its target; `details` describes
/// it further. A failure is only logged.
pub async fn audit(
    app: &App,
    actor: Option<&Person>,
    act: &'static str,
    subject: Option<&str>,
    details: Option<&serde_json::Value>,
    address: Option<Address>,
) {
    let (details, address) = (details.map(ToString::to_string), address.map(|address| address.0.to_string()));
    let entry = AuditLine {
        pod: app.config.pod_url.as_str(),
        done_at: app.now_millis(),
        actor: actor.map(|person| person.account.as_str()),
        act,
        subject,
        details: details.as_deref(),
        address: address.as_deref(),
    };
    if let Err(error) = entry.record(&app.store).await {
        tracing::error!(act, "{error}");
    }
}

/// Deletes entries older than the retention period.
///
/// # Errors
/// [`StoreError`].
pub async fn sweep(app: &App) -> Result<u64, StoreError> {
    let Some(retention) = app.config.audit_retention else { return Ok(0) };
    let before = app.now_millis() - i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
    let sql = "DELETE FROM pappus_audit WHERE pod = ? AND done_at < ?";
    let values = [app.config.pod_url.as_str().into(), before.into()];
    app.store.execute("removing old entries of the audit log", sql, &values).await
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// Its number, the cursor for the next page.
    pub id: i64,
    /// Time of the action, in milliseconds since 1970.
    pub done_at: i64,
    /// The diaspora* ID of the person who acted.
    pub actor: Option<String>,
    /// The action.
    pub act: String,
    /// The target of the action.
    pub subject: Option<String>,
    /// Details, as JSON.
    pub details: Option<String>,
    /// The client's address.
    pub address: Option<String>,
}

/// A filter for entries.
#[derive(Debug, Clone, Default)]
pub struct LogFilter {
    /// Only entries before this number.
    pub before: Option<i64>,
    /// A prefix of the action's name: `campaign`, or the complete name.
    pub act: String,
    /// The actor or the target, in full.
    pub who: String,
}

/// Returns matching entries, newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn entries(app: &App, filter: &LogFilter, limit: i64) -> Result<Vec<AuditEntry>, StoreError> {
    let sql = "SELECT id, done_at, actor, act, subject, details, address FROM pappus_audit \
               WHERE pod = ? AND id < ? AND act LIKE ? AND (? = '' OR actor = ? OR subject = ? OR actor = ?) \
               ORDER BY id DESC LIMIT ?";
    // PostgreSQL text cannot contain NUL; action names are letters and hyphens.
    let act: String =
        filter.act.chars().filter(|character| character.is_ascii_alphabetic() || *character == '-').collect();
    let who = filter.who.trim().replace('\0', "");
    // A bare username refers to this pod.
    let id = format!("{}@{}", who, app.config.pod_url.diaspora_host());
    let values = [
        app.config.pod_url.as_str().into(),
        filter.before.unwrap_or(i64::MAX).into(),
        format!("{act}%").into(),
        (&who).into(),
        (&who).into(),
        (&who).into(),
        id.into(),
        limit.into(),
    ];
    let rows = app.store.rows("reading the audit log", sql, &values).await?;
    let read = |row: &pappus_engine::store::StoreRow| {
        Ok(AuditEntry {
            id: row.get("id")?,
            done_at: row.get("done_at")?,
            actor: row.get("actor")?,
            act: row.get("act")?,
            subject: row.get("subject")?,
            details: row.get("details")?,
            address: row.get("address")?,
        })
    };
    rows.iter().map(read).collect()
}
