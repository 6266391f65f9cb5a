//! Reading the archive document (`diaspora.json`) and `extras.json` one record at a time.
//!
//! Both can be far larger than memory and both may come from a stranger. [`read_document`] and
//! [`read_extras`] therefore split the text themselves: they know where each value begins and ends,
//! enforce nesting, size of a value and size of the whole, and only then hand the value to `serde_json`.
//! What Pappus did not write itself may be odd: `lenient` reads a record as far as it can be read.
//!
//! A visitor gets the values as [`RawValue`](serde_json::value::RawValue)s and parses what it wants.
//!
//! ```text
//! { "version": "2.0", "user": { "username": …, "posts": [ …, … ] }, "others_data": { "relayables": [ … ] } }
//!    └ field(Root)              └ field(User)    └ element(User)                     └ element(OthersData)
//! ```

mod additions;
mod error;
mod lenient;
mod reader;
mod relayable;
mod splitter;
mod visitor;

pub use additions::Additions;
pub use error::DocumentError;
pub(crate) use error::shortened;
pub(crate) use lenient::{LostValue, Record, read_record, username};
pub use reader::{read_document, read_extras};
pub use relayable::relayable;
pub use visitor::{DocumentVisitor, Next, Place, Section};
