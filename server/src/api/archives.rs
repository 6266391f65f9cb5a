//! Existing archives.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use chrono::{DateTime, Utc};
use pappus_engine::departures::MadeArchive;
use serde::Serialize;
use utoipa::ToSchema;

use super::problems::{Forbidden, Gone, NotFound, Unauthenticated};
use super::{Caller, ProblemDocument, Scope};
use crate::app::App;
use crate::error::WebError;
use crate::portal;

/// An archive.
#[derive(Serialize, ToSchema)]
#[schema(as = Archive)]
pub(super) struct ArchiveDocument {
    /// The name of the archive.
    name: String,
    /// The file name.
    file: String,
    /// The point in time of the account data in it.
    created_at: DateTime<Utc>,
    /// Stored size in bytes.
    bytes: i64,
    /// Number of records in it.
    records: i64,
    /// Number of records left out or incomplete.
    omissions: i64,
    /// True if the private key is encrypted with a passphrase.
    key_locked: bool,
    /// The time at which it is deleted.
    expires_at: Option<DateTime<Utc>>,
    /// True if the podmin had it created in an export of all accounts.
    by_podmin: bool,
}

impl ArchiveDocument {
    fn new(archive: &MadeArchive) -> Self {
        Self {
            name: portal::archive_name(archive),
            file: archive.file_name(),
            created_at: archive.created_at,
            bytes: archive.bytes,
            records: archive.records,
            omissions: archive.omissions,
            key_locked: archive.key_locked,
            expires_at: archive.expires_at,
            by_podmin: portal::is_by_podmin(archive),
        }
    }
}

/// The contents of an archive.
#[derive(Serialize, ToSchema)]
pub(super) struct Contents {
    /// Number of records of each kind.
    counts: BTreeMap<String, u64>,
    /// The records that were left out.
    omissions: Vec<LeftOut>,
    /// Numbers of further records left out, by reason: above a limit they are only counted.
    more_omissions: BTreeMap<String, u64>,
    /// Fingerprint of the account's key, for comparison by others.
    key_fingerprint: Option<String>,
}

/// A record left out or incomplete.
#[derive(Serialize, ToSchema)]
pub(super) struct LeftOut {
    /// Stable name of the reason.
    code: &'static str,
    /// The record.
    record: Option<String>,
    /// The reason.
    reason: String,
}

/// Lists the caller's archives, newest first.
#[utoipa::path(get, path = "/api/v1/archives", tag = "archives", security(("token" = []), ("session" = [])),
    responses((status = 200, body = Vec<ArchiveDocument>),
        Unauthenticated, Forbidden))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Vec<ArchiveDocument>>, WebError> {
    let person = caller.check_scope(Scope::Read)?;
    let archives = app.portal.requests.archives(person.user_id).await?;
    let own_archives = archives.iter().filter(|archive| archive.account == person.account);
    Ok(Json(own_archives.map(ArchiveDocument::new).collect()))
}

/// Lists what an archive contains and what was left out.
#[utoipa::path(get, path = "/api/v1/archives/{name}", tag = "archives", security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name, as in the list")),
    responses((status = 200, body = Contents),
        Unauthenticated, Forbidden, NotFound, Gone))]
pub(super) async fn contents(
    State(app): State<App>,
    caller: Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Contents>, WebError> {
    let person = caller.check_scope(Scope::Read)?;
    let Path(name) = name.map_err(|_| WebError::NotFound)?;
    let manifest = portal::manifest(&app, person, &name).await?;
    let counts = manifest.counts.iter().map(|(kind, count)| (json_name(kind), *count)).collect();
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

/// Downloads an archive, from any byte (`Range`, `If-Range`, `ETag`).
#[utoipa::path(get, path = "/api/v1/archives/{name}/file", tag = "archives", security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name, as in the list")),
    responses((status = 200, description = "The archive", content_type = "application/zip"),
        (status = 206, description = "A part of it", content_type = "application/zip"),
        (status = 304, description = "It is as it was"),
        Unauthenticated, Forbidden, NotFound, Gone,
        (status = 416, description = "There is nothing at that place")))]
pub(super) async fn file(
    State(app): State<App>,
    caller: Caller,
    name: Result<Path<String>, PathRejection>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    let person = caller.check_scope(Scope::Download)?;
    let Path(name) = name.map_err(|_| WebError::NotFound)?;
    portal::archive_file(&app, person, &name, &method, &headers).await
}

/// Downloads one of the two files that a stock pod imports, created at the first request; from any byte, like the whole archive.
#[utoipa::path(get, path = "/api/v1/archives/{name}/stock/{part}", tag = "archives", security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name, as in the list"),
        ("part" = String, Path, description = "`document` or `photos`")),
    responses((status = 200, description = "`USERNAME.json.gz`, or `USERNAME_photos.zip`", content(("application/gzip"), ("application/zip"))),
        (status = 206, description = "A part of it", content(("application/gzip"), ("application/zip"))),
        (status = 304, description = "It is as it was"),
        Unauthenticated, Forbidden, NotFound, Gone,
        (status = 409, description = "Its key is under a passphrase, which a stock pod cannot open", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 416, description = "There is nothing at that place")))]
pub(super) async fn stock(
    State(app): State<App>,
    caller: Caller,
    names: Result<Path<(String, String)>, PathRejection>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    let person = caller.check_scope(Scope::Download)?;
    let Path((name, part)) = names.map_err(|_| WebError::NotFound)?;
    portal::stock_file(&app, person, &name, &part, &method, &headers).await
}

/// Returns the stable name of a kind of record.
pub(super) fn json_name(kind: &impl Serialize) -> String {
    let value = serde_json::to_value(kind).ok();
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
