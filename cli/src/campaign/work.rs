//! A worker on the terminal: from its beginning to its last word.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use pappus_engine::campaign::{
    Campaign, CampaignState, Campaigns, Setup, SignInData, WorkerOptions, is_in_use, standing, work as export,
};
use pappus_engine::depot::{CampaignKeys, Depot, DepotAddress};
use pappus_engine::pod::config::PodConfig;
use pappus_engine::pod::database::Snapshot;
use pappus_engine::pod::schema::SchemaVersion;
use pappus_engine::pod::survey::other_hosts;
use pappus_engine::pod::uploads::PhotoStore;
use pappus_engine::store::{StateFolder, Store};

use super::records::Records;
use super::view::View;
use super::{describe, document};
use crate::arguments::WorkArguments;
use crate::commands::{Outcome, counted};
use crate::error::Failure;
use crate::output::Output;
use crate::{clock, interrupt, pod};

/// A megabyte as disks are sold.
const MEGABYTE: u64 = 1_000_000;

/// Where everything is.
pub(super) struct Place {
    pub(super) config: PodConfig,
    pub(super) state: StateFolder,
    pub(super) store: Store,
}

/// What is to be done.
pub(super) struct Work {
    pub(super) place: Place,
    pub(super) campaign: Campaign,
    /// Names on the podmin's list, while it is still to be written down.
    pub(super) names: Vec<String>,
    pub(super) opened: Opened,
    /// Whether this is where the campaign was begun, and not a worker that has joined it.
    pub(super) began: bool,
}

/// What must be there before anything begins.
pub(super) struct Opened {
    depot: Depot,
    uploads: PhotoStore,
    snapshot: Snapshot,
    schema: SchemaVersion,
    options: WorkerOptions,
    records: Records,
}

impl Opened {
    pub(super) async fn open(
        config: &PodConfig,
        out: &str,
        arguments: &WorkArguments,
        output: &Output,
    ) -> Result<Self, Failure> {
        let depot = Depot::open(&DepotAddress::parse(out, &pod::environment)?).await?;
        let uploads = pod::uploads(config).await?;
        // Before there is a connection of our own.
        let options = options(config, arguments, output).await?;
        let (snapshot, schema) = pod::open(config).await?;
        let records = Records::start(arguments)?;
        Ok(Self { depot, uploads, snapshot, schema, options, records })
    }
}

pub(super) async fn work(work: Work, output: &Output) -> Result<Outcome, Failure> {
    let Work { place, mut campaign, names, opened, began } = work;
    let Place { config, state, store } = place;
    let Opened { depot, uploads, mut snapshot, schema, options, records } = opened;
    let campaigns = Campaigns::new(&store, &config.url);
    if began && campaign.state == CampaignState::Preparing {
        let hosts = other_hosts(&mut snapshot, &config.url).await?;
        if let Some(sentence) = pod::other_hosts(&config.url, &hosts) {
            output.line(sentence);
        }
    }
    campaigns.prepare(&campaign, &mut snapshot, &names).await?;
    if began && campaign.options.keep_sign_in {
        let keys = CampaignKeys::new(&state, &store, &config.url);
        let copied = SignInData::new(&keys, &store, &config.url).copy(&mut snapshot, clock::now()?).await?;
        output.line(format!(
            "The sign-in data of {} is in the store, encrypted.",
            counted(copied.people, "account")
        ));
    }
    drop((snapshot, names));
    campaign = campaigns.named(&campaign.name).await?;
    let view = Arc::new(View::new(output.is_json(), records));
    let setup = Setup {
        store: store.clone(),
        database: config.database,
        pod: config.url,
        schema,
        photos: config.uploads,
        uploads,
        archive_key: state.archive_key()?.signing_key()?,
        state,
        depot,
        created_by: format!("pappus {}", env!("CARGO_PKG_VERSION")),
        observer: Arc::clone(&view) as Arc<_>,
        options,
    };
    let stopped = interrupt::stop_gracefully(
        "Stopping when the accounts that were begun are finished. Press Ctrl-C again to stop at once.",
    );
    let watching = tokio::spawn(Arc::clone(&view).watch(store.clone(), campaign.clone()));
    let setup = Arc::new(setup);
    let ended = export(Arc::clone(&setup), &campaign, stopped.clone()).await;
    watching.abort();
    let stands = match ended {
        Ok(ended) => standing(&setup, &campaign.name, stopped).await.map(|status| (ended, status)),
        Err(error) => Err(error),
    };
    view.finish();
    let (ended, status) = stands?;
    store.close().await;
    if ended.stopped && status.totals.open() > 0 {
        let left = counted(status.totals.open(), "account");
        let sentence = format!("stopped, with {left} left: run the same again to go on");
        return Err(Failure::say(sentence).with_code("stopped"));
    }
    if status.campaign.state == CampaignState::Cancelled {
        return Err(Failure::say("the campaign was cancelled; what is stored stays").with_code("cancelled"));
    }
    describe(output, &status);
    output.document(&document(&status));
    let clean = status.totals.failed == 0 && status.totals.incomplete == 0;
    Ok(if clean { Outcome::Done } else { Outcome::Findings })
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
        let used = is_in_use(&config.url, &config.database).await?;
        if used {
            output.line(
                "The pod is in use, so this goes slowly, one account at a time, with rests. With --no-gentle it goes \
                 as fast as it can.",
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
        reserve: arguments.reserve.saturating_mul(MEGABYTE),
        host: host(),
    })
}

/// This machine's name.
fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}
