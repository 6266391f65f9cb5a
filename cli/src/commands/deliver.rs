//! `pappus deliver`.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use pappus_engine::delivery::{
    Clock as _, Counts, Friends, Ledger, Options, Scope, Summary, SystemClock, TargetPod, UnreachableAccount,
    deliver,
};
use pappus_engine::import::ContactCompletion;
use pappus_engine::pod::config::PodConfig;
use pappus_engine::store::Store;
use serde_json::{Value, json};

use super::{Outcome, thousands};
use crate::arguments::{Deliver, NetworkArguments, PatienceArguments};
use crate::error::Failure;
use crate::output::Output;
use crate::progress::Bar;
use crate::{interrupt, network, pod, store};

/// Time between reads of the ledger for the progress bar.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

pub(crate) async fn run(arguments: Deliver, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let store = store::open(&arguments.store, &config.url).await?;
    let Deliver { wait, network, patience, .. } = &arguments;
    let sender = DeliverySender { config: &config, network, patience, wait: *wait };
    let report = sender.send_due(&store, output).await?;
    store.close().await;
    report.describe(output);
    output.document(&report.document());
    let counts = report.counts;
    let is_clean = counts.is_finished() && counts.rejected == 0 && counts.dead == 0;
    Ok(if is_clean { Outcome::Done } else { Outcome::Findings })
}

/// The result of sending deliveries, and the ledger's state afterwards.
pub(crate) struct SendReport {
    summary: Summary,
    counts: Counts,
    friends: Friends,
    unreachable_accounts: Vec<UnreachableAccount>,
    /// Number of deliveries to pods that another process has leased.
    held: i64,
    next_due: Option<DateTime<Utc>>,
}

/// Sends deliveries: for `pappus deliver`, and after an import.
pub(crate) struct DeliverySender<'a> {
    pub(crate) config: &'a PodConfig,
    pub(crate) network: &'a NetworkArguments,
    pub(crate) patience: &'a PatienceArguments,
    /// Continues until nothing is left.
    pub(crate) wait: bool,
}

impl DeliverySender<'_> {
    /// Sends due deliveries; with `wait`, until nothing is left.
    pub(crate) async fn send_due(&self, store: &Store, output: &Output) -> Result<SendReport, Failure> {
        let client = network::client_with_own_pod(&self.config.url, self.network)?;
        let stop = interrupt::stop_gracefully(
            "Stopping after the deliveries in progress. Press Ctrl-C again to stop at once.",
        );
        let ledger = Ledger::new(store);
        if self.patience.assume_reachable {
            ledger.assume_reachable(SystemClock.now()).await?;
        }
        let options = Options {
            wait: self.wait,
            grace: Duration::from_hours(self.patience.grace.into()),
            settle: Duration::from_secs(self.patience.settle.into()),
            ..Options::default()
        };
        let PodConfig { database, url, .. } = self.config;
        let contacts = ContactCompletion::new(database, url, Some(client.clone()));
        let target = TargetPod::new(database, url).with_missing_contacts(Arc::new(contacts));
        let summary = tokio::select! {
            summary = deliver(store, &client, Some(&target), &SystemClock, &options, stop) => summary?,
            // Never returns.
            () = show_progress(&ledger, output) => Summary::default(),
        };
        Ok(SendReport {
            summary,
            counts: ledger.counts(Scope::All).await?,
            friends: ledger.friends(Scope::All).await?,
            unreachable_accounts: ledger.unreachable_accounts().await?,
            held: ledger.held(SystemClock.now()).await?,
            next_due: ledger.next_due().await?,
        })
    }
}

/// Shows how many of the deliveries that are due now have finished. Never returns.
async fn show_progress(ledger: &Ledger, output: &Output) {
    // Errors in reading the ledger are reported by the sender.
    let finished = async || {
        let counts = ledger.counts(Scope::All).await.ok()?;
        u64::try_from(counts.delivered + counts.confirmed + counts.rejected + counts.dead).ok()
    };
    let due = ledger.due(Scope::All, SystemClock.now()).await.unwrap_or_default().unsigned_abs();
    let (finished_before, bar) =
        (finished().await.unwrap_or_default(), Bar::count("delivering", due, output.is_json()));
    loop {
        tokio::time::sleep(POLL_INTERVAL).await;
        if let Some(finished_now) = finished().await {
            let done = finished_now.saturating_sub(finished_before);
            bar.set_of(done, due.max(done));
        }
    }
}

impl SendReport {
    /// Prints the result.
    pub(crate) fn describe(&self, output: &Output) {
        let Self { summary, counts, friends, unreachable_accounts, held, next_due } = self;
        let number = |count: i64| thousands(count.unsigned_abs());
        if *counts == Counts::default() {
            output.line("Nothing has been announced yet.");
            return;
        }
        output.line(format!(
            "Sent: {} arrived, {} refused, {} to be retried, {} given up.",
            thousands(summary.delivered),
            thousands(summary.rejected),
            thousands(summary.postponed),
            thousands(summary.dead)
        ));
        output.line(format!(
            "In total: {} arrived, {} no longer needed, {} waiting, {} refused, {} given up.",
            number(counts.delivered),
            number(counts.confirmed),
            number(counts.queued + counts.sending),
            number(counts.rejected),
            number(counts.dead)
        ));
        output.line(format!("Friends back: {} of {}.", number(friends.back), number(friends.all)));
        for account in unreachable_accounts {
            output.line(&account.problem);
        }
        if *held > 0 {
            output.line(format!(
                "{} of them wait for pods that another process is sending to. If it was killed, they are released one \
                 minute after its last heartbeat.",
                number(*held)
            ));
        }
        if let Some(next) = next_due {
            output.line(format!(
                "The next one is due at {} UTC; `pappus deliver --wait` waits for it.",
                next.format("%Y-%m-%d %H:%M:%S")
            ));
        }
    }

    /// Returns the result as JSON.
    pub(crate) fn document(&self) -> Value {
        json!({
            "sent": self.summary,
            "all": self.counts,
            "friends": self.friends,
            "unseen": self.unreachable_accounts,
            "held": self.held,
            "next_due": self.next_due,
        })
    }
}
