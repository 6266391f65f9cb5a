//! `pappus serve`.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use pappus_server::check::check;
use pappus_server::config::Config;
use serde_json::json;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::Outcome;
use crate::arguments::{Log, Serve};
use crate::error::Failure;
use crate::output::Output;
use crate::{campaign, interrupt, pod};

pub(crate) async fn run(arguments: Serve, output: &Output) -> Result<Outcome, Failure> {
    let config = Config::read(&arguments.config, &pod::environment)?;
    if arguments.check {
        return print_check(&config, output).await;
    }
    start_log(arguments.log);
    if let Some(lost) = config.state.lost_archive_key()? {
        campaign::print_note(&campaign::lost_key(&config.state, &lost));
    }
    let stop = interrupt::stop_gracefully("Stopping once the requests in progress are answered.");
    let public_url = config.web.public_url.clone();
    let print_listening = |place: &str| {
        output.line(format!("Serving {public_url} at {place}"));
        output.document(&json!({ "listening": place, "public_url": public_url.as_str() }));
    };
    pappus_server::serve::serve(config, Arc::new(now), stop, print_listening).await?;
    Ok(Outcome::Done)
}

/// Logs warnings and errors to standard error.
fn start_log(format: Log) {
    // Browsers often send cookies of expired sessions: that is not worth a warning.
    let filter = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("tower_sessions", LevelFilter::ERROR)
        .with_target("tower_sessions_core", LevelFilter::ERROR);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let registry = tracing_subscriber::registry();
    // This is the first logger, so it can always be set.
    _ = match format {
        Log::Text => registry.with(layer.with_filter(filter)).try_init(),
        Log::Json => registry.with(layer.json().flatten_event(true).with_filter(filter)).try_init(),
    };
}

async fn print_check(config: &Config, output: &Output) -> Result<Outcome, Failure> {
    let checked = check(config).await;
    for item in &checked {
        let mark = if item.is_ok { "ok " } else { "BAD" };
        output.line(format!("{mark}  {}: {}", item.name, item.finding));
    }
    output.document(&json!({ "checked": checked }));
    if checked.iter().all(|item| item.is_ok) {
        Ok(Outcome::Done)
    } else {
        Err(Failure::message("the service cannot run with this configuration").with_code("not-ready"))
    }
}

#[expect(clippy::disallowed_methods, reason = "the service uses the system's clock")]
pub(super) fn now() -> DateTime<Utc> {
    Utc::now()
}
