//! The configuration file as written.

use std::collections::BTreeMap;

use pappus_engine::pod::config::PodConfig;
use serde::{Deserialize, Serialize};

use super::ConfigFileError;
use super::sections::{ArchivesSection, ClosingSection, MailSection, NewcomersSection, SignInSection};

/// The whole file; missing sections have default values.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The pod.
    #[serde(default)]
    pub pod: PodSection,
    /// Pappus's own database and folder.
    #[serde(default)]
    pub store: StoreSection,
    /// Archives that people request.
    #[serde(default)]
    pub archives: ArchivesSection,
    /// The web server.
    pub web: WebSection,
    /// Sign-in.
    #[serde(default)]
    pub sign_in: SignInSection,
    /// Mail.
    #[serde(default)]
    pub mail: MailSection,
    /// The portal of a closing pod.
    #[serde(default)]
    pub closing: ClosingSection,
    /// Imports into a pod that stays open.
    #[serde(default)]
    pub newcomers: NewcomersSection,
}

impl File {
    /// Returns the contact address from the file, or else from the pod's own configuration.
    pub(super) fn podmin_email(&self, pod: Option<&PodConfig>) -> Result<Option<String>, ConfigFileError> {
        let configured = self.pod.podmin_email.as_deref().map(str::trim);
        let Some(email) = configured else { return Ok(pod.and_then(|pod| pod.podmin_email.clone())) };
        let is_address =
            email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
                && !email.contains(|character: char| character.is_whitespace() || character.is_control());
        if !is_address {
            let reason = format!("is {email:?}, which is not an e-mail address");
            return Err(ConfigFileError::Value { key: "pod.podmin_email", reason });
        }
        Ok(Some(email.to_owned()))
    }
}

/// The pod.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodSection {
    /// The folder it is installed in.
    pub dir: Option<String>,
    /// Its database, unless configured in the folder.
    pub database_url: Option<String>,
    /// Its address.
    pub url: Option<String>,
    /// Its uploads folder.
    pub uploads: Option<String>,
    /// The contact address, unless configured in the folder.
    pub podmin_email: Option<String>,
}

/// Pappus's own database and folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSection {
    /// Its database.
    pub url: Option<String>,
    /// Its folder.
    pub state: Option<String>,
    /// Retention of the audit log in days; 0 for no limit.
    pub audit_days: u32,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self { url: None, state: None, audit_days: 365 }
    }
}

/// The web server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebSection {
    /// An address and a port, or `unix:PATH`.
    #[serde(default = "listen")]
    pub listen: String,
    /// The URL that people visit.
    pub public_url: String,
    /// Proxies whose forwarded headers are trusted.
    #[serde(default)]
    pub trusted_proxies: Vec<String>,
    /// Lifetime of a session, in hours.
    #[serde(default = "session_hours")]
    pub session_hours: u32,
    /// Addresses that may read `/metrics`.
    #[serde(default = "metrics_from")]
    pub metrics_from: Vec<String>,
    /// Requests per second from one address.
    #[serde(default = "requests_per_second")]
    pub requests_per_second: u32,
    /// The group of the Unix socket: a name or a number.
    #[serde(default)]
    pub socket_group: Option<String>,
    /// Timeout for the headers of a request, in seconds.
    #[serde(default = "header_seconds")]
    pub header_seconds: u32,
    /// Timeout for a body or a response that makes no progress, in seconds.
    #[serde(default = "body_seconds")]
    pub body_seconds: u32,
    /// Maximum number of open connections.
    #[serde(default = "connections")]
    pub connections: u32,
    /// Maximum number of connections from one address.
    #[serde(default = "connections_per_address")]
    pub connections_per_address: u32,
    /// Maximum number of event streams from one address.
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

/// Half of the open files that most systems allow a process.
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
    /// Parses the file.
    ///
    /// # Errors
    /// [`ConfigFileError::Syntax`].
    pub fn parse(text: &str) -> Result<Self, ConfigFileError> {
        toml::from_str(text).map_err(|error| {
            // The line itself is not shown: it may contain a password.
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            ConfigFileError::Syntax(format!("line {line}: {}", error.message()))
        })
    }

    /// Returns all keys by section.
    pub fn keys() -> BTreeMap<String, Vec<String>> {
        let file = serde_json::to_value(Self::default()).unwrap_or_default();
        let sections = file.as_object().into_iter().flatten();
        let keys = |value: &serde_json::Value| {
            value.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
        };
        sections.map(|(section, value)| (section.clone(), keys(value))).collect()
    }
}
