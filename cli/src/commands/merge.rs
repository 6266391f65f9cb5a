//! `pappus merge`.

use pappus_engine::archive::encryption::EncryptTo;
use pappus_engine::archive::merge::{MergeInput, MergeOptions, Merged, merge_archives};
use pappus_engine::archive::sha256_of_file;
use pappus_engine::domain::SigningKey;
use pappus_engine::store::StateFolder;
use serde_json::json;

use super::{Outcome, counted, list_omissions, make_work_dir, megabytes, thousands};
use crate::arguments::Merge;
use crate::error::Failure;
use crate::output::Output;
use crate::{archive, clock, passphrase, pod, store};

pub(crate) fn run(arguments: &Merge, output: &Output) -> Result<Outcome, Failure> {
    let unlock = archive::unlock(arguments.passphrase.source().as_ref(), arguments.identity.as_deref())?;
    let key_passphrase = passphrase::read_if(arguments.key_passphrase.source().as_ref(), "the private key")?;
    let mut inputs = Vec::new();
    for path in &arguments.archives {
        let archive = archive::open_with(path, unlock.as_ref(), None, output)?;
        let sha256 = sha256_of_file(path)
            .map_err(|error| Failure::new(format!("{} cannot be read", path.display()), error))?;
        inputs.push(MergeInput { archive, sha256, path: path.clone() });
    }
    let archive_key = archive_key(arguments)?;
    let work_dir = make_work_dir(&arguments.out)?;
    let options = MergeOptions {
        folder: &arguments.out,
        work: &work_dir,
        created_at: match arguments.created_at {
            Some(time) => time,
            None => clock::now()?,
        },
        created_by: format!("pappus {}", env!("CARGO_PKG_VERSION")),
        key_passphrase: key_passphrase.as_ref().map(|text| text.as_str()),
        archive_key: archive_key.as_ref(),
        encrypt_to: match arguments.encrypt_to.as_slice() {
            [] => None,
            recipients => Some(EncryptTo::recipients(recipients)?),
        },
    };
    let merged =
        merge_archives(inputs, &options).map_err(|error| Failure::new("nothing was merged", error))?;
    describe(&merged, unlock.is_some() && options.encrypt_to.is_none(), output);
    Ok(if merged.manifest.omission_count() == 0 { Outcome::Done } else { Outcome::Findings })
}

/// Returns the pod's archive key, if the pod is named. Never creates one.
fn archive_key(arguments: &Merge) -> Result<Option<SigningKey>, Failure> {
    if arguments.pod.is_none() && arguments.pod_url.is_none() {
        return Ok(None);
    }
    let url = pod::address(arguments.pod.as_deref(), arguments.pod_url.as_deref())?;
    let state = StateFolder::open(&store::state_root(arguments.state.clone())?, &url)?;
    match state.known_archive_key()? {
        Some(key) => Ok(Some(key)),
        None => Err(Failure::message(format!(
            "there is no archive key of {url} in {}: specify the right folder with --state, or leave out the pod",
            state.path().display()
        ))),
    }
}

fn describe(merged: &Merged, was_encrypted: bool, output: &Output) {
    let Merged { path, bytes, manifest, signed_by_pod, only_in_older } = merged;
    let records: u64 = manifest.counts.values().sum();
    output.line(format!(
        "{}: {} of {} archives, {}",
        manifest.account.diaspora_id,
        counted(records, "record"),
        manifest.merged_from.len(),
        megabytes(*bytes)
    ));
    output.line(format!("  {}", path.display()));
    if !signed_by_pod {
        output.line("  signed by the account only, not by the pod");
    }
    if was_encrypted {
        output.line("  NOT ENCRYPTED, and it contains the private key; --encrypt-to encrypts it");
    }
    if !only_in_older.is_empty() {
        let kinds = only_in_older
            .iter()
            .map(|(kind, number)| format!("{} {}", thousands(*number), kind.replace('_', " ")));
        output.line(format!(
            "  restored from an older archive (deleted since, or not exported later): {}",
            kinds.collect::<Vec<_>>().join(", ")
        ));
    }
    if manifest.omission_count() > 0 {
        output.line(format!("  left out or incomplete: {}", manifest.omission_count()));
        list_omissions(output, manifest);
    }
    output.document(&json!({
        "account": manifest.account.diaspora_id,
        "archive": path,
        "bytes": bytes,
        "created_at": manifest.created_at,
        "merged_from": manifest.merged_from,
        "signed_by_pod": signed_by_pod,
        "only_in_older": only_in_older,
        "counts": manifest.counts,
        "omissions": manifest.omissions,
        "more_omissions": manifest.more_omissions,
    }));
}
