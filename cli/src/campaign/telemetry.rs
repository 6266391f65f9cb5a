//! The log of a running campaign, and its metrics for Prometheus.

use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::PrometheusBuilder;
use pappus_engine::campaign::{CampaignState, Finished, Totals};
use tracing::{info, warn};

use crate::arguments::{Log, WorkArguments};
use crate::error::Failure;

/// Histogram bounds for the time that an account takes, in seconds.
const BUCKETS_SECONDS: [f64; 9] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0, 600.0];

/// The outputs that are enabled.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Telemetry {
    /// True if it logs to standard error.
    pub(crate) is_logging: bool,
    /// True if it serves metrics.
    pub(crate) has_metrics: bool,
}

impl Telemetry {
    /// Starts the requested outputs.
    pub(crate) fn start(arguments: &WorkArguments) -> Result<Self, Failure> {
        if let Some(address) = arguments.metrics {
            let failed = |error| Failure::new(format!("the metrics cannot be served at {address}"), error);
            PrometheusBuilder::new()
                .with_http_listener(address)
                .set_buckets(&BUCKETS_SECONDS)
                .and_then(PrometheusBuilder::install)
                .map_err(failed)?;
        }
        if let Some(format) = arguments.log {
            let logger = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false);
            // This is the first logger, so it can always be set.
            _ = match format {
                Log::Text => logger.try_init(),
                Log::Json => logger.json().flatten_event(true).try_init(),
            };
        }
        Ok(Self { is_logging: arguments.log.is_some(), has_metrics: arguments.metrics.is_some() })
    }

    /// Reports a finished account.
    pub(crate) fn finished(self, account: &Finished) {
        let Finished { account: name, state, file, bytes, records, omissions, seconds, reason } = account;
        if self.is_logging {
            let (state, file, reason) = (state.as_str(), file.as_deref(), reason.as_deref());
            info!(account = name, state, file, bytes, records, omissions, seconds, reason, "account");
        }
        if self.has_metrics {
            counter!("pappus_accounts_total", "state" => state.as_str()).increment(1);
            counter!("pappus_archive_bytes_total").increment(*bytes);
            counter!("pappus_records_total").increment(*records);
            counter!("pappus_omissions_total").increment(*omissions);
            histogram!("pappus_account_seconds").record(*seconds);
        }
    }

    /// Reports the reason for waiting, or that waiting has ended.
    pub(crate) fn waiting(self, reason: Option<&str>) {
        if self.is_logging {
            if let Some(reason) = reason {
                warn!(reason, "waiting");
            } else {
                info!("resumed");
            }
        }
        if self.has_metrics {
            gauge!("pappus_waiting").set(if reason.is_some() { 1.0 } else { 0.0 });
        }
    }

    /// Reports a note for the podmin.
    pub(crate) fn note(self, sentence: &str) {
        if self.is_logging {
            warn!(sentence, "note");
        }
    }

    /// Reports that the campaign is paused, resumed, or ended.
    pub(crate) fn state(self, state: CampaignState) {
        if self.is_logging {
            info!(state = state.as_str(), "campaign");
        }
    }

    /// Reports the total progress of all workers.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus has only floating-point numbers")]
    pub(crate) fn totals(self, totals: &Totals) {
        if !self.has_metrics {
            return;
        }
        let states = [
            ("pending", totals.pending),
            ("running", totals.running),
            ("done", totals.done),
            ("failed", totals.failed),
            ("skipped", totals.skipped),
        ];
        for (state, count) in states {
            gauge!("pappus_campaign_accounts", "state" => state).set(count as f64);
        }
        gauge!("pappus_campaign_bytes").set(totals.bytes as f64);
    }
}
