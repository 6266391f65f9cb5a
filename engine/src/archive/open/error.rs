//! Errors of opening and verifying archives.

use std::io;

use super::{GzipError, ZipError};
use crate::archive::document::DocumentError;
use crate::archive::encryption::EncryptionError;
use crate::archive::manifest::{CountKind, FORMAT, PrivateKeyState};
use crate::domain::KeyError;

/// An error of opening a file as an archive.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file system failed.
    #[error("the archive cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The path is a folder or a device.
    #[error("this is not a file; specify the archive itself, or pack the folder as a ZIP")]
    NotAFile,
    /// The file is empty.
    #[error("the file is empty: it was not downloaded or not copied; download it again")]
    Empty,
    /// The file is not an archive.
    #[error(
        "the file is not an archive: neither a ZIP, nor a diaspora* archive document (.json or .json.gz)"
    )]
    NotAnArchive,
    /// The file is a web page.
    #[error(
        "the file is a web page: the link has expired or requires you to sign in; open it in a browser, and download the archive again"
    )]
    WebPage,
    /// The file is what early versions of diaspora* wrote.
    #[error(
        "the file is an XML export of an early diaspora*: Pappus reads JSON; update the pod, and export again"
    )]
    XmlExport,
    /// A format that Pappus does not read.
    #[error("the file is packed as {0}: unpack it, and pack its contents as a ZIP")]
    OtherFormat(&'static str),
    /// A whole archive was compressed with gzip again.
    #[error("the .gz file contains a file of the format {0}: unpack it once (gunzip), and open the result")]
    PackedTwice(&'static str),
    /// The file could not be decrypted.
    #[error(transparent)]
    Encryption(#[from] EncryptionError),
    /// The ZIP is invalid.
    #[error(transparent)]
    Zip(#[from] ZipError),
    /// The gzip file is invalid.
    #[error(transparent)]
    Gzip(#[from] GzipError),
    /// The ZIP has no document.
    #[error(
        "there is no archive document (.json) in the ZIP; if it is the photos' ZIP of a pod, open the .json.gz that belongs to it"
    )]
    NoDocument,
    /// The ZIP has no document, but another ZIP.
    #[error("the ZIP contains another ZIP, {0:?}: unpack it once, and open that ZIP")]
    ZipInside(String),
    /// The ZIP has no document, but a file that is packed or encrypted.
    #[error("the ZIP contains no archive document, but {0:?}: unpack the ZIP, and open that file")]
    PackedInside(String),
    /// The separate ZIP of photos is invalid.
    #[error("the photos' ZIP: {0}")]
    Photos(#[source] Box<OpenError>),
    /// The ZIP has the documents of two accounts; each is named with its file.
    #[error("the ZIP contains the archives of two accounts, {0} and {1}: open each of them separately")]
    TwoAccounts(String, String),
    /// The ZIP has two documents of one account that differ.
    #[error(
        "the ZIP contains two archives of one account, {0:?} and {1:?}: keep only the newer file in it, and pack it again"
    )]
    TwoDocuments(String, String),
    /// Two Pappus archives were unpacked and packed into one ZIP.
    #[error(
        "the ZIP contains two archives, one with {0:?} and one with {1:?}: pack each folder as a separate ZIP, and open \
         the newer one; `pappus merge` combines them if they are of one account"
    )]
    TwoArchives(String, String),
    /// An archive document was given as the ZIP of photos.
    #[error("it is an archive document, not a ZIP of photos: open it as the archive")]
    PhotosAreDocument,
    /// A separate ZIP of photos was given with an archive that contains its photos.
    #[error(
        "this archive contains its photos; a separate ZIP of photos belongs to archives of stock pods only"
    )]
    PhotosInside,
}

/// An error of verifying an archive.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The file system failed.
    #[error("the archive cannot be read: {0}")]
    Io(#[source] io::Error),
    /// The ZIP is invalid.
    #[error(transparent)]
    Zip(#[from] ZipError),
    /// The gzip file is invalid.
    #[error(transparent)]
    Gzip(#[from] GzipError),
    /// The separate ZIP of photos is invalid.
    #[error("the photos' ZIP: {0}")]
    Photos(#[source] Box<VerifyError>),
    /// The manifest is missing.
    #[error(
        "there is no manifest.json in the archive: it was removed, so nothing in the archive can be trusted"
    )]
    ManifestMissing,
    /// The manifest is too large.
    #[error("manifest.json is larger than {limit} bytes, more than any valid manifest")]
    ManifestTooLarge {
        /// The limit.
        limit: u64,
    },
    /// The format is unknown.
    #[error("the archive has the format {found:?}; this version reads {FORMAT:?}: use a newer Pappus")]
    UnknownFormat {
        /// The manifest's value.
        found: String,
    },
    /// The manifest is malformed.
    #[error("manifest.json is not a manifest: {problem}")]
    ManifestInvalid {
        /// The problem.
        problem: String,
    },
    /// A listed entry is missing.
    #[error("{path:?} is listed in the manifest but is not in the archive: it was removed")]
    EntryMissing {
        /// The entry.
        path: String,
    },
    /// An entry is not listed.
    #[error("{path:?} is in the archive but not listed in its manifest: it was added later")]
    EntryNotListed {
        /// The entry.
        path: String,
    },
    /// An entry is listed twice.
    #[error("{path:?} is listed twice in the manifest")]
    EntryListedTwice {
        /// The entry.
        path: String,
    },
    /// The manifest lists an entry that the format does not allow.
    #[error("{path:?} is not allowed in an archive of this format")]
    EntryUnexpected {
        /// The entry.
        path: String,
    },
    /// An entry's size differs from the listed one.
    #[error(
        "{path:?} has {found} bytes but should have {listed}: it was changed after the archive was created"
    )]
    EntrySize {
        /// The entry.
        path: String,
        /// The manifest's value.
        listed: u64,
        /// The actual value.
        found: u64,
    },
    /// An entry's digest differs from the listed one.
    #[error(
        "{path:?} is not the file the manifest lists (its SHA-256 differs): it was changed after the archive was created"
    )]
    EntryDigest {
        /// The entry.
        path: String,
    },
    /// The account's signature is missing.
    #[error("manifest.account.sig is missing although the account has a key: it was removed")]
    AccountSignatureMissing,
    /// An account without a key has a signature.
    #[error("there is a manifest.account.sig although the manifest says that the account has no private key")]
    AccountSignatureUnexpected,
    /// The pod's signature is missing.
    #[error("manifest.pod.sig is missing: it was removed")]
    PodSignatureMissing,
    /// A signature file is malformed.
    #[error("{path:?} contains no signature (base64 text)")]
    SignatureUnreadable {
        /// The file.
        path: &'static str,
    },
    /// The account's signature does not match the manifest.
    #[error(
        "the account's signature does not match the manifest: the archive was changed, or signed by somebody else"
    )]
    AccountSignatureWrong,
    /// The pod's signature does not match the manifest.
    #[error(
        "the pod's signature does not match the manifest: the archive was changed, or signed by somebody else"
    )]
    PodSignatureWrong,
    /// The two signature files are swapped.
    #[error("the two signatures are swapped: the archive was assembled by hand")]
    SignaturesSwapped,
    /// The pod's key cannot be used.
    #[error("the pod's archive key in the manifest cannot be used: {0}")]
    PodKey(#[source] KeyError),
    /// The account's key cannot be used.
    #[error("the account's key cannot be used: {0}")]
    AccountKey(#[source] KeyError),
    /// The manifest lacks the account's key.
    #[error("the manifest contains no public key of the account")]
    AccountKeyMissing,
    /// The manifest's key differs from the one in the document.
    #[error("the manifest contains another key than diaspora.json: the archive is not the account's own")]
    AccountKeyMismatch,
    /// The manifest's fingerprint belongs to another key.
    #[error("the key's fingerprint in the manifest belongs to another key")]
    FingerprintMismatch,
    /// The form of the private key in the document differs from the manifest.
    #[error("the private key in diaspora.json is {found:?}, but the manifest says {listed:?}")]
    PrivateKeyState {
        /// The manifest's value.
        listed: PrivateKeyState,
        /// The actual value.
        found: PrivateKeyState,
    },
    /// The document is invalid.
    #[error("the archive document: {0}")]
    Document(#[source] DocumentError),
    /// The document has an unsupported version.
    #[error("the archive document has version {found:?}; Pappus reads 2.0")]
    DocumentVersion {
        /// The value found.
        found: String,
    },
    /// The document names no version.
    #[error("the document has no version: diaspora* before 0.7 wrote it; update the pod and export again")]
    VersionMissing,
    /// The document is that of other software in the Fediverse.
    #[error("this is {0} and not a diaspora* archive: Pappus cannot read it")]
    OtherSoftware(&'static str),
    /// The document is not that of an account.
    #[error("this is not a diaspora* archive: it has neither a version nor a user")]
    NotDiaspora,
    /// A required field is missing.
    #[error("the archive document has no {field}: it is not an archive of an account")]
    FieldMissing {
        /// The field.
        field: &'static str,
    },
    /// The document belongs to another account.
    #[error(
        "{field} says {found:?}, but the manifest is of {expected}: the parts belong to different accounts"
    )]
    AccountMismatch {
        /// The field that names the other account.
        field: &'static str,
        /// The account named there.
        found: String,
        /// The account of the manifest.
        expected: String,
    },
    /// `extras.json` is invalid.
    #[error("extras.json: {0}")]
    Extras(#[source] DocumentError),
    /// `extras.json` has an unsupported format.
    #[error("extras.json has the format {found:?}; this version reads \"pappus-extras/1\"")]
    ExtrasFormat {
        /// The value found.
        found: String,
    },
    /// The number of records differs from the manifest.
    #[error("the manifest counts {listed} {}, but the archive contains {found}", kind.label())]
    Count {
        /// The kind of record.
        kind: CountKind,
        /// The manifest's value.
        listed: u64,
        /// The actual value.
        found: u64,
    },
}

impl OpenError {
    /// Returns the error's stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "io",
            Self::NotAFile => "not_a_file",
            Self::Empty => "empty",
            Self::NotAnArchive | Self::WebPage | Self::XmlExport => "not_an_archive",
            Self::OtherFormat(_) => "other_format",
            Self::PackedTwice(_) => "packed_twice",
            Self::Encryption(error) => error.code(),
            Self::Zip(error) => error.code(),
            Self::Gzip(error) => error.code(),
            Self::NoDocument | Self::ZipInside(_) | Self::PackedInside(_) => "no_document",
            Self::Photos(error) => error.code(),
            Self::TwoAccounts(..) => "two_accounts",
            Self::TwoDocuments(..) | Self::TwoArchives(..) => "two_documents",
            Self::PhotosAreDocument => "photos_are_document",
            Self::PhotosInside => "photos_inside",
        }
    }
}

impl OpenError {
    /// Unwraps an error that passed through a reader inside an [`io::Error`].
    pub(crate) fn from_io(error: io::Error) -> Self {
        match ReadFailure::from(error) {
            ReadFailure::Gzip(error) => Self::Gzip(error),
            ReadFailure::Zip(error) => Self::Zip(error),
            ReadFailure::Io(error) => Self::Io(error),
        }
    }
}

/// The errors that an [`io::Error`] of an archive's reader can wrap.
enum ReadFailure {
    Gzip(GzipError),
    Zip(ZipError),
    Io(io::Error),
}

impl From<io::Error> for ReadFailure {
    fn from(error: io::Error) -> Self {
        error
            .downcast::<GzipError>()
            .map(Self::Gzip)
            .or_else(|error| error.downcast::<ZipError>().map(Self::Zip))
            .unwrap_or_else(Self::Io)
    }
}

impl VerifyError {
    /// Returns the underlying error if it concerns the separate ZIP of photos and not the archive.
    pub fn in_photos(&self) -> Option<&Self> {
        if let Self::Photos(error) = self { Some(error) } else { None }
    }

    /// Returns the error's stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "io",
            Self::Zip(error) => error.code(),
            Self::Gzip(error) => error.code(),
            Self::Photos(error) => error.code(),
            Self::ManifestMissing => "manifest_missing",
            Self::ManifestTooLarge { .. } => "manifest_too_large",
            Self::UnknownFormat { .. } => "unknown_format",
            Self::ManifestInvalid { .. } => "manifest_invalid",
            Self::EntryMissing { .. } => "entry_missing",
            Self::EntryNotListed { .. } => "entry_not_listed",
            Self::EntryListedTwice { .. } => "entry_listed_twice",
            Self::EntryUnexpected { .. } => "entry_unexpected",
            Self::EntrySize { .. } => "entry_size",
            Self::EntryDigest { .. } => "entry_digest",
            Self::AccountSignatureMissing => "account_signature_missing",
            Self::AccountSignatureUnexpected => "account_signature_unexpected",
            Self::PodSignatureMissing => "pod_signature_missing",
            Self::SignatureUnreadable { .. } => "signature_unreadable",
            Self::AccountSignatureWrong => "account_signature_wrong",
            Self::PodSignatureWrong => "pod_signature_wrong",
            Self::SignaturesSwapped => "signatures_swapped",
            Self::PodKey(_) => "pod_key",
            Self::AccountKey(_) => "account_key",
            Self::AccountKeyMissing => "account_key_missing",
            Self::AccountKeyMismatch => "account_key_mismatch",
            Self::FingerprintMismatch => "fingerprint_mismatch",
            Self::PrivateKeyState { .. } => "private_key_state",
            Self::Document(error) => error.code(),
            Self::DocumentVersion { .. } => "document_version",
            Self::OtherSoftware(_) | Self::NotDiaspora => "not_an_archive",
            Self::VersionMissing | Self::FieldMissing { .. } => "field_missing",
            Self::AccountMismatch { .. } => "account_mismatch",
            Self::Extras(_) => "extras",
            Self::ExtrasFormat { .. } => "extras_format",
            Self::Count { .. } => "count",
        }
    }

    /// Unwraps an error that passed through a reader inside an [`io::Error`].
    pub(super) fn from_io(error: io::Error) -> Self {
        match ReadFailure::from(error) {
            ReadFailure::Gzip(error) => Self::Gzip(error),
            ReadFailure::Zip(error) => Self::Zip(error),
            ReadFailure::Io(error) => Self::Io(error),
        }
    }

    /// Unwraps an error of the document reader, as [`from_io`](Self::from_io) does; `wrap` selects the variant of other
    /// errors.
    pub(super) fn from_document(error: DocumentError, wrap: fn(DocumentError) -> Self) -> Self {
        match error {
            DocumentError::Io(error) => Self::from_io(error),
            other => wrap(other),
        }
    }
}
