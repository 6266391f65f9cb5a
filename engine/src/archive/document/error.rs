//! Errors of a document.

use std::io;

use super::Place;

/// An error of reading a document.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The bytes cannot be read.
    #[error("the document cannot be read: {0}")]
    Io(io::Error),
    /// The text is truncated.
    #[error("the document ends in the middle, at byte {offset}: it was cut off; download the file again")]
    Truncated {
        /// The byte offset of its end.
        offset: u64,
    },
    /// The text is not JSON, or a value is not an object where one is expected.
    #[error("the document is not valid JSON at byte {offset}: {problem}")]
    Syntax {
        /// The byte offset of the value or character.
        offset: u64,
        /// The problem found there.
        problem: String,
    },
    /// A string is not UTF-8.
    #[error("the document is not valid UTF-8 in the value at byte {offset}")]
    Utf8 {
        /// The byte offset of the value.
        offset: u64,
    },
    /// Values are nested too deeply.
    #[error("the document is nested deeper than {limit} levels at byte {offset}; no honest archive is")]
    TooDeep {
        /// The byte offset at which the limit was exceeded.
        offset: u64,
        /// The limit.
        limit: u32,
    },
    /// A record or value is too large.
    #[error("the value at byte {offset} is larger than {limit} bytes; no honest record is")]
    ValueTooLarge {
        /// The byte offset of the value.
        offset: u64,
        /// The limit.
        limit: u64,
    },
    /// The document is too large.
    #[error("the document is larger than {limit} bytes; raise the limit if you trust the file")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// An object has too many fields.
    #[error("an object of the document has more than {limit} fields; no honest archive has")]
    TooManyFields {
        /// The limit.
        limit: usize,
    },
    /// A field's name is too long.
    #[error("the name of the field at byte {offset} is longer than {limit} bytes")]
    FieldNameTooLong {
        /// The byte offset of the name.
        offset: u64,
        /// The limit.
        limit: usize,
    },
    /// A field appears twice: readers could use different values.
    #[error(
        "the field {name:?} appears twice in the document, at byte {offset}: readers would use different values"
    )]
    DuplicateField {
        /// The name.
        name: String,
        /// The byte offset of its second occurrence.
        offset: u64,
    },
    /// The visitor rejected a value.
    #[error("{place}: {problem}")]
    Record {
        /// The path of the value, such as `user.posts[12]`.
        place: String,
        /// The reason.
        problem: String,
    },
}

impl DocumentError {
    /// Creates a visitor's error about one value. A long reason is truncated, as it may quote the whole value.
    pub fn record(place: &Place<'_>, problem: &impl ToString) -> Self {
        Self::Record { place: place.to_string(), problem: shortened(&problem.to_string()) }
    }

    /// Returns the error's stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "document_io",
            Self::Truncated { .. } => "document_truncated",
            Self::Syntax { .. } => "document_not_json",
            Self::Utf8 { .. } => "document_not_utf8",
            Self::TooDeep { .. } => "document_too_deep",
            Self::ValueTooLarge { .. } => "document_value_too_large",
            Self::TooLarge { .. } => "document_too_large",
            Self::TooManyFields { .. } => "document_too_many_fields",
            Self::FieldNameTooLong { .. } => "document_field_name_too_long",
            Self::DuplicateField { .. } => "document_duplicate_field",
            Self::Record { .. } => "document_record",
        }
    }
}

/// Truncates a text from an untrusted source to 300 characters.
pub(crate) fn shortened(text: &str) -> String {
    const MAX_CHARS: usize = 300;
    match text.char_indices().nth(MAX_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}
