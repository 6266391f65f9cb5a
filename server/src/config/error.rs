//! Errors of the configuration file.

use std::io;
use std::path::{Path, PathBuf};

use pappus_engine::pod::config::ConfigError;
use pappus_engine::sql::AddressError;
use pappus_engine::store::StateError;

/// The reason why the service cannot run with this file. Passwords are not shown.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFileError {
    /// The file cannot be read.
    #[error("{path} cannot be read: {source}. docs/pappus.example.toml is an example")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// It is not valid TOML, or has unknown keys.
    #[error("{0}")]
    Syntax(String),
    /// A required value is missing.
    #[error("{key} is missing: {remedy}")]
    Missing {
        /// The key.
        key: &'static str,
        /// The remedy.
        remedy: &'static str,
    },
    /// A value is invalid.
    #[error("{key} {reason}")]
    Value {
        /// The key.
        key: &'static str,
        /// The reason.
        reason: String,
    },
    /// The pod, the store or the depot does not exist as configured.
    #[error(transparent)]
    Engine(#[from] ConfigError),
    /// The address of a database cannot be read.
    #[error(transparent)]
    Database(#[from] AddressError),
    /// Pappus's own folder cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// An error with the file's name.
    #[error("{path}: {error}")]
    InFile {
        /// The file.
        path: PathBuf,
        /// The error in it.
        error: Box<ConfigFileError>,
    },
}

impl ConfigFileError {
    /// Adds the file's name.
    pub(super) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Unreadable { .. } | Self::InFile { .. } => self,
            error => Self::InFile { path: path.to_owned(), error: Box::new(error) },
        }
    }
}
