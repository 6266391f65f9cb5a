//! `pappus show`.

use pappus_engine::archive::manifest::{Manifest, PrivateKeyState};

use super::{Outcome, counted, list_omissions, megabytes, thousands};
use crate::archive::{self, owner};
use crate::arguments::ReadArchive;
use crate::error::Failure;
use crate::output::Output;

pub(crate) fn run(arguments: &ReadArchive, output: &Output) -> Result<Outcome, Failure> {
    let opened = archive::open(arguments, output)?;
    let report = opened.report();
    output.line(format!("The account {}", owner(report.account.as_ref())));
    if let Some(manifest) = opened.manifest() {
        origin(output, manifest);
    } else {
        output.line("  written by a stock pod, unsigned");
    }
    if !output.is_json() {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        for (kind, count) in report.counts.iter().filter(|(_, count)| **count > 0) {
            table.add_row([thousands(*count), kind.label().to_owned()]);
        }
        if let Some(column) = table.column_mut(0) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
        output.line(table);
    }
    if let Some(manifest) = opened.manifest().filter(|manifest| manifest.omission_count() > 0) {
        output.line(format!("Left out or incomplete: {}", thousands(manifest.omission_count())));
        list_omissions(output, manifest);
    }
    output.document(&serde_json::json!({
        "account": report.account,
        "counts": report.counts,
        "manifest": opened.manifest(),
    }));
    Ok(Outcome::Done)
}

fn origin(output: &Output, manifest: &Manifest) {
    let bytes: u64 = manifest.entries.iter().map(|entry| entry.size).sum();
    output.line(format!("  from {} ({})", manifest.pod.url, manifest.pod.software));
    output.line(format!("  taken {} by {}", manifest.created_at, manifest.created_by));
    output.line(format!(
        "  {}, {} unpacked",
        counted(manifest.entries.len() as u64, "file"),
        megabytes(bytes)
    ));
    output.line(match manifest.account.private_key {
        PrivateKeyState::Plain => "  contains the private key: anyone who has this file can move the account",
        PrivateKeyState::Encrypted => "  contains the private key, protected by a passphrase",
        PrivateKeyState::Absent => "  contains no private key: the pod had no readable one",
    });
}
