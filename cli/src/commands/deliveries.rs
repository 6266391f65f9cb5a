//! `pappus deliveries`.

use comfy_table::{CellAlignment, Table};
use pappus_engine::delivery::{DeliveryState, Ledger, Scope};
use pappus_engine::domain::DiasporaId;
use serde_json::json;

use super::Outcome;
use crate::arguments::Deliveries;
use crate::error::Failure;
use crate::output::Output;
use crate::{pod, store};

/// Pods and people that are read at a time.
const PAGE: u32 = 1000;

pub(crate) async fn run(arguments: Deliveries, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let account = arguments.account.as_deref().map(str::parse::<DiasporaId>).transpose()?;
    let scope = account.as_ref().map_or(Scope::All, Scope::Account);
    let store = store::open(&arguments.store, &config.url).await?;
    let ledger = Ledger::new(&store);
    let counts = ledger.counts(scope).await?;
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header(["pod", "arrived", "waiting", "refused", "given up", "what went wrong last"]);
    let (mut pods, mut after) = (Vec::new(), String::new());
    loop {
        let page = ledger.pods(scope, &after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.pod);
        for pod in page {
            let numbers = [
                pod.counts.delivered,
                pod.counts.queued + pod.counts.sending,
                pod.counts.rejected,
                pod.counts.dead,
            ];
            let error = pod.last_error.clone().unwrap_or_default();
            let numbers = numbers.iter().map(ToString::to_string);
            table.add_row(std::iter::once(pod.pod.clone()).chain(numbers).chain([error]));
            pods.push(pod);
        }
    }
    for column in 1..5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let by_hand = [DeliveryState::Rejected, DeliveryState::Dead];
    let people = ledger.undelivered(scope, &by_hand, 0, PAGE).await?;
    store.close().await;
    if pods.is_empty() {
        output.line("Nothing has been announced yet.");
    } else {
        output.line(table);
    }
    if !people.is_empty() {
        output.line("To be told by hand:");
        for person in &people {
            let who = person.recipient.clone().unwrap_or_else(|| format!("everybody on {}", person.pod));
            output.line(format!("  {who}: {}", person.last_error.as_deref().unwrap_or("no answer")));
        }
    }
    output.document(&json!({ "counts": counts, "pods": pods, "by_hand": people }));
    Ok(if counts.finished() && people.is_empty() { Outcome::Done } else { Outcome::Findings })
}
