//! Errors of ZIP files.

use std::io;

/// An error of reading a ZIP file.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// The file system failed.
    #[error("the archive cannot be read: {0}")]
    Io(#[source] io::Error),
    /// The file does not end with the end of a directory.
    #[error("the archive does not end like a ZIP file: it is incomplete or was changed; download it again")]
    Truncated,
    /// The directory is damaged.
    #[error("the archive's directory is damaged: {problem}; download the archive again")]
    Directory {
        /// The problem.
        problem: &'static str,
    },
    /// The file is a part of a multi-part ZIP.
    #[error(
        "the archive is one part of several: put them together again (`zip -s 0 PARTS.zip --out WHOLE.zip`)"
    )]
    MultiPart,
    /// Too many entries.
    #[error("the archive claims {found} entries; the limit is {limit}")]
    TooManyEntries {
        /// The number of entries.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// A name is too long.
    #[error("an entry's name has {found} bytes; the limit is {limit}")]
    NameTooLong {
        /// Its length.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A name is unsafe or ambiguous.
    #[error("the entry {name:?} is refused: {problem}")]
    UnsafeName {
        /// The name.
        name: String,
        /// The problem of the name.
        problem: NameProblem,
    },
    /// Two entries of one name with different content.
    #[error(
        "the entry {name:?} is in the archive twice, with different content: programs would use different ones"
    )]
    Duplicate {
        /// The name.
        name: String,
    },
    /// Two names that many file systems treat as one.
    #[error(
        "the entries {name:?} and {other:?} differ in upper and lower case only: on many systems one replaces the other"
    )]
    DuplicateIgnoringCase {
        /// One name.
        name: String,
        /// The other.
        other: String,
    },
    /// A symbolic link.
    #[error(
        "the entry {name:?} is a symbolic link, but archives contain files only: replace it with the file, and pack again"
    )]
    Symlink {
        /// The name.
        name: String,
    },
    /// A folder entry with content.
    #[error("the entry {name:?} is a folder but has content: programs would read different contents")]
    Folder {
        /// The name.
        name: String,
    },
    /// A device, a pipe, a socket.
    #[error("the entry {name:?} is neither a file nor a folder; archives contain files only")]
    SpecialFile {
        /// The name.
        name: String,
    },
    /// An entry encrypted with ZIP's own encryption.
    #[error(
        "the entry {name:?} is encrypted with ZIP encryption, which Pappus does not support; unpack and pack it again without a password"
    )]
    Encrypted {
        /// The name.
        name: String,
    },
    /// A compression method other than "stored" and "deflated".
    #[error(
        "the entry {name:?} is packed with method {method}; Pappus reads 0 (stored) and 8 (deflated): unpack the file and \
         pack it again with the method \"Deflate\""
    )]
    UnknownMethod {
        /// The name.
        name: String,
        /// The number of the method.
        method: u16,
    },
    /// A stored entry with two different sizes.
    #[error(
        "the entry {name:?} is stored uncompressed, but its two sizes differ ({packed} and {unpacked} bytes)"
    )]
    StoredSizes {
        /// The name.
        name: String,
        /// The compressed size.
        packed: u64,
        /// The unpacked size.
        unpacked: u64,
    },
    /// An entry with a suspicious compression ratio.
    #[error(
        "the entry {name:?} would grow from {packed} to {unpacked} bytes: that is a bomb, not an archive"
    )]
    Bomb {
        /// The name.
        name: String,
        /// The compressed size.
        packed: u64,
        /// The unpacked size.
        unpacked: u64,
    },
    /// The total unpacked size of compressed entries exceeds the limit.
    #[error(
        "the archive's compressed entries unpack to more than {limit} bytes; raise the limit if you trust the file"
    )]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// Two entries overlap, or an entry overlaps the directory.
    #[error("the entry {name:?} overlaps with the entry before it: the archive was tampered with")]
    Overlap {
        /// The name of the entry; of two, the second.
        name: String,
    },
    /// The file has bytes that belong to no entry.
    #[error(
        "there are bytes before or after the entry {name:?} that belong to no entry: another program could read another archive from this file"
    )]
    HiddenData {
        /// The name.
        name: String,
    },
    /// The two headers of an entry disagree.
    #[error(
        "the two headers of the entry {name:?} disagree about its {value}: programs would read different contents"
    )]
    HeadersDisagree {
        /// The name.
        name: String,
        /// The value that they disagree about.
        value: &'static str,
    },
    /// The data's size differs from the headers.
    #[error(
        "the entry {name:?} does not have the {declared} bytes its headers declare: the archive is damaged or was tampered with"
    )]
    WrongSize {
        /// The name.
        name: String,
        /// The declared size.
        declared: u64,
    },
    /// The data's CRC differs from the headers.
    #[error(
        "the entry {name:?} does not have the checksum (CRC) in its headers: the archive is damaged; download it again"
    )]
    WrongCrc {
        /// The name.
        name: String,
    },
    /// The compressed data is corrupt.
    #[error("the entry {name:?} cannot be unpacked: its data is damaged; download the archive again")]
    DamagedData {
        /// The name.
        name: String,
    },
}

/// A problem of an entry's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    /// `..`
    #[error("it leads out of its folder")]
    Traversal,
    /// `/…` or `C:…`
    #[error("it is an absolute path; pack the files again from inside their folder")]
    Absolute,
    /// NUL, line breaks and other control characters.
    #[error("it contains a control character")]
    ControlCharacter,
    /// An empty name or part of a path, or `.`.
    #[error("it, or a part of it, is empty")]
    Empty,
    /// Not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// A conflicting second name in an extra field.
    #[error("it has a second name, which differs")]
    SecondName,
}

impl ZipError {
    /// Returns the error's stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "io",
            Self::Truncated => "zip_truncated",
            Self::Directory { .. } => "zip_directory_damaged",
            Self::MultiPart => "zip_multi_part",
            Self::TooManyEntries { .. } => "zip_too_many_entries",
            Self::NameTooLong { .. } => "zip_name_too_long",
            Self::UnsafeName { problem, .. } => problem.code(),
            Self::Duplicate { .. } => "zip_duplicate",
            Self::DuplicateIgnoringCase { .. } => "zip_duplicate_ignoring_case",
            Self::Symlink { .. } => "zip_symlink",
            Self::Folder { .. } => "zip_folder",
            Self::SpecialFile { .. } => "zip_special_file",
            Self::Encrypted { .. } => "zip_encrypted",
            Self::UnknownMethod { .. } => "zip_unknown_method",
            Self::StoredSizes { .. } => "zip_stored_sizes",
            Self::Bomb { .. } => "zip_bomb",
            Self::TooLarge { .. } => "zip_too_large",
            Self::Overlap { .. } => "zip_overlap",
            Self::HiddenData { .. } => "zip_hidden_data",
            Self::HeadersDisagree { .. } => "zip_headers_disagree",
            Self::WrongSize { .. } => "zip_wrong_size",
            Self::WrongCrc { .. } => "zip_wrong_crc",
            Self::DamagedData { .. } => "zip_damaged_data",
        }
    }

    /// Unwraps an error that passed through a reader inside an [`io::Error`].
    pub(in crate::archive::open) fn from_io(error: io::Error) -> Self {
        error.downcast::<Self>().unwrap_or_else(Self::Io)
    }

    /// Wraps the error in an [`io::Error`], to pass through a reader.
    pub(in crate::archive::open) fn into_io(self) -> io::Error {
        match self {
            Self::Io(error) => error,
            other => io::Error::new(io::ErrorKind::InvalidData, other),
        }
    }
}

impl NameProblem {
    fn code(self) -> &'static str {
        match self {
            Self::Traversal => "zip_name_traversal",
            Self::Absolute => "zip_name_absolute",
            Self::ControlCharacter => "zip_name_control_character",
            Self::Empty => "zip_name_empty",
            Self::NotUtf8 => "zip_name_not_utf8",
            Self::SecondName => "zip_name_second",
        }
    }
}
