//! Errors of reading a pod's configuration.

use std::io;
use std::path::PathBuf;

/// The reason a pod's configuration could not be used. Never contains a password: it quotes only names, positions and
/// the few values that are not secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no such folder.
    #[error("reading the pod in {}: there is no such folder", .dir.display())]
    NoFolder {
        /// The specified folder.
        dir: PathBuf,
    },
    /// The folder contains no diaspora* installation.
    #[error(
        "reading the pod in {}: there is no folder `config` in it; specify the folder diaspora* is installed in \
         (the one with `config/database.yml`)", .dir.display()
    )]
    NotAPod {
        /// The given folder.
        dir: PathBuf,
    },
    /// `config/database.yml` does not exist.
    #[error(
        "looking for the pod's database: {} does not exist; specify the folder diaspora* runs from, or the \
         database with --database-url", .file.display()
    )]
    NoDatabaseFile {
        /// The expected file.
        file: PathBuf,
    },
    /// Neither `config/diaspora.toml` nor `config/diaspora.yml` exists.
    #[error(
        "looking for the pod's address: neither diaspora.toml nor diaspora.yml exists in {}; specify the folder \
         diaspora* runs from, or set the environment variable ENVIRONMENT_URL as for diaspora*",
        .folder.display()
    )]
    NoSettingsFile {
        /// The `config` folder.
        folder: PathBuf,
    },
    /// A file exists, but reading it failed.
    #[error(
        "reading {}: {source}; run Pappus as the user diaspora* runs as, and check that the file is UTF-8 text",
        .file.display()
    )]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A file is far larger than any configuration file.
    #[error(
        "reading {}: it is larger than {limit} bytes, so it is not a configuration file of diaspora*; check that \
         you specified the right folder", .file.display()
    )]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// The most bytes that are read.
        limit: u64,
    },
    /// `database.yml` contains ERB that only Ruby can evaluate.
    #[error(
        "reading {}, line {line}: ERB (`<% … %>`) is only supported as `<%= ENV['NAME'] %>` or \
         `<%= ENV.fetch('NAME', 'default') %>`; specify the database with --database-url instead",
        .file.display()
    )]
    Erb {
        /// The file.
        file: PathBuf,
        /// Line of the ERB tag, counted from 1.
        line: usize,
    },
    /// `database.yml` fetches an environment variable that is not set.
    #[error(
        "reading {}, line {line}: the environment variable {name} is not set; set it as diaspora*'s own \
         service does, or specify the database with --database-url", .file.display()
    )]
    ErbVariable {
        /// The file.
        file: PathBuf,
        /// Line of the ERB tag, counted from 1.
        line: usize,
        /// The environment variable.
        name: String,
    },
    /// A file is not valid YAML.
    #[error(
        "reading {}: not valid YAML at line {line}, column {column}; look there for tabs, a missing \
         space after a colon, unbalanced quotes or an anchor that does not exist", .file.display()
    )]
    Yaml {
        /// The file.
        file: PathBuf,
        /// Line where parsing stopped, counted from 1 (0 when unknown).
        line: u64,
        /// Column where parsing stopped, counted from 1 (0 when unknown).
        column: u64,
    },
    /// A file is not valid TOML.
    #[error("reading {}: not valid TOML at line {line}: {reason}; correct that line", .file.display())]
    Toml {
        /// The file.
        file: PathBuf,
        /// Line where parsing stopped, counted from 1.
        line: usize,
        /// The parser's message.
        reason: String,
    },
    /// `database.yml` has no section for the environment.
    #[error(
        "reading {}: there is no section `{environment}`; set RAILS_ENV to the environment the pod runs in, \
         or specify the database with --database-url", .file.display()
    )]
    NoSection {
        /// The file.
        file: PathBuf,
        /// The requested environment.
        environment: String,
    },
    /// A database description lacks a required key.
    #[error(
        "reading the pod's database settings in {origin}: `{key}` is missing; add it there, or use --database-url"
    )]
    KeyMissing {
        /// File and section, or environment variable.
        origin: String,
        /// The missing key.
        key: &'static str,
    },
    /// A database description has an invalid value.
    #[error(
        "reading the pod's database settings in {origin}: `{key}` {reason}; correct it there, or use \
         --database-url"
    )]
    BadValue {
        /// File and section, or environment variable.
        origin: String,
        /// The key.
        key: &'static str,
        /// The value's defect.
        reason: &'static str,
    },
    /// The database is of a kind that diaspora* does not support.
    #[error(
        "reading the pod's database settings in {origin}: the adapter `{adapter}` is unknown; diaspora* runs on \
         postgresql or mysql2 (and sqlite3 for the sample pod)"
    )]
    UnknownAdapter {
        /// File and section, or environment variable.
        origin: String,
        /// The adapter's name.
        adapter: String,
    },
    /// A database address is malformed.
    #[error(transparent)]
    DatabaseAddress(#[from] crate::sql::AddressError),
    /// The pod's own address is not set.
    #[error(
        "looking for the pod's address: `url` is not set under [configuration.environment] in {}; set it \
         there, or set the environment variable ENVIRONMENT_URL, to the address people open in the browser",
        .file.display()
    )]
    NoUrl {
        /// The settings file.
        file: PathBuf,
    },
    /// The pod's own address is malformed.
    #[error("reading the pod's address {url}: {reason}; expected an address like https://pod.example/")]
    BadUrl {
        /// The address, or a placeholder when it may contain a password.
        url: String,
        /// The address's defect.
        reason: String,
    },
    /// S3 is enabled without a bucket.
    #[error(
        "looking for the pod's photos: S3 is enabled, but no `bucket` is set under \
         [configuration.environment.s3] in {}; set it there, or set `enable = false` when the photos are \
         in public/uploads", .file.display()
    )]
    NoBucket {
        /// The settings file.
        file: PathBuf,
    },
    /// The bucket's name or settings are unusable.
    #[error(transparent)]
    Bucket(#[from] crate::s3::S3AccessError),
}
