//! Running Pappus's own programs, as a user would.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder this build's programs are in; tests and benchmarks lie beside or below it.
pub fn programs() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let folder = own.parent().unwrap_or(Path::new("."));
    if folder.ends_with("deps") { folder.parent().unwrap_or(folder).to_owned() } else { folder.to_owned() }
}

/// A program of this workspace. `make test` builds them all before the tests.
pub fn program(name: &str) -> Command {
    let mut command = Command::new(programs().join(name));
    // A developer's own pod and settings have no place in a test.
    for variable in [
        "PAPPUS_STATE",
        "PAPPUS_STORE",
        "PAPPUS_ALLOW_HOST",
        "PAPPUS_TRUST_POD",
        "PAPPUS_DATABASE_URL",
        "DATABASE_URL",
        "RAILS_ENV",
        "RACK_ENV",
        "SOURCE_DATE_EPOCH",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ALLOW_HTTP",
    ] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null());
    command
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` after a signal.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

/// Runs `pappus` with these arguments and waits for it.
///
/// # Errors
/// When the program is not there.
pub fn pappus<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> std::io::Result<Ended> {
    pappus_in(&[], arguments)
}

/// The same with variables in the environment.
///
/// # Errors
/// When the program is not there.
pub fn pappus_in<A: AsRef<OsStr>>(
    environment: &[(&str, String)],
    arguments: impl IntoIterator<Item = A>,
) -> std::io::Result<Ended> {
    let mut command = program("pappus");
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    let output = command.args(arguments).output().map_err(|error| {
        std::io::Error::new(
            error.kind(),
            format!("pappus is not built ({error}); run: cargo build -p pappus-cli"),
        )
    })?;
    Ok(Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
