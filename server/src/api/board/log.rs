//! The audit log.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api::problems::{BadRequest, Forbidden, Unauthenticated};
use crate::api::{Caller, query};
use crate::app::App;
use crate::audit::{AuditEntry, LogFilter};
use crate::board::shared::log;
use crate::error::WebError;

/// Selects a page of the audit log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LogQuery {
    /// Only entries older than the entry with this number.
    before: Option<i64>,
    /// Only actions with this prefix, such as `campaign` or `sign-in-failed`.
    #[serde(default)]
    act: String,
    /// Only actions by or on this account: a complete username or diaspora* ID.
    #[serde(default)]
    who: String,
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditLog {
    /// The entries, newest first, 100 per page.
    lines: Vec<AuditLine>,
    /// Cursor of the next page, if there may be one.
    before: Option<i64>,
}

/// An entry of the audit log.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditLine {
    /// Number of the entry.
    id: i64,
    /// Time of the action.
    at: DateTime<Utc>,
    /// The diaspora* ID of the actor.
    actor: Option<String>,
    /// The action: a stable name, such as `campaign-pause`.
    act: String,
    /// The object of the action.
    subject: Option<String>,
    /// Further details.
    #[schema(value_type = Option<Object>)]
    details: Option<Value>,
    /// The IP address of the request.
    address: Option<String>,
}

impl AuditLine {
    fn new(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: DateTime::from_timestamp_millis(entry.done_at).unwrap_or_default(),
            actor: entry.actor,
            act: entry.act,
            subject: entry.subject,
            details: entry.details.and_then(|text| serde_json::from_str(&text).ok()),
            address: entry.address,
        }
    }
}

/// Lists the audit log, newest first. For podmins.
#[utoipa::path(get, path = "/api/v1/board/log", tag = "board", security(("token" = []), ("session" = [])),
    params(LogQuery),
    responses((status = 200, body = AuditLog),
        BadRequest, Unauthenticated, Forbidden))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    parameters: Result<Query<LogQuery>, QueryRejection>,
) -> Result<Json<AuditLog>, WebError> {
    caller.check_board_read(&app).await?;
    let LogQuery { before, act, who } = query(parameters)?;
    let (entries, before) = log::entries(&app, &LogFilter { before, act, who }).await?;
    Ok(Json(AuditLog { lines: entries.into_iter().map(AuditLine::new).collect(), before }))
}
