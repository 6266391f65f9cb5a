//! A campaign's status as text and as JSON.

use pappus_engine::campaign::{AccountLine, CampaignState, Status};

use crate::commands::{counted, megabytes, thousands};
use crate::output::Output;

/// Prints the status.
pub(crate) fn describe(output: &Output, status: &Status) {
    let Status { campaign, totals, .. } = status;
    let state = match campaign.state {
        CampaignState::Preparing => "is being prepared",
        CampaignState::Running if status.workers.is_empty() => "is open, without a worker",
        CampaignState::Running => "is running",
        CampaignState::Paused => "is paused",
        CampaignState::Cancelled => "was cancelled",
        CampaignState::Finished => "is finished",
    };
    output.line(format!("The campaign {:?} {state}: {}", campaign.name, campaign.out));
    output.line(format!(
        "  {}: {} stored, {} waiting, {} failed, {} skipped",
        counted(totals.accounts(), "account"),
        thousands(totals.done),
        thousands(totals.open()),
        thousands(totals.failed),
        thousands(totals.skipped)
    ));
    if totals.done > 0 {
        output.line(format!(
            "  {} in {}, {} left out or incomplete in {}",
            counted(totals.records, "record"),
            megabytes(totals.bytes),
            thousands(totals.omissions),
            counted(totals.incomplete, "archive")
        ));
    }
    if let Some(seconds) = status.seconds_left {
        let remaining = std::time::Duration::from_secs_f64(seconds.clamp(1.0, 1e9));
        output.line(format!("  about {} left", indicatif::HumanDuration(remaining)));
    }
    for worker in &status.workers {
        let waiting =
            worker.waits_for.as_ref().map_or_else(String::new, |reason| format!(", waiting: {reason}"));
        output.line(format!(
            "  worker {} on {}: {} in progress{waiting}",
            worker.pid,
            worker.host,
            counted(worker.accounts.unsigned_abs(), "account")
        ));
    }
    if !status.slowest.is_empty() && campaign.state != CampaignState::Preparing {
        output.line("  Slowest:");
        status.slowest.iter().take(3).for_each(|account| print_duration(output, account));
    }
    if !status.failed.is_empty() {
        output.line("  Failed (`pappus campaign retry` tries them again):");
        for line in &status.failed {
            output.line(format!("    {}: {}", line.account, line.reason.as_deref().unwrap_or("no reason")));
        }
        if totals.failed > status.failed.len() as u64 {
            output.line(format!("    … {} in all", thousands(totals.failed)));
        }
    }
}

fn print_duration(output: &Output, account: &AccountLine) {
    let records = account.records.and_then(|records| u64::try_from(records).ok()).unwrap_or(0);
    output.line(format!(
        "    {}: {:.1} s, {}",
        account.account,
        account.seconds.unwrap_or(0.0),
        counted(records, "record")
    ));
}

/// Returns the status as JSON.
pub(crate) fn document(status: &Status) -> serde_json::Value {
    serde_json::to_value(status).unwrap_or_default()
}
