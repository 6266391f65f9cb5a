//! Letters of the podmin to many people, each person once.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use pappus_engine::pod::people::Seen;
use pappus_engine::store::StoreRow;
use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::audit::audit;
use crate::error::WebError;
use crate::pages::{CheckedForm, Page};
use crate::security::Address;
use crate::sessions::Podmin;

/// Longest subject and body, in characters.
const LONG_SUBJECT: usize = 200;
const LONG_BODY: usize = 20_000;

/// Whom a notice goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    Seen(Seen),
    /// Who has not fetched an archive.
    NotFetched,
}

impl Audience {
    const ALL: [&'static str; 5] = ["all", "year", "half-year", "month", "not-fetched"];

    pub(super) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "all" => Self::Seen(Seen::Ever),
            "year" => Self::Seen(Seen::Year),
            "half-year" => Self::Seen(Seen::HalfYear),
            "month" => Self::Seen(Seen::Month),
            "not-fetched" => Self::NotFetched,
            _ => return None,
        })
    }
}

#[derive(Template)]
#[template(path = "board/notices.html")]
struct NoticesPage<'a> {
    page: &'a Page,
    can_send: bool,
    audiences: Vec<(&'static str, String)>,
    draft: Draft,
    preview: Option<(String, String)>,
    sent: Vec<Sent>,
}

struct Sent {
    id: i64,
    subject: String,
    audience: String,
    begun: String,
    by: String,
    state: String,
    state_text: String,
    queued: String,
}

/// A letter as it is written.
#[derive(Deserialize, Default, Clone)]
pub(super) struct Draft {
    #[serde(default)]
    audience: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    body: String,
    /// Only when it was seen as people will see it.
    confirmed: Option<String>,
}

/// The page with an empty letter, from a template, and those that were sent.
pub(super) async fn show(State(app): State<App>, _: Podmin, page: Page) -> Result<Response, WebError> {
    let words = &page.words;
    let draft = Draft {
        audience: "not-fetched".to_owned(),
        subject: words.one("notice-template-subject", "pod", page.pod_host.as_str()),
        body: words.say("notice-template-body"),
        confirmed: None,
    };
    present(&app, &page, draft, None).await
}

async fn present(
    app: &App,
    page: &Page,
    draft: Draft,
    preview: Option<(String, String)>,
) -> Result<Response, WebError> {
    let audiences = Audience::ALL.map(|audience| (audience, page.words.say(&format!("audience-{audience}"))));
    let template = NoticesPage {
        page,
        can_send: app.config.pod.is_some() && app.config.mail.is_sent(),
        audiences: audiences.into(),
        draft,
        preview,
        sent: sent(app, page).await?,
    };
    page.show(StatusCode::OK, &template)
}

async fn sent(app: &App, page: &Page) -> Result<Vec<Sent>, WebError> {
    let sql = "SELECT id, subject, audience, begun_at, written_by, state, queued FROM pappus_notices \
               WHERE pod = ? ORDER BY id DESC LIMIT 20";
    let rows = app.store.rows("listing notices", sql, &[app.config.pod_url.as_str().into()]).await?;
    let words = &page.words;
    let read = |row: &StoreRow| {
        let begun = chrono::DateTime::from_timestamp_millis(row.get(3)?).unwrap_or_default();
        let state: String = row.get(5)?;
        Ok(Sent {
            id: row.get(0)?,
            subject: row.get(1)?,
            audience: words.say(&format!("audience-{}", row.get::<String>(2)?)),
            begun: words.moment(begun),
            by: row.get(4)?,
            state_text: words.say(&format!("notice-{state}")),
            state,
            queued: words.number(u64::try_from(row.get::<i64>(6)?).unwrap_or(0)),
        })
    };
    rows.iter().map(read).collect::<Result<_, pappus_engine::store::StoreError>>().map_err(WebError::from)
}

/// Shows a letter as people will see it; sends it when that was seen.
pub(super) async fn send(
    State(app): State<App>,
    Podmin(podmin): Podmin,
    page: Page,
    address: Address,
    CheckedForm(draft): CheckedForm<Draft>,
) -> Result<Response, WebError> {
    if app.config.pod.is_none() || !app.config.mail.is_sent() {
        let reason = "no mail can be sent: it needs the pod's database, and mail.server in the configuration";
        return Err(WebError::Conflict(reason.to_owned()));
    }
    check(&draft)?;
    if draft.confirmed.is_none() {
        let preview =
            (fill(&draft.subject, &podmin.username, &app), fill(&draft.body, &podmin.username, &app));
        return present(&app, &page, draft, Some(preview)).await;
    }
    let sql = "INSERT INTO pappus_notices (pod, audience, subject, body, written_by, begun_at, state) \
               VALUES (?, ?, ?, ?, ?, ?, 'queueing')";
    let values = [
        app.config.pod_url.as_str().into(),
        (&draft.audience).into(),
        (&draft.subject).into(),
        (&draft.body).into(),
        (&podmin.account).into(),
        app.now_millis().into(),
    ];
    app.store.execute("writing a notice down", sql, &values).await?;
    let details = json!({ "audience": draft.audience });
    audit(&app, Some(&podmin), "notice", Some(&draft.subject), Some(&details), Some(address)).await;
    Ok(Redirect::to("/board/notices").into_response())
}

fn check(draft: &Draft) -> Result<(), WebError> {
    let bad = |reason: &str| Err(WebError::Bad(reason.to_owned()));
    if Audience::parse(&draft.audience).is_none() {
        return bad("there is no such group");
    }
    let (subject, body) = (draft.subject.trim(), draft.body.trim());
    if subject.is_empty() || subject.chars().count() > LONG_SUBJECT || subject.contains(char::is_control) {
        return bad("a letter needs a subject of one line, of at most 200 characters");
    }
    if body.is_empty() || body.chars().count() > LONG_BODY || body.contains('\0') {
        return bad("a letter needs a text, of at most 20,000 characters");
    }
    Ok(())
}

/// Puts in what is different for each person.
pub(super) fn fill(text: &str, name: &str, app: &App) -> String {
    text.replace("\r\n", "\n")
        .replace("{name}", name)
        .replace("{pod}", &app.config.pod_url.diaspora_host())
        .replace("{link}", app.config.web.public_url.as_str())
}

/// What is to happen with a notice.
#[derive(Deserialize)]
pub(super) struct Change {
    act: String,
}

/// Stops a notice, or lets it go on. What is in the outbox already is sent.
pub(super) async fn change(
    State(app): State<App>,
    Podmin(podmin): Podmin,
    address: Address,
    Path(id): Path<i64>,
    CheckedForm(change): CheckedForm<Change>,
) -> Result<Redirect, WebError> {
    let (from, to, act) = match change.act.as_str() {
        "stop" => ("queueing", "stopped", "notice-stop"),
        "go-on" => ("stopped", "queueing", "notice-go-on"),
        _ => return Err(WebError::Bad("there is nothing of this name to do".to_owned())),
    };
    let sql = "UPDATE pappus_notices SET state = ? WHERE pod = ? AND id = ? AND state = ?";
    let values = [to.into(), app.config.pod_url.as_str().into(), id.into(), from.into()];
    if app.store.execute("changing a notice", sql, &values).await? > 0 {
        audit(&app, Some(&podmin), act, Some(&id.to_string()), None, Some(address)).await;
    }
    Ok(Redirect::to("/board/notices"))
}
