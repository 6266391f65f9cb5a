//! The report of an import: what is imported, what exists already, what is left out and why.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::journal::notes::Noted;
use crate::domain::CountKind;

/// The maximum number of findings that are listed; all are counted.
const MAX_LISTED_FINDINGS: usize = 10_000;

/// The reason why a record is left out, or a remark on it. Stable names for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum FindingCode {
    /// The record cannot be read.
    Unreadable,
    /// The GUID belongs to another person's record on the target pod.
    GuidTaken,
    /// The post, comment or poll it belongs to is not on the target pod.
    ParentMissing,
    /// The account may not see the post it belongs to.
    ParentNotVisible,
    /// The author of its post, or a participant of its conversation, is on the target pod and ignores its author.
    AuthorIgnored,
    /// It belongs to a post that is not the account's.
    ParentNotOwn,
    /// The person is known neither to the target pod nor by a trustworthy source.
    PersonUnknown,
    /// The person has closed the account.
    PersonClosed,
    /// The signature matches no known key of its author.
    SignatureBad,
    /// The signature does not cover what the record is about.
    SignatureIncomplete,
    /// There is no signature.
    Unsigned,
    /// No trustworthy key of its author is known.
    KeyUnknown,
    /// It is a reshare whose original leads back to it, or a reshare of reshares without end.
    ReshareLoop,
    /// The same record of the same person exists here already.
    Duplicate,
    /// It is the account itself, under its new name or its old one.
    OwnPerson,
    /// The file is not in the archive.
    FileMissing,
    /// The file is no picture that diaspora* accepts, or does not fit into memory.
    NotAPicture,
    /// Not enough disk space for the files.
    NoSpace,
    /// Another file of that name exists in the target pod's uploads.
    FileTaken,
    /// The file is not in the archive, and the photo's address is no web address.
    NoWebAddress,
    /// It is longer than the target pod's database can store and cannot be cut: another person signed it, or others
    /// refer to it.
    TooLong,
    /// It has characters that the target pod's database cannot store, and cannot be changed: another person signed it,
    /// or it is an address.
    CannotHold,
    /// An earlier run imported it, or it existed before, and people have deleted it since.
    DeletedSince,
    /// A value was longer than the target pod allows and was cut.
    Shortened,
    /// Its time is in the future; it gets the time of the import.
    InTheFuture,
    /// Characters that the target pod's database cannot store were replaced.
    Replaced,
    /// A newer archive of the account has another value; the one on the target pod stays.
    KeptAsHere,
    /// It was imported from an earlier archive of the account, and the newer one no longer contains it; it stays.
    GoneFromArchive,
    /// A value in the record cannot be read.
    ValueLeftOut,
    /// A ZIP in the archive's ZIP, such as a stock pod's ZIP of photos: it is not read.
    NestedZip,
    /// Nothing proves that the archive is the account's own: the podmin accepted it nevertheless.
    Unproven,
    /// The old pod was asked for the account's key, and its TLS failed.
    OldPodTls,
}

impl FindingCode {
    /// Returns the stable name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns what happens to the record, in words for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Unreadable => "left out: it cannot be read",
            Self::GuidTaken => "left out: its GUID belongs to somebody else's record here",
            Self::ParentMissing => "left out: what it belongs to is not on this pod",
            Self::ParentNotVisible => "left out: the account may not see the post it belongs to",
            Self::AuthorIgnored => "left out: the person who would receive it here ignores its author",
            Self::ParentNotOwn => "left out: it belongs to a post that is not the account's",
            Self::PersonUnknown => "left out: the person is unknown here and could not be looked up",
            Self::PersonClosed => "left out: the person has closed the account",
            Self::SignatureBad => "held back: its author did not sign it",
            Self::SignatureIncomplete => "held back: its signature leaves out what it is about",
            Self::Unsigned => "held back: it has no signature",
            Self::KeyUnknown => "held back: no trustworthy key of its author is known",
            Self::ReshareLoop => "left out: it is a reshare that leads back to itself",
            Self::Duplicate => "left out: the same record already exists",
            Self::OwnPerson => "left out: it is the account itself",
            Self::FileMissing => "kept, pointing to the old pod: the file is not in the archive",
            Self::NotAPicture => "left out: the file is not a picture, or too large",
            Self::NoSpace => "need more disk space than is free: the import would be refused",
            Self::FileTaken => "left out: another file has that name here",
            Self::NoWebAddress => "left out: it points to something that is not a web address",
            Self::TooLong => "left out: it is longer than this pod can store, and cannot be cut",
            Self::CannotHold => {
                "left out: this pod's database cannot store it as it is (characters that its character set lacks, or an \
                 address that is too long)"
            }
            Self::DeletedSince => "left out: it was here already, and was deleted since",
            Self::Shortened => "kept, cut to the length this pod takes",
            Self::InTheFuture => "kept, with the time of the import: its own is in the future",
            Self::Replaced => "kept, with characters replaced that this pod's database cannot store",
            Self::KeptAsHere => "kept as it is here: this archive has another value",
            Self::GoneFromArchive => "kept, although this archive no longer contains it",
            Self::ValueLeftOut => "kept without one value, which cannot be read",
            Self::NestedZip => {
                "not read: it is a ZIP in the ZIP; unpack it, and specify its photos with --photos"
            }
            Self::Unproven => "accepted on your word: nothing proves that the archive is the account's own",
            Self::OldPodTls => "the old pod could not say whose archive it is: its TLS failed",
        }
    }
}

/// The subject of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The account as a whole.
    Account,
    /// The account's profile.
    Profile,
    /// A record of a kind that is counted.
    #[serde(untagged)]
    Record(CountKind),
}

impl From<CountKind> for Subject {
    fn from(kind: CountKind) -> Self {
        Self::Record(kind)
    }
}

/// One finding about one record, the profile, or the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The finding's code.
    pub code: FindingCode,
    /// The kind of record: `account` for the account as a whole, `profile` for its profile.
    pub kind: Subject,
    /// Its GUID, diaspora* ID or name; of the profile the field.
    pub record: String,
}

/// The results for the records of one kind. The numbers after `in_archive` add up to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Records in the archive.
    pub in_archive: u64,
    /// Imported: new on the target pod.
    pub imported: u64,
    /// Existing before: now the account's, or left unchanged.
    pub adopted: u64,
    /// Left out, by reason.
    pub left_out: BTreeMap<FindingCode, u64>,
}

/// The report of a dry run or an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// By kind of record.
    pub kinds: BTreeMap<CountKind, Tally>,
    /// The findings, in the order of the archive; at most 10,000.
    pub findings: Vec<Finding>,
    /// Findings that are not listed.
    pub more_findings: u64,
    /// Posts of other people that were fetched from their pods, since the account's own records belong to them.
    #[serde(default)]
    pub fetched_posts: u64,
    /// Imported records that an earlier run of the import had written already.
    #[serde(skip)]
    pub imported_before: u64,
}

impl Report {
    fn tally(&mut self, kind: CountKind) -> &mut Tally {
        self.kinds.entry(kind).or_default()
    }

    /// Counts a record as imported.
    pub(super) fn imported(&mut self, kind: CountKind) {
        let tally = self.tally(kind);
        tally.in_archive += 1;
        tally.imported += 1;
    }

    /// Counts a record as existing.
    pub(super) fn adopted(&mut self, kind: CountKind) {
        let tally = self.tally(kind);
        tally.in_archive += 1;
        tally.adopted += 1;
    }

    /// Counts an existing record: as the journal has noted it, or as adopted if the journal has no note.
    pub(super) fn present(&mut self, kind: CountKind, noted: Option<Noted>) {
        if noted.is_none_or(Noted::existed_before) {
            self.adopted(kind);
        } else {
            self.imported(kind);
        }
        self.imported_before += u64::from(noted.is_some_and(|noted| noted.is_earlier));
    }

    /// Counts and lists a record that is left out.
    pub(super) fn left_out(&mut self, kind: CountKind, code: FindingCode, record: &(impl ToString + ?Sized)) {
        let tally = self.tally(kind);
        tally.in_archive += 1;
        *tally.left_out.entry(code).or_default() += 1;
        self.note(kind, code, record);
    }

    /// Counts records that are left out, without listing them.
    pub(super) fn left_out_unlisted(&mut self, kind: CountKind, code: FindingCode, count: u64) {
        let tally = self.tally(kind);
        tally.in_archive += count;
        *tally.left_out.entry(code).or_default() += count;
        self.more_findings += count;
    }

    /// Lists a finding about the account, its profile, or a record that is counted elsewhere.
    pub(super) fn note(
        &mut self,
        subject: impl Into<Subject>,
        code: FindingCode,
        record: &(impl ToString + ?Sized),
    ) {
        if self.findings.len() < MAX_LISTED_FINDINGS {
            self.findings.push(Finding { code, kind: subject.into(), record: record.to_string() });
        } else {
            self.more_findings += 1;
        }
    }

    /// Returns the number of records that existed and were deleted since: they are left out.
    pub fn deleted_since(&self) -> u64 {
        let left_out = self.kinds.values().filter_map(|tally| tally.left_out.get(&FindingCode::DeletedSince));
        left_out.sum()
    }

    /// Returns the number of all records that were left out.
    pub fn total_left_out(&self) -> u64 {
        self.kinds.values().flat_map(|tally| tally.left_out.values()).sum()
    }
}
