//! `pappus announce`.

use pappus_engine::announce::{AnnounceOptions, Announced, announce};
use pappus_engine::archive::open::{Archive, Verified};
use pappus_engine::discovery::Discovery;
use pappus_engine::import::PodPin;
use pappus_engine::pod::config::PodConfig;
use pappus_engine::store::Store;
use zeroize::Zeroizing;

use super::{Outcome, counted, thousands};
use crate::arguments::Announce;
use crate::error::Failure;
use crate::output::Output;
use crate::{archive, clock, network, passphrase, pod, store};

pub(crate) async fn run(arguments: Announce, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let opened = archive::open(&arguments.archive, output)?;
    let key_passphrase = passphrase::read_if(arguments.key_passphrase.source().as_ref(), "the private key")?;
    let store = store::open(&arguments.store, &config.url).await?;
    let farewell = arguments.farewell.farewell.clone();
    let discovery = if arguments.offline { None } else { Some(network::discovery(&arguments.network)?) };
    let settings =
        AnnounceSettings { key_passphrase, farewell, pinned_pods: arguments.trust.trust_pod, discovery };
    let announced = announce_archive(opened, &config, &store, settings).await?;
    store.close().await;
    describe(output, &announced);
    output.line(
        "Next: `pappus deliver --wait` sends the deliveries and retries pods that are down for four weeks.",
    );
    output.document(&announced);
    Ok(if announced.by_hand.is_empty() { Outcome::Done } else { Outcome::Findings })
}

/// Settings of an announcement.
pub(crate) struct AnnounceSettings {
    pub(crate) key_passphrase: Option<Zeroizing<String>>,
    pub(crate) farewell: Option<String>,
    /// Pods whose keys prove archives.
    pub(crate) pinned_pods: Vec<PodPin>,
    /// Queries the old pod; `None` if it is not to be contacted.
    pub(crate) discovery: Option<Discovery>,
}

/// Announces the move of an archive's account: by itself, or after an import.
pub(crate) async fn announce_archive(
    archive: Archive<Verified>,
    config: &PodConfig,
    store: &Store,
    settings: AnnounceSettings,
) -> Result<Announced, Failure> {
    let AnnounceSettings { key_passphrase, farewell, pinned_pods, discovery } = settings;
    let options = AnnounceOptions { key_passphrase, farewell, discovery, pinned_pods, now: clock::now()? };
    announce(archive, &config.database, &config.url, store, &options)
        .await
        .map_err(|error| Failure::new("the move was not announced", error))
}

/// Prints which pods and people are notified, and which people cannot be.
pub(crate) fn describe(output: &Output, announced: &Announced) {
    output.line(format!("{} is {} from now on.", announced.old, announced.new));
    output.line(format!(
        "The move will be sent to {}, with separate messages for {} there; {} queued.",
        counted(announced.pods, "pod"),
        if announced.people == 1 {
            "1 person".to_owned()
        } else {
            format!("{} people", thousands(announced.people))
        },
        counted(announced.queued, "new delivery")
    ));
    if announced.unknown > 0 {
        output.line(format!(
            "{} unknown here: their pods are notified of the move, and those whose GUID and key are in the archive get \
             messages of their own.",
            counted(announced.unknown, "contact")
        ));
    }
    output.line(format!(
        "{} shared both ways. `pappus deliveries` shows how many are back.",
        counted(announced.friends, "friend")
    ));
    for (person, reason) in &announced.by_hand {
        output.line(format!("  {person} cannot be notified: {reason}"));
    }
}
