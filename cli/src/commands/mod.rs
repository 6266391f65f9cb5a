//! One file per subcommand.

pub(crate) mod announce;
pub(crate) mod campaign;
pub(crate) mod campaign_verify;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod convert;
pub(crate) mod deliver;
pub(crate) mod deliveries;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod imports;
pub(crate) mod keys;
pub(crate) mod manual;
pub(crate) mod merge;
pub(crate) mod newcomer_step;
pub(crate) mod repair;
pub(crate) mod resend;
pub(crate) mod schemas;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod undo;
pub(crate) mod verify;
pub(crate) mod worker;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::ExitCode;

use pappus_engine::archive::manifest::Manifest;
use pappus_engine::work_dir::WorkDir;

use crate::error::Failure;
use crate::interrupt;

/// Creates a folder for archives if missing, readable by its owner only: they contain private keys.
pub(crate) fn make_folder(folder: &Path) -> Result<(), Failure> {
    let result = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    result.map_err(|error| Failure::new(format!("the folder {} cannot be created", folder.display()), error))
}

/// Creates a folder for archives if missing, and in it one for temporary files, which is removed when the program
/// ends or is interrupted. Removes such folders of killed programs.
pub(crate) fn make_work_dir(folder: &Path) -> Result<WorkDir, Failure> {
    make_folder(folder)?;
    let result = WorkDir::make(folder);
    let work_dir =
        result.map_err(|error| Failure::new(format!("{} cannot be written to", folder.display()), error))?;
    interrupt::remove_at_the_end(work_dir.path());
    Ok(work_dir)
}

/// Returns an empty table that fits the terminal.
fn table() -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    table
}

/// The outcome of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Success.
    Done,
    /// Success, with findings to read.
    Findings,
    /// Partial failure, already reported.
    Failed,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::Findings => Self::from(10),
            Outcome::Failed => Self::FAILURE,
        }
    }
}

/// Formats as `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a number with its noun: `1 photo`, `2,000 photos`, `3 deliveries`. `noun` is the singular; its last word
/// changes.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let number_text = thousands(number);
    if let Some(adjectives) = noun.strip_suffix("person").filter(|_| number != 1) {
        return format!("{number_text} {adjectives}people");
    }
    match noun.strip_suffix('y') {
        _ if number == 1 => format!("1 {noun}"),
        Some(stem) => format!("{number_text} {stem}ies"),
        None => format!("{number_text} {noun}s"),
    }
}

/// Formats as `12.3 MB`.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{}", indicatif::DecimalBytes(bytes))
}

/// Largest number of omissions listed on the terminal; the manifest lists more.
const MAX_LISTED_OMISSIONS: usize = 20;

/// Lists the omissions.
pub(crate) fn list_omissions(output: &crate::output::Output, manifest: &Manifest) {
    for omission in manifest.omissions.iter().take(MAX_LISTED_OMISSIONS) {
        let record = &omission.record;
        let id = record.id.map_or_else(String::new, |id| format!(" {id}"));
        let name = record.name.as_deref().map_or_else(String::new, |name| format!(" ({name})"));
        output.line(format!(
            "  {} {}{id}{name}: {}",
            omission.code.as_str(),
            record.kind.as_str(),
            omission.reason
        ));
    }
    let unlisted = manifest.omissions.len().saturating_sub(MAX_LISTED_OMISSIONS);
    if unlisted > 0 {
        output.line(format!("  … and {} more, listed in the manifest", thousands(unlisted as u64)));
    }
    for (code, number) in &manifest.more_omissions {
        output.line(format!(
            "  … and {} more of {}, counted in the manifest",
            thousands(*number),
            code.as_str()
        ));
    }
}
