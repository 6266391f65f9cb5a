//! Downloads of archives: from any byte, in constant memory.

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use pappus_engine::departures::{MadeArchive, OpenedArchive, Origin};

use super::ranges::{Part, part};
use super::two_files::Stock;
use super::{made, two_files};
use crate::app::App;
use crate::error::{KeepBody, WebError};
use crate::pages::Page;
use crate::sessions::{Person, SignedIn};

/// Number of bytes read at a time.
const CHUNK_BYTES: u64 = 256 << 10;

/// Sends one's own archive as one file.
pub(super) async fn archive_file(
    State(app): State<App>,
    SignedIn(person): SignedIn,
    Path((name, _)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    let archive = made::find_downloadable(&app, &person, &name).await?;
    send_archive(&app, &archive, &method, &headers).await
}

/// Sends one of the two files that a stock pod imports.
pub(super) async fn stock(
    State(app): State<App>,
    SignedIn(person): SignedIn,
    Path((name, part)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    stock_file(&app, &person, &name, &part, &method, &headers).await
}

/// Sends one of the two files that a stock pod imports, from one's own archive.
pub(crate) async fn stock_file(
    app: &App,
    person: &Person,
    name: &str,
    part: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, WebError> {
    let part = Stock::parse(part).ok_or(WebError::NotFound)?;
    let archive = made::find_downloadable(app, person, name).await?;
    let opened = two_files::open(app, &archive, part).await?;
    let etag = etag(&archive, part.as_str());
    let file =
        File { name: &part.file_name(&person.username), content_type: part.content_type(), etag: &etag };
    // A person needs both files; the second one counts as the download.
    let recorder = (part == Stock::Photos).then(|| DownloadRecorder::new(app, &archive));
    respond(opened, &file, method, headers, recorder).await
}

/// Shows the page behind a link in a mail: the owner of the archive, and the button.
pub(super) async fn link_page(
    State(app): State<App>,
    page: Page,
    Path(token): Path<String>,
) -> Result<Response, WebError> {
    let archive = linked_archive(&app, &token).await?;
    let size = u64::try_from(archive.bytes).unwrap_or(0);
    let template = LinkPage {
        page: &page,
        account: &archive.account,
        file: archive.file_name(),
        token: &token,
        size: page.words.size(size),
        expires: archive.expires_at.map(|time| page.words.day(time)),
    };
    page.show(StatusCode::OK, &template)
}

/// Sends the archive behind a link in a mail.
pub(super) async fn link(
    State(app): State<App>,
    Path((token, _)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    let archive = linked_archive(&app, &token).await?;
    send_archive(&app, &archive, &method, &headers).await
}

/// Returns the archive behind a link in a mail.
async fn linked_archive(app: &App, token: &str) -> Result<MadeArchive, WebError> {
    let request = app.portal.links.find(token).await?.ok_or(WebError::DeadLink)?;
    let archive = MadeArchive::of_request(&request).ok_or(WebError::DeadLink)?;
    made::require_downloads(app).await?;
    Ok(archive)
}

#[derive(Template)]
#[template(path = "portal/link.html")]
struct LinkPage<'a> {
    page: &'a Page,
    account: &'a str,
    file: String,
    token: &'a str,
    size: String,
    expires: Option<String>,
}

/// Sends an archive as one file.
pub(crate) async fn send_archive(
    app: &App,
    archive: &MadeArchive,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, WebError> {
    let opened = made::open(app, archive).await?;
    let etag = etag(archive, "archive");
    let file = File { name: &archive.file_name(), content_type: "application/zip", etag: &etag };
    let recorder = Some(DownloadRecorder::new(app, archive));
    respond(opened, &file, method, headers, recorder).await
}

/// Returns an ETag: the same for the same bytes, on every machine.
fn etag(archive: &MadeArchive, part: &str) -> String {
    format!("\"{}-{part}\"", archive.sha256.get(..32).unwrap_or(&archive.sha256))
}

struct File<'a> {
    name: &'a str,
    content_type: &'static str,
    etag: &'a str,
}

/// Records that an archive was downloaded completely.
struct DownloadRecorder {
    app: App,
    user_id: i64,
    origin: Origin,
}

impl DownloadRecorder {
    fn new(app: &App, archive: &MadeArchive) -> Self {
        Self { app: app.clone(), user_id: archive.user_id, origin: archive.origin.clone() }
    }

    async fn record(self) {
        if let Err(error) = self.app.portal.requests.downloaded(self.user_id, &self.origin).await {
            tracing::warn!("{error}");
        }
    }
}

async fn respond(
    opened: OpenedArchive,
    file: &File<'_>,
    method: &Method,
    headers: &HeaderMap,
    recorder: Option<DownloadRecorder>,
) -> Result<Response, WebError> {
    let size = opened.size();
    let (status, first, length) = match part(headers, size, file.etag) {
        Part::Whole => (StatusCode::OK, 0, size),
        Part::Range(first, last) => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Part::Unchanged => (StatusCode::NOT_MODIFIED, 0, 0),
        Part::Beyond => {
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            set(response.headers_mut(), CONTENT_RANGE, &format!("bytes */{size}"))?;
            response.extensions_mut().insert(KeepBody);
            return Ok(response);
        }
    };
    let body = if *method == Method::HEAD || length == 0 {
        Body::empty()
    } else {
        let opened = opened.go_to(first).await.map_err(|error| WebError::Unavailable(error.to_string()))?;
        stream_out(opened, length, recorder.filter(|_| first + length == size))
    };
    let mut response = (status, body).into_response();
    let head = response.headers_mut();
    set(head, ETAG, file.etag)?;
    set(head, CACHE_CONTROL, "private, no-store")?;
    set(head, ACCEPT_RANGES, "bytes")?;
    if status == StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    set(head, CONTENT_TYPE, file.content_type)?;
    set(head, CONTENT_LENGTH, &length.to_string())?;
    set(
        head,
        CONTENT_DISPOSITION,
        &format!("attachment; filename=\"{}\"", file.name.replace(['"', '\\'], "_")),
    )?;
    if status == StatusCode::PARTIAL_CONTENT {
        set(head, CONTENT_RANGE, &format!("bytes {first}-{}/{size}", first + length - 1))?;
    }
    Ok(response)
}

fn set(headers: &mut HeaderMap, name: axum::http::HeaderName, value: &str) -> Result<(), WebError> {
    let value = HeaderValue::from_str(value).map_err(|error| WebError::Internal(error.to_string()))?;
    headers.insert(name, value);
    Ok(())
}

/// Streams the file in chunks, as fast as the client reads.
fn stream_out(opened: OpenedArchive, length: u64, recorder: Option<DownloadRecorder>) -> Body {
    let initial = (Some(opened), length, recorder);
    Body::from_stream(stream::unfold(initial, |(opened, remaining, recorder)| async move {
        let opened = opened.filter(|_| remaining > 0)?;
        let chunk_bytes = usize::try_from(remaining.min(CHUNK_BYTES)).unwrap_or(0);
        match opened.piece(chunk_bytes).await {
            Ok((_, bytes)) if bytes.is_empty() => {
                let error =
                    std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the archive ends too early");
                Some((Err(error), (None, 0, None)))
            }
            Ok((opened, bytes)) => {
                let remaining = remaining.saturating_sub(bytes.len() as u64);
                let recorder = if remaining == 0 {
                    if let Some(recorder) = recorder {
                        recorder.record().await;
                    }
                    None
                } else {
                    recorder
                };
                Some((Ok(bytes), (Some(opened), remaining, recorder)))
            }
            Err(error) => {
                tracing::warn!("a download failed: {error}");
                Some((Err(error), (None, 0, None)))
            }
        }
    }))
}
