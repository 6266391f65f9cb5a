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
use super::{Message, Order};
use crate::app::{Clock, StartError};
use crate::config::Config;
use crate::newcomers::{client_for, files};

/// Maximum size of an order in bytes.
const MAX_ORDER_BYTES: u64 = 4 << 20;
/// Interval between progress messages.
const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(300);
/// The exit code if the service has ended.
const ORPHANED_EXIT_CODE: i32 = 3;

/// The exit code after a panic, as usual in Rust.
const PANIC_EXIT_CODE: i32 = 101;

/// The reason why no step was run.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// Standard input contains no valid order: only the service runs steps.
    #[error("this is for pappus serve only: no order was given on standard input ({0})")]
    Order(String),
    /// The limits could not be set; no step runs without them.
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
            let reported = Arc::clone(&progress);
            std::thread::spawn(move || report_progress(&reported));
            run_step(context, order.newcomer, &order.fence, progress).await
        }
        Ok(None) => Outcome::Unavailable("the configuration has no pod".to_owned()),
        Err(error) => Outcome::Unavailable(error.to_string()),
    };
    print(&Message::Outcome(Box::new(outcome)))?;
    Ok(())
}

/// Opens the databases, keys and files of a step; `None` if no pod is configured.
async fn context(config: Config, now: Clock) -> Result<Option<StepContext>, StartError> {
    let section = &config.newcomers;
    let client = section.ask_pods.then(|| client_for(&section.allow_hosts)).transpose()?;
    let Some(pod) = config.pod.clone() else { return Ok(None) };
    let store = Store::open(&config.store).await?;
    // Keys on the board may change between two steps of a move.
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
    let result = io::stdin().lock().take(MAX_ORDER_BYTES).read_line(&mut line);
    result.map_err(|error| StepError::Order(error.to_string()))?;
    serde_json::from_str(&line).map_err(|error| StepError::Order(error.to_string()))
}

/// Ends the whole process on a panic, for a retry: when memory runs out, any thread may fail, even one that others
/// wait for.
fn end_on_panic() {
    let default_hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        default_hook(panic);
        std::process::exit(PANIC_EXIT_CODE);
    }));
}

/// Ends the process when standard input closes: the service keeps it open while it wants the step to run.
fn end_with_the_service() {
    _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
    std::process::exit(ORPHANED_EXIT_CODE);
}

/// Reports progress when it changes.
fn report_progress(progress: &ProgressCounter) {
    let mut last = Position::default();
    loop {
        let current = progress.position();
        if current != last && print(&Message::Progress(current)).is_err() {
            return;
        }
        last = current;
        std::thread::sleep(HEARTBEAT_INTERVAL);
    }
}

fn print(message: &Message) -> io::Result<()> {
    let mut text = serde_json::to_string(message)?;
    text.push('\n');
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}
