//! The sections of single rooms. Each room reads its own.

use serde::{Deserialize, Serialize};

/// Archives people ask for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArchivesSection {
    /// Where archives are kept: a folder, or `s3://BUCKET[/PREFIX]`.
    pub place: Option<String>,
    /// After how many days an archive that somebody asked for is deleted.
    pub days: u32,
    /// Archives made at the same time.
    pub workers: usize,
}

impl Default for ArchivesSection {
    fn default() -> Self {
        Self { place: None, days: 30, workers: 2 }
    }
}

/// How people sign in.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignInSection {
    /// What the pod appends to passwords before it hashes them.
    pub pepper: String,
    /// Wrong passwords or codes for one account within a quarter of an hour.
    pub attempts_per_account: u32,
    /// Wrong passwords or codes from one address within a quarter of an hour.
    pub attempts_per_address: u32,
}

/// The pepper of diaspora*'s own source (`config/initializers/devise.rb`), the same on every pod that has not changed it.
const PEPPER: &str = "065eb8798b181ff0ea2c5c16aee0ff8b70e04e2ee6bd6e08b49da46924223e39127d5335e466207d42bf2a045c12be5f90e92012a4f05f7fc6d9f3c875f4c95b";

impl Default for SignInSection {
    fn default() -> Self {
        Self { pepper: PEPPER.to_owned(), attempts_per_account: 10, attempts_per_address: 30 }
    }
}

impl std::fmt::Debug for SignInSection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SignInSection")
            .field("attempts_per_account", &self.attempts_per_account)
            .field("attempts_per_address", &self.attempts_per_address)
            .finish_non_exhaustive()
    }
}

/// How mail is sent.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailSection {
    /// The mail server: `smtp://[USER:PASSWORD@]HOST[:PORT]` or `smtps://…`; without it no mail is sent.
    pub server: Option<String>,
    /// A folder that mails are written to instead, for trying things out.
    pub folder: Option<String>,
    /// Whom mail comes from.
    pub from: Option<String>,
    /// Mails in a minute.
    pub per_minute: u32,
}

impl Default for MailSection {
    fn default() -> Self {
        Self { server: None, folder: None, from: None, per_minute: 60 }
    }
}

impl MailSection {
    /// Whether mail is sent.
    pub fn is_sent(&self) -> bool {
        self.from.is_some() && (self.server.is_some() || self.folder.is_some())
    }
}

impl std::fmt::Debug for MailSection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("MailSection").field("from", &self.from).finish_non_exhaustive()
    }
}

/// The portal of a pod that closes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClosingSection {
    /// Whether people may fetch their archives here.
    pub enabled: bool,
}
