//! Reading the archive document (`diaspora.json`) and `extras.json` one record at a time.
//!
//! Both can be far larger than memory and both may be malicious. [`read_document`] and [`read_extras`] therefore
//! split the text themselves: they find where each value begins and ends, enforce the limits on nesting, value size
//! and total size, and only then pass the value to `serde_json`. Records that Pappus did not write may be malformed:
//! `lenient` reads as much of them as possible.
//!
//! A visitor receives the values as [`RawValue`](serde_json::value::RawValue)s and parses those it needs.
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
mod repair;
mod splitter;
mod visitor;

pub use additions::Additions;
pub use error::DocumentError;
pub(crate) use error::shortened;
pub(crate) use lenient::{LostValue, Record, read_record, username};
pub use reader::{read_document, read_extras};
pub use relayable::relayable;
pub use visitor::{DocumentVisitor, Next, Place, Section};
