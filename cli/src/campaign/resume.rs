//! Checks for a campaign that is resumed: the arguments must be those it was started with.

use pappus_engine::campaign::{Campaign, CampaignState, Only, names_digest};

use super::begin::order;
use crate::arguments::Export;
use crate::error::Failure;
use crate::output::Output;

/// Rejects arguments that would change a campaign.
pub(super) fn check(
    campaign: &Campaign,
    arguments: &Export,
    out: &str,
    (only, names): &(Only, Vec<String>),
) -> Result<(), Failure> {
    let name = &campaign.name;
    let options = &campaign.options;
    let rejected = |setting: &str| {
        Err(Failure::message(format!(
            "the campaign {name:?} was started with another {setting}; give a new campaign its own name with --name"
        )))
    };
    if campaign.out != out {
        return rejected(&format!("place for its archives, {}", campaign.out));
    }
    let is_plain = options.recipients.is_empty();
    if is_plain && !arguments.campaign.plain {
        return rejected("encryption: its archives are plain, with --plain");
    }
    let requested = &arguments.encrypt_to;
    if (arguments.campaign.plain && !is_plain)
        || requested.iter().any(|key| !options.recipients.contains(key))
    {
        return rejected("encryption");
    }
    if arguments.campaign.only.is_some() && *only != options.only {
        return rejected("choice of accounts");
    }
    let is_recorded = campaign.state != CampaignState::Preparing;
    let digest = campaign.names_sha256.as_ref();
    if *only == Only::Listed && is_recorded && digest.is_some_and(|known| *known != names_digest(names)) {
        return rejected("list of names");
    }
    if arguments.campaign.order.is_some_and(|requested| order(Some(requested)) != options.order) {
        return rejected("order");
    }
    if arguments.campaign.since.is_some() && arguments.campaign.since != options.since {
        return rejected("campaign before");
    }
    if arguments.campaign.keep_sign_in && !options.keep_sign_in {
        return rejected("choice about sign-in data");
    }
    let started_at = pappus_engine::domain::Timestamp::from(campaign.created_at);
    if arguments.created_at.is_some_and(|requested| requested != started_at) {
        return rejected(&format!("time in its archives, {started_at}"));
    }
    if arguments.campaign.only.is_none() && options.only == Only::Listed && !is_recorded {
        return rejected("list of names, which has not been saved yet: specify it again with --only");
    }
    Ok(())
}

/// Prints the options a campaign was started with that the arguments omit: they still apply.
pub(super) fn print_kept_options(campaign: &Campaign, arguments: &Export, output: &Output) {
    let options = &campaign.options;
    let mut kept_options = Vec::new();
    if arguments.campaign.only.is_none() && options.only != Only::All {
        let selection = match options.only {
            Only::All => "all accounts",
            Only::ActiveMonth => "--only active-month",
            Only::ActiveHalfYear => "--only active-half-year",
            Only::ActiveYear => "--only active-year",
            Only::NotClosed => "--only not-closed",
            Only::Listed => "--only file:… (the accounts of its list)",
        };
        kept_options.push(selection.to_owned());
    }
    if arguments.campaign.since.is_none()
        && let Some(since) = &options.since
    {
        kept_options.push(format!("--since {since}"));
    }
    if arguments.campaign.order.is_none() && options.order != order(None) {
        kept_options.push("--order smallest-first".to_owned());
    }
    if arguments.encrypt_to.is_empty() && options.recipients.len() > 1 {
        kept_options.push(format!(
            "--encrypt-to {}",
            options.recipients.iter().skip(1).cloned().collect::<Vec<_>>().join(", ")
        ));
    }
    if !kept_options.is_empty() {
        output.line(format!("It was started with {}, and that does not change.", kept_options.join(", ")));
    }
    let started_at = pappus_engine::domain::Timestamp::from(campaign.created_at);
    output.line(format!("The time in all its archives is {started_at}."));
}
