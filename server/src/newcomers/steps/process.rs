//! The service's side: starts a child process, reads its messages, and ends it.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};

use pappus_engine::arrivals::steps::Outcome;
use pappus_engine::progress::ProgressCounter;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;
use zeroize::Zeroizing;

use super::{COMMAND, Message, Order};
use crate::app::App;

/// Maximum number of bytes that a child may write.
const MAX_OUTPUT_BYTES: u64 = 64 << 20;

/// Runs a step in a child process. Kills the process when dropped.
pub(in super::super) async fn run(
    app: &App,
    newcomer: i64,
    fence: &str,
    progress: &ProgressCounter,
) -> Outcome {
    let order = Order { config: app.config.text.clone(), newcomer, fence: fence.to_owned() };
    let timeout = app.config.newcomers.step_time();
    match tokio::time::timeout(timeout, follow(&order, progress)).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => {
            Outcome::Unavailable(format!("no process could be started for the archive: {error}"))
        }
        Err(_) => Outcome::Died(format!("it took longer than {} minutes", timeout.as_secs() / 60)),
    }
}

async fn follow(order: &Order, progress: &ProgressCounter) -> io::Result<Outcome> {
    let mut child = Command::new(program()?)
        .arg0("pappus")
        .arg(COMMAND)
        // Collecting a backtrace needs memory: without any left, the process would deadlock.
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("it has no standard input and output"));
    };
    let mut text = Zeroizing::new(serde_json::to_vec(order)?);
    text.push(b'\n');
    // If it has exited already, its status gives the reason.
    _ = input.write_all(&text).await;
    _ = input.flush().await;
    let mut lines = BufReader::new(output.take(MAX_OUTPUT_BYTES)).lines();
    let mut outcome = None;
    while let Some(line) = lines.next_line().await? {
        match serde_json::from_str(&line) {
            Ok(Message::Progress(position)) => progress.set(position),
            Ok(Message::Outcome(reported)) => outcome = Some(*reported),
            Err(error) => return Ok(Outcome::Died(format!("it printed an unexpected message: {error}"))),
        }
    }
    let status = child.wait().await?;
    drop(input);
    Ok(outcome.unwrap_or_else(|| Outcome::Died(exit_reason(status))))
}

/// Returns the path of the running program, even after another version was installed in its place.
fn program() -> io::Result<std::path::PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
}

/// Describes how a process ended.
fn exit_reason(status: ExitStatus) -> String {
    use rustix::process::Signal;
    match (status.signal(), status.code()) {
        (Some(signal), _) if signal == Signal::XCPU.as_raw() => {
            "it took too much of the processor".to_owned()
        }
        // Rust aborts when an allocation fails.
        (Some(signal), _) if signal == Signal::ABORT.as_raw() => "it ran out of memory".to_owned(),
        (Some(signal), _) if signal == Signal::KILL.as_raw() => "it was killed".to_owned(),
        (Some(signal), _) => format!("it was ended by signal {signal}"),
        (None, code) => format!("it ended with code {}", code.unwrap_or_default()),
    }
}
