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
/// Time between lines of progress without a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);
/// Progress counts records, not accounts: one account may be as large as all others together.
const TEMPLATE: &str = "{wide_bar} {percent} %{prefix}\n{msg}";

/// The progress display of a worker.
pub(crate) struct View {
    is_json: bool,
    bar: Option<ProgressBar>,
    telemetry: Telemetry,
}

impl View {
    pub(crate) fn new(is_json: bool, telemetry: Telemetry) -> Self {
        let bar = (Bar::is_wanted(is_json) && !telemetry.is_logging).then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { is_json, bar, telemetry }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(printable(text)),
            // A closed standard error is ignored.
            None if !self.is_json && !self.telemetry.is_logging => {
                _ = writeln!(std::io::stderr(), "{}", printable(text));
            }
            None => {}
        }
    }

    /// Prints to standard error that the worker stops soon.
    pub(crate) fn print_stopping(&self) {
        // Two lines, since narrow terminals would cut off the second sentence.
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
        let remaining = totals.seconds_left().map(|seconds| Duration::from_secs_f64(seconds.clamp(1.0, 1e9)));
        let prefix = remaining.map_or_else(String::new, |time| format!(", {} left", HumanDuration(time)));
        bar.set_prefix(prefix);
        bar.set_message(sentence(totals));
    }

    /// Shows the progress until aborted.
    pub(crate) async fn watch(self: Arc<Self>, store: Store, campaign: Campaign) {
        let mut last_shown: Option<Instant> = None;
        loop {
            let is_due = self.bar.is_some() || last_shown.is_none_or(|time| time.elapsed() >= LINE_INTERVAL);
            if is_due && (!self.is_json || self.telemetry.has_metrics) {
                // The worker itself reports an unavailable store.
                if let Ok(totals) = Status::totals(&store, &campaign).await {
                    self.telemetry.totals(&totals);
                    self.show(&totals);
                }
                last_shown = Some(Instant::now());
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
    for (number, label) in [(totals.failed, "failed"), (totals.incomplete, "incomplete")] {
        if number > 0 {
            text.extend([", ".to_owned(), thousands(number), format!(" {label}")]);
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
    is_json: bool,
) -> Result<(), Failure> {
    let view = View::new(is_json, Telemetry::default());
    let mut last_shown: Option<Instant> = None;
    loop {
        // A campaign has no accounts while they are being recorded, and is not finished before its signed list is
        // written.
        let campaign = campaigns.named(name).await?;
        let totals = Status::totals(store, &campaign).await?;
        if matches!(campaign.state, CampaignState::Finished | CampaignState::Cancelled) {
            view.finish();
            return Ok(());
        }
        let is_due = view.bar.is_some() || last_shown.is_none_or(|time| time.elapsed() >= LINE_INTERVAL);
        if is_due && totals.accounts() > 0 {
            view.show(&totals);
            last_shown = Some(Instant::now());
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Waits for an unfinished campaign, or for the one of this name, and returns its name.
pub(crate) async fn await_campaign(
    campaigns: &Campaigns,
    name: Option<&str>,
    output: &Output,
) -> Result<String, Failure> {
    let mut has_printed = false;
    loop {
        let campaign = match name {
            Some(name) => campaigns.look_for(name).await?,
            None => campaigns.all().await?.into_iter().rev().find(|campaign| {
                !matches!(campaign.state, CampaignState::Finished | CampaignState::Cancelled)
            }),
        };
        if let Some(campaign) = campaign {
            return Ok(campaign.name);
        }
        if !has_printed && !output.is_json() {
            let subject =
                name.map_or_else(|| "a campaign".to_owned(), |name| format!("the campaign {name:?}"));
            // A closed standard error is ignored.
            _ = writeln!(std::io::stderr(), "Waiting for {} to start.", printable(&subject));
            has_printed = true;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
