//! `pappus announce`.

use pappus_engine::announce::{AnnounceOptions, Announced, announce};
use pappus_engine::archive::open::{Archive, Verified};
use pappus_engine::pod::config::PodConfig;
use pappus_engine::store::Store;
use zeroize::Zeroizing;

use super::{Outcome, thousands};
use crate::arguments::Announce;
use crate::error::Failure;
use crate::output::Output;
use crate::{archive, clock, passphrase, pod, store};

pub(crate) async fn run(arguments: Announce, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let opened = archive::open(&arguments.archive, output)?;
    let key_passphrase = match &arguments.key_passphrase {
        Some(path) => Some(passphrase::read(path, "the private key", false)?),
        None => None,
    };
    let store = store::open(&arguments.store, &config.url).await?;
    let farewell = arguments.farewell.farewell.clone();
    let announced = announce_archive(opened, &config, &store, key_passphrase, farewell).await?;
    store.close().await;
    describe(output, &announced);
    output.line("Next: `pappus deliver --wait` sends the deliveries, for four weeks if a pod is down.");
    output.document(&announced);
    Ok(if announced.by_hand.is_empty() { Outcome::Done } else { Outcome::Findings })
}

/// Announces the move of an archive's account: alone, and after an import.
pub(crate) async fn announce_archive(
    archive: Archive<Verified>,
    config: &PodConfig,
    store: &Store,
    key_passphrase: Option<Zeroizing<String>>,
    farewell: Option<String>,
) -> Result<Announced, Failure> {
    let options = AnnounceOptions { key_passphrase, farewell, now: clock::now()? };
    announce(archive, &config.database, &config.url, store, &options)
        .await
        .map_err(|error| Failure::new("the move was not announced", error))
}

/// Prints whom the announcement goes to, and who cannot be told.
pub(crate) fn describe(output: &Output, announced: &Announced) {
    output.line(format!("{} is {} from now on.", announced.old, announced.new));
    output.line(format!(
        "{} pods are to be told of the move, {} people on them get a message of their own; {} deliveries are new.",
        thousands(announced.pods),
        thousands(announced.people),
        thousands(announced.queued)
    ));
    if announced.unknown > 0 {
        output.line(format!(
            "{} contacts are unknown here: their pods are told of the move.",
            thousands(announced.unknown)
        ));
    }
    output.line(format!(
        "{} friends shared both ways. `pappus deliveries` shows how many of them are back.",
        thousands(announced.friends)
    ));
    for (person, reason) in &announced.by_hand {
        output.line(format!("  {person} cannot be told: {reason}"));
    }
}
