//! Access to databases, for a pod's and Pappus's own: addresses, statements, their values and rows.
//!
//! Statements are written once for PostgreSQL, MariaDB/MySQL and SQLite: `?` stands for a [`Value`], and a name that
//! is a keyword in one of them is in double quotes. Rows are read by column name. Only this module handles the
//! differences between the databases.

pub(crate) mod arrays;
mod dialect;
mod link;
mod lists;
mod numbers;
mod percent;
mod row;
mod text;
mod unsayable;
mod url;
mod value;

pub use dialect::Dialect;
pub(crate) use link::Link;
pub(crate) use lists::{id_list, placeholders};
pub(crate) use percent::{decode, encode};
pub use row::{Reading, Row};
pub use text::clean_text;
pub(crate) use text::is_forbidden;
pub use unsayable::UnrepresentableTime;
pub use url::{AddressError, DatabaseUrl};
pub(crate) use url::{network_url, split_scheme};
pub use value::Value;
