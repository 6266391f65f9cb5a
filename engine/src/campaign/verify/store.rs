//! Checks a campaign's archives against Pappus's own database, even if the lists are missing or broken.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use crate::campaign::ledger::campaigns::Campaigns;
use crate::campaign::report::closing::{list_of, results};
use crate::campaign::report::list::{AccountResult, build_list, write_list};
use crate::campaign::report::list_reader::{read_head, read_list};
use crate::campaign::verify::lists::{
    CampaignCheck, DepotFiles, LocalList, StoredFile, add_surplus, broken_list, check_list, check_signature,
    mark,
};
use crate::campaign::verify::result::{CampaignVerification, CampaignVerifyError, Problem, ProblemKind};
use crate::campaign::{Campaign, CampaignError, CampaignState, WrittenList};
use crate::depot::{Depot, LocalCopy};
use crate::domain::{PublicKey, SigningKey};
use crate::progress::{Progress, Stage};
use crate::store::Store;

/// Checks a campaign's archives against the store. `progress` receives the number of checked bytes. An error in
/// the list beside the archives is a problem among others.
///
/// # Errors
/// [`CampaignVerifyError`], when the store or the depot is unavailable.
pub async fn verify_known(
    check: &CampaignCheck<'_>,
    (store, campaigns, campaign): (&Store, &Campaigns, &Campaign),
    progress: &dyn Progress,
) -> Result<CampaignVerification, CampaignVerifyError> {
    let DepotFiles { mut files, lists } = DepotFiles::list(check.depot).await?;
    let mut verification = CampaignVerification::default();
    let mut known = known_list(check, store, campaign).await?;
    let stored = find_stored_list(check, campaign, &known, lists, &mut files, &mut verification).await?;
    let signed_by = match &stored {
        None => None,
        Some(stored) => {
            known.file.clone_from(&stored.file);
            // Archives are signed with the campaign's key, even if another key signed the list.
            let key = PublicKey::archive_key_from_pem(&stored.head.archive_key);
            if key.is_ok_and(|key| key.fingerprint().to_string() == campaign.archive_key) {
                known.head.archive_key.clone_from(&stored.head.archive_key);
            }
            check_signature(check, stored, &mut verification).await?
        }
    };
    compare(campaign, &known, stored.as_ref(), &mut verification)?;
    progress.begin(Stage::Verifying, known.totals.bytes);
    let list = check_list(check, known, (0, signed_by), &mut files, &mut verification, progress).await?;
    verification.lists.push(list);
    // Archives of other campaigns in the same depot.
    for other in campaigns.all().await?.into_iter().filter(|other| other.out == campaign.out) {
        let mut accounts = results(store, &other);
        while let Some(account) = accounts.try_next().await? {
            mark(&mut files, account.file.as_deref());
        }
    }
    add_surplus(files, &mut verification);
    Ok(verification)
}

/// Rewrites the list of a campaign, signed.
///
/// # Errors
/// [`CampaignError`].
pub async fn rewrite_list(
    depot: &Depot,
    (store, campaigns, campaign): (&Store, &Campaigns, &Campaign),
    archive_key: &SigningKey,
    created_by: &str,
    folder: &Path,
) -> Result<WrittenList, CampaignError> {
    let written = list_of(store, campaign, created_by, async |list, results| {
        Ok(write_list(depot, &list, results, archive_key, folder).await?)
    })
    .await?;
    campaigns.record_list(campaign, &written.json.name).await?;
    Ok(written)
}

/// Builds the list from the store, on this machine.
async fn known_list(
    check: &CampaignCheck<'_>,
    store: &Store,
    campaign: &Campaign,
) -> Result<LocalList, CampaignVerifyError> {
    let (head, json, totals) = list_of(store, campaign, "", async |list, results| {
        // The store has only the fingerprint of the key; the key itself is in the list beside the archives.
        let head = list.head_with("");
        let (json, _, totals) = build_list(&head, results, check.folder).await?;
        Ok((head, json, totals))
    })
    .await?;
    let file = format!("{}.json", campaign.list_name.as_deref().unwrap_or("campaign"));
    Ok(LocalList { file, copy: Arc::new(LocalCopy::Copy(json)), head, totals })
}

/// Returns the campaign's list beside the archives, if it is readable. Marks the files that other lists name, and
/// records unreadable lists as problems.
async fn find_stored_list(
    check: &CampaignCheck<'_>,
    campaign: &Campaign,
    known: &LocalList,
    lists: Vec<String>,
    files: &mut HashMap<String, StoredFile>,
    verification: &mut CampaignVerification,
) -> Result<Option<LocalList>, CampaignVerifyError> {
    let own_file = campaign.list_name.as_ref().map(|name| format!("{name}.json"));
    let mut stored = None;
    for file in lists {
        let copy = Arc::new(check.depot.local_copy(&file, check.folder).await?);
        let result = read_head(copy.path()).and_then(|head| {
            let is_other = !head.is_of(&known.head);
            let (_, totals) = read_list(copy.path(), |account| {
                if is_other {
                    mark(files, account.file.as_deref());
                }
                true
            })?;
            Ok((head, totals))
        });
        match result {
            Ok((head, totals))
                if head.is_of(&known.head) && own_file.as_ref().is_none_or(|own_file| *own_file == file) =>
            {
                stored = Some(LocalList { file, copy, head, totals });
            }
            Ok(_) => {}
            Err(error) => verification.add(broken_list(&file, &error)),
        }
    }
    if campaign.state == CampaignState::Preparing {
        let reason = "the list of its accounts is not complete yet".to_owned();
        verification.add(Problem { kind: ProblemKind::Incomplete, account: None, file: None, reason });
    }
    let is_missing =
        stored.is_none() && !verification.has_broken_list() && campaign.state == CampaignState::Finished;
    if is_missing {
        let (kind, reason) = (ProblemKind::List, "the list of the campaign is missing".to_owned());
        verification.add(Problem {
            kind,
            account: None,
            file: own_file.or_else(|| Some(known.file.clone())),
            reason,
        });
    }
    Ok(stored)
}

/// Compares the list of a finished campaign with the store. The list of an unfinished campaign may differ.
fn compare(
    campaign: &Campaign,
    known: &LocalList,
    stored: Option<&LocalList>,
    verification: &mut CampaignVerification,
) -> Result<(), CampaignVerifyError> {
    let Some(stored) = stored.filter(|_| campaign.state == CampaignState::Finished) else { return Ok(()) };
    if archives_digest(known)? != archives_digest(stored)? {
        let reason = "the list differs from Pappus's own database".to_owned();
        verification.add(Problem {
            kind: ProblemKind::List,
            account: None,
            file: Some(stored.file.clone()),
            reason,
        });
    }
    Ok(())
}

/// Returns a digest of a list's data on archives.
fn archives_digest(list: &LocalList) -> Result<[u8; 32], CampaignVerifyError> {
    let mut digest = Sha256::new();
    let add = |account: AccountResult| {
        let AccountResult { account, state, file, sha256, .. } = account;
        digest.update(format!("{account:?} {} {file:?} {sha256:?}\n", state.as_str()));
        true
    };
    read_list(list.copy.path(), add)
        .map_err(|source| CampaignVerifyError::List { file: list.file.clone(), source })?;
    Ok(digest.finalize().into())
}
