//! Starts or continues a campaign as the arguments request.

use std::io::Write as _;
use std::path::Path;

use pappus_engine::archive::encryption::EncryptTo;
use pappus_engine::campaign::{
    Campaign, CampaignOptions, CampaignState, Campaigns, NewCampaign, Only, Order, Status,
};
use pappus_engine::depot::{CampaignKeys, Depot, DepotAddress};
use pappus_engine::domain::Timestamp;
use pappus_engine::store::StateFolder;

use super::resume;
use super::start::RetryPolicy;
use super::work::{Opened, Place, Work, work};
use crate::arguments::{self, Export, Worker};
use crate::commands::{Outcome, counted};
use crate::error::Failure;
use crate::output::{Output, printable};
use crate::{clock, pod, store};

/// Largest list of names, in bytes: twenty million names.
const MAX_LIST: u64 = 512 << 20;

/// Runs `pappus export --all`.
pub(crate) async fn export_all(arguments: Export, output: &Output) -> Result<Outcome, Failure> {
    // Invalid arguments fail at once, even while a service is unavailable.
    let config = pod::configuration(&arguments.pod)?;
    let out = place(&arguments.out)?;
    EncryptTo::recipients(&arguments.encrypt_to)?;
    let chosen = only(&arguments)?;
    let patience = RetryPolicy::new(&arguments.work, output);
    let state = StateFolder::open(&store::state_root(arguments.store.state.clone())?, &config.url)?;
    let store = patience.store(&arguments.store, &config.url).await?;
    let campaigns = Campaigns::new(&store, &config.url);
    let found = match &arguments.campaign.name {
        Some(name) => patience.until_ok(|| campaigns.look_for(name)).await?,
        None => unfinished(patience.until_ok(|| campaigns.all()).await?, &out),
    };
    let found = match found {
        Some(campaign) if campaign.out != out && is_place_of(&campaign, &out).await => {
            Some(patience.until_ok(|| campaigns.relocate(&campaign.name, &out)).await?)
        }
        found => found,
    };
    if let Some(campaign) = &found {
        resume::check(campaign, &arguments, &out, &chosen)?;
    } else if let Some(before) = &arguments.campaign.since {
        patience.until_ok(|| campaigns.named(before)).await?;
    }
    let depot = match &found {
        Some(campaign) if campaign.place.is_some() => {
            patience.place_of(&out, campaign.place.as_deref()).await?
        }
        _ => patience.new_place(&campaigns, &out).await?,
    };
    let opened = Opened::open(&config, depot, &arguments.work, output).await?;
    let place = Place { config, state, store };
    let (campaign, names) = match found {
        Some(campaign) => {
            output.line(format!("Resuming the campaign {:?}.", campaign.name));
            resume::print_kept_options(&campaign, &arguments, output);
            (campaign, chosen.1)
        }
        None => begin(&campaigns, &place, &arguments, (&out, chosen), (patience, output)).await?,
    };
    work(Work { place, campaign, names, opened, began: true, patience }, output).await
}

/// Runs `pappus worker`.
pub(crate) async fn join(arguments: Worker, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let patience = RetryPolicy::new(&arguments.work, output);
    let state = StateFolder::open(&store::state_root(arguments.store.state.clone())?, &config.url)?;
    let store = patience.store(&arguments.store, &config.url).await?;
    let campaigns = Campaigns::new(&store, &config.url);
    let campaign = match &arguments.campaign {
        Some(name) => patience.until_ok(|| campaigns.named(name)).await?,
        None => only_open(patience.until_ok(|| campaigns.all()).await?)?,
    };
    let campaign = patience.prepared(&campaigns, &campaign.name).await?;
    output.line(format!("Working on the campaign {:?}.", campaign.name));
    let depot = match &campaign.place {
        Some(place) => patience.place_of(&campaign.out, Some(place)).await?,
        None => patience.new_place(&campaigns, &campaign.out).await?,
    };
    let opened = Opened::open(&config, depot, &arguments.work, output).await?;
    let place = Place { config, state, store };
    work(Work { place, campaign, names: Vec::new(), opened, began: false, patience }, output).await
}

/// Returns the folder as an absolute path, valid in later runs, or the bucket's URL unchanged.
fn place(out: &Path) -> Result<String, Failure> {
    let text =
        out.to_str().ok_or_else(|| Failure::message("the place for the archives (--out) is not UTF-8"))?;
    if text.starts_with("s3://") {
        return Ok(text.trim_end_matches('/').to_owned());
    }
    let path = std::path::absolute(out)
        .map_err(|error| Failure::new(format!("the folder {text} cannot be used"), error))?;
    Ok(path.display().to_string())
}

/// Returns whether a folder is that of a campaign's archives, by its identity: it was moved.
async fn is_place_of(campaign: &Campaign, out: &str) -> bool {
    let (Some(place), Ok(address)) = (&campaign.place, DepotAddress::parse(out, &pod::environment)) else {
        return false;
    };
    match Depot::expected(&address).await {
        Ok(depot) if depot.folder().is_some() => depot.bound_to(place).check().await.is_ok(),
        _ => false,
    }
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
        (Some(_), false) => Err(Failure::message("several campaigns are open; specify one with --campaign")),
        (None, _) => {
            Err(Failure::message("no campaign of this pod is open; `pappus export --all` starts one"))
        }
    }
}

async fn begin(
    campaigns: &Campaigns,
    place: &Place,
    arguments: &Export,
    (out, (only, names)): (&str, (Only, Vec<String>)),
    (patience, output): (RetryPolicy, &Output),
) -> Result<(Campaign, Vec<String>), Failure> {
    let now = match arguments.created_at {
        Some(time) => time,
        None => clock::now()?,
    };
    let earlier = patience.until_ok(|| campaigns.all()).await?;
    say_lost_key(&place.state, &earlier)?;
    if arguments.campaign.since.is_none()
        && let Some(last) = earlier.last().filter(|last| last.state == CampaignState::Finished)
    {
        let status = patience.until_ok(|| Status::of(&place.store, last.clone())).await?;
        say_finished(&status, output);
    }
    let recipients = recipients(place, arguments, now, (patience, output)).await?;
    let options = CampaignOptions {
        only,
        order: order(arguments.campaign.order),
        recipients,
        since: arguments.campaign.since.clone(),
        keep_sign_in: arguments.campaign.keep_sign_in,
    };
    let archive_key = place.state.archive_key()?.public_key()?.fingerprint().to_string();
    let name = arguments.campaign.name.clone().unwrap_or_else(|| now.compact());
    let new = NewCampaign { name: &name, out, options: &options, archive_key: &archive_key, created_at: now };
    let campaign = patience.until_ok(|| campaigns.begin(&new)).await?;
    output.line(format!("Starting the campaign {name:?}."));
    Ok((campaign, names))
}

/// Returns the recipients of the archives: the pod's own campaign key and those named in the arguments.
async fn recipients(
    place: &Place,
    arguments: &Export,
    now: Timestamp,
    (patience, output): (RetryPolicy, &Output),
) -> Result<Vec<String>, Failure> {
    if arguments.campaign.plain {
        output.line("The archives are NOT encrypted: anyone who can read them can take over every account of the pod.");
        return Ok(Vec::new());
    }
    let keys = CampaignKeys::new(&place.state, &place.store, &place.config.url);
    let key = patience.until_ok(|| keys.current(now)).await?;
    output.line(format!("The archives are encrypted to {}.", key.recipient));
    let file = keys.identity_file();
    let file = file.display();
    if key.identity_here {
        output.line(format!(
            "The key to open them is in {file}: without it they are lost. `pappus keys backup` copies it."
        ));
    } else {
        print_note(&format!(
            "The key to open the archives is NOT on this machine: it was in {file} on the machine where the first \
             campaign was started. If it is lost, the archives can never be opened. `pappus keys restore` restores \
             it from a copy; `pappus keys rotate` creates a new key for new archives."
        ));
    }
    Ok(std::iter::once(key.recipient).chain(arguments.encrypt_to.iter().cloned()).collect())
}

/// Says that accounts are exported again, and how to export only what has changed.
fn say_finished(last: &Status, output: &Output) {
    let (name, stored) = (&last.campaign.name, last.totals.done);
    if stored > 0 {
        output.line(format!(
            "The campaign {name:?} is finished and has stored {}, which stay. This one exports accounts again; \
             --since {name} would export only those that have changed.",
            counted(stored, "archive")
        ));
    }
}

/// Warns that the signing key of archives was lost, before a new one is created.
fn say_lost_key(state: &StateFolder, earlier: &[Campaign]) -> Result<(), Failure> {
    if state.known_archive_key()?.is_some() {
        return Ok(());
    }
    let known = state.lost_archive_key()?;
    let known = known.or_else(|| earlier.last().map(|campaign| campaign.archive_key.clone()));
    if let Some(lost) = known {
        print_note(&lost_key(state, &lost));
    }
    Ok(())
}

/// Explains the consequences of a lost archive key.
pub(crate) fn lost_key(state: &StateFolder, lost: &str) -> String {
    format!(
        "THE POD'S ARCHIVE KEY {lost} IS GONE from {}. A new one is being created: pods that trust the old key, \
         and checks of earlier archives, will not accept it. If you have a copy of archive-key.pem, stop, restore \
         it, and run the same command again.",
        state.path().display()
    )
}

/// Prints to standard error, so that programs which read the result see it too.
pub(crate) fn print_note(sentence: &str) {
    // A closed standard error is ignored.
    _ = writeln!(std::io::stderr(), "{}", printable(sentence));
}

pub(super) fn order(asked: Option<arguments::Order>) -> Order {
    match asked {
        None | Some(arguments::Order::BiggestFirst) => Order::BiggestFirst,
        Some(arguments::Order::SmallestFirst) => Order::SmallestFirst,
    }
}

/// Returns the selection of accounts, and the names on the podmin's list.
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
                return Err(Failure::message(format!(
                    "--only takes all, active-month, active-half-year, active-year, not-closed or file:PATH, not {other:?}"
                )));
            }
        },
    };
    Ok((only, Vec::new()))
}

/// Reads one name per line; ignores empty lines and text after a #.
fn list(path: &Path) -> Result<Vec<String>, Failure> {
    let failed = |error| Failure::new(format!("the list {} cannot be read", path.display()), error);
    if std::fs::metadata(path).map_err(failed)?.len() > MAX_LIST {
        return Err(Failure::message(format!("the list {} is too long", path.display())));
    }
    let text =
        pappus_engine::text::read(std::fs::File::open(path).map_err(failed)?, MAX_LIST).map_err(failed)?;
    let names: Vec<String> = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    if names.is_empty() {
        return Err(Failure::message(format!("the list {} is empty", path.display())));
    }
    Ok(names)
}
