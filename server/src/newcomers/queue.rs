//! The podmin's page: who waits to be let in, what they bring, and who has come.

use askama::Template;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use serde::Deserialize;

use super::invitations::{self, Invitation};
use super::page::{Table, table};
use super::records::{Newcomer, State};
use super::summary::Told;
use super::work::push_now;
use crate::app::App;
use crate::audit::audit;
use crate::config::Admission;
use crate::error::WebError;
use crate::pages::{CheckedForm, Page};
use crate::security::Address;
use crate::sessions::Podmin;

#[derive(Template)]
#[template(path = "newcomers/queue.html")]
struct QueuePage<'a> {
    page: &'a Page,
    waiting: Vec<Line>,
    others: Vec<Line>,
    by_invitation: bool,
    invitations: Vec<(Invitation, String)>,
    /// A code that was just made; it is shown once.
    code: Option<String>,
}

struct Line {
    id: i64,
    account: String,
    wish: String,
    begun: String,
    size: String,
    state: String,
    unproven: bool,
    /// Whether the podmin can have it tried again.
    can_again: bool,
    reason: Option<String>,
    table: Option<Table>,
}

/// Shows it.
pub(super) async fn show(Shared(app): Shared<App>, _: Podmin, page: Page) -> Result<Response, WebError> {
    if !app.config.newcomers.enabled {
        return Err(WebError::NotFound);
    }
    present(&app, &page, None, StatusCode::OK).await
}

/// The page, with a code that was just made.
pub(super) async fn present(
    app: &App,
    page: &Page,
    code: Option<String>,
    status: StatusCode,
) -> Result<Response, WebError> {
    let newcomers = &app.newcomers.table;
    let waiting = newcomers.in_states(&[State::Waiting]).await?;
    let others = [
        State::Checking,
        State::Refused,
        State::Checked,
        State::Importing,
        State::Failed,
        State::Imported,
        State::Announcing,
        State::Announced,
        State::Undoing,
    ];
    let others = newcomers.in_states(&others).await?;
    let open = invitations::open(app).await?.into_iter();
    let dated = |invitation: Invitation| {
        let until = page.words.day(invitation.until);
        (invitation, until)
    };
    let template = QueuePage {
        waiting: waiting.iter().map(|newcomer| line(app, page, newcomer)).collect(),
        others: others.iter().rev().map(|newcomer| line(app, page, newcomer)).collect(),
        by_invitation: app.config.newcomers.admission == Admission::Invitation,
        invitations: open.map(dated).collect(),
        code,
        page,
    };
    page.show(status, &template)
}

fn line(app: &App, page: &Page, newcomer: &Newcomer) -> Line {
    let words = &page.words;
    let host = app.config.pod_url.diaspora_host();
    let told = Told::read(newcomer.report.as_deref()).or_else(|| Told::read(newcomer.plan.as_deref()));
    Line {
        id: newcomer.id,
        account: newcomer.old_account.clone().unwrap_or_else(|| "–".to_owned()),
        wish: newcomer.username.as_ref().map(|name| format!("{name}@{host}")).unwrap_or_default(),
        begun: words.moment(newcomer.begun_at),
        size: words.size(newcomer.bytes()),
        state: words.say(&format!("newcomers-{}-title", newcomer.state.as_str())),
        unproven: newcomer.proof.as_deref() == Some("unproven"),
        can_again: newcomer.state == State::Failed,
        reason: newcomer.reason.clone(),
        table: told.map(|told| table(page, &told)),
    }
}

/// Yes or no.
#[derive(Deserialize)]
pub(super) struct Decision {
    act: String,
}

/// Lets somebody in, or does not; or has an import tried again that did not end.
pub(super) async fn decide(
    Shared(app): Shared<App>,
    Podmin(podmin): Podmin,
    address: Address,
    Path(id): Path<i64>,
    CheckedForm(decision): CheckedForm<Decision>,
) -> Result<Redirect, WebError> {
    let (table, now) = (&app.newcomers.table, app.now_millis());
    let newcomer = table.by_id(id).await?.ok_or(WebError::NotFound)?;
    let (done, act) = match decision.act.as_str() {
        "yes" => (table.decide(id, true, &podmin.account, now).await?, "newcomer-yes"),
        "no" => (table.decide(id, false, &podmin.account, now).await?, "newcomer-no"),
        "again" => (table.work(id, &[State::Failed], State::Importing, now).await?, "newcomer-again"),
        _ => return Err(WebError::Bad("there is nothing of this name to do".to_owned())),
    };
    if done {
        audit(&app, Some(&podmin), act, newcomer.old_account.as_deref(), None, Some(address)).await;
        if decision.act != "no" {
            push_now(&app, id).await;
        }
    }
    Ok(Redirect::to("/board/newcomers"))
}
