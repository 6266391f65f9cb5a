//! The page "My archive".

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use pappus_engine::departures::{DELETED, Downloads, MadeArchive, Request, RequestState};
use serde::Deserialize;

use super::act::max_archives;
use super::made::Name;
use super::progress::sentence;
use super::watch::request_progress;
use crate::app::App;
use crate::board::{Closing, Stage};
use crate::error::WebError;
use crate::pages::{FieldProblems, Markup, Moment, Page};
use crate::podmin_words::PodminMessage;
use crate::sessions::SignedIn;

/// Number of earlier requests shown.
const MAX_HISTORY: u32 = 20;

/// The query parameters: the result of the previous form.
#[derive(Deserialize)]
pub(super) struct ArchiveQuery {
    problem: Option<String>,
    deleted: Option<String>,
}

#[derive(Template)]
#[template(path = "portal/archive.html")]
struct ArchivePage<'a> {
    page: &'a Page,
    open: Option<OpenRequest>,
    archives: Vec<ArchiveLine>,
    history: Vec<PastRequestLine>,
    can_request: bool,
    /// The number of requested archives, if no more are kept for one account.
    full_count: Option<i64>,
    can_download: bool,
    sends_mail: bool,
    days: u32,
    problems: FieldProblems,
    note: Option<String>,
    podmin_words: PodminMessage,
    /// The dates of the shutdown.
    closing: Vec<(String, String)>,
}

/// An open request.
struct OpenRequest {
    id: i64,
    title: String,
    percent: Option<u64>,
    sentence: String,
    will_retry: bool,
    is_key_locked: bool,
    sends_mail: bool,
}

/// An existing archive.
pub(super) struct ArchiveLine {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) created_at: Moment,
    pub(super) size: String,
    pub(super) records: String,
    pub(super) left_out: u64,
    pub(super) expires: Option<String>,
    pub(super) is_key_locked: bool,
    pub(super) is_by_podmin: bool,
    /// The time of the last download.
    pub(super) downloaded: Option<Markup>,
}

/// A finished request.
struct PastRequestLine {
    at: Moment,
    result: String,
    detail: Option<(String, String)>,
}

/// Shows the page.
pub(super) async fn show(
    State(app): State<App>,
    SignedIn(person): SignedIn,
    page: Page,
    Query(query): Query<ArchiveQuery>,
) -> Result<Response, WebError> {
    if !app.config.closing.enabled {
        return Err(WebError::NotFound);
    }
    let requests = &app.portal.requests;
    let history = requests.history(person.user_id, MAX_HISTORY).await?;
    let mut open = None;
    if let Some(request) = history.iter().find(|request| request.state.is_open()) {
        let ahead = requests.position(request).await?.map_or(0, |queued| queued.ahead);
        open = Some(open_request(&page, request, u64::try_from(ahead).unwrap_or(0)));
    }
    let archives = requests.archives(person.user_id).await?;
    let own_archives = archives.iter().filter(|archive| archive.account == person.account);
    let sends_mail = app.config.mail.is_sent();
    let problem = |field, key| FieldProblems::one(field, page.words.say(key));
    let problems = match query.problem.as_deref() {
        Some("different") => problem("again", "archive-passphrase-different"),
        Some("short") => problem("passphrase", "archive-passphrase-short"),
        _ => FieldProblems::default(),
    };
    let downloads: HashMap<String, Downloads> =
        requests.archive_downloads(person.user_id).await?.into_iter().collect();
    let closing = Closing::of(&app).await?;
    let stage = closing.as_ref().map_or(Stage::Exporting, |closing| closing.stage);
    let stored_count = requests.kept(person.user_id, &person.account).await?;
    let template = ArchivePage {
        closing: closing.map(|closing| closing.days(&page.words)).unwrap_or_default(),
        page: &page,
        open,
        archives: own_archives
            .map(|archive| ArchiveLine {
                downloaded: downloads
                    .get(&archive.origin.to_string())
                    .map(|downloads| last_download(&page, downloads)),
                ..archive_line(&page, archive)
            })
            .collect(),
        history: history.iter().filter_map(|request| past_request(&page, request)).collect(),
        can_request: app.config.pod.is_some() && stage.takes_requests(),
        full_count: (stored_count >= i64::from(max_archives(&app))).then_some(stored_count),
        can_download: stage.has_downloads(),
        sends_mail,
        days: app.config.archives.days,
        problems,
        note: query.deleted.map(|_| page.words.say("archive-deleted")),
        podmin_words: PodminMessage::of(&app).await?,
    };
    page.show(StatusCode::OK, &template)
}

fn open_request(page: &Page, request: &Request, ahead: u64) -> OpenRequest {
    let progress = request_progress(request, ahead);
    OpenRequest {
        id: request.id,
        title: page.words.say(if progress.is_running { "archive-running" } else { "archive-queued" }),
        percent: progress.percent,
        sentence: sentence(&page.words, &progress),
        // The reason is for the podmin; the person only sees that it will be retried.
        will_retry: request.reason.is_some(),
        is_key_locked: request.key_locked,
        sends_mail: request.mail_to.is_some(),
    }
}

pub(super) fn archive_line(page: &Page, archive: &MadeArchive) -> ArchiveLine {
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    ArchiveLine {
        name: Name(archive.origin.clone()).to_string(),
        file: archive.file_name(),
        created_at: page.moment(archive.created_at),
        size: page.words.size(count(archive.bytes)),
        records: page.words.number(count(archive.records)),
        left_out: count(archive.omissions),
        expires: archive.expires_at.map(|time| page.words.day(time)),
        is_key_locked: archive.key_locked,
        is_by_podmin: super::is_by_podmin(archive),
        downloaded: None,
    }
}

/// Returns the time of the last download, as HTML.
pub(super) fn last_download(page: &Page, downloads: &Downloads) -> Markup {
    let last = page.moment(downloads.last_at);
    let values =
        vec![("time", last.text().into()), ("times", u64::try_from(downloads.times).unwrap_or(1).into())];
    last.within(&page.words.with("archive-downloaded", values))
}

fn past_request(page: &Page, request: &Request) -> Option<PastRequestLine> {
    let words = &page.words;
    let result = match request.state {
        RequestState::Queued | RequestState::Running => return None,
        RequestState::Done => words.say("archive-was-done"),
        RequestState::Failed => words.say("archive-was-failed"),
        RequestState::Cancelled => words.say("archive-was-cancelled"),
        RequestState::Expired if request.reason.as_deref() == Some(DELETED) => {
            words.say("archive-was-deleted")
        }
        RequestState::Expired => words.say("archive-was-expired"),
    };
    let detail = request.reason.clone().filter(|_| request.state == RequestState::Failed);
    let detail = detail.map(|reason| (crate::failure_reason::reason(words, &reason), reason));
    Some(PastRequestLine { at: page.moment(request.requested_at), result, detail })
}
