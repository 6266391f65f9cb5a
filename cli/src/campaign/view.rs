//! How far a campaign is, while it goes on: a bar on a terminal, plain lines otherwise, nothing for programs.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pappus_engine::campaign::{Campaign, CampaignState, Finished, Observer, Status, Totals};
use pappus_engine::store::Store;

use super::records::Records;
use crate::commands::{megabytes, thousands};
use crate::error::Failure;
use crate::progress::Bar;

/// How often the store is asked.
const LOOK: Duration = Duration::from_secs(1);
/// How often a line is written where there is no terminal.
const LINE: Duration = Duration::from_secs(10);
const TEMPLATE: &str = "{wide_bar} {human_pos}/{human_len} accounts, {per_sec}, {eta} left\n{msg}";

/// What people see while a worker works.
pub(crate) struct View {
    json: bool,
    bar: Option<ProgressBar>,
    records: Records,
}

impl View {
    pub(crate) fn new(json: bool, records: Records) -> Self {
        let bar = (Bar::is_wanted(json) && !records.log).then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { json, bar, records }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            // Whoever has closed standard error does not want to know.
            None if !self.json && !self.records.log => _ = writeln!(std::io::stderr(), "{text}"),
            None => {}
        }
    }

    fn show(&self, totals: &Totals) {
        let done = totals.accounts() - totals.open();
        let Some(bar) = &self.bar else {
            let all = thousands(totals.accounts());
            let (failed, bytes) = (thousands(totals.failed), megabytes(totals.bytes));
            return self.line(&format!("{} of {all} accounts, {failed} failed, {bytes}", thousands(done)));
        };
        if bar.length() != Some(totals.accounts()) {
            // What was done before does not count for the rate.
            bar.set_length(totals.accounts());
            bar.set_position(done);
            bar.reset_eta();
        }
        bar.set_position(done);
        let (failed, left_out) = (thousands(totals.failed), thousands(totals.incomplete));
        bar.set_message(format!("{}, {failed} failed, {left_out} incomplete", megabytes(totals.bytes)));
    }

    /// Shows how far it is until it is aborted.
    pub(crate) async fn watch(self: Arc<Self>, store: Store, campaign: Campaign) {
        let mut last: Option<Instant> = None;
        loop {
            let due = self.bar.is_some() || last.is_none_or(|last| last.elapsed() >= LINE);
            if due && (!self.json || self.records.metrics) {
                // A store that is away is spoken of elsewhere.
                if let Ok(totals) = Status::totals(&store, &campaign).await {
                    self.records.totals(&totals);
                    self.show(&totals);
                }
                last = Some(Instant::now());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Observer for View {
    fn finished(&self, account: &Finished) {
        self.records.finished(account);
        if let Some(reason) = &account.reason {
            self.line(&format!("{}: {}: {reason}", account.account, account.state.as_str()));
        }
    }

    fn waits(&self, reason: &str) {
        self.records.waits(Some(reason));
        self.line(&format!("Waiting: {reason}"));
    }

    fn goes_on(&self) {
        self.records.waits(None);
        self.line("It goes on.");
    }

    fn state(&self, state: CampaignState) {
        self.records.state(state);
        if state == CampaignState::Paused {
            self.line("The campaign is paused; `pappus campaign resume` lets it go on.");
        }
    }
}

/// Shows how far a campaign is until nothing is left to do.
pub(crate) async fn follow(store: &Store, campaign: &Campaign, json: bool) -> Result<(), Failure> {
    let view = View::new(json, Records::default());
    loop {
        let totals = Status::totals(store, campaign).await?;
        if totals.open() == 0 {
            view.finish();
            return Ok(());
        }
        view.show(&totals);
        tokio::time::sleep(if view.bar.is_some() { LOOK } else { LINE }).await;
    }
}
