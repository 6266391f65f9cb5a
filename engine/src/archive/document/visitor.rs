//! The receiver of a document's values.

use std::fmt;

use serde_json::value::RawValue;

use super::DocumentError;
use crate::archive::lists::List;

/// The object that a field belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section {
    /// The outermost object of the archive document.
    Root,
    /// `user` of the archive document.
    User,
    /// `others_data` of the archive document.
    OthersData,
    /// The one object of `extras.json`.
    Extras,
}

impl Section {
    /// Returns the beginning of the paths of its fields.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Root | Self::Extras => "",
            Self::User => "user.",
            Self::OthersData => "others_data.",
        }
    }
}

/// The location of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The object.
    pub section: Section,
    /// The field.
    pub name: &'a str,
    /// The element's index, from 0, if the field is an array.
    pub index: Option<u64>,
    /// The document offset of the value's first byte.
    pub offset: u64,
}

impl Place<'_> {
    /// Returns the list at this location, if it is one.
    pub fn list(&self) -> Option<List> {
        List::of(self.section, self.name)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.section.prefix(), self.name.escape_debug())?;
        self.index.map_or(Ok(()), |index| write!(f, "[{index}]"))
    }
}

/// A visitor's decision whether to continue reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Continue reading.
    Continue,
    /// Stop; the rest is not read.
    Stop,
}

/// Receives the values of a document in order.
pub trait DocumentVisitor {
    /// Returns whether the visitor needs the values of a field. Other values are skipped without being parsed; their
    /// brackets, sizes and nesting are checked nevertheless.
    fn wants(&self, section: Section, name: &str) -> bool {
        let _ = (section, name);
        true
    }

    /// Returns whether malformed documents are repaired: an object in place of a list is read as the list of its
    /// values, as some programs write them, and invalid bytes, control characters and halves of surrogate pairs in
    /// strings are replaced. Signed documents are verified without repairs.
    fn is_lenient(&self) -> bool {
        true
    }

    /// Called before an array's elements. Empty arrays are visible only here.
    fn array(&mut self, place: &Place<'_>) {
        let _ = place;
    }

    /// Called for a field whose value is not an array.
    ///
    /// # Errors
    /// An error, created with [`DocumentError::record`], ends the reading.
    fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError>;

    /// Called for an element of an array.
    ///
    /// # Errors
    /// An error, created with [`DocumentError::record`], ends the reading.
    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError>;
}
