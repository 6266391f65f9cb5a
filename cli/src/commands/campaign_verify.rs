//! `pappus campaign verify`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use pappus_engine::campaign::{
    Campaign, CampaignCheck, CampaignVerification, Campaigns, rewrite_list, verify_campaign, verify_known,
};
use pappus_engine::depot::{CampaignKeys, Depot, DepotAddress};
use pappus_engine::store::{StateFolder, Store};
use serde_json::json;

use super::{Outcome, counted, megabytes, thousands};
use crate::arguments::{CampaignVerify, StorePlace};
use crate::error::Failure;
use crate::output::Output;
use crate::progress::Steps;
use crate::{archive, pod, store};

/// Largest number of problems listed on the terminal.
const MAX_LISTED: usize = 50;

pub(crate) async fn run(
    verify: &CampaignVerify,
    place: &StorePlace,
    output: &Output,
) -> Result<Outcome, Failure> {
    let context = context(verify, place).await?;
    let Checked { depot, scratch, verification } = check(verify, &context, output).await?;
    describe(output, &verification);
    let mut document = serde_json::to_value(&verification).unwrap_or_default();
    if let Some(fields) = document.as_object_mut() {
        fields.insert("place".to_owned(), json!(depot.location()));
        fields.insert("clean".to_owned(), json!(verification.is_clean()));
    }
    if let Some(campaign) = context.campaign {
        if verify.repair {
            let repaired =
                repair(&campaign, (&depot, context.state.as_ref(), &scratch), &verification, output).await?;
            if let Some(fields) = document.as_object_mut() {
                fields.insert("repaired".to_owned(), repaired);
            }
        } else if !verification.lost.is_empty() || verification.has_broken_list() {
            let name = &campaign.campaign.name;
            output.line(format!(
                "`pappus campaign verify {name} --repair` rewrites the list and has lost archives exported again."
            ));
        }
        campaign.store.close().await;
    }
    output.document(&document);
    Ok(if verification.is_clean() { Outcome::Done } else { Outcome::Findings })
}

/// Retries accounts whose archives are lost; returns their number.
pub(crate) async fn retry_damaged(name: &str, place: &StorePlace, output: &Output) -> Result<u64, Failure> {
    let name = Some(name.to_owned());
    let verify = CampaignVerify { name, files: None, identity: None, repair: false, trust_pod: None };
    let context = context(&verify, place).await?;
    let Checked { verification, .. } = check(&verify, &context, output).await?;
    let Some(KnownCampaign { store, campaigns, campaign }) = context.campaign else { return Ok(0) };
    let retried = campaigns.retry_lost(&campaign.name, &verification.lost).await?;
    store.close().await;
    Ok(retried)
}

/// The result of a check, with the depot that was checked.
struct Checked {
    depot: Depot,
    /// Folder for temporary files.
    scratch: PathBuf,
    verification: CampaignVerification,
}

async fn check(
    verify: &CampaignVerify,
    context: &CampaignContext,
    output: &Output,
) -> Result<Checked, Failure> {
    let unlock = match (&verify.identity, &context.state) {
        (Some(file), _) => Some(archive::identities(file)?),
        (None, Some(state)) => CampaignKeys::unlock_in(state)?,
        (None, None) => None,
    };
    let mut depot = Depot::open_existing(&DepotAddress::parse(&context.place, &pod::environment)?).await?;
    if let Some(identity) = context.campaign.as_ref().and_then(|known| known.campaign.place.as_ref()) {
        // An empty mount point must not look like a campaign whose archives are all lost.
        depot = depot.bound_to(identity);
        depot.check().await?;
    }
    let scratch = context.state.as_ref().map_or_else(std::env::temp_dir, |state| state.path().to_owned());
    let check = CampaignCheck {
        depot: &depot,
        name: verify.name.as_deref(),
        unlock,
        trusted: verify.trust_pod.clone().or_else(|| context.trusted_key.clone()),
        at_once: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        folder: &scratch,
    };
    let progress = Steps::new(output.is_json());
    let verification = match &context.campaign {
        None => verify_campaign(&check, &progress).await?,
        Some(known) => {
            verify_known(&check, (&known.store, &known.campaigns, &known.campaign), &progress).await?
        }
    };
    drop(progress);
    Ok(Checked { depot, scratch, verification })
}

/// Rewrites a broken list, and has lost archives exported again; returns the result as JSON.
async fn repair(
    known: &KnownCampaign,
    (depot, state, scratch): (&Depot, Option<&StateFolder>, &Path),
    verification: &CampaignVerification,
    output: &Output,
) -> Result<serde_json::Value, Failure> {
    let name = &known.campaign.name;
    let mut list = None;
    if verification.has_broken_list() {
        let Some(key) = state.map(StateFolder::known_archive_key).transpose()?.flatten() else {
            return Err(Failure::message(
                "the list cannot be signed: the pod's archive key is not on this machine",
            ));
        };
        if key.public_key()?.fingerprint().to_string() != known.campaign.archive_key {
            return Err(Failure::message(format!(
                "the list must be signed with the pod's archive key {}, and this machine has a different one",
                known.campaign.archive_key
            )));
        }
        let created_by = format!("pappus {}", env!("CARGO_PKG_VERSION"));
        let campaign = (&known.store, &known.campaigns, &known.campaign);
        let written = rewrite_list(depot, campaign, &key, &created_by, scratch).await?;
        output.line(format!("The list {} was rewritten.", written.json.name));
        list = Some(written.json.name);
    }
    let retried = known.campaigns.retry_lost(name, &verification.lost).await?;
    if retried > 0 {
        output.line(format!(
            "{} to be exported again: `pappus export --all --name {name}` or a worker does it.",
            counted(retried, "archive")
        ));
    }
    Ok(json!({ "list": list, "retried": retried }))
}

/// The campaign to check, as known before its files are read.
struct CampaignContext {
    /// The address of the files.
    place: String,
    state: Option<StateFolder>,
    /// Fingerprint of the archive key that must have signed the list; `None` if unknown.
    trusted_key: Option<String>,
    campaign: Option<KnownCampaign>,
}

/// A campaign as recorded in the store.
struct KnownCampaign {
    store: Store,
    campaigns: Campaigns,
    campaign: Campaign,
}

async fn context(verify: &CampaignVerify, place: &StorePlace) -> Result<CampaignContext, Failure> {
    let has_pod = place.pod.is_some() || place.pod_url.is_some();
    if let (Some(files), false) = (&verify.files, has_pod) {
        return Ok(CampaignContext { place: files.clone(), state: None, trusted_key: None, campaign: None });
    }
    let url = pod::address(place.pod.as_deref(), place.pod_url.as_deref())?;
    let root: PathBuf = store::state_root(place.state.clone())?;
    let state = StateFolder::open(&root, &url)?;
    if let Some(files) = &verify.files {
        let trusted_key = match state.known_archive_key()? {
            Some(key) => Some(key.public_key()?.fingerprint().to_string()),
            None => None,
        };
        return Ok(CampaignContext { place: files.clone(), state: Some(state), trusted_key, campaign: None });
    }
    let store = store::open(&place.store(), &url).await?;
    let campaigns = Campaigns::new(&store, &url);
    let campaign = campaigns.named(verify.name.as_deref().unwrap_or_default()).await?;
    Ok(CampaignContext {
        place: campaign.out.clone(),
        state: Some(state),
        trusted_key: Some(campaign.archive_key.clone()),
        campaign: Some(KnownCampaign { store, campaigns, campaign }),
    })
}

fn describe(output: &Output, verification: &CampaignVerification) {
    for list in &verification.lists {
        let totals = &list.totals;
        output.line(format!(
            "{} of {}: {}, {} with an archive{}, {} failed, {} skipped, {} still open.",
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
            // While a campaign is being prepared, no list is stored yet.
            None if totals.accounts == 0 => {}
            None => output.line(format!("  {} HAS NO VALID SIGNATURE.", list.file)),
        }
        output.line(format!("  Fully checked, contents included: {}.", counted(list.verified, "archive")));
        if list.sealed > 0 {
            output.line(format!(
                "  Only the checksums were checked of {}, since no key here opens them.",
                counted(list.sealed, "encrypted archive")
            ));
        }
    }
    for problem in verification.problems.iter().take(MAX_LISTED) {
        let subject = problem.account.as_deref().or(problem.file.as_deref()).unwrap_or_default();
        let file = match (&problem.account, &problem.file) {
            (Some(_), Some(file)) => format!(" ({file})"),
            _ => String::new(),
        };
        output.line(format!("  {} {subject}{file}: {}", problem.kind.as_str(), problem.reason));
    }
    let total: u64 = verification.counts.values().sum();
    if total > MAX_LISTED as u64 {
        output.line(format!("  … {} in all; --json lists up to a thousand", counted(total, "problem")));
    }
    if verification.is_clean() {
        output.line("Nothing is missing, damaged or unexpected.");
    }
}
