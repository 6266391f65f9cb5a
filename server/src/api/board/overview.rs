//! The numbers, and where the shutdown stands.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::problems::{NobodySignedIn, NotAllowed, Senseless};
use crate::api::{Caller, ProblemDocument, body};
use crate::app::App;
use crate::board::shared::closing::{Decision, decide as decide_closing};
use crate::board::{Closing, Numbers, Stage};
use crate::error::WebError;
use crate::security::Address;

/// The board at a glance.
#[derive(Serialize, ToSchema)]
pub(super) struct Board {
    /// The pod's address.
    pod: String,
    /// How people stand.
    accounts: AccountNumbers,
    /// How it came to that: the sums up to the end of each day on which one of them grew.
    days: Vec<Sums>,
    /// Where the shutdown stands; nothing before it is decided.
    closing: Option<ClosingDocument>,
}

/// How many accounts stand how.
#[derive(Serialize, ToSchema)]
pub(super) struct AccountNumbers {
    /// All of the pod, closed ones included; unknown until the pod has said it once.
    accounts: Option<u64>,
    /// With an archive, or which had one.
    with_archive: u64,
    /// Whose archive was fetched.
    downloaded: u64,
    /// Moved to another pod.
    moved: u64,
    /// With none of these.
    untouched: Option<u64>,
}

/// The sums up to the end of a day.
#[derive(Serialize, ToSchema)]
pub(super) struct Sums {
    /// The day, in UTC.
    day: NaiveDate,
    /// Accounts with an archive, or which had one.
    with_archive: u64,
    /// Accounts whose archive was fetched.
    downloaded: u64,
    /// Accounts that have moved to another pod.
    moved: u64,
}

/// What the podmin has decided.
#[derive(Serialize, ToSchema)]
#[schema(as = Closing)]
pub(super) struct ClosingDocument {
    /// How far it is.
    stage: Stage,
    /// From when nothing new can be written.
    read_only_on: Option<NaiveDate>,
    /// When the pod itself is switched off.
    switch_off_on: Option<NaiveDate>,
    /// Until when archives can be fetched.
    downloads_until: Option<NaiveDate>,
    /// Whether everybody may see the numbers.
    public: bool,
}

impl From<Closing> for ClosingDocument {
    fn from(closing: Closing) -> Self {
        let Closing { stage, read_only_on, switch_off_on, downloads_until, is_public } = closing;
        Self { stage, read_only_on, switch_off_on, downloads_until, public: is_public }
    }
}

/// What the podmin decides. Days that are not named are taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClosingDecision {
    /// How far it is.
    #[schema(value_type = Stage)]
    stage: String,
    /// From when nothing new can be written.
    #[schema(value_type = Option<NaiveDate>)]
    read_only_on: Option<String>,
    /// When the pod itself is switched off.
    #[schema(value_type = Option<NaiveDate>)]
    switch_off_on: Option<String>,
    /// Until when archives can be fetched.
    #[schema(value_type = Option<NaiveDate>)]
    downloads_until: Option<String>,
    /// Whether everybody may see the numbers.
    #[serde(default)]
    public: bool,
}

/// The numbers, and where the shutdown stands. For podmins.
#[utoipa::path(get, path = "/api/v1/board", tag = "board", security(("token" = []), ("session" = [])),
    responses((status = 200, body = Board),
        NobodySignedIn, NotAllowed))]
pub(super) async fn board(State(app): State<App>, caller: Caller) -> Result<Json<Board>, WebError> {
    caller.may_look(&app).await?;
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

/// The stage of the shutdown and its days. For podmins.
#[utoipa::path(get, path = "/api/v1/board/closing", tag = "board", security(("token" = []), ("session" = [])),
    responses((status = 200, body = ClosingDocument),
        NobodySignedIn, NotAllowed,
        (status = 404, description = "Nothing is decided yet", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn closing(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<ClosingDocument>, WebError> {
    caller.may_look(&app).await?;
    let closing = Closing::of(&app).await?.ok_or(WebError::NotFound)?;
    Ok(Json(closing.into()))
}

/// Decides the stage of the shutdown and its days. For podmins.
#[utoipa::path(put, path = "/api/v1/board/closing", tag = "board", security(("token" = []), ("session" = [])),
    request_body = ClosingDecision,
    responses((status = 200, body = ClosingDocument),
        Senseless, NobodySignedIn, NotAllowed))]
pub(super) async fn decide(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    decision: Result<Json<ClosingDecision>, JsonRejection>,
) -> Result<Json<ClosingDocument>, WebError> {
    let actor = caller.may_act(&app, address).await?;
    let sent = body(decision)?;
    let decision = Decision {
        stage: sent.stage,
        read_only_on: sent.read_only_on.unwrap_or_default(),
        switch_off_on: sent.switch_off_on.unwrap_or_default(),
        downloads_until: sent.downloads_until.unwrap_or_default(),
        is_public: sent.public,
    };
    Ok(Json(decide_closing(&app, &actor, &decision).await?.into()))
}
