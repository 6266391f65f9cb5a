//! From arguments to a campaign.

use std::path::Path;

use pappus_engine::archive::encryption::Lock;
use pappus_engine::campaign::{
    Campaign, CampaignOptions, CampaignState, Campaigns, NewCampaign, Only, Order,
};
use pappus_engine::depot::CampaignKeys;
use pappus_engine::domain::Timestamp;
use pappus_engine::store::StateFolder;

use super::work::{Opened, Place, Work, work};
use crate::arguments::{self, Export, Worker};
use crate::commands::Outcome;
use crate::error::Failure;
use crate::output::Output;
use crate::{clock, pod, store};

/// Longest list of names, in bytes: twenty million of them.
const MAX_LIST: u64 = 512 << 20;

/// `pappus export --all`.
pub(crate) async fn export_all(arguments: Export, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let out = place(&arguments.out)?;
    let state = StateFolder::open(&store::state_root(arguments.store.state.clone())?, &config.url)?;
    let store = store::open(&arguments.store, &config.url).await?;
    Lock::recipients(&arguments.encrypt_to)?;
    let opened = Opened::open(&config, &out, &arguments.work, output).await?;
    let place = Place { config, state, store };
    let campaigns = Campaigns::new(&place.store, &place.config.url);
    let found = match &arguments.campaign.name {
        Some(name) => campaigns.look_for(name).await?,
        None => unfinished(campaigns.all().await?, &out),
    };
    let (campaign, names) = match found {
        Some(campaign) => {
            check(&campaign, &arguments, &out)?;
            let names =
                if campaign.state == CampaignState::Preparing { only(&arguments)?.1 } else { Vec::new() };
            output.line(format!("The campaign {:?} goes on.", campaign.name));
            (campaign, names)
        }
        None => begin(&campaigns, &place, &arguments, &out, output).await?,
    };
    work(Work { place, campaign, names, opened, began: true }, output).await
}

/// `pappus worker`.
pub(crate) async fn join(arguments: Worker, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let state = StateFolder::open(&store::state_root(arguments.store.state.clone())?, &config.url)?;
    let store = store::open(&arguments.store, &config.url).await?;
    let campaigns = Campaigns::new(&store, &config.url);
    let campaign = match &arguments.campaign {
        Some(name) => campaigns.named(name).await?,
        None => only_open(campaigns.all().await?)?,
    };
    if campaign.state == CampaignState::Preparing {
        let sentence =
            format!("the list of accounts of {:?} is still being written; try again soon", campaign.name);
        return Err(Failure::say(sentence));
    }
    output.line(format!("Working on the campaign {:?}.", campaign.name));
    let opened = Opened::open(&config, &campaign.out, &arguments.work, output).await?;
    let place = Place { config, state, store };
    work(Work { place, campaign, names: Vec::new(), opened, began: false }, output).await
}

/// The folder as every machine and every later run knows it, or the bucket as it is.
fn place(out: &Path) -> Result<String, Failure> {
    let text = out.to_str().ok_or_else(|| Failure::say("the place for the archives (--out) is not UTF-8"))?;
    if text.starts_with("s3://") {
        return Ok(text.trim_end_matches('/').to_owned());
    }
    let path = std::path::absolute(out)
        .map_err(|error| Failure::new(format!("the folder {text} cannot be used"), error))?;
    Ok(path.display().to_string())
}

fn unfinished(campaigns: Vec<Campaign>, out: &str) -> Option<Campaign> {
    let open = |campaign: &Campaign| {
        !matches!(campaign.state, CampaignState::Finished | CampaignState::Cancelled) && campaign.out == out
    };
    campaigns.into_iter().rev().find(open)
}

fn only_open(campaigns: Vec<Campaign>) -> Result<Campaign, Failure> {
    let mut open: Vec<Campaign> = campaigns
        .into_iter()
        .filter(|campaign| !matches!(campaign.state, CampaignState::Finished | CampaignState::Cancelled))
        .collect();
    match (open.pop(), open.is_empty()) {
        (Some(campaign), true) => Ok(campaign),
        (Some(_), false) => Err(Failure::say("several campaigns are open; name one with --campaign")),
        (None, _) => Err(Failure::say("no campaign of this pod is open; `pappus export --all` begins one")),
    }
}

/// What was asked for must be what was begun under that name.
fn check(campaign: &Campaign, arguments: &Export, out: &str) -> Result<(), Failure> {
    let name = &campaign.name;
    let options = &campaign.options;
    let different = |what: &str| {
        Err(Failure::say(format!(
            "the campaign {name:?} was begun with another {what}; give a new one a name of its own with --name"
        )))
    };
    if campaign.out != out {
        return different(&format!("place for its archives, {}", campaign.out));
    }
    let plain = options.recipients.is_empty();
    let asked = &arguments.encrypt_to;
    if (arguments.campaign.plain && !plain) || asked.iter().any(|key| !options.recipients.contains(key)) {
        return different("encryption");
    }
    if arguments.campaign.only.is_some() && only(arguments)?.0 != options.only {
        return different("choice of accounts");
    }
    if arguments.campaign.order.is_some_and(|asked| order(Some(asked)) != options.order) {
        return different("order");
    }
    if arguments.campaign.since.is_some() && arguments.campaign.since != options.since {
        return different("campaign before");
    }
    if arguments.campaign.keep_sign_in && !options.keep_sign_in {
        return different("choice about sign-in data");
    }
    Ok(())
}

async fn begin(
    campaigns: &Campaigns,
    place: &Place,
    arguments: &Export,
    out: &str,
    output: &Output,
) -> Result<(Campaign, Vec<String>), Failure> {
    let now = match arguments.created_at {
        Some(time) => time,
        None => clock::now()?,
    };
    let (only, names) = only(arguments)?;
    let recipients = recipients(place, arguments, now, output).await?;
    if let Some(before) = &arguments.campaign.since {
        campaigns.named(before).await?;
    }
    let options = CampaignOptions {
        only,
        order: order(arguments.campaign.order),
        recipients,
        since: arguments.campaign.since.clone(),
        keep_sign_in: arguments.campaign.keep_sign_in,
    };
    let archive_key = place.state.archive_key()?.signing_key()?.public_key()?.fingerprint().to_string();
    let name = arguments.campaign.name.clone().unwrap_or_else(|| now.compact());
    let new = NewCampaign { name: &name, out, options: &options, archive_key: &archive_key, created_at: now };
    let campaign = campaigns.begin(&new).await?;
    output.line(format!("The campaign {name:?} begins."));
    Ok((campaign, names))
}

/// Whom the archives are encrypted to: the pod's own campaign key and whoever is named.
async fn recipients(
    place: &Place,
    arguments: &Export,
    now: Timestamp,
    output: &Output,
) -> Result<Vec<String>, Failure> {
    if arguments.campaign.plain {
        output.line("The archives are NOT encrypted: whoever reads them can take every account of the pod.");
        return Ok(Vec::new());
    }
    let keys = CampaignKeys::new(&place.state, &place.store, &place.config.url);
    let key = keys.current(now).await?;
    output.line(format!("The archives are encrypted to {}.", key.recipient));
    output.line(format!(
        "What opens them is in {}: without it they are lost. `pappus keys backup` makes a copy.",
        keys.identity_file().display()
    ));
    Ok(std::iter::once(key.recipient).chain(arguments.encrypt_to.iter().cloned()).collect())
}

fn order(asked: Option<arguments::Order>) -> Order {
    match asked {
        None | Some(arguments::Order::BiggestFirst) => Order::BiggestFirst,
        Some(arguments::Order::SmallestFirst) => Order::SmallestFirst,
    }
}

/// Which accounts, and the names on the podmin's list.
fn only(arguments: &Export) -> Result<(Only, Vec<String>), Failure> {
    let only = match arguments.campaign.only.as_deref() {
        None | Some("all") => Only::All,
        Some("active-month") => Only::ActiveMonth,
        Some("active-half-year") => Only::ActiveHalfYear,
        Some("active-year") => Only::ActiveYear,
        Some("not-closed") => Only::NotClosed,
        Some(other) => match other.strip_prefix("file:") {
            Some(path) => return Ok((Only::Listed, list(Path::new(path))?)),
            None => {
                return Err(Failure::say(format!(
                    "--only takes all, active-month, active-half-year, active-year, not-closed or file:PATH, not {other:?}"
                )));
            }
        },
    };
    Ok((only, Vec::new()))
}

/// A name a line; empty lines and what follows a # do not count.
fn list(path: &Path) -> Result<Vec<String>, Failure> {
    let failed = |error| Failure::new(format!("the list {} cannot be read", path.display()), error);
    if std::fs::metadata(path).map_err(failed)?.len() > MAX_LIST {
        return Err(Failure::say(format!("the list {} is too long", path.display())));
    }
    let text =
        pappus_engine::text::read(std::fs::File::open(path).map_err(failed)?, MAX_LIST).map_err(failed)?;
    let names: Vec<String> = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    if names.is_empty() {
        return Err(Failure::say(format!("the list {} names nobody", path.display())));
    }
    Ok(names)
}
