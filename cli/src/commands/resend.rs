//! `pappus resend`.

use pappus_engine::delivery::{Ledger, Scope, Waiting};
use pappus_engine::domain::DiasporaId;
use serde_json::json;

use super::{Outcome, counted, thousands};
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
    let ledger = Ledger::new(&store);
    let queued = ledger.resend(scope, arguments.delivered, now).await?;
    let open = ledger.counts(scope).await?.queued;
    let (due, waiting) = (ledger.due(scope, now).await?, ledger.waiting(scope, now).await?);
    let unreachable_accounts = ledger.unreachable_accounts().await?;
    store.close().await;
    if queued == 0 {
        output.line("No delivery matches; `pappus deliveries` lists them.");
    } else {
        output.line(format!(
            "Queued again: {}. {}",
            counted(queued, "delivery"),
            describe_schedule(open, due, waiting)
        ));
        for account in &unreachable_accounts {
            output.line(&account.problem);
        }
        output.line("Send with `pappus deliver`.");
    }
    output.document(
        &json!({ "queued": queued, "due": due, "waiting": waiting, "unseen": unreachable_accounts }),
    );
    Ok(Outcome::Done)
}

/// Describes when `open` deliveries can be sent, `due` of them now.
fn describe_schedule(open: i64, due: i64, waiting: Waiting) -> String {
    let number = |count: i64| thousands(count.unsigned_abs());
    let mut parts = vec![format!("Due now: {}.", number(due))];
    if let Some(until) = waiting.until {
        let (until, count) = (until.format("%Y-%m-%d %H:%M"), number(waiting.count));
        parts.push(format!(
            "Waiting until their pods have processed the move, at the latest until {until} UTC: {count}."
        ));
    }
    let waiting_for_move = open - due - waiting.count;
    if waiting_for_move > 0 {
        parts.push(format!(
            "Waiting until their pods have accepted and processed the move: {}.",
            number(waiting_for_move)
        ));
    }
    parts.join(" ")
}
