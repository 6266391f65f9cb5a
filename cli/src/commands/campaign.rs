//! `pappus campaign`.

use pappus_engine::campaign::{Campaigns, Status};
use pappus_engine::store::Store;
use serde_json::json;

use super::{Outcome, counted};
use crate::arguments::{Campaign, CampaignAction};
use crate::campaign::{await_campaign, describe, document, follow};
use crate::error::Failure;
use crate::output::Output;
use crate::{pod, store};

pub(crate) async fn run(arguments: Campaign, output: &Output) -> Result<Outcome, Failure> {
    if let Some(CampaignAction::Verify(verify)) = &arguments.action {
        return super::campaign_verify::run(verify, &arguments.place, output).await;
    }
    let lost = match &arguments.action {
        Some(CampaignAction::Retry(retry)) if retry.damaged => {
            super::campaign_verify::retry_damaged(&retry.name, &arguments.place, output).await?
        }
        _ => 0,
    };
    let place = &arguments.place;
    let url = pod::address(place.pod.as_deref(), place.pod_url.as_deref())?;
    let store = store::open(&place.store(), &url).await?;
    let campaigns = Campaigns::new(&store, &url);
    let outcome = match &arguments.action {
        Some(action) => act(&campaigns, action, lost, output).await,
        None => show(&campaigns, &store, &arguments, output).await,
    };
    store.close().await;
    outcome
}

async fn act(
    campaigns: &Campaigns,
    action: &CampaignAction,
    lost: u64,
    output: &Output,
) -> Result<Outcome, Failure> {
    let (name, state, sentence) = match action {
        CampaignAction::Verify(_) => return Ok(Outcome::Done), // needs no store; see above
        CampaignAction::Pause(named) => {
            campaigns.pause(&named.name).await?;
            (
                &named.name,
                "paused",
                "Paused: the workers finish the accounts in progress, then wait.".to_owned(),
            )
        }
        CampaignAction::Resume(named) => {
            campaigns.resume(&named.name).await?;
            (&named.name, "running", "Resumed.".to_owned())
        }
        CampaignAction::Cancel(named) => {
            campaigns.cancel(&named.name).await?;
            (&named.name, "cancelled", "Cancelled: stored archives remain.".to_owned())
        }
        CampaignAction::Retry(named) => {
            let retried = campaigns.retry(&named.name).await? + lost;
            output.document(&json!({ "campaign": named.name, "retried": retried }));
            output.line(match retried {
                0 => format!("No account of {:?} has failed.", named.name),
                _ => format!(
                    "{} waiting to be tried again, by a worker or `pappus export --all --name {}`.",
                    counted(retried, "account"),
                    named.name
                ),
            });
            return Ok(Outcome::Done);
        }
    };
    output.line(sentence);
    output.document(&json!({ "campaign": name, "state": state }));
    Ok(Outcome::Done)
}

async fn show(
    campaigns: &Campaigns,
    store: &Store,
    arguments: &Campaign,
    output: &Output,
) -> Result<Outcome, Failure> {
    let shown_name = if arguments.watch {
        let name = await_campaign(campaigns, arguments.name.as_deref(), output).await?;
        follow(campaigns, store, &name, output.is_json()).await?;
        Some(name)
    } else {
        arguments.name.clone()
    };
    if let Some(name) = &shown_name {
        let status = Status::of(store, campaigns.named(name).await?).await?;
        describe(output, &status);
        output.document(&document(&status));
        return Ok(outcome(&status));
    }
    let (mut statuses, mut total_outcome) = (Vec::new(), Outcome::Done);
    for campaign in campaigns.all().await? {
        let status = Status::of(store, campaign).await?;
        describe(output, &status);
        if outcome(&status) == Outcome::Findings {
            total_outcome = Outcome::Findings;
        }
        statuses.push(status);
    }
    if statuses.is_empty() {
        output.line("There is no campaign of this pod yet; `pappus export --all` starts one.");
    }
    output.document(&json!({ "campaigns": statuses }));
    Ok(total_outcome)
}

fn outcome(status: &Status) -> Outcome {
    if status.totals.failed == 0 && status.totals.incomplete == 0 { Outcome::Done } else { Outcome::Findings }
}
