//! `pappus deliver`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use pappus_engine::delivery::{Clock as _, Counts, Ledger, Options, Scope, Summary, SystemClock, deliver};
use pappus_engine::store::Store;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Outcome, thousands};
use crate::arguments::{Deliver, NetworkArguments};
use crate::error::Failure;
use crate::output::Output;
use crate::progress::Bar;
use crate::{network, pod, store};

/// How often the ledger is read for the progress bar.
const LOOK: Duration = Duration::from_millis(500);

pub(crate) async fn run(arguments: Deliver, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let store = store::open(&arguments.store, &config.url).await?;
    let sent = send_due(&arguments.network, &store, arguments.wait, output).await?;
    store.close().await;
    sent.describe(output);
    output.document(&sent.document());
    let counts = sent.counts;
    let clean = counts.finished() && counts.rejected == 0 && counts.dead == 0;
    Ok(if clean { Outcome::Done } else { Outcome::Findings })
}

/// What was sent, and how the ledger is then.
pub(crate) struct Sent {
    summary: Summary,
    counts: Counts,
    held: i64,
    next: Option<DateTime<Utc>>,
}

/// Sends what is due; with `wait`, until nothing is left. Alone, and after an import.
pub(crate) async fn send_due(
    arguments: &NetworkArguments,
    store: &Store,
    wait: bool,
    output: &Output,
) -> Result<Sent, Failure> {
    let client = network::client(arguments)?;
    let (stop, stopped) = watch::channel(false);
    // The first Ctrl-C lets what is on its way arrive; the second one ends at once, as always.
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            _ = stop.send(true);
        }
    });
    let options = Options { wait, ..Options::default() };
    let ledger = Ledger::new(store);
    let summary = tokio::select! {
        summary = deliver(store, &client, &SystemClock, &options, stopped) => summary?,
        // Never ends.
        () = show_progress(&ledger, output) => Summary::default(),
    };
    let counts = ledger.counts(Scope::All).await?;
    let held = ledger.held(SystemClock.now()).await?;
    Ok(Sent { summary, counts, held, next: ledger.next_due().await? })
}

/// Shows how many deliveries have ended, of those that are due now. Goes on for ever.
async fn show_progress(ledger: &Ledger, output: &Output) {
    // A ledger that cannot be read is told by whoever sends.
    let ended = async || {
        let counts = ledger.counts(Scope::All).await.ok()?;
        u64::try_from(counts.delivered + counts.rejected + counts.dead).ok()
    };
    let due = ledger.due(SystemClock.now()).await.unwrap_or_default().unsigned_abs();
    let (before, bar) = (ended().await.unwrap_or_default(), Bar::count("delivering", due, output.is_json()));
    loop {
        tokio::time::sleep(LOOK).await;
        if let Some(now) = ended().await {
            let done = now.saturating_sub(before);
            bar.set_of(done, due.max(done));
        }
    }
}

impl Sent {
    /// For people.
    pub(crate) fn describe(&self, output: &Output) {
        let Self { summary, counts, held, next } = self;
        let number = |count: i64| thousands(count.unsigned_abs());
        output.line(format!(
            "Sent: {} arrived, {} refused, {} to be tried again, {} given up.",
            thousands(summary.delivered),
            thousands(summary.rejected),
            thousands(summary.postponed),
            thousands(summary.dead)
        ));
        output.line(format!(
            "In all: {} arrived, {} waiting, {} refused, {} given up.",
            number(counts.delivered),
            number(counts.queued + counts.sending),
            number(counts.rejected),
            number(counts.dead)
        ));
        if *held > 0 {
            output.line(format!(
                "{} of them wait for pods that another program sends to just now, or did until it was killed: a minute \
                 after its last word they are free.",
                number(*held)
            ));
        }
        if let Some(next) = next {
            output.line(format!(
                "The next can be sent at {} UTC; `pappus deliver --wait` waits for it.",
                next.format("%Y-%m-%d %H:%M:%S")
            ));
        }
    }

    /// For programs.
    pub(crate) fn document(&self) -> Value {
        json!({ "sent": self.summary, "all": self.counts, "held": self.held, "next_due": self.next })
    }
}
