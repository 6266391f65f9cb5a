//! The overview: account numbers and the state of the shutdown.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::problems::{BadRequest, Forbidden, Unauthenticated};
use crate::api::{Caller, ProblemDocument, body};
use crate::app::App;
use crate::board::shared::closing::{Decision, decide as decide_closing};
use crate::board::{Closing, Numbers, Stage};
use crate::error::WebError;
use crate::security::Address;

/// Overview of the board.
#[derive(Serialize, ToSchema)]
pub(super) struct Board {
    /// The pod's address.
    pod: String,
    /// Current account numbers.
    accounts: AccountNumbers,
    /// History: totals at the end of each day on which one of them increased.
    days: Vec<Sums>,
    /// State of the shutdown; absent before it is decided.
    closing: Option<ClosingDocument>,
}

/// Numbers of accounts by state.
#[derive(Serialize, ToSchema)]
pub(super) struct AccountNumbers {
    /// All accounts of the pod, including closed ones; absent until the pod was first queried.
    accounts: Option<u64>,
    /// Accounts that have or had an archive.
    with_archive: u64,
    /// Accounts whose archive was downloaded.
    downloaded: u64,
    /// Accounts that moved to another pod.
    moved: u64,
    /// Accounts with none of these.
    untouched: Option<u64>,
}

/// Totals at the end of a day.
#[derive(Serialize, ToSchema)]
pub(super) struct Sums {
    /// The day, in UTC.
    day: NaiveDate,
    /// Accounts that have or had an archive.
    with_archive: u64,
    /// Accounts whose archive was downloaded.
    downloaded: u64,
    /// Accounts that moved to another pod.
    moved: u64,
}

/// The shutdown as decided by the podmin.
#[derive(Serialize, ToSchema)]
#[schema(as = Closing)]
pub(super) struct ClosingDocument {
    /// Current stage.
    stage: Stage,
    /// First day on which the pod is read-only.
    read_only_on: Option<NaiveDate>,
    /// Day on which the pod is switched off.
    switch_off_on: Option<NaiveDate>,
    /// Day until which archives can be downloaded.
    downloads_until: Option<NaiveDate>,
    /// True if the numbers are public.
    public: bool,
}

impl From<Closing> for ClosingDocument {
    fn from(closing: Closing) -> Self {
        let Closing { stage, read_only_on, switch_off_on, downloads_until, is_public } = closing;
        Self { stage, read_only_on, switch_off_on, downloads_until, public: is_public }
    }
}

/// The shutdown as the podmin decides it. Omitted days are cleared.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClosingDecision {
    /// Current stage.
    #[schema(value_type = Stage)]
    stage: String,
    /// First day on which the pod is read-only.
    #[schema(value_type = Option<NaiveDate>)]
    read_only_on: Option<String>,
    /// Day on which the pod is switched off.
    #[schema(value_type = Option<NaiveDate>)]
    switch_off_on: Option<String>,
    /// Day until which archives can be downloaded.
    #[schema(value_type = Option<NaiveDate>)]
    downloads_until: Option<String>,
    /// True to publish the numbers.
    #[serde(default)]
    public: bool,
}

/// Returns the account numbers and the state of the shutdown. For podmins.
#[utoipa::path(get, path = "/api/v1/board", tag = "board", security(("token" = []), ("session" = [])),
    responses((status = 200, body = Board),
        Unauthenticated, Forbidden))]
pub(super) async fn board(State(app): State<App>, caller: Caller) -> Result<Json<Board>, WebError> {
    caller.check_board_read(&app).await?;
    let numbers = Numbers::of(&app).await?;
    let days = numbers.sums(app.now().date_naive()).into_iter().map(|(day, sums)| {
        let [with_archive, downloaded, moved] = sums;
        Sums { day, with_archive, downloaded, moved }
    });
    Ok(Json(Board {
        pod: app.config.pod_url.to_string(),
        days: days.collect(),
        accounts: AccountNumbers {
            accounts: numbers.accounts,
            with_archive: numbers.with_archive,
            downloaded: numbers.downloaded,
            moved: numbers.moved,
            untouched: numbers.untouched,
        },
        closing: Closing::of(&app).await?.map(ClosingDocument::from),
    }))
}

/// Returns the stage and days of the shutdown. For podmins.
#[utoipa::path(get, path = "/api/v1/board/closing", tag = "board", security(("token" = []), ("session" = [])),
    responses((status = 200, body = ClosingDocument),
        Unauthenticated, Forbidden,
        (status = 404, description = "Nothing is decided yet", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn closing(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<ClosingDocument>, WebError> {
    caller.check_board_read(&app).await?;
    let closing = Closing::of(&app).await?.ok_or(WebError::NotFound)?;
    Ok(Json(closing.into()))
}

/// Sets the stage and days of the shutdown. For podmins.
#[utoipa::path(put, path = "/api/v1/board/closing", tag = "board", security(("token" = []), ("session" = [])),
    request_body = ClosingDecision,
    responses((status = 200, body = ClosingDocument),
        BadRequest, Unauthenticated, Forbidden))]
pub(super) async fn decide(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    decision: Result<Json<ClosingDecision>, JsonRejection>,
) -> Result<Json<ClosingDocument>, WebError> {
    let actor = caller.check_board_write(&app, address).await?;
    let request = body(decision)?;
    let decision = Decision {
        stage: request.stage,
        read_only_on: request.read_only_on.unwrap_or_default(),
        switch_off_on: request.switch_off_on.unwrap_or_default(),
        downloads_until: request.downloads_until.unwrap_or_default(),
        is_public: request.public,
    };
    Ok(Json(decide_closing(&app, &actor, &decision).await?.into()))
}
