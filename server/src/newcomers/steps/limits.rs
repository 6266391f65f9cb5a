//! Resource limits of one step. The process sets its limits itself before it reads any of an untrusted file: nothing
//! it does afterwards can raise them.

use std::io;

use rustix::process::{Resource, Rlimit, nice, setrlimit};

use crate::config::NewcomersSection;

/// Seconds between the signal that can be handled and the one that cannot.
const KILL_AFTER_SECONDS: u64 = 5;
/// Nice value of the process.
const NICENESS: i32 = 10;

/// Limits this process permanently.
pub(super) fn limit(section: &NewcomersSection) -> io::Result<()> {
    // No core dump: it would contain keys.
    set(Resource::Core, 0, 0)?;
    // Writable memory; the system counts neither the program itself nor merely reserved memory.
    let bytes = section.step_bytes();
    set(Resource::Data, bytes, bytes)?;
    let seconds = section.step_processor_time().as_secs().max(1);
    set(Resource::Cpu, seconds, seconds.saturating_add(KILL_AFTER_SECONDS))?;
    // Users' requests take precedence; if memory runs out anyway, this process is killed first.
    _ = nice(NICENESS);
    _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}

/// Sets a limit, unless a lower one is in effect.
fn set(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let existing = rustix::process::getrlimit(resource);
    let lower = |limit: Option<u64>, new: u64| Some(limit.map_or(new, |limit| limit.min(new)));
    let limit = Rlimit { current: lower(existing.current, soft), maximum: lower(existing.maximum, hard) };
    Ok(setrlimit(resource, limit)?)
}
