//! Campaigns: exports of the whole pod.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use pappus_engine::campaign::{Campaign, Status};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::archives::json_name;
use crate::api::problems::{BadRequest, Forbidden, NotFound, Unauthenticated};
use crate::api::{Caller, ProblemDocument, body};
use crate::app::App;
use crate::board::shared::campaigns;
use crate::error::WebError;
use crate::security::Address;

/// A campaign.
#[derive(Serialize, ToSchema)]
#[schema(as = Campaign)]
pub(super) struct CampaignDocument {
    /// The name of the campaign.
    name: String,
    /// `preparing`, `running`, `paused`, `finished` or `cancelled`.
    state: &'static str,
    /// Selected accounts: `all`, `not-closed`, `active-year`, `active-half-year`, `active-month` or `listed`.
    only: String,
    /// True if sign-in data is kept for the time after the pod's shutdown.
    keep_sign_in: bool,
    /// The location of its archives.
    place: String,
    /// Start time: the point in time of the account data in its archives.
    created_at: DateTime<Utc>,
    /// The time at which nothing was left to do.
    finished_at: Option<DateTime<Utc>>,
}

impl From<Campaign> for CampaignDocument {
    fn from(campaign: Campaign) -> Self {
        Self {
            state: campaign.state.as_str(),
            only: json_name(&campaign.options.only),
            keep_sign_in: campaign.options.keep_sign_in,
            name: campaign.name,
            place: campaign.out,
            created_at: campaign.created_at,
            finished_at: campaign.finished_at,
        }
    }
}

/// A campaign with its progress.
#[derive(Serialize, ToSchema)]
#[schema(as = CampaignStatus)]
pub(super) struct StatusDocument {
    /// The campaign.
    campaign: CampaignDocument,
    /// Numbers of its accounts by state.
    accounts: CampaignAccounts,
    /// Size of all archives in bytes.
    bytes: u64,
    /// Number of records in them.
    records: u64,
    /// Number of records left out or incomplete.
    omissions: u64,
    /// Accounts finished per second, recently.
    accounts_per_second: f64,
    /// Estimated seconds left at that rate; absent while nothing progresses.
    seconds_left: Option<f64>,
    /// The processes that work on it.
    workers: Vec<CampaignWorker>,
    /// The first accounts that failed.
    failed: Vec<CampaignFailure>,
}

/// Numbers of a campaign's accounts by state.
#[derive(Serialize, ToSchema)]
pub(super) struct CampaignAccounts {
    /// All accounts.
    all: u64,
    /// Accounts not started yet.
    pending: u64,
    /// Accounts being exported.
    running: u64,
    /// Accounts whose archive is stored.
    done: u64,
    /// Accounts that could not be exported.
    failed: u64,
    /// Accounts excluded on purpose.
    skipped: u64,
}

/// A process that works on a campaign.
#[derive(Serialize, ToSchema)]
pub(super) struct CampaignWorker {
    /// Its host.
    host: String,
    /// Its process ID on that host.
    pid: i64,
    /// The time at which it started.
    started_at: DateTime<Utc>,
    /// Number of accounts it has claimed.
    accounts: i64,
    /// The reason for which it is waiting.
    waits_for: Option<String>,
}

/// An account that could not be exported.
#[derive(Serialize, ToSchema)]
pub(super) struct CampaignFailure {
    /// Its diaspora* ID.
    account: String,
    /// The reason.
    reason: Option<String>,
}

impl From<Status> for StatusDocument {
    fn from(status: Status) -> Self {
        let totals = status.totals;
        let workers = status.workers.into_iter().map(|worker| CampaignWorker {
            host: worker.host,
            pid: worker.pid,
            started_at: worker.started_at,
            accounts: worker.accounts,
            waits_for: worker.waits_for,
        });
        let failed = status.failed.into_iter();
        Self {
            campaign: status.campaign.into(),
            accounts: CampaignAccounts {
                all: totals.accounts(),
                pending: totals.pending,
                running: totals.running,
                done: totals.done,
                failed: totals.failed,
                skipped: totals.skipped,
            },
            bytes: totals.bytes,
            records: totals.records,
            omissions: totals.omissions,
            accounts_per_second: status.rate,
            seconds_left: status.seconds_left,
            workers: workers.collect(),
            failed: failed
                .map(|failure| CampaignFailure { account: failure.account, reason: failure.reason })
                .collect(),
        }
    }
}

/// A new campaign.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCampaign)]
pub(super) struct New {
    /// Selected accounts: `all`, `not-closed`, or those active within a year, half a year or a month.
    #[schema(pattern = "^(all|not-closed|active-year|active-half-year|active-month)$")]
    only: String,
    /// True to keep sign-in data for the time after the pod's shutdown.
    #[serde(default)]
    keep_sign_in: bool,
}

/// A change to a campaign.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CampaignChange)]
pub(super) struct Change {
    /// `pause`, `resume`, `retry` (failed accounts) or `cancel`.
    #[schema(pattern = "^(pause|resume|retry|cancel)$")]
    act: String,
}

/// Lists all campaigns, newest first. For podmins.
#[utoipa::path(get, path = "/api/v1/board/campaigns", tag = "board", security(("token" = []), ("session" = [])),
    responses((status = 200, body = Vec<CampaignDocument>),
        Unauthenticated, Forbidden))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Vec<CampaignDocument>>, WebError> {
    caller.check_board_read(&app).await?;
    let all = campaigns::all(&app).await?;
    Ok(Json(all.into_iter().map(CampaignDocument::from).collect()))
}

/// Starts an encrypted campaign into the service's own depot; the service runs it. For podmins.
#[utoipa::path(post, path = "/api/v1/board/campaigns", tag = "board", security(("token" = []), ("session" = [])),
    request_body = New,
    responses((status = 201, body = CampaignDocument),
        BadRequest, Unauthenticated, Forbidden,
        (status = 409, description = "Another one is not over yet, or the pod is gone", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn begin(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    request: Result<Json<New>, JsonRejection>,
) -> Result<(StatusCode, Json<CampaignDocument>), WebError> {
    let actor = caller.check_board_write(&app, address).await?;
    let request = body(request)?;
    let campaign = campaigns::begin(&app, &actor, &request.only, request.keep_sign_in).await?;
    Ok((StatusCode::CREATED, Json(campaign.into())))
}

/// Returns a campaign with its progress. For podmins.
#[utoipa::path(get, path = "/api/v1/board/campaigns/{name}", tag = "board", security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, body = StatusDocument),
        Unauthenticated, Forbidden, NotFound))]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<StatusDocument>, WebError> {
    caller.check_board_read(&app).await?;
    let Path(name) = name.map_err(|_| WebError::NotFound)?;
    let campaign = campaigns::by_name(&app, &name).await?;
    Ok(Json(campaigns::status(&app, campaign).await?.into()))
}

/// Pauses, resumes or cancels a campaign, or retries its failed accounts. For podmins.
#[utoipa::path(patch, path = "/api/v1/board/campaigns/{name}", tag = "board", security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name")),
    request_body = Change,
    responses((status = 200, description = "As it is now", body = CampaignDocument),
        BadRequest, Unauthenticated, Forbidden, NotFound,
        (status = 409, description = "It is too late for that", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn change(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    name: Result<Path<String>, PathRejection>,
    change: Result<Json<Change>, JsonRejection>,
) -> Result<Json<CampaignDocument>, WebError> {
    let actor = caller.check_board_write(&app, address).await?;
    let Path(name) = name.map_err(|_| WebError::NotFound)?;
    let change = body(change)?;
    Ok(Json(campaigns::change(&app, &actor, &name, &change.act).await?.into()))
}
