//! Archives that are there.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use chrono::{DateTime, Utc};
use pappus_engine::requests::MadeArchive;
use serde::Serialize;
use utoipa::ToSchema;

use super::problems::{NobodySignedIn, NotAllowed, NotThere, Over};
use super::{Caller, ProblemDocument, Scope};
use crate::app::App;
use crate::error::WebError;
use crate::portal;

/// An archive.
#[derive(Serialize, ToSchema)]
#[schema(as = Archive)]
pub(super) struct ArchiveDocument {
    /// Its name.
    name: String,
    /// What the file is called.
    file: String,
    /// The time whose state of the account it shows.
    created_at: DateTime<Utc>,
    /// Its size as it is kept.
    bytes: i64,
    /// Records in it.
    records: i64,
    /// Records left out or incomplete.
    omissions: i64,
    /// Whether the private key is under a passphrase.
    key_locked: bool,
    /// When it is deleted.
    expires_at: Option<DateTime<Utc>>,
    /// Whether the podmin had it made, with those of everybody.
    by_podmin: bool,
}

impl ArchiveDocument {
    fn new(made: &MadeArchive) -> Self {
        Self {
            name: portal::archive_name(made),
            file: made.file_name(),
            created_at: made.created_at,
            bytes: made.bytes,
            records: made.records,
            omissions: made.omissions,
            key_locked: made.key_locked,
            expires_at: made.expires_at,
            by_podmin: portal::is_by_podmin(made),
        }
    }
}

/// What is in an archive.
#[derive(Serialize, ToSchema)]
pub(super) struct Contents {
    /// How many records of each kind.
    counts: BTreeMap<String, u64>,
    /// What was left out.
    omissions: Vec<LeftOut>,
    /// How many more were left out, by their reasons: above some number they are counted only.
    more_omissions: BTreeMap<String, u64>,
    /// The fingerprint of the account's key, which others can compare.
    key_fingerprint: Option<String>,
}

/// A record left out or incomplete.
#[derive(Serialize, ToSchema)]
pub(super) struct LeftOut {
    /// A stable name of the reason.
    code: &'static str,
    /// Which record.
    record: Option<String>,
    /// The reason.
    reason: String,
}

/// One's archives, the newest first.
#[utoipa::path(get, path = "/api/v1/archives", tag = "archives", security(("token" = []), ("session" = [])),
    responses((status = 200, body = Vec<ArchiveDocument>),
        NobodySignedIn, NotAllowed))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Vec<ArchiveDocument>>, WebError> {
    let person = caller.may(Scope::Read)?;
    let archives = app.portal.requests.archives(person.user_id).await?;
    let own = archives.iter().filter(|made| made.account == person.account);
    Ok(Json(own.map(ArchiveDocument::new).collect()))
}

/// What is in an archive, and what is not.
#[utoipa::path(get, path = "/api/v1/archives/{name}", tag = "archives", security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name, as in the list")),
    responses((status = 200, body = Contents),
        NobodySignedIn, NotAllowed, NotThere, Over))]
pub(super) async fn contents(
    State(app): State<App>,
    caller: Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Contents>, WebError> {
    let person = caller.may(Scope::Read)?;
    let Path(name) = name.map_err(|_| WebError::NotFound)?;
    let manifest = portal::manifest(&app, person, &name).await?;
    let counts = manifest.counts.iter().map(|(kind, count)| (word(kind), *count)).collect();
    let key_fingerprint = manifest.account.key_fingerprint.as_ref().map(ToString::to_string);
    let left_out = manifest.omissions.into_iter().map(|omission| LeftOut {
        code: omission.code.as_str(),
        record: omission.record.name,
        reason: omission.reason,
    });
    let more_omissions =
        manifest.more_omissions.iter().map(|(code, count)| (code.as_str().to_owned(), *count));
    let (omissions, more_omissions) = (left_out.collect(), more_omissions.collect());
    Ok(Json(Contents { counts, omissions, more_omissions, key_fingerprint }))
}

/// An archive itself, from any byte on (`Range`, `If-Range`, `ETag`).
#[utoipa::path(get, path = "/api/v1/archives/{name}/file", tag = "archives", security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name, as in the list")),
    responses((status = 200, description = "The archive", content_type = "application/zip"),
        (status = 206, description = "A part of it", content_type = "application/zip"),
        (status = 304, description = "It is as it was"),
        NobodySignedIn, NotAllowed, NotThere, Over,
        (status = 416, description = "There is nothing at that place")))]
pub(super) async fn file(
    State(app): State<App>,
    caller: Caller,
    name: Result<Path<String>, PathRejection>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    let person = caller.may(Scope::Download)?;
    let Path(name) = name.map_err(|_| WebError::NotFound)?;
    portal::archive_file(&app, person, &name, &method, &headers).await
}

/// One of the two files that a stock pod takes, made when somebody asks for the first time; from any byte on, as
/// [`file`].
#[utoipa::path(get, path = "/api/v1/archives/{name}/stock/{part}", tag = "archives", security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name, as in the list"),
        ("part" = String, Path, description = "`document` or `photos`")),
    responses((status = 200, description = "`USERNAME.json.gz`, or `USERNAME_photos.zip`", content(("application/gzip"), ("application/zip"))),
        (status = 206, description = "A part of it", content(("application/gzip"), ("application/zip"))),
        (status = 304, description = "It is as it was"),
        NobodySignedIn, NotAllowed, NotThere, Over,
        (status = 409, description = "Its key is under a passphrase, which a stock pod cannot open", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 416, description = "There is nothing at that place")))]
pub(super) async fn stock(
    State(app): State<App>,
    caller: Caller,
    names: Result<Path<(String, String)>, PathRejection>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    let person = caller.may(Scope::Download)?;
    let Path((name, part)) = names.map_err(|_| WebError::NotFound)?;
    portal::stock_file(&app, person, &name, &part, &method, &headers).await
}

/// The stable name of a kind of record.
pub(super) fn word(kind: &impl Serialize) -> String {
    let value = serde_json::to_value(kind).ok();
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
