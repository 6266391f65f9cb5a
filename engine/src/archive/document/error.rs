//! What can be wrong with a document.

use std::io;

use super::Place;

/// Why a document could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The bytes cannot be read.
    #[error("the document cannot be read: {0}")]
    Io(io::Error),
    /// The text ends in the middle.
    #[error("the document ends in the middle, at byte {offset}: it was cut off; get the file again")]
    Truncated {
        /// Where it ends.
        offset: u64,
    },
    /// The text is no JSON, or not an object where one belongs.
    #[error("the document is not valid JSON at byte {offset}: {problem}")]
    Syntax {
        /// Where the value or character begins.
        offset: u64,
        /// What is wrong there.
        problem: String,
    },
    /// A text is not UTF-8.
    #[error("the document is not valid UTF-8 in the value at byte {offset}")]
    Utf8 {
        /// Where the value begins.
        offset: u64,
    },
    /// Values in values in values.
    #[error("the document is nested deeper than {limit} levels at byte {offset}; no honest archive is")]
    TooDeep {
        /// Where the limit was passed.
        offset: u64,
        /// The limit.
        limit: u32,
    },
    /// A record or a value without end.
    #[error("the value at byte {offset} is larger than {limit} bytes; no honest record is")]
    ValueTooLarge {
        /// Where the value begins.
        offset: u64,
        /// The limit.
        limit: u64,
    },
    /// A document without end.
    #[error("the document is larger than {limit} bytes; raise the limit if you trust the file")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// Fields without end.
    #[error("an object of the document has more than {limit} fields; no honest archive has")]
    TooManyFields {
        /// The limit.
        limit: usize,
    },
    /// The name of a field is longer than any name is.
    #[error("the name of the field at byte {offset} is longer than {limit} bytes")]
    FieldNameTooLong {
        /// Where the name begins.
        offset: u64,
        /// The limit.
        limit: usize,
    },
    /// Two readers could take two different values.
    #[error(
        "the field {name:?} stands twice in the document, at byte {offset}: readers would disagree about it"
    )]
    DuplicateField {
        /// Its name.
        name: String,
        /// Where it stands for the second time.
        offset: u64,
    },
    /// The visitor does not take a value.
    #[error("{place}: {problem}")]
    Record {
        /// Which value, such as `user.posts[12]`.
        place: String,
        /// Why not.
        problem: String,
    },
}

impl DocumentError {
    /// A visitor's refusal of one value. A long reason is cut off: it may quote the whole value.
    pub fn record(place: &Place<'_>, problem: &impl ToString) -> Self {
        Self::Record { place: place.to_string(), problem: shortened(&problem.to_string()) }
    }

    /// The stable name of the error, for programs.
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

/// At most 300 characters of a text that may come from a stranger.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 300;
    match text.char_indices().nth(MOST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}
