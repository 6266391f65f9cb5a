//! `pappus repair`.

use std::time::Duration;

use pappus_engine::discovery::Discovery;
use pappus_engine::pod::database::PodWriter;
use pappus_engine::repair::{Change, FieldChange, Repair, RepairOptions, Repaired, repair};
use serde_json::json;

use super::{Outcome, thousands};
use crate::arguments;
use crate::error::Failure;
use crate::output::Output;
use crate::{clock, network, pod, store};

/// Time for looking people up. All imports of a pod's lifetime may have imported thousands; a dead pod uses up none
/// of the time of the others.
const LOOKING_UP: Duration = Duration::from_mins(10);
/// Largest number of people listed on the terminal; JSON has all of them.
const SHOWN: usize = 20;

pub(crate) async fn run(arguments: arguments::Repair, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let client = network::client(&arguments.network)?;
    PodWriter::recover_sqlite_journal(&config.database).await?;
    pod::open(&config).await?; // reports problems with the pod before any work starts
    let store = store::open(&arguments.store, &config.url).await?;
    let options = RepairOptions {
        discovery: Discovery::new(client, LOOKING_UP),
        dry_run: arguments.dry_run,
        now: clock::now()?,
    };
    let done = repair(&config.database, &config.url, &store, &options).await;
    store.close().await;
    let done = done.map_err(|error| Failure::new("the pod was not repaired", error))?;
    for repaired in &done {
        describe(output, repaired, arguments.dry_run);
    }
    if arguments.dry_run {
        output.line("Nothing was written.");
    }
    output.document(&json!({ "dry_run": arguments.dry_run, "repairs": documents(&done) }));
    let clean = done.iter().all(|repaired| repaired.skipped.is_empty());
    Ok(if clean { Outcome::Done } else { Outcome::Findings })
}

fn describe(output: &Output, repaired: &Repaired, dry_run: bool) {
    let what = match repaired.repair {
        Repair::People => "People added by imports",
        Repair::Tags => "Followed tags added by imports",
        Repair::MovedPeople => "Old identities of people who have moved here",
    };
    let verb = if dry_run { "would be corrected" } else { "corrected" };
    output.line(format!(
        "{what}: {} examined, {} {verb}.",
        thousands(repaired.examined),
        thousands(repaired.changes.len() as u64)
    ));
    for Change { person, fields } in repaired.changes.iter().take(SHOWN) {
        let fields: Vec<String> = fields.iter().map(change).collect();
        output.line(format!("  {person}: {}", fields.join("; ")));
    }
    more(output, repaired.changes.len());
    if repaired.skipped.is_empty() {
        return;
    }
    output.line(format!(
        "  Unchanged, each with its reason; the same command retries: {}",
        thousands(repaired.skipped.len() as u64)
    ));
    for skipped in repaired.skipped.iter().take(SHOWN) {
        output.line(format!("  {}: {}", skipped.person, skipped.reason));
    }
    more(output, repaired.skipped.len());
}

fn more(output: &Output, count: usize) {
    if count > SHOWN {
        output.line(format!("  … and {} more; --json lists all of them", thousands((count - SHOWN) as u64)));
    }
}

fn change(FieldChange { column, from, to }: &FieldChange) -> String {
    let text = |value: &Option<String>| {
        value.as_deref().map_or_else(|| "nothing".to_owned(), |value| format!("{value:?}"))
    };
    format!("{column} {} → {}", text(from), text(to))
}

fn documents(done: &[Repaired]) -> Vec<serde_json::Value> {
    let document = |repaired: &Repaired| {
        json!({
            "repair": repaired.repair,
            "examined": repaired.examined,
            "changed": repaired.changes.len(),
            "changes": repaired.changes,
            "skipped": repaired.skipped,
        })
    };
    done.iter().map(document).collect()
}
