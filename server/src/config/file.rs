//! The file as it is written.

use std::collections::BTreeMap;

use pappus_engine::pod::config::PodConfig;
use serde::{Deserialize, Serialize};

use super::ConfigFileError;
use super::sections::{ArchivesSection, ClosingSection, MailSection, NewcomersSection, SignInSection};

/// The whole file; sections that are missing are as usual.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Which pod.
    #[serde(default)]
    pub pod: PodSection,
    /// Pappus's own things.
    #[serde(default)]
    pub store: StoreSection,
    /// Archives people ask for.
    #[serde(default)]
    pub archives: ArchivesSection,
    /// How the service is reached.
    pub web: WebSection,
    /// How people sign in.
    #[serde(default)]
    pub sign_in: SignInSection,
    /// How mail is sent.
    #[serde(default)]
    pub mail: MailSection,
    /// The portal of a pod that closes.
    #[serde(default)]
    pub closing: ClosingSection,
    /// The door of a pod that lives.
    #[serde(default)]
    pub newcomers: NewcomersSection,
}

impl File {
    /// The address people write to, as the file says it, or else the pod's own configuration.
    pub(super) fn podmin_email(&self, pod: Option<&PodConfig>) -> Result<Option<String>, ConfigFileError> {
        let named = self.pod.podmin_email.as_deref().map(str::trim);
        let Some(named) = named else { return Ok(pod.and_then(|pod| pod.podmin_email.clone())) };
        let is_address =
            named.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
                && !named.contains(|letter: char| letter.is_whitespace() || letter.is_control());
        if !is_address {
            let reason = format!("is {named:?}, which is no e-mail address");
            return Err(ConfigFileError::Value { key: "pod.podmin_email", reason });
        }
        Ok(Some(named.to_owned()))
    }
}

/// Which pod.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodSection {
    /// Its own folder.
    pub dir: Option<String>,
    /// Its database, when it is not where the folder says.
    pub database_url: Option<String>,
    /// Its address.
    pub url: Option<String>,
    /// Its uploads.
    pub uploads: Option<String>,
    /// The address people write to, when the folder does not say it.
    pub podmin_email: Option<String>,
}

/// Pappus's own things.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSection {
    /// Its database.
    pub url: Option<String>,
    /// Its folder.
    pub state: Option<String>,
    /// For how many days the audit log is kept; 0 for ever.
    pub audit_days: u32,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self { url: None, state: None, audit_days: 365 }
    }
}

/// How the service is reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebSection {
    /// An address and a port, or `unix:PATH`.
    #[serde(default = "listen")]
    pub listen: String,
    /// The address people see.
    pub public_url: String,
    /// Addresses whose forwarded headers count.
    #[serde(default)]
    pub trusted_proxies: Vec<String>,
    /// How long somebody stays signed in.
    #[serde(default = "session_hours")]
    pub session_hours: u32,
    /// Addresses that may read numbers.
    #[serde(default = "metrics_from")]
    pub metrics_from: Vec<String>,
    /// Requests one address may make.
    #[serde(default = "requests_per_second")]
    pub requests_per_second: u32,
    /// The group of the Unix socket: a name or a number.
    #[serde(default)]
    pub socket_group: Option<String>,
    /// Seconds that the head of a request may take.
    #[serde(default = "header_seconds")]
    pub header_seconds: u32,
    /// Seconds after which a body, or an answer, on which nothing moves is ended.
    #[serde(default = "body_seconds")]
    pub body_seconds: u32,
    /// Connections at the same time.
    #[serde(default = "connections")]
    pub connections: u32,
    /// Connections of one address.
    #[serde(default = "connections_per_address")]
    pub connections_per_address: u32,
    /// Streams of events of one address.
    #[serde(default = "streams_per_address")]
    pub streams_per_address: u32,
}

impl Default for WebSection {
    fn default() -> Self {
        Self {
            listen: listen(),
            public_url: String::new(),
            trusted_proxies: Vec::new(),
            session_hours: session_hours(),
            metrics_from: metrics_from(),
            requests_per_second: requests_per_second(),
            socket_group: None,
            header_seconds: header_seconds(),
            body_seconds: body_seconds(),
            connections: connections(),
            connections_per_address: connections_per_address(),
            streams_per_address: streams_per_address(),
        }
    }
}

fn listen() -> String {
    "127.0.0.1:8090".to_owned()
}

fn session_hours() -> u32 {
    12
}

fn metrics_from() -> Vec<String> {
    vec!["127.0.0.1".to_owned(), "::1".to_owned()]
}

fn requests_per_second() -> u32 {
    10
}

fn header_seconds() -> u32 {
    15
}

fn body_seconds() -> u32 {
    60
}

/// Half of the files that most systems let one program open.
fn connections() -> u32 {
    500
}

fn connections_per_address() -> u32 {
    50
}

fn streams_per_address() -> u32 {
    20
}

impl File {
    /// Reads the text.
    ///
    /// # Errors
    /// [`ConfigFileError::Syntax`].
    pub fn parse(text: &str) -> Result<Self, ConfigFileError> {
        toml::from_str(text).map_err(|error| {
            // The line itself is not shown: there may be a password in it.
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            ConfigFileError::Syntax(format!("line {line}: {}", error.message()))
        })
    }

    /// All keys by section.
    pub fn keys() -> BTreeMap<String, Vec<String>> {
        let file = serde_json::to_value(Self::default()).unwrap_or_default();
        let sections = file.as_object().into_iter().flatten();
        let keys = |value: &serde_json::Value| {
            value.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
        };
        sections.map(|(section, value)| (section.clone(), keys(value))).collect()
    }
}
