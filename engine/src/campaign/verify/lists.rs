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
use crate::campaign::report::list::{AccountResult, ListHead, ListTotals, ResultState, SIGNATURE, sha256};
use crate::campaign::report::list_name::{belongs_to_list, is_list};
use crate::campaign::report::list_reader::{read_head, read_list};
use crate::campaign::verify::file::{FileState, check_file};
use crate::campaign::verify::result::{
    CampaignVerification, CampaignVerifyError, ListVerification, Problem, ProblemKind,
};
use crate::depot::{Depot, DepotError, LocalCopy};
use crate::domain::{KeyFingerprint, PublicKey};
use crate::progress::{Progress, Stage};

/// Accounts read ahead from a list.
const READ_AHEAD: usize = 64;
/// A signature by an 8192-bit key has 1368 characters.
const MAX_SIGNATURE: u64 = 4096;

/// The subject of a check, and its settings.
#[derive(Clone)]
pub struct CampaignCheck<'a> {
    /// The depot of the lists and archives.
    pub depot: &'a Depot,
    /// The campaign's name; all campaigns with a list there, unless given.
    pub name: Option<&'a str>,
    /// The keys to encrypted archives. Without them only the bytes are checked, not the contents.
    pub unlock: Option<DecryptWith>,
    /// Fingerprint of the pod's archive key, if known: a list signed by another key is a problem.
    pub trusted: Option<String>,
    /// Archives checked at a time.
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
    let Beside { mut files, lists } = Beside::list(check.depot).await?;
    let mut found = CampaignVerification::default();
    let (wanted, others) = choose(check, lists, &mut found).await?;
    progress.begin(Stage::Verifying, wanted.iter().map(|list| list.totals.bytes).sum());
    for (number, list) in wanted.into_iter().enumerate() {
        let signed_by = check_signature(check, &list, &mut found).await?;
        let list = one_list(check, list, (number, signed_by), &mut files, &mut found, progress).await?;
        found.lists.push(list);
    }
    for list in others {
        read_all(&list, |account| {
            mark(&mut files, account.file.as_deref());
            true
        })?;
    }
    add_surplus(files, &mut found);
    Ok(found)
}

/// The files in a depot.
pub(in crate::campaign) struct Beside {
    pub(in crate::campaign) files: HashMap<String, Kept>,
    pub(in crate::campaign) lists: Vec<String>,
}

impl Beside {
    pub(in crate::campaign) async fn list(depot: &Depot) -> Result<Self, DepotError> {
        let (mut files, mut lists) = (HashMap::new(), Vec::new());
        let mut listed = depot.list();
        while let Some(file) = listed.try_next().await? {
            if is_list(&file.name) {
                lists.push(file.name);
            // Archives that people have requested are on no list.
            } else if !belongs_to_list(&file.name) && !file.name.starts_with(crate::depot::REQUESTS_FOLDER) {
                files.insert(file.name, Kept { bytes: file.bytes, list: None });
            }
        }
        lists.sort();
        Ok(Self { files, lists })
    }
}

/// Marks a file as named by some list.
pub(in crate::campaign) fn mark(files: &mut HashMap<String, Kept>, file: Option<&str>) {
    if let Some(kept) = file.and_then(|file| files.get_mut(file)) {
        kept.list.get_or_insert(usize::MAX);
    }
}

pub(in crate::campaign) fn add_surplus(files: HashMap<String, Kept>, found: &mut CampaignVerification) {
    let mut surplus: Vec<String> =
        files.into_iter().filter(|(_, kept)| kept.list.is_none()).map(|(name, _)| name).collect();
    surplus.sort();
    for file in surplus {
        let reason = "no list names this file".to_owned();
        found.add(Problem { kind: ProblemKind::Surplus, account: None, file: Some(file), reason });
    }
}

/// A file in the depot, and the list that names it, if any.
pub(in crate::campaign) struct Kept {
    bytes: u64,
    list: Option<usize>,
}

/// A list, copied to this machine.
pub(in crate::campaign) struct HereList {
    pub(in crate::campaign) file: String,
    pub(in crate::campaign) copy: Arc<LocalCopy>,
    pub(in crate::campaign) head: ListHead,
    pub(in crate::campaign) totals: ListTotals,
}

/// Returns the requested lists, and the others. An unreadable list is a problem; an error when no requested list is
/// readable.
async fn choose(
    check: &CampaignCheck<'_>,
    names: Vec<String>,
    found: &mut CampaignVerification,
) -> Result<(Vec<HereList>, Vec<HereList>), CampaignVerifyError> {
    let place = check.depot.place();
    let (mut wanted, mut others, mut there) = (Vec::new(), Vec::new(), Vec::new());
    let mut broken = None;
    for file in names {
        let copy = Arc::new(check.depot.local_copy(&file, check.folder).await?);
        let read = read_head(copy.path()).and_then(|head| Ok((head, read_list(copy.path(), |_| true)?.1)));
        let list = match read {
            Ok((head, totals)) => HereList { file, copy, head, totals },
            Err(source) => {
                found.add(broken_list(&file, &source));
                broken.get_or_insert(CampaignVerifyError::List { file, source });
                continue;
            }
        };
        there.push(list.head.name.clone());
        if check.name.is_none_or(|name| name == list.head.name) {
            wanted.push(list);
        } else {
            others.push(list);
        }
    }
    match (check.name, broken) {
        _ if !wanted.is_empty() => Ok((wanted, others)),
        // A broken list is a finding; only whoever names a campaign must have its list.
        (None, Some(_)) => Ok((wanted, others)),
        (Some(_), Some(broken)) => Err(broken),
        (Some(name), None) if !there.is_empty() => {
            Err(CampaignVerifyError::Unknown { place, name: name.to_owned(), there: there.join(", ") })
        }
        _ => Err(CampaignVerifyError::NoList { place }),
    }
}

pub(in crate::campaign) fn broken_list(file: &str, error: &crate::campaign::ListReadError) -> Problem {
    let reason = format!("the list cannot be read: {error}");
    Problem { kind: ProblemKind::List, account: None, file: Some(file.to_owned()), reason }
}

fn read_all(
    list: &HereList,
    visit: impl FnMut(AccountResult) -> bool,
) -> Result<ListTotals, CampaignVerifyError> {
    let failed = |source| CampaignVerifyError::List { file: list.file.clone(), source };
    Ok(read_list(list.copy.path(), visit).map_err(failed)?.1)
}

/// Checks every archive of a list, the `number`th.
pub(in crate::campaign) async fn one_list(
    check: &CampaignCheck<'_>,
    list: HereList,
    (number, signed_by): (usize, Option<KeyFingerprint>),
    files: &mut HashMap<String, Kept>,
    found: &mut CampaignVerification,
    progress: &dyn Progress,
) -> Result<ListVerification, CampaignVerifyError> {
    // If the store knows the campaign, it knows the key too.
    let key =
        PublicKey::archive_key_from_pem(&list.head.archive_key).ok().map(|key| key.fingerprint().to_string());
    let key = key.or_else(|| check.trusted.clone());
    let (sender, receiver) = tokio::sync::mpsc::channel(READ_AHEAD);
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
            let kept = look_up(&account, number, files);
            let key = key.as_deref();
            async move {
                let bytes = account.bytes.unwrap_or_default();
                let result = match kept {
                    Ok(None) => Ok(FileState::Nothing),
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
            Ok(FileState::Nothing) => {}
            Err(problem) => found.add(problem),
        }
    }
    match reading.await {
        Ok(Ok(_)) => {}
        Ok(Err(source)) => return Err(CampaignVerifyError::List { file: list.file, source }),
        Err(error) => return Err(std::io::Error::other(error).into()),
    }
    let HereList { file, head, totals, .. } = list;
    Ok(ListVerification { file, head, totals, signed_by, verified, sealed })
}

/// Returns whether an account's archive exists with the right size. An account that needs none has none.
fn look_up(
    account: &AccountResult,
    number: usize,
    files: &mut HashMap<String, Kept>,
) -> Result<Option<()>, Problem> {
    let problem = |kind, reason: String| {
        Err(Problem { kind, account: Some(account.account.clone()), file: account.file.clone(), reason })
    };
    let Some(file) = &account.file else {
        let why = account.reason.as_deref().unwrap_or("no reason is given");
        return match account.state {
            ResultState::Skipped if why.starts_with(LEFT_POD) => {
                problem(ProblemKind::Incomplete, format!("{why}; if it is there, `pappus campaign retry`"))
            }
            ResultState::Skipped => Ok(None),
            ResultState::Done => problem(ProblemKind::Incomplete, "it is done and has no archive".to_owned()),
            ResultState::Failed => {
                problem(ProblemKind::Incomplete, format!("it could not be exported: {why}"))
            }
            ResultState::Pending | ResultState::Running => problem(
                ProblemKind::Incomplete,
                "it was not exported yet when the list was written".to_owned(),
            ),
        };
    };
    let Some(kept) = files.get_mut(file) else {
        return problem(ProblemKind::Missing, "the file is not there".to_owned());
    };
    if kept.list.replace(number) == Some(number) {
        return problem(ProblemKind::Damaged, "the list names this file for two accounts".to_owned());
    }
    match account.bytes {
        Some(bytes) if bytes != kept.bytes => {
            problem(ProblemKind::Damaged, format!("the file has {} bytes, and had {bytes}", kept.bytes))
        }
        _ => Ok(Some(())),
    }
}

/// Returns the key that signed a list, if the signature is valid.
pub(in crate::campaign) async fn check_signature(
    check: &CampaignCheck<'_>,
    list: &HereList,
    found: &mut CampaignVerification,
) -> Result<Option<KeyFingerprint>, CampaignVerifyError> {
    let mut wrong = |reason: String| {
        let file = Some(list.file.clone());
        found.add(Problem { kind: ProblemKind::Signature, account: None, file, reason });
        Ok(None)
    };
    let key = match PublicKey::archive_key_from_pem(&list.head.archive_key) {
        Ok(key) => key,
        Err(error) => return wrong(format!("its archive key cannot be read: {error}")),
    };
    let name = format!("{}{SIGNATURE}", list.file);
    let mut signature = Vec::new();
    match check.depot.open_range(&name, 0, Some(MAX_SIGNATURE)).await {
        Ok(mut reading) => {
            while let Some(more) = reading.next().await? {
                signature.extend(more);
            }
        }
        Err(DepotError::Missing { .. }) => return wrong(format!("it is not signed: there is no {name}")),
        Err(error) => return Err(error.into()),
    }
    let path = Arc::clone(&list.copy);
    let digest = tokio::task::spawn_blocking(move || sha256(path.path())).await;
    let digest = digest.map_err(std::io::Error::other)??;
    let signature = String::from_utf8_lossy(&signature);
    match key.verifying_key() {
        Ok(verifying) if verifying.verifies_sha256_base64(&digest, signature.trim()) => {}
        Ok(_) => return wrong("its signature is wrong: it was changed after it was signed".to_owned()),
        Err(error) => return wrong(format!("its archive key cannot be used: {error}")),
    }
    let signed_by = key.fingerprint();
    if check.trusted.as_ref().is_some_and(|trusted| *trusted != signed_by.to_string()) {
        return wrong(format!("it is signed by {signed_by}, which is not this pod's archive key"));
    }
    Ok(Some(signed_by))
}
