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

/// Bytes read at a time.
const PIECE: u64 = 256 << 10;

/// Sends one's own archive as one file.
pub(super) async fn own(
    State(app): State<App>,
    SignedIn(person): SignedIn,
    Path((name, _)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    let made = made::own(&app, &person, &name).await?;
    whole(&app, &made, &method, &headers).await
}

/// Sends one of the two files that a stock pod imports.
pub(super) async fn stock(
    State(app): State<App>,
    SignedIn(person): SignedIn,
    Path((name, part)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    own_stock(&app, &person, &name, &part, &method, &headers).await
}

/// Sends one of the two files that a stock pod imports, from one's own archive.
pub(crate) async fn own_stock(
    app: &App,
    person: &Person,
    name: &str,
    part: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, WebError> {
    let part = Stock::parse(part).ok_or(WebError::NotFound)?;
    let made = made::own(app, person, name).await?;
    let opened = two_files::open(app, &made, part).await?;
    let tag = tag(&made, part.word());
    let file = File { name: &part.file_name(&person.username), kind: part.content_type(), tag: &tag };
    // A person needs both files; the second one counts as the download.
    let fetched = (part == Stock::Photos).then(|| Fetched::new(app, &made));
    respond(opened, &file, method, headers, fetched).await
}

/// Shows the page behind a link in a mail: the owner of the archive, and the button.
pub(super) async fn link_page(
    State(app): State<App>,
    page: Page,
    Path(token): Path<String>,
) -> Result<Response, WebError> {
    let made = linked(&app, &token).await?;
    let size = u64::try_from(made.bytes).unwrap_or(0);
    let template = LinkPage {
        page: &page,
        account: &made.account,
        file: made.file_name(),
        token: &token,
        size: page.words.size(size),
        expires: made.expires_at.map(|time| page.words.day(time)),
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
    let made = linked(&app, &token).await?;
    whole(&app, &made, &method, &headers).await
}

async fn linked(app: &App, token: &str) -> Result<MadeArchive, WebError> {
    let request = app.portal.links.find(token).await?.ok_or(WebError::DeadLink)?;
    let made = MadeArchive::of_request(&request).ok_or(WebError::DeadLink)?;
    made::may_be_fetched(app).await?;
    Ok(made)
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
pub(crate) async fn whole(
    app: &App,
    made: &MadeArchive,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, WebError> {
    let opened = made::open(app, made).await?;
    let tag = tag(made, "archive");
    let file = File { name: &made.file_name(), kind: "application/zip", tag: &tag };
    let fetched = Some(Fetched::new(app, made));
    respond(opened, &file, method, headers, fetched).await
}

/// Returns an ETag: the same for the same bytes, on every machine.
fn tag(made: &MadeArchive, part: &str) -> String {
    format!("\"{}-{part}\"", made.sha256.get(..32).unwrap_or(&made.sha256))
}

struct File<'a> {
    name: &'a str,
    kind: &'static str,
    tag: &'a str,
}

/// Records that an archive was downloaded to its end.
struct Fetched {
    app: App,
    user_id: i64,
    origin: Origin,
}

impl Fetched {
    fn new(app: &App, made: &MadeArchive) -> Self {
        Self { app: app.clone(), user_id: made.user_id, origin: made.origin.clone() }
    }

    async fn note(self) {
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
    fetched: Option<Fetched>,
) -> Result<Response, WebError> {
    let size = opened.size();
    let (status, first, length) = match part(headers, size, file.tag) {
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
        stream_out(opened, length, fetched.filter(|_| first + length == size))
    };
    let mut response = (status, body).into_response();
    let head = response.headers_mut();
    set(head, ETAG, file.tag)?;
    set(head, CACHE_CONTROL, "private, no-store")?;
    set(head, ACCEPT_RANGES, "bytes")?;
    if status == StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    set(head, CONTENT_TYPE, file.kind)?;
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
fn stream_out(opened: OpenedArchive, length: u64, fetched: Option<Fetched>) -> Body {
    let begin = (Some(opened), length, fetched);
    Body::from_stream(stream::unfold(begin, |(opened, left, fetched)| async move {
        let opened = opened.filter(|_| left > 0)?;
        let most = usize::try_from(left.min(PIECE)).unwrap_or(0);
        match opened.piece(most).await {
            Ok((_, bytes)) if bytes.is_empty() => {
                let error =
                    std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the archive ends too early");
                Some((Err(error), (None, 0, None)))
            }
            Ok((opened, bytes)) => {
                let left = left.saturating_sub(bytes.len() as u64);
                let fetched = if left == 0 {
                    if let Some(fetched) = fetched {
                        fetched.note().await;
                    }
                    None
                } else {
                    fetched
                };
                Some((Ok(bytes), (Some(opened), left, fetched)))
            }
            Err(error) => {
                tracing::warn!("a download broke off: {error}");
                Some((Err(error), (None, 0, None)))
            }
        }
    }))
}
