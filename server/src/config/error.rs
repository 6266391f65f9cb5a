//! What can be wrong with the file.

use std::io;
use std::path::{Path, PathBuf};

use pappus_engine::pod::config::ConfigError;
use pappus_engine::store::StateError;

/// Why the service cannot run as the file says. Passwords do not show.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFileError {
    /// The file cannot be read.
    #[error("{path} cannot be read: {source}. docs/pappus.example.toml shows what belongs there")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no TOML, or has keys that nobody knows.
    #[error("{0}")]
    Syntax(String),
    /// Something that is needed is not there.
    #[error("{key} is missing: {what}")]
    Missing {
        /// The key.
        key: &'static str,
        /// What to do.
        what: &'static str,
    },
    /// A value cannot be used.
    #[error("{key} {reason}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The pod, the store or the archives are not where the file says.
    #[error(transparent)]
    Engine(#[from] ConfigError),
    /// Pappus's own folder cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// With the file's name.
    #[error("{path}: {error}")]
    In {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        error: Box<ConfigFileError>,
    },
}

impl ConfigFileError {
    /// Says in which file.
    pub(super) fn within(self, path: &Path) -> Self {
        match self {
            Self::Unreadable { .. } | Self::In { .. } => self,
            error => Self::In { path: path.to_owned(), error: Box::new(error) },
        }
    }
}
