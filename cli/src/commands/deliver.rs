//! `pappus deliver`.

use pappus_engine::delivery::{Clock as _, Ledger, Options, Scope, SystemClock, deliver};
use serde_json::json;
use tokio::sync::watch;

use super::{Outcome, thousands};
use crate::arguments::Deliver;
use crate::error::Failure;
use crate::output::Output;
use crate::{network, pod, store};

pub(crate) async fn run(arguments: Deliver, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let client = network::client(&arguments.network)?;
    let store = store::open(&arguments.store, &config.url).await?;
    let (stop, stopped) = watch::channel(false);
    // The first Ctrl-C lets what is on its way arrive; the second one ends at once, as always.
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            _ = stop.send(true);
        }
    });
    let options = Options { wait: arguments.wait, ..Options::default() };
    let summary = deliver(&store, &client, &SystemClock, &options, stopped).await?;
    let ledger = Ledger::new(&store);
    let counts = ledger.counts(Scope::All).await?;
    let held = ledger.held(SystemClock.now()).await?;
    let next = ledger.next_due().await?;
    store.close().await;
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
    if held > 0 {
        output.line(format!(
            "{} of them wait for pods that another program sends to just now, or did until it was killed: a minute \
             after its last word they are free.",
            number(held)
        ));
    }
    if let Some(next) = next {
        output.line(format!(
            "The next can be sent at {} UTC; `pappus deliver --wait` waits for it.",
            next.format("%Y-%m-%d %H:%M:%S")
        ));
    }
    output.document(&json!({ "sent": summary, "all": counts, "held": held, "next_due": next }));
    let clean = counts.finished() && counts.rejected == 0 && counts.dead == 0;
    Ok(if clean { Outcome::Done } else { Outcome::Findings })
}
