//! The part of an archive that people look at: `index.html` and `view/`, pages without any script that open
//! offline in a browser.
//!
//! ```text
//! records ──▶ View ──item templates──▶ Chapter (one open page) ──page template──▶ Spool (a ZIP on the side)
//! ```
//!
//! Pages go out as soon as they are full, so memory does not grow with the account. Everything that comes from
//! the account is escaped by the templates; only Markdown that `markdown` rendered goes in as it is. The words
//! are in `engine/templates/view/`; names of months are in `words`.

mod chapter;
mod error;
mod inline;
mod items;
mod markdown;
mod pages;
mod spool;
#[cfg(test)]
mod tests;
mod words;
mod writer;

pub use error::ViewError;
pub use spool::FinishedView;
pub use writer::{Audience, Reply, View, ViewHeader};
