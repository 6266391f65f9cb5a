//! `pappus manual`: the manual pages under `docs/man`, generated from the arguments.

use std::io::Write as _;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use super::Outcome;
use crate::arguments::{Arguments, Folder};
use crate::error::Failure;
use crate::examples::{EXIT_CODES, Example, examples};

/// The preamble of each rendered section: defines the apostrophe.
const PREAMBLE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

pub(crate) fn run(arguments: &Folder) -> Result<Outcome, Failure> {
    std::fs::create_dir_all(&arguments.folder)?;
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    write_pages(&command, "pappus", "", &arguments.folder)?;
    Ok(Outcome::Done)
}

/// Writes the pages of a command and its subcommands. `words` are the subcommand's.
fn write_pages(command: &Command, name: &str, words: &str, folder: &Path) -> Result<(), Failure> {
    if command.is_hide_set() {
        return Ok(());
    }
    let mut page = Vec::new();
    let manual = Man::new(command.clone().display_name(name.to_owned()))
        .title(name)
        .source(concat!("pappus ", env!("CARGO_PKG_VERSION")))
        .manual("Pappus");
    manual.render_title(&mut page)?;
    manual.render_name_section(&mut page)?;
    manual.render_synopsis_section(&mut page)?;
    manual.render_description_section(&mut page)?;
    manual.render_options_section(&mut page)?;
    if command.get_subcommands().any(|subcommand| !subcommand.is_hide_set()) {
        manual.render_subcommands_section(&mut page)?;
    }
    let examples = examples(words);
    if !examples.is_empty() {
        writeln!(page, ".SH EXAMPLES")?;
        for Example { purpose, line } in examples {
            // Unfilled: a command that is broken across lines or hyphenated cannot be copied.
            writeln!(page, ".TP\n{}:\n.nf\n\\fB{}\\fR\n.fi", escape(purpose), escape(line))?;
        }
    }
    writeln!(page, ".SH \"EXIT STATUS\"")?;
    for (code, meaning) in EXIT_CODES {
        writeln!(page, ".TP\n\\fB{code}\\fR\n{}", escape(meaning))?;
    }
    if name == "pappus" {
        manual.render_version_section(&mut page)?;
    }
    // Each section was rendered as a separate page.
    let page = String::from_utf8(page)?;
    let page = format!("{PREAMBLE}{}", page.replace(PREAMBLE, ""));
    std::fs::write(folder.join(format!("{name}.1")), page)?;
    for subcommand in command.get_subcommands() {
        let words = format!("{words} {}", subcommand.get_name());
        write_pages(subcommand, &format!("{name}-{}", subcommand.get_name()), words.trim_start(), folder)?;
    }
    Ok(())
}

/// Escapes a line for roff: copyable hyphens, no requests, no commands.
fn escape(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    if text.starts_with('.') { format!("\\&{text}") } else { text }
}
