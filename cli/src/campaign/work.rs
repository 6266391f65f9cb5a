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
const MEGABYTE_BYTES: u64 = 1_000_000;

/// A pod's configuration, and Pappus's own data about it.
pub(super) struct PodData {
    pub(super) config: PodConfig,
    pub(super) state: StateFolder,
    pub(super) store: Store,
}

/// The inputs of a worker.
pub(super) struct Work {
    pub(super) pod_data: PodData,
    pub(super) campaign: Campaign,
    /// Names on the podmin's list, while it is not recorded yet.
    pub(super) names: Vec<String>,
    pub(super) resources: Resources,
    /// True if this run starts or resumes the campaign; false if it joins as a worker.
    pub(super) is_starter: bool,
    /// The time to wait for unavailable services.
    pub(super) retry: RetryPolicy,
}

/// The resources that must be open before anything starts.
pub(super) struct Resources {
    depot: Depot,
    uploads: PhotoStore,
    schema: SchemaVersion,
    options: WorkerOptions,
    telemetry: Telemetry,
}

impl Resources {
    pub(super) async fn open(
        config: &PodConfig,
        depot: Depot,
        arguments: &WorkArguments,
        output: &Output,
    ) -> Result<Self, Failure> {
        let retry = RetryPolicy::new(arguments, output);
        retry.until_ok(|| async { depot.expect_disk(reserve(arguments)) }).await?;
        let uploads = retry.until_ok(|| pod::uploads(config)).await?;
        // Before this program connects to the database, which would count as use.
        let options = options(config, arguments, output).await?;
        let schema = retry.until_ok(|| schema(&config.database)).await?;
        let telemetry = Telemetry::start(arguments)?;
        Ok(Self { depot, uploads, schema, options, telemetry })
    }
}

pub(super) async fn work(work: Work, output: &Output) -> Result<Outcome, Failure> {
    let Work { pod_data, mut campaign, names, resources, is_starter, retry } = work;
    let PodData { config, state, store } = pod_data;
    let Resources { depot, uploads, schema, options, telemetry } = resources;
    let campaigns = Campaigns::new(&store, &config.url);
    let archive_key = archive_key(&state, &campaign)?;
    let places = reusable_depots(&campaigns, &campaign, retry, output).await?;
    let pod = (&config.database, &config.url);
    let (prepared, hosts) = retry.until_ok(|| prepare(&campaigns, &campaign, pod, (&names, &places))).await?;
    if let Some(sentence) = pod::other_hosts(&config.url, &hosts).filter(|_| is_starter) {
        output.line(sentence);
    }
    print_prepared(&campaign, &prepared, output);
    if is_starter && campaign.options.keep_sign_in {
        let keys = CampaignKeys::new(&state, &store, &config.url);
        let data = SignInData::new(&keys, &store, &config.url);
        keep_sign_in(&data, &config.database, &retry, output).await?;
    }
    drop(names);
    campaign = retry.until_ok(|| campaigns.named(&campaign.name)).await?;
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
    let stop = interrupt::stop_and_announce({
        let view = Arc::clone(&view);
        move || view.print_stopping()
    });
    let watcher = tokio::spawn(Arc::clone(&view).watch(store.clone(), campaign.clone()));
    let setup = Arc::new(setup);
    let result = export(Arc::clone(&setup), &campaign, stop.clone()).await;
    watcher.abort();
    let result = match result {
        Ok(ended) => final_status(&setup, &campaign.name, stop).await.map(|status| (ended, status)),
        Err(error) => Err(error),
    };
    view.finish();
    let (ended, status) = result?;
    store.close().await;
    check_end(ended.stopped, &status)?;
    describe(output, &status);
    output.document(&document(&status));
    let is_clean = status.totals.failed == 0 && status.totals.incomplete == 0;
    Ok(if is_clean { Outcome::Done } else { Outcome::Findings })
}

/// Copies the sign-in data, and prints the number of accounts.
async fn keep_sign_in(
    data: &SignInData,
    database: &DatabaseUrl,
    retry: &RetryPolicy,
    output: &Output,
) -> Result<(), Failure> {
    let now = clock::now()?;
    let copied = retry.until_ok(|| copy_sign_in(data, database, now)).await?;
    output.line(format!(
        "The sign-in data of {} is in the store, encrypted.",
        counted(copied.people, "account")
    ));
    Ok(())
}

/// Fails if the worker was stopped before the end, or the campaign was cancelled.
fn check_end(is_stopped: bool, status: &Status) -> Result<(), Failure> {
    if is_stopped && status.totals.open() > 0 {
        let remaining = counted(status.totals.open(), "account");
        let sentence = format!("stopped, with {remaining} left: run the same command again to continue");
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
    arguments.reserve.saturating_mul(MEGABYTE_BYTES)
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

/// Returns the depots whose archives can be reused, by location, and prints which changes cannot be detected.
async fn reusable_depots(
    campaigns: &Campaigns,
    campaign: &Campaign,
    retry: RetryPolicy,
    output: &Output,
) -> Result<Places, Failure> {
    let mut places = Places::new();
    let Some(name) = campaign.options.since.as_ref().filter(|_| campaign.state == CampaignState::Preparing)
    else {
        return Ok(places);
    };
    let earlier = retry.until_ok(|| campaigns.named(name)).await?;
    for (out, identity) in retry.until_ok(|| campaigns.places_of(&earlier)).await? {
        let depot = retry.known_depot(&out, identity.as_deref()).await?;
        places.insert(out, depot);
    }
    output.line(format!(
        "Looking for changes since {name:?}, and checking its archives. Not detected: values changed by hand in \
         the pod's database, photo files changed on disk, and other pods whose address has become https or has \
         another port."
    ));
    Ok(places)
}

/// Reads the version of the pod's tables over a separate connection.
async fn schema(database: &DatabaseUrl) -> Result<SchemaVersion, SchemaError> {
    read_schema(&mut Snapshot::open(database).await?).await
}

/// Records the accounts of a campaign that has just started, and returns the hosts that differ from that of the pod's
/// address. Each attempt opens a new snapshot; accounts recorded by an earlier attempt remain.
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

fn print_prepared(campaign: &Campaign, prepared: &Prepared, output: &Output) {
    let earlier = campaign.options.since.as_deref().unwrap_or_default();
    if prepared.lost > 0 {
        output.line(format!(
            "Archives of {earlier:?} that are missing or damaged, and will be exported again: {}.",
            thousands(prepared.lost)
        ));
    }
    if prepared.unknown > 0 {
        output.line(format!(
            "{earlier:?} was started by an earlier version of Pappus, which recorded nothing to compare {} with: \
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
    let is_gentle = if arguments.no_gentle {
        false
    } else if arguments.gentle {
        true
    } else {
        let retry = RetryPolicy::new(arguments, output);
        let is_in_use = retry.until_ok(|| is_in_use(&config.url, &config.database)).await?;
        if is_in_use {
            output.line(
                "The pod is in use, so this runs slowly, one account at a time, with pauses. --no-gentle runs at \
                 full speed.",
            );
        }
        is_in_use
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    Ok(WorkerOptions {
        tasks: arguments.workers.map_or(cores + 1, usize::from),
        lease: Duration::from_secs(arguments.lease),
        patience: Duration::from_secs(arguments.patience),
        gentle: is_gentle,
        reserve: reserve(arguments),
        host: host(),
    })
}

/// Returns this machine's name.
fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}
