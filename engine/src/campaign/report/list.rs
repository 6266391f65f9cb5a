//! The list of a campaign: the result of every account, beside the archives, signed.
//!
//! It is written and read one account at a time: a pod has hundreds of thousands.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use futures_util::{Stream, TryStreamExt as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::campaign::report::list_csv::CsvRow;
use crate::campaign::report::list_name::{ClaimedList, claim};
use crate::depot::{Depot, DepotError, Stored};
use crate::domain::{KeyError, KeyFingerprint, PublicKey, SigningKey, Timestamp};

/// The value of [`ListHead::format`].
pub const LIST_FORMAT: &str = "pappus-campaign/1";
/// The file extension of a list's signature.
pub(in crate::campaign) const SIGNATURE_EXTENSION: &str = ".sig";

/// The result of an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountResult {
    /// Its diaspora* ID, as the pod has it.
    pub account: String,
    /// Its state.
    pub state: ResultState,
    /// The name of its archive, beside the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The size of that file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256 of that file, 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Records in the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// Records left out or incomplete; the archive's manifest lists them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub omissions: Option<u64>,
    /// Seconds it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The reason there is no archive, or no new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The state of an account in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ResultState {
    /// Its archive is stored.
    Done,
    /// It could not be exported; the reason says why.
    Failed,
    /// Not exported on purpose; the reason says why.
    Skipped,
    /// Not started yet when the list was written.
    Pending,
    /// Being exported when the list was written.
    Running,
}

impl ResultState {
    /// Returns the value in the list.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The data of a list on the whole campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListHead {
    /// Always `pappus-campaign/1`.
    pub format: String,
    /// The campaign's name.
    pub name: String,
    /// The pod's base address.
    pub pod: String,
    /// Public half of the pod's archive key, PEM: it signs the list, as it signs the archives.
    pub archive_key: String,
    /// The time in all archives.
    pub created_at: Timestamp,
    /// The time the campaign finished; absent before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Program and version that wrote the list.
    pub created_by: String,
    /// Recipients of the archives (`age1…`); empty when they are plain.
    pub encrypted_to: Vec<String>,
    /// The earlier campaign whose archives of unchanged accounts remain valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Digits in the names of the campaign's archives, unique to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

impl ListHead {
    /// Returns whether another list is of the same campaign.
    pub(in crate::campaign) fn is_of(&self, other: &Self) -> bool {
        let known = |head: &Self| (head.name.clone(), head.pod.clone(), head.created_at);
        known(self) == known(other) && (self.tag.is_none() || other.tag.is_none() || self.tag == other.tag)
    }
}

/// Sums over all accounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListTotals {
    /// Accounts.
    pub accounts: u64,
    /// Accounts with an archive.
    pub done: u64,
    /// Accounts that could not be exported.
    pub failed: u64,
    /// Accounts not exported on purpose.
    pub skipped: u64,
    /// Accounts not finished yet.
    pub open: u64,
    /// Bytes of all archives.
    pub bytes: u64,
    /// Records in all archives.
    pub records: u64,
    /// Records left out or incomplete.
    pub omissions: u64,
}

impl ListTotals {
    pub(in crate::campaign) fn add(&mut self, result: &AccountResult) {
        self.accounts += 1;
        match result.state {
            ResultState::Done => self.done += 1,
            ResultState::Failed => self.failed += 1,
            ResultState::Skipped => self.skipped += 1,
            ResultState::Pending | ResultState::Running => self.open += 1,
        }
        self.bytes += result.bytes.unwrap_or_default();
        self.records += result.records.unwrap_or_default();
        self.omissions += result.omissions.unwrap_or_default();
    }
}

/// The whole list, for its schema; it is never in memory as a whole.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CampaignList")]
pub(crate) struct CampaignList {
    #[serde(flatten)]
    head: ListHead,
    /// Every account of the campaign.
    accounts: Vec<AccountResult>,
    /// Sums over them.
    totals: ListTotals,
}

/// The reason a list was not written.
#[derive(Debug, thiserror::Error)]
pub enum ListError<E: std::error::Error + 'static> {
    /// The results cannot be read.
    #[error(transparent)]
    Results(E),
    /// A file on this machine cannot be written.
    #[error("the list of the campaign cannot be written: {0}")]
    Io(#[from] io::Error),
    /// It cannot be signed.
    #[error("the list of the campaign cannot be signed: {0}")]
    Key(#[from] KeyError),
    /// It cannot be stored beside the archives.
    #[error(transparent)]
    Depot(#[from] DepotError),
}

/// A list that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WrittenList {
    /// The list itself.
    pub json: Stored,
    /// The list for spreadsheets, which is not signed.
    pub csv: Stored,
    /// Sums over all accounts.
    pub totals: ListTotals,
    /// The key that signed it.
    pub signed_by: KeyFingerprint,
    /// The error in the previous list, if it was damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repaired: Option<String>,
}

/// The data of a campaign for its list.
#[derive(Debug, Clone)]
pub struct ListOf<'a> {
    /// The campaign's name.
    pub name: &'a str,
    /// The pod's base address.
    pub pod: &'a str,
    /// The time in all archives.
    pub created_at: Timestamp,
    /// The time the campaign finished.
    pub finished_at: Option<Timestamp>,
    /// Program and version.
    pub created_by: &'a str,
    /// Recipients of the archives.
    pub encrypted_to: &'a [String],
    /// The earlier campaign whose archives of unchanged accounts remain valid.
    pub since: Option<&'a str>,
    /// Digits in the names of its archives.
    pub tag: Option<&'a str>,
    /// The name of the list it has written before, without the file extension; it may be damaged.
    pub list_name: Option<&'a str>,
}

impl ListOf<'_> {
    /// Returns the head of the list, signed by this key.
    fn head(&self, archive_key: &PublicKey) -> ListHead {
        self.head_with(archive_key.as_pem())
    }

    /// Returns the head of the list, signed by this key in PEM.
    pub(in crate::campaign) fn head_with(&self, archive_key: &str) -> ListHead {
        ListHead {
            format: LIST_FORMAT.to_owned(),
            name: self.name.to_owned(),
            pod: self.pod.to_owned(),
            archive_key: archive_key.to_owned(),
            created_at: self.created_at,
            finished_at: self.finished_at,
            created_by: self.created_by.to_owned(),
            encrypted_to: self.encrypted_to.to_vec(),
            since: self.since.map(str::to_owned),
            tag: self.tag.map(str::to_owned),
        }
    }
}

/// Writes `campaign.json`, `campaign.json.sig` and `campaign.csv` beside the archives, replacing an earlier list of
/// the same campaign; if another campaign uses these names, `campaign-NAME.json` and so on. The accounts are in the
/// order of the results, so the same results give the same bytes. `folder` is for temporary files.
///
/// # Errors
/// [`ListError`]. An earlier list remains, or is replaced by the new one; another campaign's remains.
pub async fn write_list<E: std::error::Error + 'static>(
    depot: &Depot,
    campaign: &ListOf<'_>,
    results: impl Stream<Item = Result<AccountResult, E>>,
    archive_key: &SigningKey,
    folder: &Path,
) -> Result<WrittenList, ListError<E>> {
    let public_key = archive_key.public_key()?;
    let head = campaign.head(&public_key);
    let (json, csv, totals) = build_list(&head, results, folder).await?;
    let signature = archive_key.sign_sha256_base64(&sha256(json.path())?)?;
    let mut signature_file = tempfile::NamedTempFile::new_in(folder)?;
    signature_file.write_all(signature.as_bytes())?;
    // The list comes first, because two campaigns may claim its name. The signature comes last: until then the list
    // counts as unsigned or, with the previous signature, as forged.
    let ClaimedList { name, json, repaired } = claim(depot, campaign, &head, json.path(), folder).await?;
    let csv = depot.replace(&format!("{name}.csv"), csv.path()).await?;
    depot.replace(&format!("{name}.json{SIGNATURE_EXTENSION}"), signature_file.path()).await?;
    Ok(WrittenList { json, csv, totals, signed_by: public_key.fingerprint(), repaired })
}

/// Builds a list in files on this machine. Returns it as JSON, as CSV, and its totals.
pub(in crate::campaign) async fn build_list<E: std::error::Error + 'static>(
    head: &ListHead,
    results: impl Stream<Item = Result<AccountResult, E>>,
    folder: &Path,
) -> Result<(tempfile::NamedTempFile, tempfile::NamedTempFile, ListTotals), ListError<E>> {
    let mut list = ListWriter::new(head, folder)?;
    let mut results = std::pin::pin!(results);
    while let Some(result) = results.try_next().await.map_err(ListError::Results)? {
        list.add(&result)?;
    }
    Ok(list.finish()?)
}

/// A list being written.
struct ListWriter {
    json: BufWriter<tempfile::NamedTempFile>,
    csv: BufWriter<tempfile::NamedTempFile>,
    totals: ListTotals,
}

impl ListWriter {
    fn new(head: &ListHead, folder: &Path) -> io::Result<Self> {
        let mut json = BufWriter::new(tempfile::NamedTempFile::new_in(folder)?);
        let mut csv = BufWriter::new(tempfile::NamedTempFile::new_in(folder)?);
        // The head's closing brace is written at the end.
        let text = serde_json::to_string_pretty(head)?;
        let unclosed = text.strip_suffix("\n}").unwrap_or(&text);
        write!(json, "{unclosed},\n  \"accounts\": [")?;
        CsvRow::head(&mut csv)?;
        Ok(Self { json, csv, totals: ListTotals::default() })
    }

    fn add(&mut self, result: &AccountResult) -> io::Result<()> {
        let comma = if self.totals.accounts == 0 { "" } else { "," };
        write!(self.json, "{comma}\n    {}", serde_json::to_string(result)?)?;
        CsvRow(result).write(&mut self.csv)?;
        self.totals.add(result);
        Ok(())
    }

    fn finish(mut self) -> io::Result<(tempfile::NamedTempFile, tempfile::NamedTempFile, ListTotals)> {
        let totals = serde_json::to_string(&self.totals)?;
        let indent = if self.totals.accounts == 0 { "" } else { "\n  " };
        write!(self.json, "{indent}],\n  \"totals\": {totals}\n}}\n")?;
        let json = self.json.into_inner().map_err(io::IntoInnerError::into_error)?;
        let csv = self.csv.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok((json, csv, self.totals))
    }
}

/// Returns the SHA-256 of a file.
pub(in crate::campaign) fn sha256(path: &Path) -> io::Result<[u8; 32]> {
    let mut digest = Sha256::new();
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0; 256 << 10];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(digest.finalize().into()),
            count => digest.update(buffer.get(..count).unwrap_or_default()),
        }
    }
}
