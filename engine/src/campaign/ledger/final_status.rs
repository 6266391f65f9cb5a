//! The state of a campaign before its worker starts and after it has ended.

use tokio_util::sync::CancellationToken;

use crate::campaign::CampaignError;
use crate::campaign::ledger::campaigns::Campaigns;
use crate::campaign::ledger::records::Campaign;
use crate::campaign::ledger::status::Status;
use crate::campaign::worker::retry::Retry;
use crate::campaign::worker::setup::Setup;

/// Returns the campaign with its tag and the identity of its archive folder, which distinguish its files from others'.
/// They are added to campaigns of earlier versions and to new ones.
pub(in crate::campaign) async fn ensure_marked(
    setup: &Setup,
    campaign: &Campaign,
    stop: CancellationToken,
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

/// Returns a campaign's status after its worker has ended; waits for the store as long as the worker would.
///
/// # Errors
/// [`CampaignError`].
pub async fn final_status(
    setup: &Setup,
    name: &str,
    stop: CancellationToken,
) -> Result<Status, CampaignError> {
    let read = || async {
        let campaign = Campaigns::new(&setup.store, &setup.pod).named(name).await?;
        Status::of(&setup.store, campaign).await
    };
    let retry = Retry::new(setup.options.patience, stop);
    retry.until_ok(setup.observer.as_ref(), read, CampaignError::passes).await
}
