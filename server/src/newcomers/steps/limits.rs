//! What one step may use. A process sets its limits itself, before it reads a byte of a stranger's file: nothing it does
//! afterwards can lift them.

use std::io;

use rustix::process::{Resource, Rlimit, nice, setrlimit};

use crate::config::NewcomersSection;

/// Seconds between the signal that ends a process politely and the one that cannot be put off.
const LAST_SECONDS: u64 = 5;
/// How much later than others the processor serves it.
const NICENESS: i32 = 10;

/// Limits this process, for good.
pub(super) fn limit(section: &NewcomersSection) -> io::Result<()> {
    // Without a dump: keys would be in it.
    set(Resource::Core, 0, 0)?;
    // What the process can write to; the system counts neither the program itself nor what is only reserved.
    let bytes = section.step_bytes();
    set(Resource::Data, bytes, bytes)?;
    let seconds = section.step_processor_time().as_secs().max(1);
    set(Resource::Cpu, seconds, seconds.saturating_add(LAST_SECONDS))?;
    // People who download, upload or read come first; and if memory runs short all the same, this process goes first.
    _ = nice(NICENESS);
    _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}

/// A limit that is lower already stays.
fn set(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let now = rustix::process::getrlimit(resource);
    let lower = |now: Option<u64>, wanted: u64| Some(now.map_or(wanted, |now| now.min(wanted)));
    let limit = Rlimit { current: lower(now.current, soft), maximum: lower(now.maximum, hard) };
    Ok(setrlimit(resource, limit)?)
}
