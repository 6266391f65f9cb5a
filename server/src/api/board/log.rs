//! What was done, and by whom.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api::problems::{NobodySignedIn, NotAllowed, Senseless};
use crate::api::{Caller, query};
use crate::app::App;
use crate::audit::{Done, Wanted};
use crate::board::shared::log;
use crate::error::WebError;

/// Where the page begins.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct From {
    /// Only what was done before the line of this number.
    before: Option<i64>,
    /// Only what begins with this, such as `campaign` or `sign-in-failed`.
    #[serde(default)]
    act: String,
    /// Only what this account did, or what was done to it: a whole username or diaspora* ID.
    #[serde(default)]
    who: String,
}

/// A page of what was done.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditLog {
    /// The newest first, 100 on a page.
    lines: Vec<AuditLine>,
    /// For the next page, when there may be one.
    before: Option<i64>,
}

/// Something that was done.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditLine {
    /// Its number.
    id: i64,
    /// When.
    at: DateTime<Utc>,
    /// The diaspora* ID of whoever did it.
    actor: Option<String>,
    /// What: a stable name, such as `campaign-pause`.
    act: String,
    /// What it was done to.
    subject: Option<String>,
    /// More about it.
    #[schema(value_type = Option<Object>)]
    details: Option<Value>,
    /// From where.
    address: Option<String>,
}

impl AuditLine {
    fn new(done: Done) -> Self {
        Self {
            id: done.id,
            at: DateTime::from_timestamp_millis(done.done_at).unwrap_or_default(),
            actor: done.actor,
            act: done.act,
            subject: done.subject,
            details: done.details.and_then(|text| serde_json::from_str(&text).ok()),
            address: done.address,
        }
    }
}

/// What was done, and by whom, the newest first. For podmins.
#[utoipa::path(get, path = "/api/v1/board/log", tag = "board", security(("token" = []), ("session" = [])),
    params(From),
    responses((status = 200, body = AuditLog),
        Senseless, NobodySignedIn, NotAllowed))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    from: Result<Query<From>, QueryRejection>,
) -> Result<Json<AuditLog>, WebError> {
    caller.may_look(&app).await?;
    let From { before, act, who } = query(from)?;
    let (done, before) = log::lines(&app, &Wanted { before, act, who }).await?;
    Ok(Json(AuditLog { lines: done.into_iter().map(AuditLine::new).collect(), before }))
}
