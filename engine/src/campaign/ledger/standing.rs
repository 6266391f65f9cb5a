//! How a campaign stands before its worker begins, and when it has ended.

use tokio::sync::watch;

use crate::campaign::CampaignError;
use crate::campaign::ledger::campaigns::Campaigns;
use crate::campaign::ledger::records::Campaign;
use crate::campaign::ledger::status::Status;
use crate::campaign::worker::retry::Retry;
use crate::campaign::worker::setup::Setup;

/// The campaign with what tells its files from others': given to it now if it is of an earlier version, or has never
/// been worked on.
pub(in crate::campaign) async fn marked(
    setup: &Setup,
    campaign: &Campaign,
    stop: watch::Receiver<bool>,
) -> Result<Campaign, CampaignError> {
    let campaigns = Campaigns::new(&setup.store, &setup.pod);
    let mark = || async {
        let place = if campaign.place.is_none() { setup.depot.identity().await? } else { None };
        campaigns.mark(campaign, place.as_deref()).await?;
        campaigns.named(&campaign.name).await
    };
    let retry = Retry::new(setup.options.patience, stop);
    retry.until_ok(setup.observer.as_ref(), mark, CampaignError::passes).await
}

/// How a campaign stands when its worker has ended; the store is waited for as long as the worker would.
///
/// # Errors
/// [`CampaignError`].
pub async fn standing(
    setup: &Setup,
    name: &str,
    stop: watch::Receiver<bool>,
) -> Result<Status, CampaignError> {
    let look = || async {
        let campaign = Campaigns::new(&setup.store, &setup.pod).named(name).await?;
        Status::of(&setup.store, campaign).await
    };
    let retry = Retry::new(setup.options.patience, stop);
    retry.until_ok(setup.observer.as_ref(), look, CampaignError::passes).await
}
