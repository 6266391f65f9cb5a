//! Campaigns, exports of the whole pod: start, pause, retry.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use pappus_engine::campaign::Status;
use serde::Deserialize;

use super::numbers::Numbers;
use super::overview::rounded;
use super::shared::{self, Actor};
use crate::app::App;
use crate::error::WebError;
use crate::failure_reason;
use crate::pages::{CheckedForm, Moment, Page, Question, Questions};
use crate::sessions::Podmin;

/// Campaigns that are shown with their totals; counting a large one takes a moment.
const SHOWN: usize = 5;

#[derive(Template)]
#[template(path = "board/campaigns.html")]
struct CampaignsPage<'a> {
    page: &'a Page,
    campaigns: Vec<Shown>,
    older: usize,
    can_begin: bool,
    place: String,
}

struct Shown {
    name: String,
    /// The URL-encoded name.
    link: String,
    state: &'static str,
    state_text: String,
    begun: Moment,
    place: String,
    percent: u64,
    sentence: String,
    failed: Vec<(String, String, String)>,
    failed_number: u64,
    workers: Vec<String>,
}

/// Shows the campaigns, newest first.
pub(super) async fn show(State(app): State<App>, _: Podmin, page: Page) -> Result<Response, WebError> {
    super::is_closing(&app)?;
    let all = shared::campaigns::all(&app).await?;
    let older = all.len().saturating_sub(SHOWN);
    let mut campaigns = Vec::new();
    for campaign in all.into_iter().take(SHOWN) {
        campaigns.push(shown(&page, &shared::campaigns::status(&app, campaign).await?));
    }
    let template = CampaignsPage {
        campaigns,
        older,
        can_begin: app.config.pod.is_some(),
        place: app.config.depot.to_string(),
        page: &page,
    };
    page.show(StatusCode::OK, &template)
}

fn shown(page: &Page, status: &Status) -> Shown {
    let (words, totals) = (&page.words, &status.totals);
    let all = totals.accounts();
    let number = |value: u64| words.number(value);
    let sentence = words.with(
        if totals.bytes > 0 { "campaign-sentence" } else { "campaign-sentence-empty" },
        vec![
            ("done", number(totals.done).into()),
            ("all", number(all).into()),
            ("failed", number(totals.failed).into()),
            ("skipped", number(totals.skipped).into()),
            ("size", words.size(totals.bytes).into()),
        ],
    );
    let worker = |worker: &pappus_engine::campaign::WorkerLine| {
        let waits =
            worker.waits_for.as_ref().map(|reason| format!(": {}", failure_reason::reason(words, reason)));
        let waits = waits.unwrap_or_default();
        format!("{} ({}){waits}", worker.host, worker.pid)
    };
    Shown {
        name: status.campaign.name.clone(),
        link: in_address(&status.campaign.name),
        state: status.campaign.state.as_str(),
        state_text: words.say(&format!("campaign-{}", status.campaign.state.as_str())),
        begun: page.moment(status.campaign.created_at),
        place: status.campaign.out.clone(),
        // Weighted by size: one account may be as large as all others together.
        percent: rounded(totals.size.saturating_sub(totals.open_size), totals.size),
        sentence,
        failed: status
            .failed
            .iter()
            .map(|line| {
                let reason = line.reason.clone().unwrap_or_default();
                (line.account.clone(), failure_reason::reason(words, &reason), reason)
            })
            .collect(),
        failed_number: totals.failed,
        workers: status.workers.iter().map(worker).collect(),
    }
}

/// The form for a new campaign.
#[derive(Deserialize)]
pub(super) struct New {
    only: String,
    /// A checkbox.
    keep_sign_in: Option<String>,
    /// Set once the podmin has confirmed.
    confirmed: Option<String>,
}

/// Starts a campaign; asks for confirmation if the last one has finished.
pub(super) async fn begin(
    State(app): State<App>,
    actor: Actor,
    page: Page,
    questions: Questions,
    CheckedForm(new): CheckedForm<New>,
) -> Result<Response, WebError> {
    if let Some(last) = shared::campaigns::finished_before(&app).await?
        && !questions.is_confirmed(new.confirmed.as_deref()).await?
    {
        let accounts = Numbers::of(&app).await?.accounts;
        return questions.ask(&page, again_question(&page, &last, accounts, new)).await;
    }
    shared::campaigns::begin(&app, &actor, &new.only, new.keep_sign_in.is_some()).await?;
    Ok(Redirect::to("/board/campaigns?done=campaign-begun").into_response())
}

/// Asks whether accounts are to be exported again, with the numbers of the last campaign.
fn again_question(page: &Page, last: &Status, accounts: Option<u64>, new: New) -> Question {
    let (words, totals) = (&page.words, &last.totals);
    let begun = page.moment(last.campaign.created_at);
    let stored = vec![
        ("name", last.campaign.name.as_str().into()),
        ("begun", begun.text().into()),
        ("done", totals.done.into()),
        ("shown", words.number(totals.done).into()),
        ("all", words.number(totals.accounts()).into()),
        ("size", words.size(totals.bytes).into()),
    ];
    let accounts = accounts.map_or_else(|| "–".to_owned(), |accounts| words.number(accounts));
    let is_all = new.only == "all";
    let mut texts = vec![words.with("campaigns-again-stored", stored)];
    if totals.failed > 0 {
        let failed = vec![("count", totals.failed.into()), ("shown", words.number(totals.failed).into())];
        texts.push(words.with("campaigns-again-failed", failed));
    }
    texts.push(words.say(if is_all { "campaigns-again-all" } else { "campaigns-again-some" }));
    let mut fields = vec![("only".to_owned(), new.only)];
    fields.extend(new.keep_sign_in.map(|keep| ("keep_sign_in".to_owned(), keep)));
    Question {
        title: if is_all {
            words.one("campaigns-again-all-sure", "accounts", accounts)
        } else {
            words.say("campaigns-again-some-sure")
        },
        texts,
        at: Some(last.campaign.created_at),
        button: words.say("campaigns-again"),
        action: "/board/campaigns".to_owned(),
        fields,
        back: "/board/campaigns".to_owned(),
    }
}

/// The form that changes a campaign.
#[derive(Deserialize)]
pub(super) struct Change {
    act: String,
    /// Set once the podmin has confirmed.
    confirmed: Option<String>,
}

/// Pauses, resumes or cancels a campaign, or retries its failures.
pub(super) async fn change(
    State(app): State<App>,
    actor: Actor,
    page: Page,
    questions: Questions,
    Path(name): Path<String>,
    CheckedForm(change): CheckedForm<Change>,
) -> Result<Response, WebError> {
    if change.act == "cancel" && !questions.is_confirmed(change.confirmed.as_deref()).await? {
        let campaign = shared::campaigns::named(&app, &name).await?;
        let status = shared::campaigns::status(&app, campaign).await?;
        return questions.ask(&page, cancel_question(&page, &status)).await;
    }
    shared::campaigns::change(&app, &actor, &name, &change.act).await?;
    let done = match change.act.as_str() {
        "pause" => "campaign-paused",
        "resume" => "campaign-resumed",
        "retry" => "campaign-retried",
        _ => "campaign-cancelled",
    };
    Ok(Redirect::to(&format!("/board/campaigns?done={done}")).into_response())
}

/// Asks for confirmation of a cancellation, with its consequences in numbers.
fn cancel_question(page: &Page, status: &Status) -> Question {
    let (words, totals) = (&page.words, &status.totals);
    let open = totals.accounts().saturating_sub(totals.done + totals.failed + totals.skipped);
    let values = vec![("done", words.number(totals.done).into()), ("open", words.number(open).into())];
    Question {
        title: words.say("campaigns-cancel-sure"),
        texts: vec![words.with("campaigns-cancel-numbers", values)],
        button: words.say("campaigns-cancel"),
        action: format!("/board/campaigns/{}", in_address(&status.campaign.name)),
        fields: vec![("act".to_owned(), "cancel".to_owned())],
        back: "/board/campaigns".to_owned(),
        ..Question::default()
    }
}

/// URL-encodes a name.
fn in_address(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}
