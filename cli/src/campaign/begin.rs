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
use super::work::{PodData, Resources, Work, work};
use crate::arguments::{self, Export, Worker};
use crate::commands::{Outcome, counted};
use crate::error::Failure;
use crate::output::{Output, printable};
use crate::{clock, pod, store};

/// Largest list of names, in bytes: twenty million names.
const MAX_LIST_BYTES: u64 = 512 << 20;

/// Runs `pappus export --all`.
pub(crate) async fn export_all(arguments: Export, output: &Output) -> Result<Outcome, Failure> {
    // Invalid arguments fail at once, even while a service is unavailable.
    let config = pod::configuration(&arguments.pod)?;
    let out = location(&arguments.out)?;
    EncryptTo::recipients(&arguments.encrypt_to)?;
    let selection = selection(&arguments)?;
    let retry = RetryPolicy::new(&arguments.work, output);
    let state = StateFolder::open(&store::state_root(arguments.store.state.clone())?, &config.url)?;
    let store = retry.store(&arguments.store, &config.url).await?;
    let campaigns = Campaigns::new(&store, &config.url);
    let existing = match &arguments.campaign.name {
        Some(name) => retry.until_ok(|| campaigns.look_for(name)).await?,
        None => find_unfinished(retry.until_ok(|| campaigns.all()).await?, &out),
    };
    let existing = match existing {
        Some(campaign) if campaign.out != out && is_depot_of(&campaign, &out).await => {
            Some(retry.until_ok(|| campaigns.relocate(&campaign.name, &out)).await?)
        }
        other => other,
    };
    if let Some(campaign) = &existing {
        resume::check(campaign, &arguments, &out, &selection)?;
    } else if let Some(earlier) = &arguments.campaign.since {
        retry.until_ok(|| campaigns.named(earlier)).await?;
    }
    let depot = match &existing {
        Some(campaign) if campaign.place.is_some() => {
            retry.known_depot(&out, campaign.place.as_deref()).await?
        }
        _ => retry.new_depot(&campaigns, &out).await?,
    };
    let resources = Resources::open(&config, depot, &arguments.work, output).await?;
    let pod_data = PodData { config, state, store };
    let (campaign, names) = match existing {
        Some(campaign) => {
            output.line(format!("Resuming the campaign {:?}.", campaign.name));
            resume::print_kept_options(&campaign, &arguments, output);
            (campaign, selection.1)
        }
        None => begin(&campaigns, &pod_data, &arguments, (&out, selection), (retry, output)).await?,
    };
    work(Work { pod_data, campaign, names, resources, is_starter: true, retry }, output).await
}

/// Runs `pappus worker`.
pub(crate) async fn join(arguments: Worker, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let retry = RetryPolicy::new(&arguments.work, output);
    let state = StateFolder::open(&store::state_root(arguments.store.state.clone())?, &config.url)?;
    let store = retry.store(&arguments.store, &config.url).await?;
    let campaigns = Campaigns::new(&store, &config.url);
    let campaign = match &arguments.campaign {
        Some(name) => retry.until_ok(|| campaigns.named(name)).await?,
        None => single_open(retry.until_ok(|| campaigns.all()).await?)?,
    };
    let campaign = retry.prepared(&campaigns, &campaign.name).await?;
    output.line(format!("Working on the campaign {:?}.", campaign.name));
    let depot = match &campaign.place {
        Some(place) => retry.known_depot(&campaign.out, Some(place)).await?,
        None => retry.new_depot(&campaigns, &campaign.out).await?,
    };
    let resources = Resources::open(&config, depot, &arguments.work, output).await?;
    let pod_data = PodData { config, state, store };
    work(Work { pod_data, campaign, names: Vec::new(), resources, is_starter: false, retry }, output).await
}

/// Returns the folder as an absolute path, valid in later runs, or the bucket's URL unchanged.
fn location(out: &Path) -> Result<String, Failure> {
    let text =
        out.to_str().ok_or_else(|| Failure::message("the place for the archives (--out) is not UTF-8"))?;
    if text.starts_with("s3://") {
        return Ok(text.trim_end_matches('/').to_owned());
    }
    let path = std::path::absolute(out)
        .map_err(|error| Failure::new(format!("the folder {text} cannot be used"), error))?;
    Ok(path.display().to_string())
}

/// Returns whether a folder at another path has the identity of a campaign's depot: then it was moved.
async fn is_depot_of(campaign: &Campaign, out: &str) -> bool {
    let (Some(place), Ok(address)) = (&campaign.place, DepotAddress::parse(out, &pod::environment)) else {
        return false;
    };
    match Depot::expected(&address).await {
        Ok(depot) if depot.folder().is_some() => depot.bound_to(place).check().await.is_ok(),
        _ => false,
    }
}

/// Returns the newest unfinished campaign with this location.
fn find_unfinished(campaigns: Vec<Campaign>, out: &str) -> Option<Campaign> {
    let is_unfinished = |campaign: &Campaign| {
        !matches!(campaign.state, CampaignState::Finished | CampaignState::Cancelled) && campaign.out == out
    };
    campaigns.into_iter().rev().find(is_unfinished)
}

/// Returns the only unfinished campaign.
fn single_open(campaigns: Vec<Campaign>) -> Result<Campaign, Failure> {
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
    pod_data: &PodData,
    arguments: &Export,
    (out, (only, names)): (&str, (Only, Vec<String>)),
    (retry, output): (RetryPolicy, &Output),
) -> Result<(Campaign, Vec<String>), Failure> {
    let now = match arguments.created_at {
        Some(time) => time,
        None => clock::now()?,
    };
    let earlier = retry.until_ok(|| campaigns.all()).await?;
    print_lost_key(&pod_data.state, &earlier)?;
    if arguments.campaign.since.is_none()
        && let Some(last) = earlier.last().filter(|last| last.state == CampaignState::Finished)
    {
        let status = retry.until_ok(|| Status::of(&pod_data.store, last.clone())).await?;
        print_finished(&status, output);
    }
    let recipients = recipients(pod_data, arguments, now, (retry, output)).await?;
    let options = CampaignOptions {
        only,
        order: order(arguments.campaign.order),
        recipients,
        since: arguments.campaign.since.clone(),
        keep_sign_in: arguments.campaign.keep_sign_in,
    };
    let archive_key = pod_data.state.archive_key()?.public_key()?.fingerprint().to_string();
    let name = arguments.campaign.name.clone().unwrap_or_else(|| now.compact());
    let new_campaign =
        NewCampaign { name: &name, out, options: &options, archive_key: &archive_key, created_at: now };
    let campaign = retry.until_ok(|| campaigns.begin(&new_campaign)).await?;
    output.line(format!("Starting the campaign {name:?}."));
    Ok((campaign, names))
}

/// Returns the recipients of the archives: the pod's own campaign key and those named in the arguments.
async fn recipients(
    pod_data: &PodData,
    arguments: &Export,
    now: Timestamp,
    (retry, output): (RetryPolicy, &Output),
) -> Result<Vec<String>, Failure> {
    if arguments.campaign.plain {
        output.line("The archives are NOT encrypted: anyone who can read them can take over every account of the pod.");
        return Ok(Vec::new());
    }
    let keys = CampaignKeys::new(&pod_data.state, &pod_data.store, &pod_data.config.url);
    let key = retry.until_ok(|| keys.current(now)).await?;
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

/// Prints that accounts are exported again, and how to export only those that have changed.
fn print_finished(last: &Status, output: &Output) {
    let (name, stored) = (&last.campaign.name, last.totals.done);
    if stored > 0 {
        output.line(format!(
            "The campaign {name:?} is finished and has stored {}, which stay. This one exports accounts again; \
             --since {name} would export only those that have changed.",
            counted(stored, "archive")
        ));
    }
}

/// Warns, before a new archive key is created, that the old one was lost.
fn print_lost_key(state: &StateFolder, earlier: &[Campaign]) -> Result<(), Failure> {
    if state.known_archive_key()?.is_some() {
        return Ok(());
    }
    let lost = state.lost_archive_key()?;
    let lost = lost.or_else(|| earlier.last().map(|campaign| campaign.archive_key.clone()));
    if let Some(lost) = lost {
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

/// Prints a sentence to standard error, so that it does not mix with the result on standard output.
pub(crate) fn print_note(sentence: &str) {
    // A closed standard error is ignored.
    _ = writeln!(std::io::stderr(), "{}", printable(sentence));
}

pub(super) fn order(argument: Option<arguments::Order>) -> Order {
    match argument {
        None | Some(arguments::Order::BiggestFirst) => Order::BiggestFirst,
        Some(arguments::Order::SmallestFirst) => Order::SmallestFirst,
    }
}

/// Returns the selection of accounts, and the names on the podmin's list.
fn selection(arguments: &Export) -> Result<(Only, Vec<String>), Failure> {
    let only = match arguments.campaign.only.as_deref() {
        None | Some("all") => Only::All,
        Some("active-month") => Only::ActiveMonth,
        Some("active-half-year") => Only::ActiveHalfYear,
        Some("active-year") => Only::ActiveYear,
        Some("not-closed") => Only::NotClosed,
        Some(other) => match other.strip_prefix("file:") {
            Some(path) => return Ok((Only::Listed, read_names(Path::new(path))?)),
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
fn read_names(path: &Path) -> Result<Vec<String>, Failure> {
    let failed = |error| Failure::new(format!("the list {} cannot be read", path.display()), error);
    if std::fs::metadata(path).map_err(failed)?.len() > MAX_LIST_BYTES {
        return Err(Failure::message(format!("the list {} is too long", path.display())));
    }
    let text = pappus_engine::text::read(std::fs::File::open(path).map_err(failed)?, MAX_LIST_BYTES)
        .map_err(failed)?;
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
