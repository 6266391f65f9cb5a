//! Letters to many people.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::problems::{NobodySignedIn, NotAllowed, NotThere, Senseless};
use crate::api::{Caller, ProblemDocument, body};
use crate::app::App;
use crate::board::shared::letter::{Languages, Text, Written, recipients};
use crate::board::shared::notices::{self, Draft, Notice};
use crate::error::WebError;
use crate::security::Address;
use crate::words::LANGUAGES;

/// A letter that was sent, or is on its way.
#[derive(Serialize, ToSchema)]
#[schema(as = Notice)]
pub(super) struct NoticeDocument {
    /// Its number.
    id: i64,
    /// Its subject, as it was written.
    subject: String,
    /// Whom it goes to: `all`, `year`, `half-year`, `month` or `not-fetched`.
    audience: String,
    /// `queueing` while it is handed over for sending, `stopped`, or `queued` when it was handed over for everybody.
    state: String,
    /// The diaspora* ID of whoever has written it.
    written_by: String,
    /// When.
    begun_at: DateTime<Utc>,
    /// When it was handed over for everybody.
    finished_at: Option<DateTime<Utc>>,
    /// People it was handed over for so far.
    queued: i64,
}

impl From<Notice> for NoticeDocument {
    fn from(notice: Notice) -> Self {
        let Notice { id, subject, audience, begun_at, written_by, state, queued, finished_at } = notice;
        Self { id, subject, audience, state, written_by, begun_at, finished_at, queued }
    }
}

/// A letter, and what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = NoticeProgress)]
pub(super) struct ProgressDocument {
    /// The letter.
    notice: NoticeDocument,
    /// Mails that were sent.
    sent: i64,
    /// Mails that wait.
    waiting: i64,
    /// Mails that were given up.
    failed: i64,
}

/// A letter to be sent. `{name}`, `{pod}`, `{link}`, `{days}` and `{podmin}` are put in for each person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewNotice)]
pub(super) struct New {
    /// Whom it goes to: all, those who were active within a year, half a year or a month, or who has not fetched an
    /// archive.
    #[schema(pattern = "^(all|year|half-year|month|not-fetched)$")]
    audience: String,
    /// Its subject, one line.
    #[schema(min_length = 1, max_length = 200)]
    subject: String,
    /// Its text.
    #[schema(min_length = 1, max_length = 20000)]
    body: String,
    /// The language of subject and text, `en` or `de`; English unless it is named.
    #[serde(default)]
    #[schema(pattern = "^(en|de)?$")]
    language: String,
    /// The same letter in other languages, by language code: whoever has chosen one of them on the pod gets that.
    #[serde(default)]
    translations: BTreeMap<String, Translation>,
    /// Without this it is only shown as people will see it.
    #[serde(default)]
    confirmed: bool,
}

/// A letter in another language.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NoticeTranslation)]
pub(super) struct Translation {
    /// Its subject, one line.
    #[schema(min_length = 1, max_length = 200)]
    subject: String,
    /// Its text.
    #[schema(min_length = 1, max_length = 20000)]
    body: String,
}

/// A letter as the caller would get it.
#[derive(Serialize, ToSchema)]
#[schema(as = NoticePreview)]
pub(super) struct Preview {
    /// Its subject.
    subject: String,
    /// Its text.
    body: String,
    /// How many people get a letter.
    recipients: u64,
    /// How many of them have a locked account: they are told to write to the podmin instead.
    locked: u64,
}

/// What is to happen with a letter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NoticeChange)]
pub(super) struct Change {
    /// `stop` hands it over to nobody else, `go-on` goes on.
    #[schema(pattern = "^(stop|go-on)$")]
    act: String,
}

/// The last 20 letters, the newest first. For podmins.
#[utoipa::path(get, path = "/api/v1/board/notices", tag = "board", security(("token" = []), ("session" = [])),
    responses((status = 200, body = Vec<NoticeDocument>),
        NobodySignedIn, NotAllowed))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Vec<NoticeDocument>>, WebError> {
    caller.may_look(&app).await?;
    let last = notices::last(&app).await?;
    Ok(Json(last.into_iter().map(NoticeDocument::from).collect()))
}

/// Sends a letter when that is confirmed; else shows it as people will see it. For podmins.
#[utoipa::path(post, path = "/api/v1/board/notices", tag = "board", security(("token" = []), ("session" = [])),
    request_body = New,
    responses((status = 201, description = "It is on its way", body = NoticeDocument),
        (status = 200, description = "It is not confirmed: nothing is sent", body = Preview),
        Senseless, NobodySignedIn, NotAllowed,
        (status = 409, description = "No mail can be sent", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn send(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    new: Result<Json<New>, JsonRejection>,
) -> Result<Response, WebError> {
    let actor = caller.may_act(&app, address).await?;
    let new = body(new)?;
    let draft = draft(new.audience, new.subject, new.body, new.language, new.translations)?;
    if !new.confirmed {
        let Written { subject, body } = notices::preview(&app, &actor, &draft).await?;
        let counts = recipients(&app, &draft).await?;
        let (recipients, locked) = (counts.all(), counts.locked);
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
    let known = |code: &str| LANGUAGES.iter().any(|(known, _)| *known == code);
    if !known(&main) || translations.keys().any(|code| !known(code) || *code == main) {
        return Err(WebError::BadRequest("languages are en and de, each once".to_owned()));
    }
    let texts =
        translations.into_iter().map(|(code, Translation { subject, body })| (code, Text { subject, body }));
    Ok(Draft { audience, subject, body, languages: Languages { main, texts: texts.collect() } })
}

/// A letter, and how far it is. For podmins.
#[utoipa::path(get, path = "/api/v1/board/notices/{id}", tag = "board", security(("token" = []), ("session" = [])),
    params(("id" = i64, Path, description = "Its number")),
    responses((status = 200, body = ProgressDocument),
        NobodySignedIn, NotAllowed, NotThere))]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Json<ProgressDocument>, WebError> {
    caller.may_look(&app).await?;
    let Path(id) = id.map_err(|_| WebError::NotFound)?;
    let notice = notices::numbered(&app, id).await?;
    let progress = notice.progress(&app).await?;
    Ok(Json(ProgressDocument {
        sent: progress.sent,
        waiting: progress.waiting,
        failed: progress.failed,
        notice: notice.into(),
    }))
}

/// Stops a letter, or lets it go on; what is over stays as it is. What was handed over is sent. For podmins.
#[utoipa::path(patch, path = "/api/v1/board/notices/{id}", tag = "board", security(("token" = []), ("session" = [])),
    params(("id" = i64, Path, description = "Its number")),
    request_body = Change,
    responses((status = 200, description = "As it is now", body = NoticeDocument),
        Senseless, NobodySignedIn, NotAllowed, NotThere))]
pub(super) async fn change(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    id: Result<Path<i64>, PathRejection>,
    change: Result<Json<Change>, JsonRejection>,
) -> Result<Json<NoticeDocument>, WebError> {
    let actor = caller.may_act(&app, address).await?;
    let Path(id) = id.map_err(|_| WebError::NotFound)?;
    let change = body(change)?;
    Ok(Json(notices::change(&app, &actor, id, &change.act).await?.into()))
}
