//! Campaigns, exports of the whole pod: start, pause, retry.

use pappus_engine::campaign::{
    Campaign, CampaignError, CampaignOptions, CampaignState, Campaigns, NewCampaign, Only, Order, Status,
};
use serde_json::json;

use super::Actor;
use crate::app::App;
use crate::error::WebError;

/// Returns all campaigns, newest first.
///
/// # Errors
/// [`WebError::Unavailable`].
pub(crate) async fn all(app: &App) -> Result<Vec<Campaign>, WebError> {
    let mut all = campaigns(app).all().await.map_err(web_error)?;
    all.reverse();
    Ok(all)
}

/// Returns a campaign with its totals; counting a large one takes a moment.
///
/// # Errors
/// [`WebError::Unavailable`].
pub(crate) async fn status(app: &App, campaign: Campaign) -> Result<Status, WebError> {
    Status::of(&app.store, campaign).await.map_err(web_error)
}

/// Returns the newest campaign if it is finished and has stored archives: another one exports accounts again.
///
/// # Errors
/// [`WebError::Unavailable`].
pub(crate) async fn newest_finished(app: &App) -> Result<Option<Status>, WebError> {
    let newest = all(app).await?.into_iter().next();
    let Some(finished) = newest.filter(|campaign| campaign.state == CampaignState::Finished) else {
        return Ok(None);
    };
    Ok(Some(status(app, finished).await?).filter(|status| status.totals.done > 0))
}

/// Returns the campaign with this name.
///
/// # Errors
/// [`WebError::NotFound`].
pub(crate) async fn by_name(app: &App, name: &str) -> Result<Campaign, WebError> {
    // PostgreSQL text cannot contain NUL.
    if name.contains('\0') {
        return Err(WebError::NotFound);
    }
    campaigns(app).named(name).await.map_err(web_error)
}

/// Starts an encrypted campaign into the service's own depot; the service works on it in the background. `only` is
/// one of `all`, `not-closed`, `active-year`, `active-half-year` and `active-month`.
///
/// # Errors
/// [`WebError::BadRequest`] for another value, [`WebError::Conflict`] while no campaign can be started.
pub(crate) async fn begin(
    app: &App,
    actor: &Actor,
    only: &str,
    keep_sign_in: bool,
) -> Result<Campaign, WebError> {
    let details = json!({ "only": only, "sign_in_data": keep_sign_in });
    let only = parse_only(only)?;
    let now = app.now().into();
    let recipient =
        app.keys.current(now).await.map_err(|error| WebError::Unavailable(error.to_string()))?.recipient;
    let options = CampaignOptions {
        only,
        order: Order::BiggestFirst,
        recipients: vec![recipient],
        since: None,
        keep_sign_in,
    };
    let name = now.compact();
    check_can_start(app, &name).await?;
    let new_campaign = NewCampaign {
        name: &name,
        out: &app.config.depot.to_string(),
        options: &options,
        archive_key: &archive_key(app)?,
        created_at: now,
    };
    let campaign = campaigns(app).begin(&new_campaign).await.map_err(web_error)?;
    let sql =
        "INSERT INTO pappus_board_campaigns (campaign_id) VALUES (?) ON CONFLICT (campaign_id) DO NOTHING";
    app.store.execute("recording a campaign", sql, &[campaign.id.into()]).await?;
    actor.log_action(app, "campaign-begin", &name, Some(&details)).await;
    Ok(campaign)
}

/// Pauses (`pause`), resumes (`resume`) or cancels (`cancel`) a campaign, or retries its failures (`retry`).
///
/// # Errors
/// [`WebError::NotFound`], [`WebError::BadRequest`] for another action, [`WebError::Conflict`] when it is too late.
pub(crate) async fn change(app: &App, actor: &Actor, name: &str, act: &str) -> Result<Campaign, WebError> {
    let campaigns = campaigns(app);
    let campaign = by_name(app, name).await?;
    let name = campaign.name.as_str();
    let act = match act {
        "pause" => campaigns.pause(name).await.map(|()| "campaign-pause"),
        "resume" => campaigns.resume(name).await.map(|()| "campaign-resume"),
        "retry" => campaigns.retry(name).await.map(|_| "campaign-retry"),
        "cancel" => campaigns.cancel(name).await.map(|()| "campaign-cancel"),
        _ => return Err(WebError::BadRequest("there is no such action".to_owned())),
    };
    let act = act.map_err(web_error)?;
    actor.log_action(app, act, name, None).await;
    by_name(app, name).await
}

fn campaigns(app: &App) -> Campaigns {
    Campaigns::new(&app.store, &app.config.pod_url)
}

fn parse_only(only: &str) -> Result<Only, WebError> {
    Ok(match only {
        "all" => Only::All,
        "active-year" => Only::ActiveYear,
        "active-half-year" => Only::ActiveHalfYear,
        "active-month" => Only::ActiveMonth,
        "not-closed" => Only::NotClosed,
        _ => return Err(WebError::BadRequest("there is no such choice of accounts".to_owned())),
    })
}

/// Fails while another campaign is open, or if the name is taken: names are times in seconds.
async fn check_can_start(app: &App, name: &str) -> Result<(), WebError> {
    let conflict = |reason: String| Err(WebError::Conflict(reason));
    if app.config.pod.is_none() {
        return conflict("the pod is gone: nothing more can be exported".to_owned());
    }
    for campaign in all(app).await? {
        if is_open(&campaign) {
            return conflict(format!("the campaign {} is not over yet; cancel it first", campaign.name));
        }
        if campaign.name == name {
            return conflict(format!("the campaign {name} was started a moment ago; wait a second"));
        }
    }
    Ok(())
}

fn is_open(campaign: &Campaign) -> bool {
    !matches!(campaign.state, CampaignState::Finished | CampaignState::Cancelled)
}

/// Returns the fingerprint of the key that signs archives.
fn archive_key(app: &App) -> Result<String, WebError> {
    let unavailable = |error: &dyn std::fmt::Display| WebError::Unavailable(error.to_string());
    let key = app.config.state.archive_key().map_err(|error| unavailable(&error))?;
    let key = key.public_key().map_err(|error| unavailable(&error))?;
    Ok(key.fingerprint().to_string())
}

/// Maps a campaign's error to a response.
fn web_error(error: CampaignError) -> WebError {
    match error {
        CampaignError::Unknown { .. } => WebError::NotFound,
        CampaignError::State { .. } | CampaignError::Different { .. } => {
            WebError::Conflict(error.to_string())
        }
        error => WebError::Unavailable(error.to_string()),
    }
}
