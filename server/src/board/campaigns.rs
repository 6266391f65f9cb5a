//! Exports of the whole pod: beginning, holding, trying again.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use pappus_engine::campaign::{
    Campaign, CampaignError, CampaignOptions, CampaignState, Campaigns, NewCampaign, Only, Order, Status,
};
use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::audit::audit;
use crate::error::WebError;
use crate::pages::{CheckedForm, Page};
use crate::security::Address;
use crate::sessions::Podmin;

/// Campaigns that are shown with their numbers; counting a large one takes a moment.
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
    /// The name as it stands in an address.
    link: String,
    state: &'static str,
    state_text: String,
    begun: String,
    place: String,
    percent: u64,
    sentence: String,
    failed: Vec<(String, String)>,
    failed_number: u64,
    workers: Vec<String>,
}

/// Shows them, the newest first.
pub(super) async fn show(State(app): State<App>, _: Podmin, page: Page) -> Result<Response, WebError> {
    let all = Campaigns::new(&app.store, &app.config.pod_url).all().await.map_err(away)?;
    let older = all.len().saturating_sub(SHOWN);
    let mut campaigns = Vec::new();
    for campaign in all.into_iter().rev().take(SHOWN) {
        let status = Status::of(&app.store, campaign).await.map_err(away)?;
        campaigns.push(shown(&page, &status));
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
        "campaign-sentence",
        vec![
            ("done", number(totals.done).into()),
            ("all", number(all).into()),
            ("failed", number(totals.failed).into()),
            ("skipped", number(totals.skipped).into()),
            ("size", words.size(totals.bytes).into()),
        ],
    );
    let worker = |worker: &pappus_engine::campaign::WorkerLine| {
        let waits = worker.waits_for.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("{} ({}){waits}", worker.host, worker.pid)
    };
    Shown {
        name: status.campaign.name.clone(),
        link: url::form_urlencoded::byte_serialize(status.campaign.name.as_bytes())
            .collect::<String>()
            .replace('+', "%20"),
        state: status.campaign.state.as_str(),
        state_text: words.say(&format!("campaign-{}", status.campaign.state.as_str())),
        begun: words.moment(status.campaign.created_at),
        place: status.campaign.out.clone(),
        percent: ((all - totals.open()) * 100).checked_div(all).unwrap_or(0),
        sentence,
        failed: status
            .failed
            .iter()
            .map(|line| (line.account.clone(), line.reason.clone().unwrap_or_default()))
            .collect(),
        failed_number: totals.failed,
        workers: status.workers.iter().map(worker).collect(),
    }
}

/// What a new campaign shall be.
#[derive(Deserialize)]
pub(super) struct New {
    only: String,
    /// A box that is ticked.
    keep_sign_in: Option<String>,
}

/// Begins a campaign into the service's own depot, encrypted; the service works on it by itself.
pub(super) async fn begin(
    State(app): State<App>,
    Podmin(podmin): Podmin,
    address: Address,
    CheckedForm(new): CheckedForm<New>,
) -> Result<Redirect, WebError> {
    if app.config.pod.is_none() {
        return Err(WebError::Conflict("the pod is gone: nothing can be exported any more".to_owned()));
    }
    let only = match new.only.as_str() {
        "all" => Only::All,
        "active-year" => Only::ActiveYear,
        "active-half-year" => Only::ActiveHalfYear,
        "active-month" => Only::ActiveMonth,
        "not-closed" => Only::NotClosed,
        _ => return Err(WebError::Bad("there is no such choice of accounts".to_owned())),
    };
    let campaigns = Campaigns::new(&app.store, &app.config.pod_url);
    let open = campaigns.all().await.map_err(away)?.into_iter().find(is_open);
    if let Some(open) = open {
        let name = open.name;
        return Err(WebError::Conflict(format!("the campaign {name} is not over yet; cancel it first")));
    }
    let now = app.now().into();
    let recipient = app.keys.current(now).await.map_err(|error| WebError::Away(error.to_string()))?.recipient;
    let options = CampaignOptions {
        only,
        order: Order::BiggestFirst,
        recipients: vec![recipient],
        since: None,
        keep_sign_in: new.keep_sign_in.is_some(),
    };
    let broken = |error: &dyn std::fmt::Display| WebError::Away(error.to_string());
    let key = app.config.state.archive_key().map_err(|error| broken(&error))?;
    let key = key
        .signing_key()
        .and_then(|key| key.public_key())
        .map_err(|error| broken(&error))?
        .fingerprint()
        .to_string();
    let name = now.compact();
    let out = app.config.depot.to_string();
    let begun = NewCampaign { name: &name, out: &out, options: &options, archive_key: &key, created_at: now };
    let campaign = campaigns.begin(&begun).await.map_err(away)?;
    let sql =
        "INSERT INTO pappus_board_campaigns (campaign_id) VALUES (?) ON CONFLICT (campaign_id) DO NOTHING";
    app.store.execute("noting a campaign", sql, &[campaign.id.into()]).await?;
    let details = json!({ "only": new.only, "sign_in_data": options.keep_sign_in });
    audit(&app, Some(&podmin), "campaign-begin", Some(&name), Some(&details), Some(address)).await;
    Ok(Redirect::to("/board/campaigns"))
}

fn is_open(campaign: &Campaign) -> bool {
    !matches!(campaign.state, CampaignState::Finished | CampaignState::Cancelled)
}

/// What is to happen with a campaign.
#[derive(Deserialize)]
pub(super) struct Change {
    act: String,
}

/// Holds a campaign, lets it go on, tries again what failed, or gives it up.
pub(super) async fn change(
    State(app): State<App>,
    Podmin(podmin): Podmin,
    address: Address,
    Path(name): Path<String>,
    CheckedForm(change): CheckedForm<Change>,
) -> Result<Redirect, WebError> {
    let campaigns = Campaigns::new(&app.store, &app.config.pod_url);
    let act = match change.act.as_str() {
        "pause" => campaigns.pause(&name).await.map(|()| "campaign-pause"),
        "resume" => campaigns.resume(&name).await.map(|()| "campaign-resume"),
        "retry" => campaigns.retry(&name).await.map(|_| "campaign-retry"),
        "cancel" => campaigns.cancel(&name).await.map(|()| "campaign-cancel"),
        _ => return Err(WebError::Bad("there is nothing of this name to do".to_owned())),
    };
    let act = act.map_err(away)?;
    audit(&app, Some(&podmin), act, Some(&name), None, Some(address)).await;
    Ok(Redirect::to("/board/campaigns"))
}

/// What a campaign's own errors are for a reader.
pub(super) fn away(error: CampaignError) -> WebError {
    match error {
        CampaignError::Unknown { .. } => WebError::NotFound,
        CampaignError::State { .. } | CampaignError::Different { .. } => {
            WebError::Conflict(error.to_string())
        }
        error => WebError::Away(error.to_string()),
    }
}
