//! `pappus deliver`.

use pappus_engine::delivery::{Ledger, Options, Scope, SystemClock, deliver};
use pappus_engine::http::{AllowedNetworks, Client, ClientOptions};
use serde_json::json;
use tokio::sync::watch;

use super::{Outcome, thousands};
use crate::arguments::Deliver;
use crate::error::Failure;
use crate::output::Output;
use crate::{pod, store};

pub(crate) async fn run(arguments: Deliver, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let allowed = AllowedNetworks::new(&arguments.network.allow_host)?;
    let client = Client::new(ClientOptions { allowed, ..ClientOptions::default() })?;
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
    let counts = Ledger::new(&store).counts(Scope::All).await?;
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
    output.document(&json!({ "sent": summary, "all": counts }));
    let clean = counts.finished() && counts.rejected == 0 && counts.dead == 0;
    Ok(if clean { Outcome::Done } else { Outcome::Findings })
}
