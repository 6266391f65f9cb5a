//! How a campaign stands before its worker begins, and when it has ended.

use tokio::sync::watch;

use super::CampaignError;
use super::outage::Outage;
use super::records::Campaign;
use super::register::Campaigns;
use super::setup::Setup;
use super::status::Status;

/// The campaign with what tells its files from others': given to it now if it is of an earlier version, or has never
/// been worked on.
pub(super) async fn marked(
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
    let outage = Outage::new(setup.options.patience, stop);
    outage.until_it_works(setup.observer.as_ref(), mark, CampaignError::passes).await
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
    let outage = Outage::new(setup.options.patience, stop);
    outage.until_it_works(setup.observer.as_ref(), look, CampaignError::passes).await
}
