//! The HTML pages of an archive: `index.html` and `view/`, without scripts, which open offline in a browser.
//!
//! ```text
//! records ──▶ View ──item templates──▶ Drafts (a scratch file) ──sorted, links resolved──▶ Chapter (one open page)
//!                                                                 ──page template──▶ Spool (a temporary ZIP)
//! ```
//!
//! Records wait in a scratch file, since posts are sorted by date and links need page numbers; only their positions
//! are in memory. All content of the account is escaped by the templates, except Markdown that `markdown` rendered.
//! The texts are in `engine/translations/`, in the account's language or in English.

mod assembly;
mod chapter;
#[cfg(test)]
mod context_tests;
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

/// Bytes of the pages, and of the records that wait for them, that stay in memory; more go to temporary files. Most
/// accounts have fewer, and creating a file takes longer than writing their pages.
pub const PAGES_IN_MEMORY: usize = 1 << 20;
