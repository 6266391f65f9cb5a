//! Passphrases: typed at the terminal, read from a file, or printed by a command; never arguments themselves.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use crate::arguments::PassphraseSource;
use crate::error::Failure;
use crate::interrupt::{self, Interrupted};

/// Longest accepted line, in bytes.
const MAX_LINE_BYTES: u64 = 4096;
/// Largest accepted output of a command, in bytes: password managers may print notes after the passphrase.
const MAX_OUTPUT_BYTES: usize = 64 * 1024;
/// Number of attempts to type a new passphrase twice identically.
const MAX_ATTEMPTS: u32 = 3;

/// Returns the passphrase that opens `subject`.
///
/// # Errors
/// [`Failure`] if there is none, or the prompt was interrupted.
pub(crate) fn read(source: &PassphraseSource, subject: &str) -> Result<Zeroizing<String>, Failure> {
    get(source, subject, || prompt(&format!("Passphrase for {subject}: ")))
}

/// Returns a new passphrase for `subject`, typed twice at the terminal.
///
/// # Errors
/// [`Failure`] if there is none, or the prompt was interrupted.
pub(crate) fn read_new(source: &PassphraseSource, subject: &str) -> Result<Zeroizing<String>, Failure> {
    get(source, subject, || prompt_twice(subject))
}

/// Calls [`read`] if a source is given.
pub(crate) fn read_if(
    source: Option<&PassphraseSource>,
    subject: &str,
) -> Result<Option<Zeroizing<String>>, Failure> {
    source.map(|source| read(source, subject)).transpose()
}

/// Calls [`read_new`] if a source is given.
pub(crate) fn read_new_if(
    source: Option<&PassphraseSource>,
    subject: &str,
) -> Result<Option<Zeroizing<String>>, Failure> {
    source.map(|source| read_new(source, subject)).transpose()
}

fn get(
    source: &PassphraseSource,
    subject: &str,
    read_from_terminal: impl FnOnce() -> Result<Zeroizing<String>, Failure>,
) -> Result<Zeroizing<String>, Failure> {
    let passphrase = match source {
        PassphraseSource::File(path) => from_file(path)?,
        PassphraseSource::Command(option, command) => from_command(option, command)?,
        PassphraseSource::Prompt if std::io::stdin().is_terminal() => read_from_terminal()?,
        PassphraseSource::Prompt => {
            let sentence = format!(
                "there is no terminal to ask for the passphrase for {subject}: specify a file that contains it, or a \
                 command that prints it"
            );
            return Err(Failure::message(sentence));
        }
    };
    if passphrase.is_empty() {
        let origin = match source {
            PassphraseSource::Prompt => String::new(),
            PassphraseSource::File(path) => format!(" (the first line of {})", path.display()),
            PassphraseSource::Command(option, _) => format!(" (the first line that {option} prints)"),
        };
        return Err(Failure::message(format!("the passphrase for {subject} is empty{origin}")));
    }
    Ok(passphrase)
}

fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let failed = |error| Failure::new(format!("the passphrase in {} cannot be read", path.display()), error);
    let file = std::fs::File::open(path).map_err(failed)?;
    pappus_engine::text::first_line(file, MAX_LINE_BYTES).map_err(failed)
}

/// Runs a command in the shell, unlike restic's `--password-command`: pipes and variables work. It may prompt at the
/// terminal itself, so it inherits standard input and standard error.
fn from_command(option: &str, command: &str) -> Result<Zeroizing<String>, Failure> {
    // Messages do not contain the command, since it may contain a secret.
    let failed = |error| Failure::new(format!("the command of {option} cannot be run"), error);
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(command)
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(failed)?;
    // Allocated at full capacity: a buffer that grows leaves copies of the passphrase in memory.
    let mut output = Zeroizing::new(Vec::with_capacity(MAX_OUTPUT_BYTES + 1));
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MAX_OUTPUT_BYTES as u64 + 1).read_to_end(&mut output).map_err(failed)?;
    }
    if output.len() > MAX_OUTPUT_BYTES {
        child.kill().and_then(|()| child.wait()).map_err(failed)?;
        return Err(Failure::message(format!("the command of {option} prints too much to be a passphrase")));
    }
    let status = child.wait().map_err(failed)?;
    if !status.success() {
        return Err(Failure::message(format!(
            "the command of {option} failed ({status}), so there is no passphrase"
        )));
    }
    pappus_engine::text::first_line(output.as_slice(), MAX_LINE_BYTES)
        .map_err(|error| Failure::new(format!("the command of {option} printed no passphrase"), error))
}

fn prompt_twice(subject: &str) -> Result<Zeroizing<String>, Failure> {
    for _ in 0..MAX_ATTEMPTS {
        let first = prompt(&format!("New passphrase for {subject}: "))?;
        let problem = if first.is_empty() {
            "It must not be empty. Try again."
        } else if prompt("Repeat the passphrase: ")? == first {
            return Ok(first);
        } else {
            "The passphrases differ. Try again."
        };
        // A closed standard error is ignored.
        _ = writeln!(std::io::stderr(), "{problem}");
    }
    Err(Failure::message(format!("no passphrase for {subject} after {MAX_ATTEMPTS} attempts")))
}

fn prompt(text: &str) -> Result<Zeroizing<String>, Failure> {
    match interrupt::with_terminal(|| rpassword::prompt_password(text)) {
        Ok(typed) => Ok(Zeroizing::new(typed)),
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
            Err(Failure::interrupted(Interrupted::Interrupt))
        }
        Err(error) => Err(Failure::new("the passphrase cannot be read from the terminal", error)),
    }
}
