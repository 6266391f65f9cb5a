//! `pappus deliveries`.

use comfy_table::{CellAlignment, Table};
use pappus_engine::delivery::{Ledger, Scope, Unreached};
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
    let mut by_hand: Vec<Unreached> = Vec::new();
    loop {
        let page = ledger.by_hand(scope, by_hand.last(), PAGE).await?;
        if page.is_empty() {
            break;
        }
        by_hand.extend(page);
    }
    store.close().await;
    if pods.is_empty() {
        output.line("Nothing has been announced yet.");
    } else {
        output.line(table);
    }
    list_by_hand(output, &by_hand);
    output.document(&json!({ "counts": counts, "pods": pods, "by_hand": by_hand }));
    Ok(if counts.finished() && by_hand.is_empty() { Outcome::Done } else { Outcome::Findings })
}

/// By account, pod and reason, each person on a line, to be copied from there.
fn list_by_hand(output: &Output, by_hand: &[Unreached]) {
    let reason = |line: &Unreached| line.last_error.clone().unwrap_or_else(|| "no answer".to_owned());
    for of_account in by_hand.chunk_by(|one, next| one.account == next.account) {
        let Some(first) = of_account.first() else { continue };
        output.line(format!("To be told by hand that {} has moved:", first.account));
        for of_pod in of_account.chunk_by(|one, next| one.pod == next.pod && reason(one) == reason(next)) {
            let Some(first) = of_pod.first() else { continue };
            let reason = reason(first);
            // Most reasons name the pod.
            let pod = if reason.starts_with(&first.pod) { String::new() } else { format!("{}: ", first.pod) };
            output.line(format!("  {pod}{reason}"));
            for line in of_pod {
                let everybody = "everybody there who knows the account";
                output.line(format!("    {}", line.recipient.as_deref().unwrap_or(everybody)));
                for person in &line.people {
                    output.line(format!("    {person}"));
                }
            }
        }
    }
}
