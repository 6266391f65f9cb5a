//! The same check against Pappus's own database, whatever the state of the lists.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use crate::campaign::ledger::campaigns::Campaigns;
use crate::campaign::report::closing::{list_of, results};
use crate::campaign::report::list::{AccountResult, make_list, write_list};
use crate::campaign::report::list_reader::{read_head, read_list};
use crate::campaign::verify::lists::{
    Beside, CampaignCheck, HereList, Kept, add_surplus, broken_list, check_signature, mark, one_list,
};
use crate::campaign::verify::result::{CampaignVerification, CampaignVerifyError, Problem, ProblemKind};
use crate::campaign::{Campaign, CampaignError, CampaignState, WrittenList};
use crate::depot::{Depot, LocalCopy};
use crate::domain::{PublicKey, SigningKey};
use crate::progress::{Progress, Stage};
use crate::store::Store;

/// Checks a campaign's archives against the store. `progress` receives the bytes done. An error in the
/// list beside the archives is a problem among others.
///
/// # Errors
/// [`CampaignVerifyError`], when the store or the depot is unavailable.
pub async fn verify_known(
    check: &CampaignCheck<'_>,
    (store, campaigns, campaign): (&Store, &Campaigns, &Campaign),
    progress: &dyn Progress,
) -> Result<CampaignVerification, CampaignVerifyError> {
    let Beside { mut files, lists } = Beside::list(check.depot).await?;
    let mut found = CampaignVerification::default();
    let mut known = known_list(check, store, campaign).await?;
    let stored = beside(check, campaign, &known, lists, &mut files, &mut found).await?;
    let signed_by = match &stored {
        None => None,
        Some(stored) => {
            known.file.clone_from(&stored.file);
            // Archives are signed with the campaign's key, whichever key signed the list.
            let key = PublicKey::archive_key_from_pem(&stored.head.archive_key);
            if key.is_ok_and(|key| key.fingerprint().to_string() == campaign.archive_key) {
                known.head.archive_key.clone_from(&stored.head.archive_key);
            }
            check_signature(check, stored, &mut found).await?
        }
    };
    compare(campaign, &known, stored.as_ref(), &mut found)?;
    progress.begin(Stage::Verifying, known.totals.bytes);
    let list = one_list(check, known, (0, signed_by), &mut files, &mut found, progress).await?;
    found.lists.push(list);
    // Archives of other campaigns in the same depot.
    for other in campaigns.all().await?.into_iter().filter(|other| other.out == campaign.out) {
        let mut accounts = results(store, &other);
        while let Some(account) = accounts.try_next().await? {
            mark(&mut files, account.file.as_deref());
        }
    }
    add_surplus(files, &mut found);
    Ok(found)
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
    campaigns.note_list(campaign, &written.json.name).await?;
    Ok(written)
}

/// Builds the list from the store, on this machine.
async fn known_list(
    check: &CampaignCheck<'_>,
    store: &Store,
    campaign: &Campaign,
) -> Result<HereList, CampaignVerifyError> {
    let (head, json, totals) = list_of(store, campaign, "", async |list, results| {
        // The key comes from the list beside the archives, or only its fingerprint is known.
        let head = list.head_with("");
        let (json, _, totals) = make_list(&head, results, check.folder).await?;
        Ok((head, json, totals))
    })
    .await?;
    let file = format!("{}.json", campaign.list_name.as_deref().unwrap_or("campaign"));
    Ok(HereList { file, copy: Arc::new(LocalCopy::Copy(json)), head, totals })
}

/// Returns the campaign's list beside the archives, if readable. Records the files that other lists name, and
/// unreadable lists.
async fn beside(
    check: &CampaignCheck<'_>,
    campaign: &Campaign,
    known: &HereList,
    lists: Vec<String>,
    files: &mut HashMap<String, Kept>,
    found: &mut CampaignVerification,
) -> Result<Option<HereList>, CampaignVerifyError> {
    let own = campaign.list_name.as_ref().map(|name| format!("{name}.json"));
    let mut stored = None;
    for file in lists {
        let copy = Arc::new(check.depot.local_copy(&file, check.folder).await?);
        let read = read_head(copy.path()).and_then(|head| {
            let other = !head.is_of(&known.head);
            let (_, totals) = read_list(copy.path(), |account| {
                if other {
                    mark(files, account.file.as_deref());
                }
                true
            })?;
            Ok((head, totals))
        });
        match read {
            Ok((head, totals)) if head.is_of(&known.head) && own.as_ref().is_none_or(|own| *own == file) => {
                stored = Some(HereList { file, copy, head, totals });
            }
            Ok(_) => {}
            Err(error) => found.add(broken_list(&file, &error)),
        }
    }
    if campaign.state == CampaignState::Preparing {
        let reason = "the list of its accounts is not complete yet".to_owned();
        found.add(Problem { kind: ProblemKind::Incomplete, account: None, file: None, reason });
    }
    let missing = stored.is_none() && !found.has_broken_list() && campaign.state == CampaignState::Finished;
    if missing {
        let (kind, reason) = (ProblemKind::List, "the list of the campaign is not there".to_owned());
        found.add(Problem { kind, account: None, file: own.or_else(|| Some(known.file.clone())), reason });
    }
    Ok(stored)
}

/// Compares the list of a finished campaign with the store; before, they may differ.
fn compare(
    campaign: &Campaign,
    known: &HereList,
    stored: Option<&HereList>,
    found: &mut CampaignVerification,
) -> Result<(), CampaignVerifyError> {
    let Some(stored) = stored.filter(|_| campaign.state == CampaignState::Finished) else { return Ok(()) };
    if said(known)? != said(stored)? {
        let reason = "the list does not say what Pappus's own database says".to_owned();
        found.add(Problem {
            kind: ProblemKind::List,
            account: None,
            file: Some(stored.file.clone()),
            reason,
        });
    }
    Ok(())
}

/// Returns a digest of a list's data on archives.
fn said(list: &HereList) -> Result<[u8; 32], CampaignVerifyError> {
    let mut digest = Sha256::new();
    let each = |account: AccountResult| {
        let AccountResult { account, state, file, sha256, .. } = account;
        digest.update(format!("{account:?} {} {file:?} {sha256:?}\n", state.as_str()));
        true
    };
    read_list(list.copy.path(), each)
        .map_err(|source| CampaignVerifyError::List { file: list.file.clone(), source })?;
    Ok(digest.finalize().into())
}
