//! `pappus export`.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use pappus_engine::archive::encryption::EncryptTo;
use pappus_engine::domain::{DiasporaId, SigningKey};
use pappus_engine::export::{ExportError, ExportOptions, Exported, Exporter};
use pappus_engine::pod::config::PodUrl;
use pappus_engine::pod::database::Snapshot;
use pappus_engine::pod::reader::AccountReader;
use pappus_engine::store::{StateFolder, StoredSignatures};
use serde_json::{Value, json};

use super::{Outcome, counted, list_omissions, make_folder, megabytes};
use crate::arguments::Export;
use crate::error::Failure;
use crate::output::Output;
use crate::progress::Bar;
use crate::{campaign, clock, passphrase, pod, store};

pub(crate) async fn run(arguments: Export, output: &Output) -> Result<Outcome, Failure> {
    if arguments.all {
        return campaign::export_all(arguments, output).await;
    }
    let config = pod::configuration(&arguments.pod)?;
    let uploads = pod::uploads(&config).await?;
    let options = options(&arguments)?;
    let (mut snapshot, schema) = pod::open(&config).await?;
    let (state, archive_key) = state_and_key(&arguments, &config.url)?;
    // If this fails, the export of each account reports the reason.
    _ = make_folder(&arguments.out);
    let mut signatures = StoredSignatures::open(&state).await;
    let (mut results, mut failed) = (Vec::new(), Vec::new());
    let mut outcome = Outcome::Done;
    let mut names = arguments.names.iter();
    let mut exported_ids = HashSet::new();
    for name in names.by_ref() {
        // The export itself reports a missing account.
        if let Ok(id) = AccountReader::id_of(&mut snapshot, &config.url, name).await {
            if has_other_host(&id, &config.url, output) {
                outcome = Outcome::Findings;
            }
            if !exported_ids.insert(id) {
                continue;
            }
        }
        let started_at = Instant::now();
        let bar = bar(&mut snapshot, &config.url, name, output.is_json()).await;
        let account_exporter = Exporter {
            pod: &config.url,
            schema: &schema,
            uploads: &uploads,
            archive_key: &archive_key,
            is_destination: true,
            folder: &arguments.out,
            options: &options,
            progress: &bar,
        };
        let result = account_exporter.export(&mut snapshot, name, &mut signatures).await;
        drop(bar);
        let exported = match result {
            Ok(exported) => exported,
            Err(error) => {
                let can_continue = error.is_of_one_account();
                failed.push(print_failure(name, error));
                if can_continue {
                    continue;
                }
                break;
            }
        };
        if exported.manifest.omission_count() > 0 {
            outcome = Outcome::Findings;
        }
        report(output, &exported, started_at.elapsed());
        results.push(summary(&exported, started_at.elapsed(), snapshot.statements()));
    }
    let not_tried: Vec<&String> = names.collect();
    print_not_tried(not_tried.len());
    output.document(&json!({ "exported": results, "failed": failed, "not_tried": not_tried }));
    Ok(if failed.is_empty() { outcome } else { Outcome::Failed })
}

/// Returns Pappus's folder and the pod's archive key. Warns first if an earlier key is lost.
fn state_and_key(arguments: &Export, pod: &PodUrl) -> Result<(StateFolder, SigningKey), Failure> {
    let state = StateFolder::open(&store::state_root(arguments.store.state.clone())?, pod)?;
    if let Some(lost) = state.lost_archive_key()? {
        campaign::print_note(&campaign::lost_key(&state, &lost));
    }
    let key = state.archive_key()?;
    Ok((state, key))
}

/// Prints the reason why an account was not exported; returns its entry in the document.
fn print_failure(name: &str, error: ExportError) -> Value {
    let failure = Failure::new(format!("{name} was not exported"), error);
    failure.print();
    json!({ "account": name, "error": failure.to_string() })
}

fn print_not_tried(count: usize) {
    let sentence = match count {
        0 => return,
        1 => "1 more account was not tried".to_owned(),
        count => format!("{count} more accounts were not tried"),
    };
    Failure::message(sentence).print();
}

/// Returns whether the account's ID has another host than the pod's address, and warns about it.
fn has_other_host(id: &DiasporaId, url: &PodUrl, output: &Output) -> bool {
    if id.host() == url.diaspora_host() {
        return false;
    }
    let hosts = std::iter::once((id.host().to_owned(), 1)).collect();
    if let Some(sentence) = pod::other_hosts(url, &hosts) {
        output.line(sentence);
    }
    true
}

async fn bar(snapshot: &mut Snapshot, url: &PodUrl, name: &str, is_json: bool) -> Bar {
    if !Bar::is_wanted(is_json) {
        return Bar::hidden();
    }
    let total = match AccountReader::find(snapshot, url.clone(), name).await {
        Ok(mut reader) => reader.record_count().await.unwrap_or(0),
        Err(_) => return Bar::hidden(), // the export itself reports the error
    };
    Bar::records(name, total)
}

fn options(arguments: &Export) -> Result<ExportOptions, Failure> {
    let key_passphrase =
        passphrase::read_new_if(arguments.key_passphrase.source().as_ref(), "the private key")?;
    let encrypt_to = match passphrase::read_new_if(arguments.passphrase.source().as_ref(), "the archive")? {
        Some(text) => Some(EncryptTo::passphrase(&text)),
        None if arguments.encrypt_to.is_empty() => None,
        None => Some(EncryptTo::recipients(&arguments.encrypt_to)?),
    };
    let created_at = match arguments.created_at {
        Some(time) => time,
        None => clock::now()?,
    };
    let created_by = format!("pappus {}", env!("CARGO_PKG_VERSION"));
    Ok(ExportOptions { created_at, created_by, key_passphrase, encrypt_to })
}

fn report(output: &Output, exported: &Exported, elapsed: Duration) {
    let Exported { path, bytes, manifest, signed_by_account } = exported;
    let records: u64 = manifest.counts.values().sum();
    output.line(format!(
        "{}: {}, {} in {:.2} s",
        manifest.account.diaspora_id,
        counted(records, "record"),
        megabytes(*bytes),
        elapsed.as_secs_f64()
    ));
    output.line(format!("  {}", path.display()));
    if !signed_by_account {
        output.line("  signed by the pod only: the account has no usable private key");
    }
    if manifest.omission_count() > 0 {
        output.line(format!("  left out or incomplete: {}", manifest.omission_count()));
        list_omissions(output, manifest);
    }
}

fn summary(exported: &Exported, elapsed: Duration, statements: u64) -> Value {
    json!({
        "account": exported.manifest.account.diaspora_id,
        "id_host": exported.manifest.pod.id_host,
        "archive": exported.path,
        "bytes": exported.bytes,
        "created_at": exported.manifest.created_at,
        "signed_by_account": exported.signed_by_account,
        "counts": exported.manifest.counts,
        "omissions": exported.manifest.omissions,
        "more_omissions": exported.manifest.more_omissions,
        "seconds": elapsed.as_secs_f64(),
        "statements": statements,
    })
}
