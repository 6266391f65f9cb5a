//! The part of an archive that people look at: `index.html` and `view/`, pages without any script that open
//! offline in a browser.
//!
//! ```text
//! records ──▶ View ──item templates──▶ Drafts (a scratch file) ──sorted, links resolved──▶ Chapter (one open page)
//!                                                                 ──page template──▶ Spool (a ZIP on the side)
//! ```
//!
//! Records wait in a scratch file, since posts are sorted by date and links have to find their page; of each only its
//! place is in memory. Everything that comes from
//! the account is escaped by the templates; only Markdown that `markdown` rendered goes in as it is. The words
//! are in `engine/templates/view/`; names of months are in `words`.

mod chapter;
mod drafts;
mod error;
mod inline;
mod items;
mod markdown;
mod marks;
mod pages;
mod spool;
#[cfg(test)]
mod tests;
mod words;
mod writer;

pub use error::ViewError;
pub use spool::FinishedView;
pub use writer::{Audience, Reply, View, ViewHeader};
