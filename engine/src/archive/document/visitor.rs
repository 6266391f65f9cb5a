//! Who gets the values of a document.

use std::fmt;

use serde_json::value::RawValue;

use super::DocumentError;

/// The object a field stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section {
    /// The outermost object.
    Root,
    /// `user` of the archive document.
    User,
    /// `others_data` of the archive document.
    OthersData,
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The object.
    pub section: Section,
    /// The field.
    pub name: &'a str,
    /// Which element, when the field is an array; the first is 0.
    pub index: Option<u64>,
    /// Where the value's first byte is in the document.
    pub offset: u64,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let section = match self.section {
            Section::Root => "",
            Section::User => "user.",
            Section::OthersData => "others_data.",
        };
        write!(f, "{section}{}", self.name.escape_debug())?;
        self.index.map_or(Ok(()), |index| write!(f, "[{index}]"))
    }
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Read on.
    Continue,
    /// What was looked for has been found: the rest is not read.
    Stop,
}

/// Gets the values of a document in the order they stand in.
pub trait DocumentVisitor {
    /// Whether the values of a field are to be parsed and handed over. What nobody wants is passed over
    /// without being parsed; brackets, sizes and nesting are checked all the same.
    fn wants(&self, section: Section, name: &str) -> bool {
        let _ = (section, name);
        true
    }

    /// A field whose value is an array is about to begin. Empty arrays show only here.
    fn array(&mut self, place: &Place<'_>) {
        let _ = place;
    }

    /// A field whose value is no array.
    ///
    /// # Errors
    /// A refusal ends the reading; make it with [`DocumentError::record`].
    fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError>;

    /// An element of an array.
    ///
    /// # Errors
    /// A refusal ends the reading; make it with [`DocumentError::record`].
    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError>;
}
