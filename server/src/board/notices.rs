//! Letters of the podmin to many people, each person once.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::shared::notices::{Audience, Draft, Notice};
use super::shared::{self, Actor};
use crate::app::App;
use crate::error::WebError;
use crate::pages::{CheckedForm, Page};
use crate::sessions::Podmin;

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
#[derive(Deserialize)]
pub(super) struct DraftForm {
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
        can_send: shared::notices::can_send(app),
        audiences: audiences.into(),
        draft,
        preview,
        sent: shared::notices::last(app).await?.into_iter().map(|notice| sent(page, notice)).collect(),
    };
    page.show(StatusCode::OK, &template)
}

fn sent(page: &Page, notice: Notice) -> Sent {
    let words = &page.words;
    Sent {
        id: notice.id,
        subject: notice.subject,
        audience: words.say(&format!("audience-{}", notice.audience)),
        begun: words.moment(notice.begun_at),
        by: notice.written_by,
        state_text: words.say(&format!("notice-{}", notice.state)),
        state: notice.state,
        queued: words.number(u64::try_from(notice.queued).unwrap_or(0)),
    }
}

/// Shows a letter as people will see it; sends it when that was seen.
pub(super) async fn send(
    State(app): State<App>,
    actor: Actor,
    page: Page,
    CheckedForm(form): CheckedForm<DraftForm>,
) -> Result<Response, WebError> {
    let draft = Draft { audience: form.audience, subject: form.subject, body: form.body };
    if form.confirmed.is_none() {
        let preview = shared::notices::preview(&app, &actor, &draft)?;
        return present(&app, &page, draft, Some(preview)).await;
    }
    shared::notices::send(&app, &actor, &draft).await?;
    Ok(Redirect::to("/board/notices").into_response())
}

/// What is to happen with a notice.
#[derive(Deserialize)]
pub(super) struct Change {
    act: String,
}

/// Stops a notice, or lets it go on.
pub(super) async fn change(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<i64>,
    CheckedForm(change): CheckedForm<Change>,
) -> Result<Redirect, WebError> {
    shared::notices::change(&app, &actor, id, &change.act).await?;
    Ok(Redirect::to("/board/notices"))
}
