//! Those who come, for podmins.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State as Shared};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::documents::PlanDocument;
use crate::api::problems::{NobodySignedIn, NotAllowed, NotThere, Senseless};
use crate::api::{Caller, ProblemDocument, body, query};
use crate::app::App;
use crate::error::WebError;
use crate::newcomers::compared::{advice, compared};
use crate::newcomers::decisions;
use crate::newcomers::ledger::records::Newcomer;
use crate::pages::Page;
use crate::security::Address;
use crate::words::Words;

/// Who is asked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only moves in this state; without it, all but those that have expired.
    state: Option<String>,
    /// The next page: what `before` was in the answer before.
    before: Option<i64>,
}

/// Who comes.
#[derive(Serialize, ToSchema)]
pub(super) struct Newcomers {
    /// The newest first, 200 on a page.
    newcomers: Vec<BoardNewcomer>,
    /// For the next page, when there may be one.
    before: Option<i64>,
}

/// Somebody who comes, as the podmin sees them.
#[derive(Serialize, ToSchema)]
pub(super) struct BoardNewcomer {
    /// Their number.
    id: i64,
    /// `uploading`, `checking`, `refused`, `checked`, `waiting`, `declined`, `importing`, `failed`, `imported`,
    /// `announcing`, `announced`, `undoing`, `undone` or `expired`.
    state: &'static str,
    /// When they began.
    begun_at: DateTime<Utc>,
    /// When it is over if nothing happens.
    expires_at: DateTime<Utc>,
    /// Bytes that were handed in.
    bytes: u64,
    /// The account the archive is of.
    old_account: Option<String>,
    /// The account here, as it was chosen.
    new_account: Option<String>,
    /// What proves that the archive is theirs: `unproven` if nothing does.
    proof: Option<String>,
    /// The keys that speak for and against the archive.
    evidence: Option<EvidenceDocument>,
    /// What a podmin has said.
    approved: Option<bool>,
    /// The diaspora* ID of whoever has said it.
    decided_by: Option<String>,
    /// What is being done.
    stage: Option<String>,
    /// How far that is.
    percent: Option<u64>,
    /// What went wrong: a stable name.
    problem: Option<String>,
    /// The same in a sentence.
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

/// The keys that speak for and against an archive, as fingerprints (`SHA256:` and hexadecimal digits).
#[derive(Serialize, ToSchema)]
#[schema(as = Evidence)]
pub(super) struct EvidenceDocument {
    /// The account.
    account: String,
    /// The account's key in the archive; absent when it holds none that can be read.
    archive: Option<String>,
    /// The key that this pod has known the account by; absent when it has not met it.
    known: Option<String>,
    /// The key that the old pod publishes; absent when it does not answer, or is not asked.
    published: Option<String>,
    /// The pod key that has signed the archive; absent for what stock pods write.
    signed_by: Option<String>,
    /// The pod keys that are pinned for the old pod.
    pinned: Vec<String>,
    /// What to do about them: `compare` (with what the person reads out), `known_differs` and `published_differs` (refused;
    /// ask the person and the old pod's podmin), `pin_differs` (ask the old pod's podmin for the pod key), or `no_key`.
    /// Absent when there is nothing to do.
    advice: Option<&'static str>,
    /// The same in a sentence.
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
            advice_text: compared(words, newcomer).map(|compared| compared.advice),
        })
    }
}

/// Somebody who comes, and what they bring.
#[derive(Serialize, ToSchema)]
pub(super) struct BoardNewcomerDetails {
    /// How they stand.
    newcomer: BoardNewcomer,
    /// What would come along.
    plan: Option<PlanDocument>,
    /// What has come along.
    report: Option<PlanDocument>,
}

/// What the podmin says.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewcomerDecision {
    /// `yes` lets in who waits, `no` does not, `again` has an import tried again that has failed,
    /// `announce` has a move announced that waits for a podmin because it names many pods (`many_pods`).
    #[schema(pattern = "^(yes|no|again|announce)$")]
    act: String,
}

/// Those who come, the newest first. For podmins.
#[utoipa::path(get, path = "/api/v1/board/newcomers", tag = "board", security(("token" = []), ("session" = [])),
    params(Wanted),
    responses((status = 200, body = Newcomers),
        Senseless, NobodySignedIn, NotAllowed,
        (status = 404, description = "This pod takes nobody in", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn list(
    Shared(app): Shared<App>,
    caller: Caller,
    page: Page,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Newcomers>, WebError> {
    caller.may_look(&app).await?;
    let wanted = query(wanted)?;
    let (found, before) = decisions::list(&app, wanted.state.as_deref(), wanted.before).await?;
    let newcomers =
        found.into_iter().map(|newcomer| BoardNewcomer::new(&app, &page.words, newcomer)).collect();
    Ok(Json(Newcomers { newcomers, before }))
}

/// Somebody who comes, and what they bring. For podmins.
#[utoipa::path(get, path = "/api/v1/board/newcomers/{id}", tag = "board", security(("token" = []), ("session" = [])),
    params(("id" = i64, Path, description = "Their number")),
    responses((status = 200, body = BoardNewcomerDetails),
        NobodySignedIn, NotAllowed, NotThere))]
pub(super) async fn get(
    Shared(app): Shared<App>,
    caller: Caller,
    page: Page,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Json<BoardNewcomerDetails>, WebError> {
    caller.may_look(&app).await?;
    let Path(id) = id.map_err(|_| WebError::NotFound)?;
    let newcomer = decisions::numbered(&app, id).await?;
    Ok(Json(BoardNewcomerDetails {
        plan: PlanDocument::read(newcomer.plan.as_deref()),
        report: PlanDocument::read(newcomer.report.as_deref()),
        newcomer: BoardNewcomer::new(&app, &page.words, newcomer),
    }))
}

/// Lets somebody in who waits, or does not; has an import tried again that has failed, or has a move announced that
/// names many pods. For podmins.
#[utoipa::path(patch, path = "/api/v1/board/newcomers/{id}", tag = "board", security(("token" = []), ("session" = [])),
    params(("id" = i64, Path, description = "Their number")),
    request_body = NewcomerDecision,
    responses((status = 200, description = "As it is now", body = BoardNewcomer),
        Senseless, NobodySignedIn, NotAllowed, NotThere,
        (status = 409, description = "It is too late for that, or too early", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn decide(
    Shared(app): Shared<App>,
    caller: Caller,
    address: Address,
    page: Page,
    id: Result<Path<i64>, PathRejection>,
    decision: Result<Json<NewcomerDecision>, JsonRejection>,
) -> Result<Json<BoardNewcomer>, WebError> {
    let actor = caller.may_act(&app, address).await?;
    let Path(id) = id.map_err(|_| WebError::NotFound)?;
    let decision = body(decision)?;
    let newcomer = decisions::decide(&app, &actor, id, &decision.act).await?;
    Ok(Json(BoardNewcomer::new(&app, &page.words, newcomer)))
}
