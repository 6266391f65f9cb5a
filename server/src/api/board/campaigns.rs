//! Exports of the whole pod.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use pappus_engine::campaign::{Campaign, Status};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::archives::word;
use crate::api::problems::{NobodySignedIn, NotAllowed, NotThere, Senseless};
use crate::api::{Caller, ProblemDocument, body};
use crate::app::App;
use crate::board::shared::campaigns;
use crate::error::WebError;
use crate::security::Address;

/// A campaign.
#[derive(Serialize, ToSchema)]
#[schema(as = Campaign)]
pub(super) struct CampaignDocument {
    /// Its name.
    name: String,
    /// `preparing`, `running`, `paused`, `finished` or `cancelled`.
    state: &'static str,
    /// Which accounts: `all`, `not-closed`, `active-year`, `active-half-year`, `active-month` or `listed`.
    only: String,
    /// Whether what people sign in with is kept, for the time after the pod.
    keep_sign_in: bool,
    /// Where its archives go.
    place: String,
    /// When it was begun: the time whose state of the accounts its archives show.
    created_at: DateTime<Utc>,
    /// When nothing was left to do.
    finished_at: Option<DateTime<Utc>>,
}

impl From<Campaign> for CampaignDocument {
    fn from(campaign: Campaign) -> Self {
        Self {
            state: campaign.state.as_str(),
            only: word(&campaign.options.only),
            keep_sign_in: campaign.options.keep_sign_in,
            name: campaign.name,
            place: campaign.out,
            created_at: campaign.created_at,
            finished_at: campaign.finished_at,
        }
    }
}

/// A campaign with its numbers.
#[derive(Serialize, ToSchema)]
#[schema(as = CampaignStatus)]
pub(super) struct StatusDocument {
    /// The campaign.
    campaign: CampaignDocument,
    /// How many of its accounts stand how.
    accounts: CampaignAccounts,
    /// Bytes of all archives.
    bytes: u64,
    /// Records in them.
    records: u64,
    /// Records left out or incomplete.
    omissions: u64,
    /// Accounts finished in a second, lately.
    accounts_per_second: f64,
    /// Seconds that are left at that rate; unknown while nothing happens.
    seconds_left: Option<f64>,
    /// The programs that work on it.
    workers: Vec<CampaignWorker>,
    /// The first accounts that failed.
    failed: Vec<CampaignFailure>,
}

/// How many accounts of a campaign stand how.
#[derive(Serialize, ToSchema)]
pub(super) struct CampaignAccounts {
    /// All of them.
    all: u64,
    /// Whose turn has not come.
    pending: u64,
    /// Somebody is at.
    running: u64,
    /// Whose archive is stored.
    done: u64,
    /// That could not be exported.
    failed: u64,
    /// That are not exported on purpose.
    skipped: u64,
}

/// A program that works on a campaign.
#[derive(Serialize, ToSchema)]
pub(super) struct CampaignWorker {
    /// Its machine.
    host: String,
    /// Its process there.
    pid: i64,
    /// Since when.
    started_at: DateTime<Utc>,
    /// Accounts in its hand.
    accounts: i64,
    /// What it waits for.
    waits_for: Option<String>,
}

/// An account that could not be exported.
#[derive(Serialize, ToSchema)]
pub(super) struct CampaignFailure {
    /// Its diaspora* ID.
    account: String,
    /// Why.
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
                .map(|line| CampaignFailure { account: line.account, reason: line.reason })
                .collect(),
        }
    }
}

/// What a new campaign shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCampaign)]
pub(super) struct New {
    /// Which accounts: `all`, `not-closed`, or those that were active within a year, half a year or a month.
    #[schema(pattern = "^(all|not-closed|active-year|active-half-year|active-month)$")]
    only: String,
    /// Whether to keep what people sign in with, for the time after the pod.
    #[serde(default)]
    keep_sign_in: bool,
}

/// What is to happen with a campaign.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CampaignChange)]
pub(super) struct Change {
    /// `pause` holds it, `resume` lets it go on, `retry` tries again what failed, `cancel` gives it up.
    #[schema(pattern = "^(pause|resume|retry|cancel)$")]
    act: String,
}

/// All campaigns, the newest first. For podmins.
#[utoipa::path(get, path = "/api/v1/board/campaigns", tag = "board", security(("token" = []), ("session" = [])),
    responses((status = 200, body = Vec<CampaignDocument>),
        NobodySignedIn, NotAllowed))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Vec<CampaignDocument>>, WebError> {
    caller.may_look(&app).await?;
    let all = campaigns::all(&app).await?;
    Ok(Json(all.into_iter().map(CampaignDocument::from).collect()))
}

/// Begins a campaign into the service's own place of archives, encrypted; the service works on it by itself. For podmins.
#[utoipa::path(post, path = "/api/v1/board/campaigns", tag = "board", security(("token" = []), ("session" = [])),
    request_body = New,
    responses((status = 201, body = CampaignDocument),
        Senseless, NobodySignedIn, NotAllowed,
        (status = 409, description = "Another one is not over yet, or the pod is gone", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn begin(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    new: Result<Json<New>, JsonRejection>,
) -> Result<(StatusCode, Json<CampaignDocument>), WebError> {
    let actor = caller.may_act(&app, address).await?;
    let new = body(new)?;
    let campaign = campaigns::begin(&app, &actor, &new.only, new.keep_sign_in).await?;
    Ok((StatusCode::CREATED, Json(campaign.into())))
}

/// A campaign with its numbers. For podmins.
#[utoipa::path(get, path = "/api/v1/board/campaigns/{name}", tag = "board", security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, body = StatusDocument),
        NobodySignedIn, NotAllowed, NotThere))]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<StatusDocument>, WebError> {
    caller.may_look(&app).await?;
    let Path(name) = name.map_err(|_| WebError::NotFound)?;
    let campaign = campaigns::named(&app, &name).await?;
    Ok(Json(campaigns::status(&app, campaign).await?.into()))
}

/// Holds a campaign, lets it go on, tries again what failed, or gives it up. For podmins.
#[utoipa::path(patch, path = "/api/v1/board/campaigns/{name}", tag = "board", security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name")),
    request_body = Change,
    responses((status = 200, description = "As it is now", body = CampaignDocument),
        Senseless, NobodySignedIn, NotAllowed, NotThere,
        (status = 409, description = "It is too late for that", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn change(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    name: Result<Path<String>, PathRejection>,
    change: Result<Json<Change>, JsonRejection>,
) -> Result<Json<CampaignDocument>, WebError> {
    let actor = caller.may_act(&app, address).await?;
    let Path(name) = name.map_err(|_| WebError::NotFound)?;
    let change = body(change)?;
    Ok(Json(campaigns::change(&app, &actor, &name, &change.act).await?.into()))
}
