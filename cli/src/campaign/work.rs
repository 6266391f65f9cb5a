//! A worker on the terminal, from start to final report.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use pappus_engine::campaign::{
    Campaign, CampaignError, CampaignState, Campaigns, Places, Prepared, Setup, SignInCopied, SignInData,
    SignInError, Status, WorkerOptions, final_status, is_in_use, work as export,
};
use pappus_engine::depot::{CampaignKeys, Depot};
use pappus_engine::domain::{SigningKey, Timestamp};
use pappus_engine::pod::config::{PodConfig, PodUrl};
use pappus_engine::pod::database::Snapshot;
use pappus_engine::pod::schema::{SchemaError, SchemaVersion, read_schema};
use pappus_engine::pod::survey::other_hosts;
use pappus_engine::pod::uploads::PhotoStore;
use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::{StateFolder, Store};

use super::start::RetryPolicy;
use super::telemetry::Telemetry;
use super::view::View;
use super::{describe, document};
use crate::arguments::WorkArguments;
use crate::commands::{Outcome, counted, thousands};
use crate::error::Failure;
use crate::output::Output;
use crate::{clock, interrupt, pod};

/// Bytes of a decimal megabyte, the unit of disk sizes.
const MEGABYTE: u64 = 1_000_000;

/// The locations of a pod's data.
pub(super) struct Place {
    pub(super) config: PodConfig,
    pub(super) state: StateFolder,
    pub(super) store: Store,
}

/// The inputs of a worker.
pub(super) struct Work {
    pub(super) place: Place,
    pub(super) campaign: Campaign,
    /// Names on the podmin's list, while it is not recorded yet.
    pub(super) names: Vec<String>,
    pub(super) opened: Opened,
    /// Set if this run started the campaign, rather than joined it as a worker.
    pub(super) began: bool,
    /// The time to wait for what is unavailable.
    pub(super) patience: RetryPolicy,
}

/// The resources that must be open before anything starts.
pub(super) struct Opened {
    depot: Depot,
    uploads: PhotoStore,
    schema: SchemaVersion,
    options: WorkerOptions,
    telemetry: Telemetry,
}

impl Opened {
    pub(super) async fn open(
        config: &PodConfig,
        depot: Depot,
        arguments: &WorkArguments,
        output: &Output,
    ) -> Result<Self, Failure> {
        let patience = RetryPolicy::new(arguments, output);
        patience.until_ok(|| async { depot.expect_disk(reserve(arguments)) }).await?;
        let uploads = patience.until_ok(|| pod::uploads(config)).await?;
        // Before this program's own connection, which would count as use.
        let options = options(config, arguments, output).await?;
        let schema = patience.until_ok(|| schema(&config.database)).await?;
        let telemetry = Telemetry::start(arguments)?;
        Ok(Self { depot, uploads, schema, options, telemetry })
    }
}

pub(super) async fn work(work: Work, output: &Output) -> Result<Outcome, Failure> {
    let Work { place, mut campaign, names, opened, began, patience } = work;
    let Place { config, state, store } = place;
    let Opened { depot, uploads, schema, options, telemetry } = opened;
    let campaigns = Campaigns::new(&store, &config.url);
    let archive_key = archive_key(&state, &campaign)?;
    let places = before(&campaigns, &campaign, patience, output).await?;
    let pod = (&config.database, &config.url);
    let (prepared, hosts) =
        patience.until_ok(|| prepare(&campaigns, &campaign, pod, (&names, &places))).await?;
    if let Some(sentence) = pod::other_hosts(&config.url, &hosts).filter(|_| began) {
        output.line(sentence);
    }
    say_prepared(&campaign, &prepared, output);
    if began && campaign.options.keep_sign_in {
        let keys = CampaignKeys::new(&state, &store, &config.url);
        let data = SignInData::new(&keys, &store, &config.url);
        keep_sign_in(&data, &config.database, &patience, output).await?;
    }
    drop(names);
    campaign = patience.until_ok(|| campaigns.named(&campaign.name)).await?;
    let view = Arc::new(View::new(output.is_json(), telemetry));
    let setup = Setup {
        store: store.clone(),
        database: config.database,
        pod: config.url,
        schema,
        photos: config.uploads,
        uploads,
        archive_key,
        state,
        depot,
        created_by: format!("pappus {}", env!("CARGO_PKG_VERSION")),
        observer: Arc::clone(&view) as Arc<_>,
        options,
    };
    let stopped = interrupt::stop_and_announce({
        let view = Arc::clone(&view);
        move || view.say_stopping()
    });
    let watching = tokio::spawn(Arc::clone(&view).watch(store.clone(), campaign.clone()));
    let setup = Arc::new(setup);
    let ended = export(Arc::clone(&setup), &campaign, stopped.clone()).await;
    watching.abort();
    let stands = match ended {
        Ok(ended) => final_status(&setup, &campaign.name, stopped).await.map(|status| (ended, status)),
        Err(error) => Err(error),
    };
    view.finish();
    let (ended, status) = stands?;
    store.close().await;
    check_end(ended.stopped, &status)?;
    describe(output, &status);
    output.document(&document(&status));
    let clean = status.totals.failed == 0 && status.totals.incomplete == 0;
    Ok(if clean { Outcome::Done } else { Outcome::Findings })
}

/// Copies the sign-in data, and says so.
async fn keep_sign_in(
    data: &SignInData,
    database: &DatabaseUrl,
    patience: &RetryPolicy,
    output: &Output,
) -> Result<(), Failure> {
    let now = clock::now()?;
    let copied = patience.until_ok(|| copy_sign_in(data, database, now)).await?;
    output.line(format!(
        "The sign-in data of {} is in the store, encrypted.",
        counted(copied.people, "account")
    ));
    Ok(())
}

/// Fails when the worker was stopped before the end, or the campaign was cancelled.
fn check_end(stopped: bool, status: &Status) -> Result<(), Failure> {
    if stopped && status.totals.open() > 0 {
        let left = counted(status.totals.open(), "account");
        let sentence = format!("stopped, with {left} left: run the same command again to continue");
        return Err(Failure::message(sentence).with_code("stopped"));
    }
    if status.campaign.state == CampaignState::Cancelled {
        return Err(
            Failure::message("the campaign was cancelled; stored archives remain").with_code("cancelled")
        );
    }
    Ok(())
}

/// Returns the bytes to keep free on the disk of the archives.
fn reserve(arguments: &WorkArguments) -> u64 {
    arguments.reserve.saturating_mul(MEGABYTE)
}

/// Returns the signing key. All archives of a campaign are signed with one key, so none is created when it resumes.
fn archive_key(state: &StateFolder, campaign: &Campaign) -> Result<SigningKey, Failure> {
    match state.known_archive_key()? {
        Some(key) => Ok(key),
        None => Err(Failure::message(format!(
            "the archives of the campaign {:?} are signed with the pod's archive key {}, which is not in {}. Copy \
             archive-key.pem from the machine that started it, or specify its folder with --state",
            campaign.name,
            campaign.archive_key,
            state.path().display()
        ))),
    }
}

/// Returns the locations of archives that can be reused, and prints which changes cannot be detected.
async fn before(
    campaigns: &Campaigns,
    campaign: &Campaign,
    patience: RetryPolicy,
    output: &Output,
) -> Result<Places, Failure> {
    let mut places = Places::new();
    let Some(name) = campaign.options.since.as_ref().filter(|_| campaign.state == CampaignState::Preparing)
    else {
        return Ok(places);
    };
    let before = patience.until_ok(|| campaigns.named(name)).await?;
    for (out, place) in patience.until_ok(|| campaigns.places_of(&before)).await? {
        let depot = patience.place_of(&out, place.as_deref()).await?;
        places.insert(out, depot);
    }
    output.line(format!(
        "Looking for changes since {name:?}, and checking its archives. Not detected: values changed by hand in \
         the pod's database, photo files changed on disk, and other pods whose address has become https or has \
         another port."
    ));
    Ok(places)
}

/// Reads the version of the pod's tables over a connection of its own.
async fn schema(database: &DatabaseUrl) -> Result<SchemaVersion, SchemaError> {
    read_schema(&mut Snapshot::open(database).await?).await
}

/// Records the accounts of a campaign that has just started, and returns the hosts that do not fit the pod's address.
/// Each attempt reads a snapshot of its own; what an earlier one recorded stays.
async fn prepare(
    campaigns: &Campaigns,
    campaign: &Campaign,
    (database, url): (&DatabaseUrl, &PodUrl),
    (names, places): (&[String], &Places),
) -> Result<(Prepared, BTreeMap<String, u64>), CampaignError> {
    if campaign.state != CampaignState::Preparing {
        return Ok(Default::default());
    }
    let mut snapshot = Snapshot::open(database).await?;
    let hosts = other_hosts(&mut snapshot, url).await?;
    let prepared = campaigns.prepare_with(campaign, &mut snapshot, names, places).await?;
    Ok((prepared, hosts))
}

async fn copy_sign_in(
    data: &SignInData,
    database: &DatabaseUrl,
    now: Timestamp,
) -> Result<SignInCopied, SignInError> {
    data.copy(&mut Snapshot::open(database).await?, now).await
}

fn say_prepared(campaign: &Campaign, prepared: &Prepared, output: &Output) {
    let before = campaign.options.since.as_deref().unwrap_or_default();
    if prepared.lost > 0 {
        output.line(format!(
            "Archives of {before:?} that are missing or damaged, and will be exported again: {}.",
            thousands(prepared.lost)
        ));
    }
    if prepared.unknown > 0 {
        output.line(format!(
            "{before:?} was started by an earlier version of Pappus, which recorded nothing to compare {} with: \
             they will be exported again.",
            counted(prepared.unknown, "account")
        ));
    }
}

async fn options(
    config: &PodConfig,
    arguments: &WorkArguments,
    output: &Output,
) -> Result<WorkerOptions, Failure> {
    let gentle = if arguments.no_gentle {
        false
    } else if arguments.gentle {
        true
    } else {
        let patience = RetryPolicy::new(arguments, output);
        let used = patience.until_ok(|| is_in_use(&config.url, &config.database)).await?;
        if used {
            output.line(
                "The pod is in use, so this runs slowly, one account at a time, with pauses. --no-gentle runs at \
                 full speed.",
            );
        }
        used
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    Ok(WorkerOptions {
        tasks: arguments.workers.map_or(cores + 1, usize::from),
        lease: Duration::from_secs(arguments.lease),
        patience: Duration::from_secs(arguments.patience),
        gentle,
        reserve: reserve(arguments),
        host: host(),
    })
}

/// Returns this machine's name.
fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}
