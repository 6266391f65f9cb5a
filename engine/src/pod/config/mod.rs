//! A pod's own configuration files. Users specify only the pod's folder.
//!
//! diaspora* spreads the configuration over two files under `config/`: `database.yml` (Rails: the database) and
//! `diaspora.toml`, or `diaspora.yml` on older pods (the pod's address and the location of uploads). Both are read as
//! diaspora* 0.9 reads them: one *environment* (production, development, test) selects the sections, and environment
//! variables override files.
//!
//! The engine reads no environment variables itself: the program passes an [`Environment`].

mod address;
mod connection;
mod database_file;
mod erb;
mod error;
mod file;
mod pod_directory;
mod pod_url;
mod s3;
mod settings;

pub use crate::environment::Environment;
pub use error::ConfigError;
pub use pod_directory::{PodConfig, Uploads, read_pod_directory, reserved_names};
pub use pod_url::PodUrl;
pub use s3::S3Settings;
