//! Codes with which people may come.

use std::time::Duration;

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use pappus_engine::requests::{random_token, token_digest};
use pappus_engine::store::{StoreError, StoreRow};
use serde::Deserialize;
use serde_json::json;

use super::queue;
use super::records::time;
use crate::app::App;
use crate::audit::audit;
use crate::error::WebError;
use crate::pages::{CheckedForm, Page};
use crate::security::Address;
use crate::sessions::Podmin;

/// How long an invitation is good.
const GOOD_FOR: Duration = Duration::from_hours(24 * 90);
/// Longest code that is looked for.
const MAX_CODE: usize = 100;
/// Longest note, in characters.
const LONG: usize = 200;
/// Most people one invitation may be for.
const MOST: i64 = 1000;

/// An invitation that can be used.
pub(super) struct Invitation {
    pub(super) id: i64,
    pub(super) note: String,
    pub(super) by: String,
    pub(super) uses_left: i64,
    pub(super) until: chrono::DateTime<chrono::Utc>,
}

/// Uses an invitation once; gives its number.
pub(super) async fn take(app: &App, code: &str) -> Result<Option<i64>, StoreError> {
    if code.is_empty() || code.len() > MAX_CODE {
        return Ok(None);
    }
    let sql = "UPDATE pappus_invitations SET uses_left = uses_left - 1 WHERE pod = ? AND code_sha256 = ? \
               AND uses_left > 0 AND expires_at > ? RETURNING id";
    let values = [app.config.pod_url.as_str().into(), token_digest(code).into(), app.now_millis().into()];
    let row = app.store.first("using an invitation", sql, &values).await?;
    row.map(|row| row.get(0)).transpose()
}

/// Those that can be used.
pub(super) async fn open(app: &App) -> Result<Vec<Invitation>, StoreError> {
    let sql = "SELECT id, note, made_by, uses_left, expires_at FROM pappus_invitations WHERE pod = ? \
               AND uses_left > 0 AND expires_at > ? ORDER BY id DESC LIMIT 200";
    let values = [app.config.pod_url.as_str().into(), app.now_millis().into()];
    let rows = app.store.rows("listing invitations", sql, &values).await?;
    let read = |row: &StoreRow| {
        Ok(Invitation {
            id: row.get(0)?,
            note: row.get(1)?,
            by: row.get(2)?,
            uses_left: row.get(3)?,
            until: time(row.get(4)?),
        })
    };
    rows.iter().map(read).collect()
}

/// What is to be made.
#[derive(Deserialize)]
pub(super) struct Wish {
    #[serde(default)]
    note: String,
    uses: i64,
}

/// Makes an invitation, and shows its code this once.
pub(super) async fn make(
    Shared(app): Shared<App>,
    Podmin(podmin): Podmin,
    page: Page,
    address: Address,
    CheckedForm(wish): CheckedForm<Wish>,
) -> Result<Response, WebError> {
    if !app.config.newcomers.enabled {
        return Err(WebError::NotFound);
    }
    let note: String = wish.note.trim().chars().filter(|letter| !letter.is_control()).take(LONG).collect();
    let (code, now) = (random_token()?, app.now_millis());
    let sql = "INSERT INTO pappus_invitations (pod, code_sha256, note, made_by, made_at, expires_at, uses_left) \
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    let until = now + i64::try_from(GOOD_FOR.as_millis()).unwrap_or(i64::MAX);
    let values = [
        app.config.pod_url.as_str().into(),
        token_digest(&code).into(),
        (&note).into(),
        (&podmin.account).into(),
        now.into(),
        until.into(),
        wish.uses.clamp(1, MOST).into(),
    ];
    app.store.execute("writing an invitation down", sql, &values).await?;
    let details = json!({ "uses": wish.uses });
    audit(&app, Some(&podmin), "invitation", Some(&note), Some(&details), Some(address)).await;
    queue::present(&app, &page, Some(code), StatusCode::OK).await
}

/// Takes an invitation back.
pub(super) async fn withdraw(
    Shared(app): Shared<App>,
    Podmin(podmin): Podmin,
    address: Address,
    Path(id): Path<i64>,
    CheckedForm(()): CheckedForm<()>,
) -> Result<Redirect, WebError> {
    let sql = "UPDATE pappus_invitations SET uses_left = 0 WHERE pod = ? AND id = ? AND uses_left > 0";
    let values = [app.config.pod_url.as_str().into(), id.into()];
    if app.store.execute("withdrawing an invitation", sql, &values).await? > 0 {
        audit(&app, Some(&podmin), "invitation-withdrawn", Some(&id.to_string()), None, Some(address)).await;
    }
    Ok(Redirect::to("/board/newcomers"))
}
