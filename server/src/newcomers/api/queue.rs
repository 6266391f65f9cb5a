//! The queue of newcomers, for podmins.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State as Shared};
use chrono::{DateTime, Utc};
use pappus_engine::arrivals::Newcomer;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::documents::PlanDocument;
use crate::api::problems::{BadRequest, Forbidden, NotFound, Unauthenticated};
use crate::api::{Caller, ProblemDocument, body, query};
use crate::app::App;
use crate::error::WebError;
use crate::newcomers::decisions;
use crate::newcomers::key_comparison::{advice, key_comparison};
use crate::pages::Page;
use crate::security::Address;
use crate::words::Words;

/// Selects newcomers.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct QueueQuery {
    /// Only moves in this state; default: all except expired ones.
    state: Option<String>,
    /// Cursor of the next page: `before` of the previous response.
    before: Option<i64>,
}

/// A page of newcomers.
#[derive(Serialize, ToSchema)]
pub(super) struct Newcomers {
    /// The newcomers, newest first, 200 per page.
    newcomers: Vec<BoardNewcomer>,
    /// Cursor of the next page, if there may be one.
    before: Option<i64>,
}

/// A newcomer as podmins see them.
#[derive(Serialize, ToSchema)]
pub(super) struct BoardNewcomer {
    /// Number of the newcomer.
    id: i64,
    /// `uploading`, `checking`, `refused`, `checked`, `waiting`, `declined`, `importing`, `failed`, `imported`,
    /// `announcing`, `announced`, `undoing`, `undone` or `expired`.
    state: &'static str,
    /// The time at which they started.
    begun_at: DateTime<Utc>,
    /// The time at which the move expires if nothing happens.
    expires_at: DateTime<Utc>,
    /// Number of bytes uploaded.
    bytes: u64,
    /// The account in the archive.
    old_account: Option<String>,
    /// The chosen account on this pod.
    new_account: Option<String>,
    /// The proof of ownership; `unproven` if there is none.
    proof: Option<String>,
    /// The keys that confirm or contradict the archive.
    evidence: Option<EvidenceDocument>,
    /// The podmin's decision.
    approved: Option<bool>,
    /// The diaspora* ID of the podmin who decided.
    decided_by: Option<String>,
    /// The current step.
    stage: Option<String>,
    /// Progress of the step in percent.
    percent: Option<u64>,
    /// Stable name of the problem.
    problem: Option<String>,
    /// Description of the problem.
    reason: Option<String>,
}

impl BoardNewcomer {
    fn new(app: &App, words: &Words, newcomer: Newcomer) -> Self {
        Self {
            id: newcomer.id,
            state: newcomer.state.as_str(),
            begun_at: newcomer.begun_at,
            expires_at: newcomer.expires_at,
            bytes: newcomer.bytes(),
            new_account: newcomer.new_account(&app.config.pod_url.diaspora_host()),
            percent: newcomer.percent().filter(|_| newcomer.state.is_work()),
            evidence: EvidenceDocument::of(&newcomer, words),
            old_account: newcomer.old_account,
            proof: newcomer.proof,
            approved: newcomer.approved,
            decided_by: newcomer.decided_by,
            stage: newcomer.stage,
            problem: newcomer.problem,
            reason: newcomer.reason,
        }
    }
}

/// The keys that confirm or contradict an archive, as fingerprints (`SHA256:` and hexadecimal digits).
#[derive(Serialize, ToSchema)]
#[schema(as = Evidence)]
pub(super) struct EvidenceDocument {
    /// The account.
    account: String,
    /// The account's key in the archive; absent if it contains no readable key.
    archive: Option<String>,
    /// The key by which this pod knows the account; absent if it does not know it.
    known: Option<String>,
    /// The key that the old pod publishes; absent if it does not respond or was not queried.
    published: Option<String>,
    /// The pod key that signed the archive; absent for archives of stock pods.
    signed_by: Option<String>,
    /// The pod keys pinned for the old pod.
    pinned: Vec<String>,
    /// The recommended action: `compare` (with what the person reads out), `known_differs` and `published_differs`
    /// (refused; ask the person and the old pod's podmin), `pin_differs` (ask the old pod's podmin for the pod key),
    /// or `no_key`. Absent if there is nothing to do.
    advice: Option<&'static str>,
    /// Description of the recommended action.
    advice_text: Option<String>,
}

impl EvidenceDocument {
    fn of(newcomer: &Newcomer, words: &Words) -> Option<Self> {
        let evidence = newcomer.evidence.clone()?;
        Some(Self {
            account: evidence.account,
            archive: evidence.archive,
            known: evidence.known,
            published: evidence.published,
            signed_by: evidence.signed_by,
            pinned: evidence.pinned,
            advice: advice(newcomer),
            advice_text: key_comparison(words, newcomer).map(|comparison| comparison.advice),
        })
    }
}

/// A newcomer with their plan and report.
#[derive(Serialize, ToSchema)]
pub(super) struct BoardNewcomerDetails {
    /// The newcomer.
    newcomer: BoardNewcomer,
    /// The import plan.
    plan: Option<PlanDocument>,
    /// The result of the import.
    report: Option<PlanDocument>,
}

/// A decision of the podmin.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewcomerDecision {
    /// `yes` approves a waiting newcomer, `no` declines, `again` retries a failed import, `announce` announces a move
    /// that waits for a podmin because it names many pods (`many_pods`), `stop` stops a check, which refuses the
    /// archive, or an import, which is undone and then declined.
    #[schema(pattern = "^(yes|no|again|announce|stop)$")]
    act: String,
}

/// Lists newcomers, newest first. For podmins.
#[utoipa::path(get, path = "/api/v1/board/newcomers", tag = "board", security(("token" = []), ("session" = [])),
    params(QueueQuery),
    responses((status = 200, body = Newcomers),
        BadRequest, Unauthenticated, Forbidden,
        (status = 404, description = "This pod accepts no newcomers", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn list(
    Shared(app): Shared<App>,
    caller: Caller,
    page: Page,
    parameters: Result<Query<QueueQuery>, QueryRejection>,
) -> Result<Json<Newcomers>, WebError> {
    caller.check_board_read(&app).await?;
    let QueueQuery { state, before } = query(parameters)?;
    let (page_rows, next) = decisions::list(&app, state.as_deref(), before).await?;
    let newcomers =
        page_rows.into_iter().map(|newcomer| BoardNewcomer::new(&app, &page.words, newcomer)).collect();
    Ok(Json(Newcomers { newcomers, before: next }))
}

/// Returns a newcomer with their plan and report. For podmins.
#[utoipa::path(get, path = "/api/v1/board/newcomers/{id}", tag = "board", security(("token" = []), ("session" = [])),
    params(("id" = i64, Path, description = "Their number")),
    responses((status = 200, body = BoardNewcomerDetails),
        Unauthenticated, Forbidden, NotFound))]
pub(super) async fn get(
    Shared(app): Shared<App>,
    caller: Caller,
    page: Page,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Json<BoardNewcomerDetails>, WebError> {
    caller.check_board_read(&app).await?;
    let Path(id) = id.map_err(|_| WebError::NotFound)?;
    let newcomer = decisions::by_id(&app, id).await?;
    Ok(Json(BoardNewcomerDetails {
        plan: PlanDocument::read(newcomer.plan.as_deref()),
        report: PlanDocument::read(newcomer.report.as_deref()),
        newcomer: BoardNewcomer::new(&app, &page.words, newcomer),
    }))
}

/// Approves or declines a newcomer, retries a failed import, announces a move with many pods, or stops a check or an
/// import. For podmins.
#[utoipa::path(patch, path = "/api/v1/board/newcomers/{id}", tag = "board", security(("token" = []), ("session" = [])),
    params(("id" = i64, Path, description = "Their number")),
    request_body = NewcomerDecision,
    responses((status = 200, description = "As it is now", body = BoardNewcomer),
        BadRequest, Unauthenticated, Forbidden, NotFound,
        (status = 409, description = "It is too late for that, or too early", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn decide(
    Shared(app): Shared<App>,
    caller: Caller,
    address: Address,
    page: Page,
    id: Result<Path<i64>, PathRejection>,
    decision: Result<Json<NewcomerDecision>, JsonRejection>,
) -> Result<Json<BoardNewcomer>, WebError> {
    let actor = caller.check_board_write(&app, address).await?;
    let Path(id) = id.map_err(|_| WebError::NotFound)?;
    let decision = body(decision)?;
    let newcomer = decisions::decide(&app, &actor, id, &decision.act).await?;
    Ok(Json(BoardNewcomer::new(&app, &page.words, newcomer)))
}
