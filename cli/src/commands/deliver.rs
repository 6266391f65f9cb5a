//! `pappus deliver`.

use std::time::Duration;

use pappus_engine::delivery::{Clock as _, Ledger, Options, Scope, SystemClock, TargetPod, deliver};
use serde_json::json;
use tokio::sync::watch;

use super::{Outcome, thousands};
use crate::arguments::Deliver;
use crate::error::Failure;
use crate::output::Output;
use crate::{network, pod, store};

pub(crate) async fn run(arguments: Deliver, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let client = network::client_of(&config.url, &arguments.network)?;
    let store = store::open(&arguments.store, &config.url).await?;
    let (stop, stopped) = watch::channel(false);
    // The first Ctrl-C lets what is on its way arrive; the second one ends at once, as always.
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            _ = stop.send(true);
        }
    });
    let patience = &arguments.patience;
    let options = Options {
        wait: arguments.wait,
        grace: Duration::from_hours(patience.grace.into()),
        settle: Duration::from_secs(patience.settle.into()),
        ..Options::default()
    };
    let ledger = Ledger::new(&store);
    if patience.assume_reachable {
        ledger.assume_reachable(SystemClock.now()).await?;
    }
    let target = TargetPod::new(&config.database, &config.url);
    let summary = deliver(&store, &client, Some(&target), &SystemClock, &options, stopped).await?;
    let friends = ledger.friends(Scope::All).await?;
    let unseen = ledger.unseen().await?;
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
        "In all: {} arrived, {} not needed any more, {} waiting, {} refused, {} given up.",
        number(counts.delivered),
        number(counts.confirmed),
        number(counts.queued + counts.sending),
        number(counts.rejected),
        number(counts.dead)
    ));
    output.line(format!("Friends back: {} of {}.", number(friends.back), number(friends.all)));
    for move_ in &unseen {
        output.line(&move_.problem);
    }
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
    output.document(&json!({
        "sent": summary,
        "all": counts,
        "friends": friends,
        "unseen": unseen,
        "held": held,
        "next_due": next,
    }));
    let clean = counts.finished() && counts.rejected == 0 && counts.dead == 0;
    Ok(if clean { Outcome::Done } else { Outcome::Findings })
}
