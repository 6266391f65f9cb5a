//! The configuration file of the service: read, completed with defaults, and validated.
//!
//! Every key is explained in `docs/pappus.example.toml`. Unknown keys are rejected, so that a typing error does not
//! silently leave the default.

mod error;
mod file;
mod listen;
mod sections;
mod web;

use std::path::{Path, PathBuf};
use std::time::Duration;

use pappus_engine::depot::DepotAddress;
use pappus_engine::pod::config::{
    Environment, PodConfig, PodUrl, Uploads, read_pod_directory, reserved_names,
};
use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::StateFolder;
use serde::{Deserialize, Serialize};

pub use error::ConfigFileError;
pub use file::{File, WebSection};
pub use listen::{Listen, Proxies};
pub use sections::{
    Admission, ArchivesSection, ClosingSection, MailSection, NewcomersSection, SignInSection,
};
pub use web::Web;

/// The configuration of the service.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from.
    pub text: ConfigText,
    /// The pod's address; known even after the pod was shut down.
    pub pod_url: PodUrl,
    /// The pod itself, while it exists.
    pub pod: Option<PodConfig>,
    /// The contact address named on pages and in mails.
    pub podmin_email: Option<String>,
    /// Pappus's own folder for this pod.
    pub state: StateFolder,
    /// Pappus's own database.
    pub store: DatabaseUrl,
    /// Retention of the audit log; `None` for no limit.
    pub audit_retention: Option<Duration>,
    /// The depot that stores the archives.
    pub depot: DepotAddress,
    /// The web server.
    pub web: Web,
    /// Archives that people request.
    pub archives: ArchivesSection,
    /// Sign-in.
    pub sign_in: SignInSection,
    /// Mail.
    pub mail: MailSection,
    /// The portal of a closing pod.
    pub closing: ClosingSection,
    /// Imports into a pod that stays open.
    pub newcomers: NewcomersSection,
}

/// The text of the file as it was read: child processes of the service use the same one.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct ConfigText {
    /// The path of the file. Paths in the file are relative to its folder.
    pub path: PathBuf,
    /// The contents; may include passwords.
    pub text: String,
}

impl std::fmt::Debug for ConfigText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ConfigText").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Config {
    /// Reads the file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// [`ConfigFileError`]: the file, the key, the problem, and the remedy.
    pub fn read(path: &Path, environment: Environment<'_>) -> Result<Self, ConfigFileError> {
        let failed = |source| ConfigFileError::Unreadable { path: path.to_owned(), source };
        let bytes = std::fs::read(path).map_err(failed)?;
        let text = pappus_engine::text::decode(&bytes).map_err(|error| failed(error.into()))?;
        Self::parse(ConfigText { path: path.to_owned(), text: text.to_string() }, environment)
    }

    /// Parses a file that was read before.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: ConfigText, environment: Environment<'_>) -> Result<Self, ConfigFileError> {
        let folder = text.path.parent().unwrap_or(Path::new("."));
        let config = File::parse(&text.text).and_then(|file| Self::resolve(file, folder, environment));
        let config = config.map_err(|error| error.in_file(&text.path))?;
        Ok(Self { text, ..config })
    }

    fn resolve(file: File, folder: &Path, environment: Environment<'_>) -> Result<Self, ConfigFileError> {
        let (pod_url, pod) = pod(&file, folder, environment)?;
        let podmin_email = file.podmin_email(pod.as_ref())?;
        let root = match &file.store.state {
            Some(path) => folder.join(path),
            None => state_root(environment)?,
        };
        let state = StateFolder::open(&root, &pod_url)?;
        let store = file.store.url.clone().or_else(|| environment("PAPPUS_STORE"));
        let store = match store {
            Some(url) => DatabaseUrl::parse(&url)?,
            None => state.database()?,
        };
        let location = match &file.archives.place {
            Some(location) if location.starts_with("s3://") => location.clone(),
            Some(location) => utf8(&folder.join(location))?,
            None => utf8(&state.path().join("archives"))?,
        };
        let depot = DepotAddress::parse(&location, environment)
            .map_err(pappus_engine::pod::config::ConfigError::from)?;
        let web = Web::resolve(&file.web, folder)?;
        let audit_days = Some(file.store.audit_days).filter(|days| *days > 0);
        let audit_retention = audit_days.map(|days| Duration::from_hours(24) * days);
        let File { archives, sign_in, mut mail, closing, mut newcomers, .. } = file;
        newcomers.folder = newcomers.folder.map(|path| utf8(&folder.join(path))).transpose()?;
        if !(0.0..=NewcomersSection::MAX_UNDO_MINUTES).contains(&newcomers.undo_minutes) {
            let reason = format!(
                "is {}: choose 0 (no pause) to {} minutes",
                newcomers.undo_minutes,
                NewcomersSection::MAX_UNDO_MINUTES
            );
            return Err(ConfigFileError::Value { key: "newcomers.undo_minutes", reason });
        }
        mail.folder = mail.folder.map(|path| utf8(&folder.join(path))).transpose()?;
        Ok(Self {
            text: ConfigText::default(),
            pod_url,
            pod,
            podmin_email,
            state,
            store,
            audit_retention,
            depot,
            web,
            archives,
            sign_in,
            mail,
            closing,
            newcomers,
        })
    }
}

/// Resolves the pod, with the same options as on the command line.
fn pod(
    file: &File,
    folder: &Path,
    environment: Environment<'_>,
) -> Result<(PodUrl, Option<PodConfig>), ConfigFileError> {
    let section = &file.pod;
    let database = section.database_url.clone().or_else(|| environment("PAPPUS_DATABASE_URL"));
    let database = database.as_deref().map(DatabaseUrl::parse).transpose()?;
    let url = section.url.as_deref().map(PodUrl::parse).transpose()?;
    let uploads = section
        .uploads
        .as_ref()
        .map(|path| if path.starts_with("s3://") { PathBuf::from(path) } else { folder.join(path) });
    let uploads = uploads.map(|path| Uploads::parse(&path, environment)).transpose()?;
    match (&section.dir, database, url, uploads) {
        (Some(dir), database, url, uploads) => {
            let config = read_pod_directory(&folder.join(dir), environment)?;
            let config = PodConfig {
                database: database.unwrap_or(config.database),
                url: url.unwrap_or(config.url),
                uploads: uploads.unwrap_or(config.uploads),
                reserved_names: config.reserved_names,
                podmin_email: config.podmin_email,
            };
            Ok((config.url.clone(), Some(config)))
        }
        (None, Some(database), Some(url), Some(uploads)) => {
            let reserved_names = reserved_names();
            let config =
                PodConfig { database, url: url.clone(), uploads, reserved_names, podmin_email: None };
            Ok((url, Some(config)))
        }
        // Stored archives can be downloaded even when nothing else is left of the pod.
        (None, None, Some(url), None) => Ok((url, None)),
        _ => Err(ConfigFileError::Missing {
            key: "pod.dir",
            remedy: "name the pod's folder, or all of pod.database_url, pod.url and pod.uploads; when nothing is left \
                   of the pod, only pod.url",
        }),
    }
}

/// Returns the state folder, as the command line does.
fn state_root(environment: Environment<'_>) -> Result<PathBuf, ConfigFileError> {
    environment("PAPPUS_STATE")
        .map(PathBuf::from)
        // Set by systemd for a service.
        .or_else(|| environment("STATE_DIRECTORY").map(PathBuf::from))
        .or_else(|| environment("XDG_STATE_HOME").map(|home| PathBuf::from(home).join("pappus")))
        .or_else(|| environment("HOME").map(|home| PathBuf::from(home).join(".local/state/pappus")))
        .ok_or(ConfigFileError::Missing {
            key: "store.state",
            remedy: "name a folder for Pappus's own state",
        })
}

/// Returns a path as text; fails if it is not UTF-8.
fn utf8(path: &Path) -> Result<String, ConfigFileError> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or(ConfigFileError::Value { key: "archives.place", reason: "is not UTF-8".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn resolve(text: &str) -> Result<Config, ConfigFileError> {
        let state = tempfile::tempdir().unwrap();
        let home = state.path().display().to_string();
        let environment = |name: &str| (name == "HOME").then(|| home.clone());
        File::parse(text).and_then(|file| Config::resolve(file, Path::new("/etc/pappus"), &environment))
    }

    /// A configuration without a pod.
    const MINIMAL: &str =
        "[pod]\nurl = \"https://closing.example\"\n[web]\npublic_url = \"https://move.example/\"\n";

    #[test]
    fn the_example_is_a_configuration_and_names_every_key() {
        let text = include_str!("../../../docs/pappus.example.toml");
        let config = resolve(text).unwrap();
        assert_eq!(config.web.origin(), "https://move.pod.example");
        // A commented-out key counts as well; it shows the default.
        let lines = text.lines().map(|line| {
            line.strip_prefix("#")
                .filter(|entry| {
                    entry.split_once(" = ").is_some_and(|(key, _)| {
                        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
                    })
                })
                .unwrap_or(line)
        });
        let all = lines.collect::<Vec<_>>().join("\n");
        let all: toml::Table = all.parse().unwrap();
        let valid_keys = File::keys();
        for (section, keys) in &valid_keys {
            for key in keys {
                assert!(all[section].get(key).is_some(), "{section}.{key} is not explained");
            }
        }
        for (section, values) in &all {
            for key in values.as_table().unwrap().keys() {
                assert!(valid_keys[section].contains(key), "{section}.{key} is explained, but unknown");
            }
        }
    }

    #[test]
    fn examples_in_the_docs_are_configurations() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let mut examples = 0;
        for entry in std::fs::read_dir(docs).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "md") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for part in text.split("\n```toml\n").skip(1) {
                let example = part.split("\n```").next().unwrap();
                let config = resolve(&format!("{MINIMAL}{example}\n"));
                assert!(config.is_ok(), "{}: {example}: {:?}", path.display(), config.err());
                examples += 1;
            }
        }
        assert!(examples > 0);
    }

    #[test]
    fn missing_keys_have_defaults() {
        let config = resolve(MINIMAL).unwrap();
        assert!(config.pod.is_none() && config.web.is_secure());
        assert!(matches!(config.web.listen, Listen::Port(address) if address.ip().is_loopback()));
        assert!(config.depot.to_string().ends_with("/archives"));
    }

    #[test]
    fn the_pause_for_undo_is_whole_minutes_or_parts_of_them() {
        for (minutes, seconds) in [("", 600), ("undo_minutes = 3", 180), ("undo_minutes = 0.5", 30)] {
            let config = resolve(&format!("{MINIMAL}[newcomers]\n{minutes}\n")).unwrap();
            assert_eq!(config.newcomers.undo_pause(), Duration::from_secs(seconds), "{minutes}");
        }
    }

    #[test]
    fn errors_name_the_file_and_the_key() {
        for (text, expected) in [
            ("[pod]\nulr = \"https://x\"\n", "unknown field `ulr`"),
            ("[web]\n", "public_url"),
            ("[web]\npublic_url = \"https://move.example/\"\n", "pod.dir"),
            (&MINIMAL.replace("move.example/", "move.example/path"), "scheme, host and port"),
            (&MINIMAL.replace("https://move", "ftp://move"), "https://move.pod.example/"),
            (&format!("{MINIMAL}listen = \"everywhere\"\n"), "web.listen"),
            (&format!("{MINIMAL}trusted_proxies = [\"nobody\"]\n"), "web.trusted_proxies"),
            (&format!("{MINIMAL}socket_group = \"no such group\"\n"), "web.socket_group"),
            (&format!("{MINIMAL}[newcomers]\nundo_minutes = -1\n"), "newcomers.undo_minutes is -1"),
            (&format!("{MINIMAL}[newcomers]\nundo_minutes = nan\n"), "newcomers.undo_minutes"),
            (&MINIMAL.replace("[web]", "podmin_email = \"nobody\"\n[web]"), "pod.podmin_email is \"nobody\""),
            (&format!("{MINIMAL}[store]\nurl = \"mysql://x/y\"\nurl = \"z\"\n"), "duplicate key"),
        ] {
            let error = resolve(text).unwrap_err().in_file(Path::new("pappus.toml")).to_string();
            assert!(error.contains(expected) && error.contains("pappus.toml"), "{text}: {error}");
        }
    }
}
