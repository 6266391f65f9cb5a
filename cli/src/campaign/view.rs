//! Progress of a running campaign: a bar on a terminal, plain lines otherwise, nothing for programs.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use pappus_engine::campaign::{Campaign, CampaignState, Campaigns, Finished, Observer, Status, Totals};
use pappus_engine::store::Store;

use super::telemetry::Telemetry;
use crate::commands::{counted, megabytes, thousands};
use crate::error::Failure;
use crate::output::{Output, printable};
use crate::progress::Bar;

/// Time between reads of the store.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Time between lines where there is no terminal.
const LINE: Duration = Duration::from_secs(10);
/// Progress counts records, not accounts: one account may be as large as all others together.
const TEMPLATE: &str = "{wide_bar} {percent} %{prefix}\n{msg}";

/// The progress display of a worker.
pub(crate) struct View {
    json: bool,
    bar: Option<ProgressBar>,
    telemetry: Telemetry,
}

impl View {
    pub(crate) fn new(json: bool, telemetry: Telemetry) -> Self {
        let bar = (Bar::is_wanted(json) && !telemetry.log).then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { json, bar, telemetry }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(printable(text)),
            // A closed standard error is ignored.
            None if !self.json && !self.telemetry.log => {
                _ = writeln!(std::io::stderr(), "{}", printable(text));
            }
            None => {}
        }
    }

    /// Says on standard error that the worker stops soon.
    pub(crate) fn say_stopping(&self) {
        // Two lines: the second matters most, and narrow terminals would cut it off.
        let text = "\nFinishing the accounts in progress.\nPress Ctrl-C again to stop at once.";
        match &self.bar {
            Some(bar) => bar.println(text),
            // A closed standard error is ignored.
            None => _ = writeln!(std::io::stderr(), "{text}"),
        }
    }

    fn show(&self, totals: &Totals) {
        let Some(bar) = &self.bar else { return self.line(&sentence(totals)) };
        let done = totals.size - totals.open_size.min(totals.size);
        if bar.length() != Some(totals.size) {
            bar.set_length(totals.size);
        }
        bar.set_position(done);
        let left = totals.seconds_left().map(|left| Duration::from_secs_f64(left.clamp(1.0, 1e9)));
        bar.set_prefix(left.map_or_else(String::new, |left| format!(", {} left", HumanDuration(left))));
        bar.set_message(sentence(totals));
    }

    /// Shows the progress until aborted.
    pub(crate) async fn watch(self: Arc<Self>, store: Store, campaign: Campaign) {
        let mut last: Option<Instant> = None;
        loop {
            let due = self.bar.is_some() || last.is_none_or(|last| last.elapsed() >= LINE);
            if due && (!self.json || self.telemetry.metrics) {
                // An unavailable store is reported elsewhere.
                if let Ok(totals) = Status::totals(&store, &campaign).await {
                    self.telemetry.totals(&totals);
                    self.show(&totals);
                }
                last = Some(Instant::now());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Summarizes the finished accounts and anything unusual.
fn sentence(totals: &Totals) -> String {
    let done = thousands(totals.accounts() - totals.open());
    let mut text = format!("{done} of {}", counted(totals.accounts(), "account"));
    if totals.bytes > 0 {
        text.extend([", ".to_owned(), megabytes(totals.bytes)]);
    }
    for (number, what) in [(totals.failed, "failed"), (totals.incomplete, "incomplete")] {
        if number > 0 {
            text.extend([", ".to_owned(), thousands(number), format!(" {what}")]);
        }
    }
    text
}

impl Observer for View {
    fn finished(&self, account: &Finished) {
        self.telemetry.finished(account);
        if let Some(reason) = &account.reason {
            self.line(&format!("{}: {}: {reason}", account.account, account.state.as_str()));
        }
    }

    fn waits(&self, reason: &str) {
        self.telemetry.waiting(Some(reason));
        self.line(&format!("Waiting: {reason}"));
    }

    fn resumes(&self) {
        self.telemetry.waiting(None);
        self.line("Resumed.");
    }

    fn notes(&self, sentence: &str) {
        self.telemetry.note(sentence);
        self.line(sentence);
    }

    fn state(&self, state: CampaignState) {
        self.telemetry.state(state);
        if state == CampaignState::Paused {
            self.line("The campaign is paused; `pappus campaign resume` resumes it.");
        }
    }
}

/// Shows a campaign's progress until it is finished or cancelled.
pub(crate) async fn follow(
    campaigns: &Campaigns,
    store: &Store,
    name: &str,
    json: bool,
) -> Result<(), Failure> {
    let view = View::new(json, Telemetry::default());
    let mut shown: Option<Instant> = None;
    loop {
        // A campaign has no accounts yet while its list is being written, and is not finished before its own list is.
        let campaign = campaigns.named(name).await?;
        let totals = Status::totals(store, &campaign).await?;
        if matches!(campaign.state, CampaignState::Finished | CampaignState::Cancelled) {
            view.finish();
            return Ok(());
        }
        let due = view.bar.is_some() || shown.is_none_or(|shown| shown.elapsed() >= LINE);
        if due && totals.accounts() > 0 {
            view.show(&totals);
            shown = Some(Instant::now());
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Waits until an unfinished campaign, of this name if given, exists, and returns its name.
pub(crate) async fn awaited(
    campaigns: &Campaigns,
    name: Option<&str>,
    output: &Output,
) -> Result<String, Failure> {
    let mut told = false;
    loop {
        let found = match name {
            Some(name) => campaigns.look_for(name).await?,
            None => campaigns.all().await?.into_iter().rev().find(|campaign| {
                !matches!(campaign.state, CampaignState::Finished | CampaignState::Cancelled)
            }),
        };
        if let Some(campaign) = found {
            return Ok(campaign.name);
        }
        if !told && !output.is_json() {
            let which = name.map_or_else(|| "a campaign".to_owned(), |name| format!("the campaign {name:?}"));
            // A closed standard error is ignored.
            _ = writeln!(std::io::stderr(), "Waiting for {} to start.", printable(&which));
            told = true;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
