//! `pappus resend`.

use pappus_engine::delivery::{Ledger, Scope};
use pappus_engine::domain::DiasporaId;
use serde_json::json;

use super::{Outcome, counted};
use crate::arguments::Resend;
use crate::error::Failure;
use crate::output::Output;
use crate::{clock, pod, store};

pub(crate) async fn run(arguments: Resend, output: &Output) -> Result<Outcome, Failure> {
    let config = pod::configuration(&arguments.pod)?;
    let account = arguments.account.as_deref().map(str::parse::<DiasporaId>).transpose()?;
    let scope = match (&arguments.to, &account) {
        (Some(pod), Some(account)) => Scope::PodAndAccount(pod, account),
        (Some(pod), None) => Scope::Pod(pod),
        (None, Some(account)) => Scope::Account(account),
        (None, None) => Scope::All,
    };
    let store = store::open(&arguments.store, &config.url).await?;
    let now = clock::now()?.to_utc().and_utc();
    let queued = Ledger::new(&store).resend(scope, arguments.delivered, now).await?;
    store.close().await;
    output.line(match queued {
        0 => "No delivery matches; `pappus deliveries` lists them.".to_owned(),
        _ => format!("Due again: {}. Send with `pappus deliver`.", counted(queued, "delivery")),
    });
    output.document(&json!({ "queued": queued }));
    Ok(Outcome::Done)
}
