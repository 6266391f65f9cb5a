//! Campaigns, exports of the whole pod: start, pause, retry.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use pappus_engine::campaign::Status;
use serde::Deserialize;

use super::numbers::Numbers;
use super::overview::percent_of;
use super::shared::{self, Actor};
use crate::app::App;
use crate::error::WebError;
use crate::failure_reason;
use crate::pages::{CheckedForm, Moment, Page, Question, Questions};
use crate::sessions::Podmin;

/// Number of campaigns shown, with their totals; counting a large one takes a moment.
const MAX_SHOWN: usize = 5;

#[derive(Template)]
#[template(path = "board/campaigns.html")]
struct CampaignsPage<'a> {
    page: &'a Page,
    campaigns: Vec<CampaignRow>,
    older_count: usize,
    can_begin: bool,
    depot: String,
}

struct CampaignRow {
    name: String,
    /// The URL-encoded name.
    link: String,
    state: &'static str,
    state_text: String,
    begun_at: Moment,
    depot: String,
    percent: u64,
    sentence: String,
    /// Account, translated reason and original reason of each failure.
    failures: Vec<(String, String, String)>,
    failed_count: u64,
    workers: Vec<String>,
}

/// Shows the campaigns, newest first.
pub(super) async fn show(State(app): State<App>, _: Podmin, page: Page) -> Result<Response, WebError> {
    super::require_closing(&app)?;
    let all = shared::campaigns::all(&app).await?;
    let older_count = all.len().saturating_sub(MAX_SHOWN);
    let mut campaigns = Vec::new();
    for campaign in all.into_iter().take(MAX_SHOWN) {
        campaigns.push(row(&page, &shared::campaigns::status(&app, campaign).await?));
    }
    let template = CampaignsPage {
        campaigns,
        older_count,
        can_begin: app.config.pod.is_some(),
        depot: app.config.depot.to_string(),
        page: &page,
    };
    page.show(StatusCode::OK, &template)
}

fn row(page: &Page, status: &Status) -> CampaignRow {
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
    CampaignRow {
        name: status.campaign.name.clone(),
        link: url_encoded(&status.campaign.name),
        state: status.campaign.state.as_str(),
        state_text: words.say(&format!("campaign-{}", status.campaign.state.as_str())),
        begun_at: page.moment(status.campaign.created_at),
        depot: status.campaign.out.clone(),
        // Weighted by size: one account may be as large as all others together.
        percent: percent_of(totals.size.saturating_sub(totals.open_size), totals.size),
        sentence,
        failures: status
            .failed
            .iter()
            .map(|failure| {
                let reason = failure.reason.clone().unwrap_or_default();
                (failure.account.clone(), failure_reason::reason(words, &reason), reason)
            })
            .collect(),
        failed_count: totals.failed,
        workers: status.workers.iter().map(worker).collect(),
    }
}

/// The form for a new campaign.
#[derive(Deserialize)]
pub(super) struct CampaignForm {
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
    CheckedForm(form): CheckedForm<CampaignForm>,
) -> Result<Response, WebError> {
    if let Some(last) = shared::campaigns::newest_finished(&app).await?
        && !questions.is_confirmed(form.confirmed.as_deref()).await?
    {
        let accounts = Numbers::of(&app).await?.accounts;
        return questions.ask(&page, again_question(&page, &last, accounts, form)).await;
    }
    shared::campaigns::begin(&app, &actor, &form.only, form.keep_sign_in.is_some()).await?;
    Ok(Redirect::to("/board/campaigns?done=campaign-begun").into_response())
}

/// Returns the question whether to export accounts again, with the numbers of the last campaign.
fn again_question(page: &Page, last: &Status, accounts: Option<u64>, form: CampaignForm) -> Question {
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
    let is_all = form.only == "all";
    let mut texts = vec![words.with("campaigns-again-stored", stored)];
    if totals.failed > 0 {
        let failed = vec![("count", totals.failed.into()), ("shown", words.number(totals.failed).into())];
        texts.push(words.with("campaigns-again-failed", failed));
    }
    texts.push(words.say(if is_all { "campaigns-again-all" } else { "campaigns-again-some" }));
    let mut fields = vec![("only".to_owned(), form.only)];
    fields.extend(form.keep_sign_in.map(|keep| ("keep_sign_in".to_owned(), keep)));
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
pub(super) struct ChangeForm {
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
    CheckedForm(change): CheckedForm<ChangeForm>,
) -> Result<Response, WebError> {
    if change.act == "cancel" && !questions.is_confirmed(change.confirmed.as_deref()).await? {
        let campaign = shared::campaigns::by_name(&app, &name).await?;
        let status = shared::campaigns::status(&app, campaign).await?;
        return questions.ask(&page, cancel_question(&page, &status)).await;
    }
    shared::campaigns::change(&app, &actor, &name, &change.act).await?;
    let message = match change.act.as_str() {
        "pause" => "campaign-paused",
        "resume" => "campaign-resumed",
        "retry" => "campaign-retried",
        _ => "campaign-cancelled",
    };
    Ok(Redirect::to(&format!("/board/campaigns?done={message}")).into_response())
}

/// Returns the question whether to cancel a campaign, with the consequences in numbers.
fn cancel_question(page: &Page, status: &Status) -> Question {
    let (words, totals) = (&page.words, &status.totals);
    let open = totals.accounts().saturating_sub(totals.done + totals.failed + totals.skipped);
    let values = vec![("done", words.number(totals.done).into()), ("open", words.number(open).into())];
    Question {
        title: words.say("campaigns-cancel-sure"),
        texts: vec![words.with("campaigns-cancel-numbers", values)],
        button: words.say("campaigns-cancel"),
        action: format!("/board/campaigns/{}", url_encoded(&status.campaign.name)),
        fields: vec![("act".to_owned(), "cancel".to_owned())],
        back: "/board/campaigns".to_owned(),
        ..Question::default()
    }
}

/// URL-encodes a name.
fn url_encoded(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}
