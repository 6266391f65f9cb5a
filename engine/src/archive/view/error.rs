//! Errors of creating the pages.

use std::io;

/// An error of creating the pages.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The temporary file failed.
    #[error("the temporary file of the pages cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The ZIP library failed.
    #[error("{page} cannot be packed: {source}")]
    Zip {
        /// The page that was being written.
        page: String,
        /// The library's error.
        source: zip::result::ZipError,
    },
    /// A template failed, which happens only when out of memory.
    #[error("a page cannot be rendered: {0}")]
    Template(#[from] askama::Error),
}
