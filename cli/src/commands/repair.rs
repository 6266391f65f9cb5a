//! `pappus repair`.

use std::time::Duration;

use pappus_engine::discovery::Discovery;
use pappus_engine::pod::database::PodWriter;
use pappus_engine::repair::{Change, FieldChange, Repair, RepairOptions, RepairReport, repair};
use serde_json::json;

use super::{Outcome, thousands};
use crate::arguments;
use crate::error::Failure;
use crate::output::Output;
use crate::{clock, network, pod, store};

/// Time limit for looking up people: a pod's imports may have added thousands. Lookups on pods that are down do not
/// delay the others.
const DISCOVERY_TIME: Duration = Duration::from_mins(10);
/// Maximum number of people listed on the terminal; the JSON lists all of them.
const MAX_LISTED: usize = 20;

pub(crate) async fn run(arguments: arguments::Repair, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let client = network::client(&arguments.network)?;
    PodWriter::recover_sqlite_journal(&config.database).await?;
    pod::open(&config).await?; // reports problems with the pod before any work starts
    let store = store::open(&arguments.store, &config.url).await?;
    let options = RepairOptions {
        discovery: Discovery::new(client, DISCOVERY_TIME),
        dry_run: arguments.dry_run,
        now: clock::now()?,
    };
    let result = repair(&config.database, &config.url, &store, &options).await;
    store.close().await;
    let reports = result.map_err(|error| Failure::new("the pod was not repaired", error))?;
    for repaired in &reports {
        describe(output, repaired, arguments.dry_run);
    }
    if arguments.dry_run {
        output.line("Nothing was written.");
    }
    output.document(&json!({ "dry_run": arguments.dry_run, "repairs": documents(&reports) }));
    let is_clean = reports.iter().all(|repaired| repaired.skipped.is_empty());
    Ok(if is_clean { Outcome::Done } else { Outcome::Findings })
}

fn describe(output: &Output, repaired: &RepairReport, dry_run: bool) {
    let subject = match repaired.repair {
        Repair::People => "People added by imports",
        Repair::Tags => "Followed tags added by imports",
        Repair::MovedPeople => "Old identities of people who have moved here",
    };
    let verb = if dry_run { "would be corrected" } else { "corrected" };
    output.line(format!(
        "{subject}: {} examined, {} {verb}.",
        thousands(repaired.examined),
        thousands(repaired.changes.len() as u64)
    ));
    for Change { person, fields } in repaired.changes.iter().take(MAX_LISTED) {
        let fields: Vec<String> = fields.iter().map(describe_change).collect();
        output.line(format!("  {person}: {}", fields.join("; ")));
    }
    print_more(output, repaired.changes.len());
    if repaired.skipped.is_empty() {
        return;
    }
    output.line(format!(
        "  Not corrected: {}. Run the command again to retry.",
        thousands(repaired.skipped.len() as u64)
    ));
    for skipped in repaired.skipped.iter().take(MAX_LISTED) {
        output.line(format!("  {}: {}", skipped.person, skipped.reason));
    }
    print_more(output, repaired.skipped.len());
}

fn print_more(output: &Output, count: usize) {
    if count > MAX_LISTED {
        output.line(format!(
            "  … and {} more; --json lists all of them",
            thousands((count - MAX_LISTED) as u64)
        ));
    }
}

fn describe_change(FieldChange { column, from, to }: &FieldChange) -> String {
    let text = |value: &Option<String>| {
        value.as_deref().map_or_else(|| "nothing".to_owned(), |value| format!("{value:?}"))
    };
    format!("{column} {} → {}", text(from), text(to))
}

fn documents(reports: &[RepairReport]) -> Vec<serde_json::Value> {
    let document = |repaired: &RepairReport| {
        json!({
            "repair": repaired.repair,
            "examined": repaired.examined,
            "changed": repaired.changes.len(),
            "changes": repaired.changes,
            "skipped": repaired.skipped,
        })
    };
    reports.iter().map(document).collect()
}
