//! `pappus deliveries`.

use chrono::{DateTime, TimeDelta, Utc};
use comfy_table::{CellAlignment, Table};
use pappus_engine::delivery::{
    AdvisedFriend, Clock as _, Counts, Friends, Ledger, PodDeliveries, Scope, SystemClock, TargetPod,
    UnreachableAccount, Unreached,
};
use pappus_engine::domain::DiasporaId;
use serde_json::json;

use super::Outcome;
use crate::arguments::Deliveries;
use crate::error::Failure;
use crate::output::Output;
use crate::{pod, store};

/// Number of pods or people read at a time.
const PAGE: u32 = 1000;

pub(crate) async fn run(arguments: Deliveries, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let account = arguments.account.as_deref().map(str::parse::<DiasporaId>).transpose()?;
    let scope = account.as_ref().map_or(Scope::All, Scope::Account);
    let store = store::open(&arguments.store, &config.url).await?;
    // Records friends who came back since the last delivery. If the pod's database is unavailable, the last known
    // state is shown.
    let target = TargetPod::new(&config.database, &config.url);
    _ = target.record_friends(&store, SystemClock.now(), TimeDelta::minutes(1)).await;
    let view = LedgerView::read(&Ledger::new(&store), scope).await?;
    store.close().await;
    view.describe(output);
    output.document(&json!({
        "counts": view.counts,
        "friends": view.friends,
        "unseen": view.unreachable_accounts,
        "pods": view.pods,
        "elsewhere": view.advised_friends,
        "by_hand": view.unreached,
    }));
    let is_clean = view.counts.is_finished() && view.unreached.is_empty();
    Ok(if is_clean { Outcome::Done } else { Outcome::Findings })
}

/// The contents of the ledger.
struct LedgerView {
    counts: Counts,
    friends: Friends,
    unreachable_accounts: Vec<UnreachableAccount>,
    pods: Vec<PodDeliveries>,
    advised_friends: Vec<AdvisedFriend>,
    unreached: Vec<Unreached>,
}

impl LedgerView {
    async fn read(ledger: &Ledger, scope: Scope<'_>) -> Result<Self, Failure> {
        let (mut pods, mut advised_friends, mut unreached) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let after = pods.last().map_or(String::new(), |last: &PodDeliveries| last.pod.clone());
            let page = ledger.pods(scope, &after, PAGE).await?;
            if page.is_empty() {
                break;
            }
            pods.extend(page);
        }
        loop {
            let page = ledger.advised_friends(scope, advised_friends.last(), PAGE).await?;
            if page.is_empty() {
                break;
            }
            advised_friends.extend(page);
        }
        loop {
            let page = ledger.unreached(scope, unreached.last(), PAGE).await?;
            if page.is_empty() {
                break;
            }
            unreached.extend(page);
        }
        let (counts, friends) = (ledger.counts(scope).await?, ledger.friends(scope).await?);
        let unreachable_accounts = ledger.unreachable_accounts().await?;
        Ok(Self { counts, friends, unreachable_accounts, pods, advised_friends, unreached })
    }

    fn describe(&self, output: &Output) {
        if self.pods.is_empty() {
            output.line("Nothing has been announced yet.");
        } else {
            output.line(table(&self.pods));
            output.line(format!("Friends back: {} of {}.", self.friends.back, self.friends.all));
        }
        for account in &self.unreachable_accounts {
            output.line(&account.problem);
        }
        list_advised_friends(output, &self.advised_friends);
        list_unreached(output, &self.unreached);
    }
}

/// Returns a table with a row for each pod.
fn table(pods: &[PodDeliveries]) -> Table {
    let mut table = super::table();
    table.set_header([
        "pod",
        "move",
        "friends back",
        "arrived",
        "waiting",
        "refused",
        "given up",
        "last error",
    ]);
    for pod in pods {
        let numbers = [
            pod.counts.delivered + pod.counts.confirmed,
            pod.counts.queued + pod.counts.sending,
            pod.counts.rejected,
            pod.counts.dead,
        ];
        let friends = match pod.friends {
            Friends { all: 0, .. } => "–".to_owned(),
            Friends { all, back } => format!("{back} of {all}"),
        };
        let description = [pod.pod.clone(), state_of_move(pod), friends];
        let numbers = numbers.iter().map(ToString::to_string);
        table.add_row(
            description.into_iter().chain(numbers).chain([pod.last_error.clone().unwrap_or_default()]),
        );
    }
    for column in 2..7 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Describes a pod's progress with the move.
fn state_of_move(pod: &PodDeliveries) -> String {
    let notified = if pod.repeated_at.is_some() { "notified twice" } else { "notified" };
    let remaining = pod.waits_until.map(|until| format!("; the rest wait until {}", minute(until)));
    match (pod.accepted_at, pod.confirmed_at, pod.waits_until) {
        (_, Some(_), _) => "confirmed".to_owned(),
        (Some(_), None, None) if pod.repeated_at.is_some() && !pod.counts.is_finished() => {
            "notified; will be sent again because no friend is back".to_owned()
        }
        (Some(_), None, _) => {
            let again = pod.repeats_at.map(|at| format!("; again at {} unless a friend is back", minute(at)));
            [Some(notified.to_owned()), again, remaining].into_iter().flatten().collect()
        }
        // Only the old pod waits for a time before it gets the move.
        (None, None, Some(until)) => {
            format!("last, after the other pods, by {}", minute(until))
        }
        (None, None, None) if pod.counts.is_finished() => "not notified".to_owned(),
        (None, None, None) => "waiting".to_owned(),
    }
}

/// Formats a time to the minute.
fn minute(time: DateTime<Utc>) -> String {
    format!("{} UTC", time.format("%Y-%m-%d %H:%M"))
}

/// Lists friends whose software does not transfer friendships, and prints the steps they have to take.
fn list_advised_friends(output: &Output, friends: &[AdvisedFriend]) {
    for group in friends.chunk_by(|left, right| left.account == right.account && left.system == right.system)
    {
        let Some(first) = group.first() else { continue };
        let Some(advice) = first.system.advice() else { continue };
        output.line(format!("Friends of {} who must act themselves. {advice}", first.account));
        for friend in group {
            output.line(format!("    {}", friend.person));
        }
    }
}

/// Lists the people to notify yourself: by account, pod and reason, one person per line, ready to copy.
fn list_unreached(output: &Output, unreached: &[Unreached]) {
    let reason = |entry: &Unreached| entry.last_error.clone().unwrap_or_else(|| "no answer".to_owned());
    for of_account in unreached.chunk_by(|left, right| left.account == right.account) {
        let Some(first) = of_account.first() else { continue };
        output.line(format!("Tell these people yourself that {} has moved:", first.account));
        for of_pod in
            of_account.chunk_by(|left, right| left.pod == right.pod && reason(left) == reason(right))
        {
            let Some(first) = of_pod.first() else { continue };
            let reason = reason(first);
            // Most reasons name the pod.
            let pod = if reason.starts_with(&first.pod) { String::new() } else { format!("{}: ", first.pod) };
            output.line(format!("  {pod}{reason}"));
            for entry in of_pod {
                let everyone = "everyone there who knows the account";
                output.line(format!("    {}", entry.recipient.as_deref().unwrap_or(everyone)));
                for person in &entry.people {
                    output.line(format!("    {person}"));
                }
            }
        }
    }
}
