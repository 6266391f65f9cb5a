//! `pappus campaign verify`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use pappus_engine::archive::encryption::Unlock;
use pappus_engine::campaign::{CampaignCheck, CampaignVerification, Campaigns, verify_campaign};
use pappus_engine::depot::{CampaignKeys, Depot, DepotAddress};
use pappus_engine::store::StateFolder;
use serde_json::json;

use super::{Outcome, counted, megabytes, thousands};
use crate::arguments::{CampaignVerify, StorePlace};
use crate::error::Failure;
use crate::output::Output;
use crate::progress::Bar;
use crate::{archive, pod, store};

/// At most so many problems are listed on the terminal.
const SHOWN: usize = 50;

pub(crate) async fn run(
    verify: &CampaignVerify,
    place: &StorePlace,
    output: &Output,
) -> Result<Outcome, Failure> {
    let Known { place, state, trusted } = known(verify, place).await?;
    let unlock = match (&verify.identity, &state) {
        (Some(file), _) => Some(Unlock::identities(&archive::read_key_file(file)?)?),
        (None, Some(state)) => CampaignKeys::unlock_in(state)?,
        (None, None) => None,
    };
    let depot = Depot::open_existing(&DepotAddress::parse(&place, &pod::environment)?).await?;
    let scratch = state.map_or_else(std::env::temp_dir, |state| state.path().to_owned());
    let check = CampaignCheck {
        depot: &depot,
        name: verify.name.as_deref(),
        unlock,
        trusted: verify.trust_pod.clone().or(trusted),
        at_once: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        folder: &scratch,
    };
    let bar = if Bar::is_wanted(output.is_json()) { Bar::bytes("verifying", 0) } else { Bar::hidden() };
    let found = verify_campaign(&check, &|done, total| bar.set_of(done, total)).await?;
    drop(bar);
    describe(output, &found);
    let mut document = serde_json::to_value(&found).unwrap_or_default();
    if let Some(fields) = document.as_object_mut() {
        fields.insert("place".to_owned(), json!(depot.place()));
        fields.insert("clean".to_owned(), json!(found.is_clean()));
    }
    output.document(&document);
    Ok(if found.is_clean() { Outcome::Done } else { Outcome::Findings })
}

/// What is known before the files are looked at.
struct Known {
    place: String,
    state: Option<StateFolder>,
    trusted: Option<String>,
}

async fn known(verify: &CampaignVerify, place: &StorePlace) -> Result<Known, Failure> {
    let named = place.pod.is_some() || place.pod_url.is_some();
    if let (Some(files), false) = (&verify.files, named) {
        return Ok(Known { place: files.clone(), state: None, trusted: None });
    }
    let url = pod::address(place.pod.as_deref(), place.pod_url.as_deref())?;
    let root: PathBuf = store::state_root(place.state.clone())?;
    let state = StateFolder::open(&root, &url)?;
    if let Some(files) = &verify.files {
        let trusted = match state.known_archive_key()? {
            Some(key) => Some(key.signing_key()?.public_key()?.fingerprint().to_string()),
            None => None,
        };
        return Ok(Known { place: files.clone(), state: Some(state), trusted });
    }
    let store = store::open(&place.store(), &url).await?;
    let campaign = Campaigns::new(&store, &url).named(verify.name.as_deref().unwrap_or_default()).await;
    store.close().await;
    let campaign = campaign?;
    Ok(Known { place: campaign.out, state: Some(state), trusted: Some(campaign.archive_key) })
}

fn describe(output: &Output, found: &CampaignVerification) {
    for list in &found.lists {
        let totals = &list.totals;
        output.line(format!(
            "{} of {}: {}, {} with an archive{}, {} failed, {} skipped, {} still to come.",
            list.head.name,
            list.head.pod,
            counted(totals.accounts, "account"),
            thousands(totals.done),
            if totals.bytes > 0 { format!(" ({})", megabytes(totals.bytes)) } else { String::new() },
            thousands(totals.failed),
            thousands(totals.skipped),
            thousands(totals.open)
        ));
        match &list.signed_by {
            Some(key) => output.line(format!("  {} is signed by {key}.", list.file)),
            None => output.line(format!("  {} IS NOT SIGNED AS IT SHOULD BE.", list.file)),
        }
        output.line(format!("  Whole, inside too: {}.", counted(list.verified, "archive")));
        if list.sealed > 0 {
            output.line(format!(
                "  Only the bytes were checked of {}, which nothing here opens.",
                counted(list.sealed, "encrypted archive")
            ));
        }
    }
    for problem in found.problems.iter().take(SHOWN) {
        let who = problem.account.as_deref().or(problem.file.as_deref()).unwrap_or_default();
        let file = match (&problem.account, &problem.file) {
            (Some(_), Some(file)) => format!(" ({file})"),
            _ => String::new(),
        };
        output.line(format!("  {} {who}{file}: {}", problem.kind.as_str(), problem.reason));
    }
    let total: u64 = found.counts.values().sum();
    if total > SHOWN as u64 {
        output.line(format!("  … {} in all; --json lists up to a thousand", counted(total, "problem")));
    }
    if found.is_clean() {
        output.line("Nothing is missing, damaged or too much.");
    }
}
