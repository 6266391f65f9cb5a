//! Passphrases: out of a file or asked for, never on the command line.

use std::io::IsTerminal as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::Failure;

/// Longest line that is taken.
const MAX_BYTES: u64 = 4096;

/// The passphrase from the first line of a file; with an empty path it is asked for on the terminal, twice
/// if it is a new one.
pub(crate) fn read(path: &Path, what: &str, new: bool) -> Result<Zeroizing<String>, Failure> {
    let passphrase = if path.as_os_str().is_empty() { ask(what, new)? } else { from_file(path)? };
    if passphrase.is_empty() {
        Err(Failure::say(format!("the passphrase for {what} is empty")))
    } else {
        Ok(passphrase)
    }
}

fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let failed = |error| Failure::new(format!("the passphrase in {} cannot be read", path.display()), error);
    let file = std::fs::File::open(path).map_err(failed)?;
    pappus_engine::text::first_line(file, MAX_BYTES).map_err(failed)
}

fn ask(what: &str, new: bool) -> Result<Zeroizing<String>, Failure> {
    if !std::io::stdin().is_terminal() {
        let sentence =
            format!("there is no terminal to ask for the passphrase for {what}: name a file that holds it");
        return Err(Failure::say(sentence));
    }
    let prompt = |text: String| rpassword::prompt_password(text).map(Zeroizing::new);
    let first = prompt(format!("Passphrase for {what}: "))?;
    if new && prompt("The same again: ".to_owned())? != first {
        return Err(Failure::say("the two passphrases differ"));
    }
    Ok(first)
}
