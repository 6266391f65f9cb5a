//! What can go wrong while a pod's configuration is read.

use std::io;
use std::path::PathBuf;

/// Why a pod's configuration could not be used. The text never holds a password: of the files it
/// quotes only names, places and the few values that are no secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The folder holds no diaspora* installation.
    #[error(
        "reading the pod in {}: there is no folder `config` in it; name the folder diaspora* is installed in \
         (the one with `config/database.yml`)", .dir.display()
    )]
    NotAPod {
        /// The folder that was named.
        dir: PathBuf,
    },
    /// `config/database.yml` does not exist.
    #[error(
        "looking for the pod's database: {} does not exist; name the folder diaspora* runs from, or give the \
         database with --database-url", .file.display()
    )]
    NoDatabaseFile {
        /// The file that was expected.
        file: PathBuf,
    },
    /// Neither `config/diaspora.toml` nor `config/diaspora.yml` exists.
    #[error(
        "looking for the pod's address: neither diaspora.toml nor diaspora.yml exists in {}; name the folder \
         diaspora* runs from, or set the environment variable ENVIRONMENT_URL as for diaspora*",
        .folder.display()
    )]
    NoSettingsFile {
        /// The `config` folder.
        folder: PathBuf,
    },
    /// A file exists, but reading it failed.
    #[error(
        "reading {}: {source}; run this as the user diaspora* runs as, and see that the file is UTF-8 text",
        .file.display()
    )]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file is far bigger than any configuration file.
    #[error(
        "reading {}: it is larger than {limit} bytes, so it is no configuration file of diaspora*; see that \
         the right folder is named", .file.display()
    )]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// The most that would have been read.
        limit: u64,
    },
    /// `database.yml` computes something with ERB that only Ruby can compute.
    #[error(
        "reading {}, line {line}: ERB (`<% … %>`) is only understood as `<%= ENV['NAME'] %>` or \
         `<%= ENV.fetch('NAME', 'default') %>`; give the database with --database-url instead",
        .file.display()
    )]
    Erb {
        /// The file.
        file: PathBuf,
        /// Where the ERB tag begins, counted from 1.
        line: usize,
    },
    /// `database.yml` asks for an environment variable that is not set.
    #[error(
        "reading {}, line {line}: the environment variable {name} is not set; set it as diaspora*'s own \
         service does, or give the database with --database-url", .file.display()
    )]
    ErbVariable {
        /// The file.
        file: PathBuf,
        /// Where the ERB tag begins, counted from 1.
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
        /// Where parsing stopped, counted from 1 (0 when unknown).
        line: u64,
        /// Where parsing stopped, counted from 1 (0 when unknown).
        column: u64,
    },
    /// A file is not valid TOML.
    #[error("reading {}: not valid TOML at line {line}: {reason}; correct that line", .file.display())]
    Toml {
        /// The file.
        file: PathBuf,
        /// Where parsing stopped, counted from 1.
        line: usize,
        /// What the parser expected.
        reason: String,
    },
    /// `database.yml` has nothing for the environment.
    #[error(
        "reading {}: there is no section `{environment}`; set RAILS_ENV to the environment the pod runs in, \
         or give the database with --database-url", .file.display()
    )]
    NoSection {
        /// The file.
        file: PathBuf,
        /// The environment that was asked for.
        environment: String,
    },
    /// A database is described without something that cannot be guessed.
    #[error(
        "working out the pod's database from {place}: `{key}` is missing; add it there, or use --database-url"
    )]
    KeyMissing {
        /// File and section, or environment variable.
        place: String,
        /// The missing key.
        key: &'static str,
    },
    /// A database is described with a value that makes no sense.
    #[error(
        "working out the pod's database from {place}: `{key}` {reason}; correct it there, or use \
         --database-url"
    )]
    BadValue {
        /// File and section, or environment variable.
        place: String,
        /// The key.
        key: &'static str,
        /// What is wrong with its value.
        reason: &'static str,
    },
    /// The database is of a kind that diaspora* does not run on.
    #[error(
        "working out the pod's database from {place}: the adapter `{adapter}` is unknown; diaspora* runs on \
         postgresql or mysql2 (and sqlite3 for the sample pod)"
    )]
    UnknownAdapter {
        /// File and section, or environment variable.
        place: String,
        /// The adapter's name.
        adapter: String,
    },
    /// A database address is malformed. The address itself is not repeated: it may hold a password.
    #[error(
        "reading the database address ({place}): {reason}; it looks like \
         postgres://user:password@host:5432/diaspora_production"
    )]
    DatabaseAddress {
        /// Where the address was found.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The pod's own address is set nowhere.
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
    #[error("reading the pod's address {url}: {reason}; it looks like https://pod.example/")]
    BadUrl {
        /// The address, or a stand-in when it may hold a password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// S3 is switched on without saying where.
    #[error(
        "looking for the pod's pictures: S3 is enabled, but no `bucket` is set under \
         [configuration.environment.s3] in {}; set it there, or set `enable = false` when the pictures are \
         in public/uploads", .file.display()
    )]
    NoBucket {
        /// The settings file.
        file: PathBuf,
    },
    /// The bucket cannot be used as it is named.
    #[error(transparent)]
    Bucket(#[from] crate::s3::S3AccessError),
}
