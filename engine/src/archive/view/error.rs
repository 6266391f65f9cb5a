//! Why the pages could not be made.

use std::io;

/// Why the pages could not be made.
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
        /// What the library said.
        source: zip::result::ZipError,
    },
    /// A template failed, which only happens when memory is short.
    #[error("a page cannot be filled in: {0}")]
    Template(#[from] askama::Error),
}
