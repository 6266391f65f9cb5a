//! A program at work: what it takes, and stopping it at a moment of the test's choice.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// How a program worked, and ended.
#[derive(Debug)]
pub struct Watched {
    /// Its exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Whether SIGKILL ended it.
    pub killed: bool,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
    /// From its start to its end.
    pub took: Duration,
    /// The most memory it had, in kB.
    pub memory: u64,
    /// The most files it had open, connections among them.
    pub files: usize,
}

/// Runs a program to its end, or until it is to be killed; what it prints goes to files in a folder meanwhile.
///
/// # Errors
/// When it cannot be started or waited for.
pub fn watch(mut command: Command, folder: &Path, mut kill: impl FnMut() -> bool) -> io::Result<Watched> {
    let (stdout, stderr) = (folder.join("stdout"), folder.join("stderr"));
    command.stdout(File::create(&stdout)?).stderr(File::create(&stderr)?);
    let started = Instant::now();
    let mut child = command.spawn()?;
    let (mut memory, mut files) = (0, 0);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        memory = memory.max(peak(&child).unwrap_or_default());
        files = files.max(open_files(&child).unwrap_or_default());
        if kill() {
            child.kill()?;
            break child.wait()?;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    Ok(Watched {
        code: status.code(),
        killed: status.signal() == Some(9),
        stdout: fs::read_to_string(stdout)?,
        stderr: fs::read_to_string(stderr)?,
        took: started.elapsed(),
        memory,
        files,
    })
}

/// In what the kernel counts the processor's time, in a second; the same on every Linux.
const TICKS: f64 = 100.0;

/// Seconds of processor time of a process, and of those of its children that have ended and were waited for.
pub fn processor_seconds(pid: u32) -> Option<f64> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program stands in brackets; after it the 12th to 15th fields are times.
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: Option<f64> = fields.get(11..15)?.iter().map(|field| field.parse::<f64>().ok()).sum();
    Some(ticks? / TICKS)
}

/// The most memory so far, as the kernel counts it.
fn peak(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn open_files(child: &Child) -> Option<usize> {
    Some(fs::read_dir(format!("/proc/{}/fd", child.id())).ok()?.count())
}
