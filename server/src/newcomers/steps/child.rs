//! The child process: runs one step and reports its progress and outcome.

use std::io::{self, BufRead as _, Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use pappus_engine::arrivals::steps::{Outcome, StepContext, StepRules, run_step};
use pappus_engine::arrivals::{Newcomers, TrustedPods};
use pappus_engine::depot::CampaignKeys;
use pappus_engine::pod::config::Environment;
use pappus_engine::progress::{Position, ProgressCounter};
use pappus_engine::store::Store;

use super::limits::limit;
use super::{Line, Order};
use crate::app::{Clock, StartError};
use crate::config::Config;
use crate::newcomers::{client_for, files};

/// Maximum size of an order in bytes.
const MAX_ORDER: u64 = 4 << 20;
/// Interval between progress messages.
const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(300);
/// The exit code if the service is gone.
const ORPHANED: i32 = 3;

/// The exit code after a panic, as usual in Rust.
const PANICKED: i32 = 101;

/// The reason why no step was run.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// Only the service may give orders.
    #[error("this is for pappus serve only: no order was given on standard input ({0})")]
    Order(String),
    /// No step runs without limits.
    #[error("the limits of this process cannot be set: {0}")]
    Limits(io::Error),
    /// The outcome could not be reported.
    #[error("the outcome could not be reported to the service: {0}")]
    Report(#[from] io::Error),
}

/// Runs the step ordered on standard input, and reports the outcome on standard output.
///
/// # Errors
/// [`StepError`]: nothing was done.
pub async fn run_step_process(clock: Clock, environment: Environment<'_>) -> Result<(), StepError> {
    let order = read_order()?;
    let invalid = |error: &dyn std::fmt::Display| StepError::Order(error.to_string());
    let config = Config::parse(order.config, environment).map_err(|error| invalid(&error))?;
    limit(&config.newcomers).map_err(StepError::Limits)?;
    end_on_panic();
    std::thread::spawn(end_with_the_service);
    let progress = Arc::new(ProgressCounter::default());
    let outcome = match context(config, clock).await {
        Ok(Some(context)) => {
            let told = Arc::clone(&progress);
            std::thread::spawn(move || tell(&told));
            run_step(context, order.newcomer, &order.fence, progress).await
        }
        Ok(None) => Outcome::Unavailable("the pod is gone".to_owned()),
        Err(error) => Outcome::Unavailable(error.to_string()),
    };
    say(&Line::Outcome(Box::new(outcome)))?;
    Ok(())
}

/// Opens what a step uses; none when the pod is gone.
async fn context(config: Config, now: Clock) -> Result<Option<StepContext>, StartError> {
    let section = &config.newcomers;
    let client = section.ask_pods.then(|| client_for(&section.allow_hosts)).transpose()?;
    let Some(pod) = config.pod.clone() else { return Ok(None) };
    let store = Store::open(&config.store).await?;
    // The board's may change between two steps of a move.
    let trusted_pods = TrustedPods::new(&store, &config.pod_url).all(&section.trusted_pods).await?;
    Ok(Some(StepContext {
        keys: CampaignKeys::new(&config.state, &store, &config.pod_url),
        newcomers: Newcomers::new(&store, &config.pod_url),
        files: files(&config),
        rules: StepRules {
            blocked_pods: section.blocked_pods.clone(),
            trusted_pods,
            max_hosts: section.max_hosts,
        },
        store,
        client,
        pod,
        now,
    }))
}

fn read_order() -> Result<Order, StepError> {
    let mut line = String::new();
    let read = io::stdin().lock().take(MAX_ORDER).read_line(&mut line);
    read.map_err(|error| StepError::Order(error.to_string()))?;
    serde_json::from_str(&line).map_err(|error| StepError::Order(error.to_string()))
}

/// Ends the whole process on a panic, for a retry: when memory runs out, any thread may fail, even one that others
/// wait for.
fn end_on_panic() {
    let say = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        say(panic);
        std::process::exit(PANICKED);
    }));
}

/// Ends the process when standard input closes: the service keeps it open while it wants the step to run.
fn end_with_the_service() {
    _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
    std::process::exit(ORPHANED);
}

/// Reports progress when it changes.
fn tell(progress: &ProgressCounter) {
    let mut last = Position::default();
    loop {
        let now = progress.position();
        if now != last && say(&Line::Progress(now)).is_err() {
            return;
        }
        last = now;
        std::thread::sleep(HEARTBEAT_INTERVAL);
    }
}

fn say(line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
