//! A pod's own configuration files, so that a pod's folder is all that has to be named.
//!
//! diaspora* spreads what we need over two files under `config/`: `database.yml` (Rails: where the
//! database is) and `diaspora.toml`, or `diaspora.yml` on older pods (the pod's address and where
//! uploaded pictures go). Both are read as diaspora* 0.9 reads them: one *environment* (production,
//! development, test) picks the sections, environment variables win over files.
//!
//! The engine reads no environment variables itself: the program hands in an [`Environment`].

mod connection;
mod database_file;
mod database_url;
mod erb;
mod error;
mod file;
mod percent;
mod pod_directory;
mod pod_url;
mod s3;
mod settings;

pub use crate::environment::Environment;
pub use database_url::{DatabaseUrl, Dialect};
pub use error::ConfigError;
pub use pod_directory::{PodConfig, Uploads, read_pod_directory, reserved_names};
pub use pod_url::PodUrl;
pub use s3::S3Settings;
