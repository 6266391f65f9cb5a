//! `pappus announce`.

use pappus_engine::announce::{AnnounceOptions, announce};

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
    let farewell = arguments.farewell.farewell.clone();
    let options = AnnounceOptions { key_passphrase, farewell, now: clock::now()? };
    let store = store::open(&arguments.store, &config.url).await?;
    let announced = announce(opened, &config.database, &config.url, &store, &options)
        .await
        .map_err(|error| Failure::new("the move was not announced", error))?;
    store.close().await;
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
    output.line("Next: `pappus deliver --wait` sends the deliveries, for four weeks if a pod is down.");
    for (person, reason) in &announced.by_hand {
        output.line(format!("  {person} cannot be told: {reason}"));
    }
    output.document(&announced);
    Ok(if announced.by_hand.is_empty() { Outcome::Done } else { Outcome::Findings })
}
