//! The sections of single rooms. Each room reads its own.

use std::time::Duration;

use pappus_engine::import::PodPin;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
    /// After how many minutes the pod is asked again whether who has signed in is locked or closed by now.
    pub asks_again_minutes: u32,
}

/// The pepper of diaspora*'s own source (`config/initializers/devise.rb`), the same on every pod that has not changed it.
const PEPPER: &str = "065eb8798b181ff0ea2c5c16aee0ff8b70e04e2ee6bd6e08b49da46924223e39127d5335e466207d42bf2a045c12be5f90e92012a4f05f7fc6d9f3c875f4c95b";

impl Default for SignInSection {
    fn default() -> Self {
        Self {
            pepper: PEPPER.to_owned(),
            attempts_per_account: 10,
            attempts_per_address: 30,
            asks_again_minutes: 5,
        }
    }
}

impl std::fmt::Debug for SignInSection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SignInSection")
            .field("attempts_per_account", &self.attempts_per_account)
            .field("attempts_per_address", &self.attempts_per_address)
            .field("asks_again_minutes", &self.asks_again_minutes)
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

/// The door of a pod that lives.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewcomersSection {
    /// Whether people may bring their archives here.
    pub enabled: bool,
    /// Who may come.
    pub admission: Admission,
    /// Pods from which nobody may come: hosts, as in diaspora* IDs.
    pub blocked_pods: Vec<String>,
    /// Pods that the podmin trusts, each for its own people: `HOST=SHA256:…`.
    pub trusted_pods: Vec<PodPin>,
    /// The address of the pod's terms.
    pub terms: Option<String>,
    /// Where archives lie that people hand in.
    pub folder: Option<String>,
    /// How large an archive may be with its photos, in megabytes.
    pub max_megabytes: u64,
    /// How much room all of them may take together, in megabytes.
    pub max_total_megabytes: u64,
    /// How much of the disk stays free, in megabytes.
    pub keep_free_megabytes: u64,
    /// How many people may begin within a day.
    pub per_day: u32,
    /// How many from one address.
    pub per_address: u32,
    /// After how many days without a word what somebody has handed in is deleted.
    pub days: u32,
    /// How many minutes after the import somebody can undo the move before it is announced by itself; 0 for none, 1440 at
    /// most.
    pub undo_minutes: f64,
    /// Archives looked at or brought in at the same time.
    pub workers: usize,
    /// How much memory the process may take that works on one archive, in megabytes.
    pub step_megabytes: u64,
    /// How long it may use the processor, in minutes.
    pub step_processor_minutes: u64,
    /// How long it may take in all, in minutes.
    pub step_minutes: u64,
    /// Whether other pods are asked for keys and people.
    pub ask_pods: bool,
    /// How many pods an archive may name that are asked.
    pub max_hosts: usize,
    /// Hosts that may be asked though they are no part of the public internet.
    pub allow_hosts: Vec<String>,
    /// Hours that a pod which took a move gets to process it when no friend there is back; at least one.
    pub grace_hours: u64,
    /// Seconds after the first friend on a pod is back until the rest is sent there.
    pub settle_seconds: u64,
    /// Whether moves are announced without looking whether the new account answers from outside.
    pub assume_reachable: bool,
}

impl Default for NewcomersSection {
    fn default() -> Self {
        Self {
            enabled: false,
            admission: Admission::Approval,
            blocked_pods: Vec::new(),
            trusted_pods: Vec::new(),
            terms: None,
            folder: None,
            max_megabytes: 8_000,
            max_total_megabytes: 50_000,
            keep_free_megabytes: 2_000,
            per_day: 50,
            per_address: 5,
            days: 14,
            undo_minutes: 10.0,
            workers: 1,
            step_megabytes: 384,
            step_processor_minutes: 30,
            step_minutes: 240,
            ask_pods: true,
            max_hosts: 1_000,
            allow_hosts: Vec::new(),
            grace_hours: 12,
            settle_seconds: 60,
            assume_reachable: false,
        }
    }
}

impl NewcomersSection {
    /// The longest pause for undo, in minutes: a day. Comments are lost all the while.
    pub(super) const MAX_UNDO_MINUTES: f64 = 1440.0;

    /// How many bytes of memory one step may take. With less than 64 megabytes none would begin.
    pub fn step_bytes(&self) -> u64 {
        self.step_megabytes.max(64).saturating_mul(1_000_000)
    }

    /// How long one step may use the processor.
    pub fn step_processor_time(&self) -> Duration {
        Duration::from_secs(self.step_processor_minutes.max(1).saturating_mul(60))
    }

    /// How long one step may take in all.
    pub fn step_time(&self) -> Duration {
        Duration::from_secs(self.step_minutes.max(1).saturating_mul(60))
    }

    /// The pause for undo between import and announcement.
    pub fn undo_pause(&self) -> Duration {
        Duration::try_from_secs_f64(self.undo_minutes * 60.0).unwrap_or_default()
    }
}

/// Who may come to a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Admission {
    /// Everybody whose archive is proven to be theirs.
    Open,
    /// Whom the podmin lets in.
    Approval,
    /// Whoever has an invitation of the podmin's.
    Invitation,
    /// Nobody new; who has begun may go on.
    Closed,
}
