//! Announcements: e-mails to many people.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::problems::{BadRequest, Forbidden, NotFound, Unauthenticated};
use crate::api::{Caller, ProblemDocument, body};
use crate::app::App;
use crate::board::shared::letter::{Languages, NoticeMail, Text, count_recipients};
use crate::board::shared::notices::{self, Draft, Notice};
use crate::error::WebError;
use crate::security::Address;
use crate::words::LANGUAGES;

/// An announcement that was sent or is being sent.
#[derive(Serialize, ToSchema)]
#[schema(as = Notice)]
pub(super) struct NoticeDocument {
    /// Number of the announcement.
    id: i64,
    /// The subject as written.
    subject: String,
    /// The recipients: `all`, `year`, `half-year`, `month` or `not-fetched`.
    audience: String,
    /// `queueing` while mails are queued, `stopped`, or `queued` when a mail is queued for every recipient.
    state: String,
    /// The diaspora* ID of the author.
    written_by: String,
    /// Start of queueing.
    begun_at: DateTime<Utc>,
    /// The time at which the last mail was queued.
    finished_at: Option<DateTime<Utc>>,
    /// Number of recipients queued so far.
    queued: i64,
}

impl From<Notice> for NoticeDocument {
    fn from(notice: Notice) -> Self {
        let Notice { id, subject, audience, begun_at, written_by, state, queued, finished_at } = notice;
        Self { id, subject, audience, state, written_by, begun_at, finished_at, queued }
    }
}

/// An announcement and its delivery.
#[derive(Serialize, ToSchema)]
#[schema(as = NoticeProgress)]
pub(super) struct ProgressDocument {
    /// The announcement.
    notice: NoticeDocument,
    /// Number of mails sent.
    sent: i64,
    /// Number of mails waiting.
    waiting: i64,
    /// Number of mails given up.
    failed: i64,
}

/// An announcement to send. `{name}`, `{pod}`, `{link}`, `{days}` and `{podmin}` are replaced for each recipient.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewNotice)]
pub(super) struct New {
    /// The recipients: all, those active within a year, half a year or a month, or those who have not downloaded an
    /// archive.
    #[schema(pattern = "^(all|year|half-year|month|not-fetched)$")]
    audience: String,
    /// The subject, one line.
    #[schema(min_length = 1, max_length = 200)]
    subject: String,
    /// The text.
    #[schema(min_length = 1, max_length = 20000)]
    body: String,
    /// Language of subject and text, such as `en` or `de`; default: English.
    #[serde(default)]
    #[schema(pattern = "^([a-z]{2})?$")]
    language: String,
    /// Translations by language code; recipients get the one in the language they chose on the pod.
    #[serde(default)]
    translations: BTreeMap<String, Translation>,
    /// Sends the announcement if true; otherwise returns a preview.
    #[serde(default)]
    confirmed: bool,
}

/// A translation of an announcement.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NoticeTranslation)]
pub(super) struct Translation {
    /// The subject, one line.
    #[schema(min_length = 1, max_length = 200)]
    subject: String,
    /// The text.
    #[schema(min_length = 1, max_length = 20000)]
    body: String,
}

/// An announcement as the caller would receive it.
#[derive(Serialize, ToSchema)]
#[schema(as = NoticePreview)]
pub(super) struct Preview {
    /// The subject.
    subject: String,
    /// The text.
    body: String,
    /// Number of recipients.
    recipients: u64,
    /// Number of recipients with a locked account: they are asked to write to the podmin instead.
    locked: u64,
}

/// A change to an announcement.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NoticeChange)]
pub(super) struct Change {
    /// `stop` queues no further mails, `go-on` resumes.
    #[schema(pattern = "^(stop|go-on)$")]
    act: String,
}

/// Lists the last 20 announcements, newest first. For podmins.
#[utoipa::path(get, path = "/api/v1/board/notices", tag = "board", security(("token" = []), ("session" = [])),
    responses((status = 200, body = Vec<NoticeDocument>),
        Unauthenticated, Forbidden))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Vec<NoticeDocument>>, WebError> {
    caller.check_board_read(&app).await?;
    let latest = notices::latest(&app).await?;
    Ok(Json(latest.into_iter().map(NoticeDocument::from).collect()))
}

/// Sends an announcement if confirmed; otherwise returns a preview. For podmins.
#[utoipa::path(post, path = "/api/v1/board/notices", tag = "board", security(("token" = []), ("session" = [])),
    request_body = New,
    responses((status = 201, description = "It is on its way", body = NoticeDocument),
        (status = 200, description = "It is not confirmed: nothing is sent", body = Preview),
        BadRequest, Unauthenticated, Forbidden,
        (status = 409, description = "No mail can be sent", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn send(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    request: Result<Json<New>, JsonRejection>,
) -> Result<Response, WebError> {
    let actor = caller.check_board_write(&app, address).await?;
    let request = body(request)?;
    let draft =
        draft(request.audience, request.subject, request.body, request.language, request.translations)?;
    if !request.confirmed {
        let NoticeMail { subject, body } = notices::preview(&app, &actor, &draft).await?;
        let counts = count_recipients(&app, &draft).await?;
        let (recipients, locked) = (counts.total(), counts.locked);
        return Ok(Json(Preview { subject, body, recipients, locked }).into_response());
    }
    let notice = notices::send(&app, &actor, &draft).await?;
    Ok((StatusCode::CREATED, Json(NoticeDocument::from(notice))).into_response())
}

fn draft(
    audience: String,
    subject: String,
    body: String,
    language: String,
    translations: BTreeMap<String, Translation>,
) -> Result<Draft, WebError> {
    let main = if language.is_empty() { Languages::default().main } else { language };
    let is_known = |code: &str| LANGUAGES.iter().any(|(known_code, _)| *known_code == code);
    if !is_known(&main) || translations.keys().any(|code| !is_known(code) || *code == main) {
        let codes = LANGUAGES.map(|(code, _)| code).join(", ");
        return Err(WebError::BadRequest(format!("choose each language once, of these: {codes}")));
    }
    let texts =
        translations.into_iter().map(|(code, Translation { subject, body })| (code, Text { subject, body }));
    Ok(Draft { audience, subject, body, languages: Languages { main, texts: texts.collect() } })
}

/// Returns an announcement and its progress. For podmins.
#[utoipa::path(get, path = "/api/v1/board/notices/{id}", tag = "board", security(("token" = []), ("session" = [])),
    params(("id" = i64, Path, description = "Its number")),
    responses((status = 200, body = ProgressDocument),
        Unauthenticated, Forbidden, NotFound))]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Json<ProgressDocument>, WebError> {
    caller.check_board_read(&app).await?;
    let Path(id) = id.map_err(|_| WebError::NotFound)?;
    let notice = notices::by_id(&app, id).await?;
    let progress = notice.progress(&app).await?;
    Ok(Json(ProgressDocument {
        sent: progress.sent,
        waiting: progress.waiting,
        failed: progress.failed,
        notice: notice.into(),
    }))
}

/// Stops or resumes an announcement; a finished one does not change. Queued mails are sent. For podmins.
#[utoipa::path(patch, path = "/api/v1/board/notices/{id}", tag = "board", security(("token" = []), ("session" = [])),
    params(("id" = i64, Path, description = "Its number")),
    request_body = Change,
    responses((status = 200, description = "As it is now", body = NoticeDocument),
        BadRequest, Unauthenticated, Forbidden, NotFound))]
pub(super) async fn change(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    id: Result<Path<i64>, PathRejection>,
    change: Result<Json<Change>, JsonRejection>,
) -> Result<Json<NoticeDocument>, WebError> {
    let actor = caller.check_board_write(&app, address).await?;
    let Path(id) = id.map_err(|_| WebError::NotFound)?;
    let change = body(change)?;
    Ok(Json(notices::change(&app, &actor, id, &change.act).await?.into()))
}
