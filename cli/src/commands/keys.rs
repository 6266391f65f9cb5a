//! `pappus keys`.

use pappus_engine::depot::{CampaignKey, CampaignKeys};
use pappus_engine::store::StateFolder;
use serde_json::json;

use super::{Outcome, counted};
use crate::arguments::{Keys, KeysAction, PassphraseSource};
use crate::error::Failure;
use crate::output::Output;
use crate::{clock, passphrase, pod, store};

/// The name of a backup in passphrase prompts.
const BACKUP_LABEL: &str = "the copy of the keys";

pub(crate) async fn run(arguments: Keys, output: &Output) -> Result<Outcome, Failure> {
    let url = pod::address(arguments.place.pod.as_deref(), arguments.place.pod_url.as_deref())?;
    let folder = StateFolder::open(&store::state_root(arguments.place.state.clone())?, &url)?;
    let store = store::open(&arguments.place.store(), &url).await?;
    let keys = CampaignKeys::new(&folder, &store, &url);
    let outcome = act(&keys, arguments.action.as_ref(), output).await;
    store.close().await;
    outcome
}

async fn act(keys: &CampaignKeys, action: Option<&KeysAction>, output: &Output) -> Result<Outcome, Failure> {
    match action {
        None => show(keys, output).await,
        Some(KeysAction::Backup { file, passphrase }) => {
            let secret = passphrase::read_new_if(passphrase.source().as_ref(), BACKUP_LABEL)?;
            let count = keys.backup(file, secret.as_ref().map(|secret| secret.as_str()))?;
            output.line(format!("{}: {}.", file.display(), counted(count as u64, "key")));
            output.line(if secret.is_some() {
                "With its passphrase, it opens every archive of the pod: store the two in separate places, neither \
                 on this machine."
            } else {
                "It opens every archive of the pod: store it where nobody else has access, and not on this machine."
            });
            output.document(&json!({ "backup": file, "keys": count, "passphrase": secret.is_some() }));
            Ok(Outcome::Done)
        }
        Some(KeysAction::Restore { file, passphrase }) => {
            let secret = if CampaignKeys::is_locked(file)? {
                let source = passphrase.source().unwrap_or(PassphraseSource::Prompt);
                Some(passphrase::read(&source, BACKUP_LABEL)?)
            } else {
                None
            };
            let restored = keys.restore(file, secret.as_ref().map(|secret| secret.as_str()))?;
            output.line(format!("New on this machine: {}.", counted(restored as u64, "key")));
            output.document(&json!({ "restored": restored }));
            Ok(Outcome::Done)
        }
        Some(KeysAction::Rotate) => {
            let new_key = keys.rotate(clock::now()?).await?;
            output.line(format!("New archives are encrypted to {}.", new_key.recipient));
            output.line("Old archives still need the old keys, which are kept.");
            warn(keys, output);
            output.document(&json!({ "recipient": new_key.recipient, "generation": new_key.generation }));
            Ok(Outcome::Done)
        }
    }
}

async fn show(keys: &CampaignKeys, output: &Output) -> Result<Outcome, Failure> {
    let list = keys.list().await?;
    output.document(&json!({ "keys": list, "identity_file": keys.identity_file() }));
    if list.is_empty() {
        output.line("There is no key yet: the first export of the whole pod creates one.");
        return Ok(Outcome::Done);
    }
    let mut table = super::table();
    table.set_header(["key", "archives are encrypted to", "since", "opened with"]);
    for key in &list {
        let is_newest = list.last() == Some(key);
        let generation = format!("{}{}", key.generation, if is_newest { " (new archives)" } else { "" });
        let identity = if key.identity_here { "the file below" } else { "NOTHING ON THIS MACHINE" };
        table.add_row([&generation, &key.recipient, &key.created_at.to_string(), identity]);
    }
    output.line(table);
    let absent: Vec<&CampaignKey> = list.iter().filter(|key| !key.identity_here).collect();
    if absent.len() < list.len() {
        warn(keys, output);
    }
    if absent.is_empty() {
        return Ok(Outcome::Done);
    }
    output.line(format!("THE PRIVATE KEYS FOR {} OF THESE ARE NOT ON THIS MACHINE.", absent.len()));
    output.line(
        "If they are on the machine where the campaign was started, all is well. If not, find a copy and",
    );
    output.line(
        "restore it: pappus keys restore FILE. Without it, archives encrypted only to these keys are lost.",
    );
    Ok(Outcome::Findings)
}

fn warn(keys: &CampaignKeys, output: &Output) {
    output.line(format!("THE KEYS ARE IN ONE FILE: {}", keys.identity_file().display()));
    output.line(
        "IF IT IS LOST, ALL ARCHIVES ENCRYPTED ONLY TO THESE KEYS ARE LOST: nobody can open them again.",
    );
    output.line("Anyone who gets it can read every archive of the pod and move every account.");
    output.line("Copy it now, and store the copy on another machine: pappus keys backup FILE --passphrase");
}
