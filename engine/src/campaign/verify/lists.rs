//! Checks that everything a campaign has stored still exists, complete and unaltered.
//!
//! The lists and the archives beside them are enough; neither the pod nor the store is needed.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::archive::encryption::DecryptWith;
use crate::campaign::ledger::records::LEFT_POD;
use crate::campaign::report::list::{
    AccountResult, ListHead, ListTotals, ResultState, SIGNATURE_EXTENSION, sha256,
};
use crate::campaign::report::list_name::{belongs_to_list, is_list};
use crate::campaign::report::list_reader::{read_head, read_list};
use crate::campaign::verify::file::{FileState, check_file};
use crate::campaign::verify::result::{
    CampaignVerification, CampaignVerifyError, ListVerification, Problem, ProblemKind,
};
use crate::depot::{Depot, DepotError, LocalCopy};
use crate::domain::{KeyFingerprint, PublicKey};
use crate::progress::{Progress, Stage};

/// The number of accounts that are read ahead from a list.
const READ_AHEAD_ACCOUNTS: usize = 64;
/// The maximum size of a signature file, in bytes: a signature by an 8192-bit key has 1368 characters.
const MAX_SIGNATURE_BYTES: u64 = 4096;

/// The subject of a check, and its settings.
#[derive(Clone)]
pub struct CampaignCheck<'a> {
    /// The depot of the lists and archives.
    pub depot: &'a Depot,
    /// The campaign's name; `None` for all campaigns with a list in the depot.
    pub name: Option<&'a str>,
    /// The keys to encrypted archives. Without them only the bytes are checked, not the contents.
    pub unlock: Option<DecryptWith>,
    /// Fingerprint of the pod's archive key, if known: a list signed by another key is a problem.
    pub trusted: Option<String>,
    /// The number of archives that are checked at the same time.
    pub at_once: NonZeroUsize,
    /// The folder for temporary copies of archives in a bucket.
    pub folder: &'a Path,
}

/// Checks stored archives against the lists beside them. `progress` receives the bytes done.
///
/// # Errors
/// [`CampaignVerifyError`], when there is nothing to check against or the depot is unavailable. Problems with single
/// files are in the result.
pub async fn verify_campaign(
    check: &CampaignCheck<'_>,
    progress: &dyn Progress,
) -> Result<CampaignVerification, CampaignVerifyError> {
    let DepotFiles { mut files, lists } = DepotFiles::list(check.depot).await?;
    let mut verification = CampaignVerification::default();
    let (requested, others) = choose(check, lists, &mut verification).await?;
    progress.begin(Stage::Verifying, requested.iter().map(|list| list.totals.bytes).sum());
    for (number, list) in requested.into_iter().enumerate() {
        let signed_by = check_signature(check, &list, &mut verification).await?;
        let list =
            check_list(check, list, (number, signed_by), &mut files, &mut verification, progress).await?;
        verification.lists.push(list);
    }
    for list in others {
        read_all(&list, |account| {
            mark(&mut files, account.file.as_deref());
            true
        })?;
    }
    add_surplus(files, &mut verification);
    Ok(verification)
}

/// The files in a depot.
pub(in crate::campaign) struct DepotFiles {
    pub(in crate::campaign) files: HashMap<String, StoredFile>,
    pub(in crate::campaign) lists: Vec<String>,
}

impl DepotFiles {
    pub(in crate::campaign) async fn list(depot: &Depot) -> Result<Self, DepotError> {
        let (mut files, mut lists) = (HashMap::new(), Vec::new());
        let mut listing = depot.list();
        while let Some(file) = listing.try_next().await? {
            if is_list(&file.name) {
                lists.push(file.name);
            // Archives that people have requested are on no list.
            } else if !belongs_to_list(&file.name) && !file.name.starts_with(crate::depot::REQUESTS_FOLDER) {
                files.insert(file.name, StoredFile { bytes: file.bytes, list: None });
            }
        }
        lists.sort();
        Ok(Self { files, lists })
    }
}

/// Marks a file as named by some list.
pub(in crate::campaign) fn mark(files: &mut HashMap<String, StoredFile>, file: Option<&str>) {
    if let Some(stored) = file.and_then(|file| files.get_mut(file)) {
        stored.list.get_or_insert(usize::MAX);
    }
}

pub(in crate::campaign) fn add_surplus(
    files: HashMap<String, StoredFile>,
    verification: &mut CampaignVerification,
) {
    let mut surplus: Vec<String> =
        files.into_iter().filter(|(_, stored)| stored.list.is_none()).map(|(name, _)| name).collect();
    surplus.sort();
    for file in surplus {
        let reason = "no list names this file".to_owned();
        verification.add(Problem { kind: ProblemKind::Surplus, account: None, file: Some(file), reason });
    }
}

/// A file in the depot, and the list that names it, if any.
pub(in crate::campaign) struct StoredFile {
    bytes: u64,
    /// The number of the list; `usize::MAX` for a list that is not checked.
    list: Option<usize>,
}

/// A list, copied to this machine.
pub(in crate::campaign) struct LocalList {
    pub(in crate::campaign) file: String,
    pub(in crate::campaign) copy: Arc<LocalCopy>,
    pub(in crate::campaign) head: ListHead,
    pub(in crate::campaign) totals: ListTotals,
}

/// Returns the requested lists and the others. An unreadable list is recorded as a problem; only if no requested list
/// is readable is it an error.
async fn choose(
    check: &CampaignCheck<'_>,
    names: Vec<String>,
    verification: &mut CampaignVerification,
) -> Result<(Vec<LocalList>, Vec<LocalList>), CampaignVerifyError> {
    let location = check.depot.location();
    let (mut requested, mut others, mut existing) = (Vec::new(), Vec::new(), Vec::new());
    let mut broken = None;
    for file in names {
        let copy = Arc::new(check.depot.local_copy(&file, check.folder).await?);
        let read = read_head(copy.path()).and_then(|head| Ok((head, read_list(copy.path(), |_| true)?.1)));
        let list = match read {
            Ok((head, totals)) => LocalList { file, copy, head, totals },
            Err(source) => {
                verification.add(broken_list(&file, &source));
                broken.get_or_insert(CampaignVerifyError::List { file, source });
                continue;
            }
        };
        existing.push(list.head.name.clone());
        if check.name.is_none_or(|name| name == list.head.name) {
            requested.push(list);
        } else {
            others.push(list);
        }
    }
    match (check.name, broken) {
        _ if !requested.is_empty() => Ok((requested, others)),
        // A broken list is a problem among others, unless a campaign is named: then its list is required.
        (None, Some(_)) => Ok((requested, others)),
        (Some(_), Some(broken)) => Err(broken),
        (Some(name), None) if !existing.is_empty() => Err(CampaignVerifyError::Unknown {
            location,
            name: name.to_owned(),
            existing: existing.join(", "),
        }),
        _ => Err(CampaignVerifyError::NoList { location }),
    }
}

pub(in crate::campaign) fn broken_list(file: &str, error: &crate::campaign::ListReadError) -> Problem {
    let reason = format!("the list cannot be read: {error}");
    Problem { kind: ProblemKind::List, account: None, file: Some(file.to_owned()), reason }
}

fn read_all(
    list: &LocalList,
    visit: impl FnMut(AccountResult) -> bool,
) -> Result<ListTotals, CampaignVerifyError> {
    let failed = |source| CampaignVerifyError::List { file: list.file.clone(), source };
    Ok(read_list(list.copy.path(), visit).map_err(failed)?.1)
}

/// Checks every archive of a list, which has this number.
pub(in crate::campaign) async fn check_list(
    check: &CampaignCheck<'_>,
    list: LocalList,
    (number, signed_by): (usize, Option<KeyFingerprint>),
    files: &mut HashMap<String, StoredFile>,
    verification: &mut CampaignVerification,
    progress: &dyn Progress,
) -> Result<ListVerification, CampaignVerifyError> {
    // If the store knows the campaign, it knows the key too.
    let key =
        PublicKey::archive_key_from_pem(&list.head.archive_key).ok().map(|key| key.fingerprint().to_string());
    let key = key.or_else(|| check.trusted.clone());
    let (sender, receiver) = tokio::sync::mpsc::channel(READ_AHEAD_ACCOUNTS);
    let copy = Arc::clone(&list.copy);
    let reading = tokio::task::spawn_blocking(move || {
        read_list(copy.path(), |account| sender.blocking_send(account).is_ok())
    });
    let accounts = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|account| (account, receiver))
    });
    let (mut verified, mut sealed) = (0, 0);
    let checked = accounts
        .map(|account| {
            let stored = find_file(&account, number, files);
            let key = key.as_deref();
            async move {
                let bytes = account.bytes.unwrap_or_default();
                let result = match stored {
                    Ok(None) => Ok(FileState::NotNeeded),
                    Ok(Some(())) => check_file(check, key, &account).await,
                    Err(problem) => Err(problem),
                };
                progress.advance(bytes);
                result
            }
        })
        .buffered(check.at_once.get());
    let mut checked = std::pin::pin!(checked);
    while let Some(result) = checked.next().await {
        match result {
            Ok(FileState::Verified) => verified += 1,
            Ok(FileState::Sealed) => sealed += 1,
            Ok(FileState::NotNeeded) => {}
            Err(problem) => verification.add(problem),
        }
    }
    match reading.await {
        Ok(Ok(_)) => {}
        Ok(Err(source)) => return Err(CampaignVerifyError::List { file: list.file, source }),
        Err(error) => return Err(std::io::Error::other(error).into()),
    }
    let LocalList { file, head, totals, .. } = list;
    Ok(ListVerification { file, head, totals, signed_by, verified, sealed })
}

/// Checks that an account's archive exists with the right size. Returns `None` if the account needs none.
fn find_file(
    account: &AccountResult,
    number: usize,
    files: &mut HashMap<String, StoredFile>,
) -> Result<Option<()>, Problem> {
    let problem = |kind, reason: String| {
        Err(Problem { kind, account: Some(account.account.clone()), file: account.file.clone(), reason })
    };
    let Some(file) = &account.file else {
        let reason = account.reason.as_deref().unwrap_or("no reason is given");
        return match account.state {
            ResultState::Skipped if reason.starts_with(LEFT_POD) => problem(
                ProblemKind::Incomplete,
                format!("{reason}; if it exists, run `pappus campaign retry`"),
            ),
            ResultState::Skipped => Ok(None),
            ResultState::Done => problem(ProblemKind::Incomplete, "it is done but has no archive".to_owned()),
            ResultState::Failed => {
                problem(ProblemKind::Incomplete, format!("it could not be exported: {reason}"))
            }
            ResultState::Pending | ResultState::Running => problem(
                ProblemKind::Incomplete,
                "it was not exported yet when the list was written".to_owned(),
            ),
        };
    };
    let Some(stored) = files.get_mut(file) else {
        return problem(ProblemKind::Missing, "the file is missing".to_owned());
    };
    if stored.list.replace(number) == Some(number) {
        return problem(ProblemKind::Damaged, "the list names this file for two accounts".to_owned());
    }
    match account.bytes {
        Some(bytes) if bytes != stored.bytes => problem(
            ProblemKind::Damaged,
            format!("the file has {} bytes; {bytes} bytes were stored", stored.bytes),
        ),
        _ => Ok(Some(())),
    }
}

/// Returns the key that signed a list, if the signature is valid.
pub(in crate::campaign) async fn check_signature(
    check: &CampaignCheck<'_>,
    list: &LocalList,
    verification: &mut CampaignVerification,
) -> Result<Option<KeyFingerprint>, CampaignVerifyError> {
    let mut wrong = |reason: String| {
        let file = Some(list.file.clone());
        verification.add(Problem { kind: ProblemKind::Signature, account: None, file, reason });
        Ok(None)
    };
    let key = match PublicKey::archive_key_from_pem(&list.head.archive_key) {
        Ok(key) => key,
        Err(error) => return wrong(format!("its archive key cannot be read: {error}")),
    };
    let name = format!("{}{SIGNATURE_EXTENSION}", list.file);
    let mut signature = Vec::new();
    match check.depot.open_range(&name, 0, Some(MAX_SIGNATURE_BYTES)).await {
        Ok(mut reader) => {
            while let Some(bytes) = reader.next().await? {
                signature.extend(bytes);
            }
        }
        Err(DepotError::Missing { .. }) => return wrong(format!("it is not signed: there is no {name}")),
        Err(error) => return Err(error.into()),
    }
    let copy = Arc::clone(&list.copy);
    let digest = tokio::task::spawn_blocking(move || sha256(copy.path())).await;
    let digest = digest.map_err(std::io::Error::other)??;
    let signature = String::from_utf8_lossy(&signature);
    match key.verifying_key() {
        Ok(verifying_key) if verifying_key.verifies_sha256_base64(&digest, signature.trim()) => {}
        Ok(_) => return wrong("its signature is invalid: it was changed after it was signed".to_owned()),
        Err(error) => return wrong(format!("its archive key cannot be used: {error}")),
    }
    let signed_by = key.fingerprint();
    if check.trusted.as_ref().is_some_and(|trusted| *trusted != signed_by.to_string()) {
        return wrong(format!("it is signed by {signed_by}, which is not this pod's archive key"));
    }
    Ok(Some(signed_by))
}
