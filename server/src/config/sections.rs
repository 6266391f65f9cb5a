//! The sections of single modules. Each module reads its own.

use std::time::Duration;

use pappus_engine::import::PodPin;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Archives that people request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArchivesSection {
    /// The depot: a folder, or `s3://BUCKET[/PREFIX]`.
    pub place: Option<String>,
    /// Days after which a requested archive is deleted.
    pub days: u32,
    /// Requested archives that are kept for one account at the same time.
    pub per_account: u32,
    /// Archives created at the same time.
    pub workers: usize,
}

impl Default for ArchivesSection {
    fn default() -> Self {
        Self { place: None, days: 30, per_account: 5, workers: 2 }
    }
}

/// Sign-in.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignInSection {
    /// The pepper that the pod appends to passwords before hashing.
    pub pepper: String,
    /// Maximum number of wrong passwords or codes for one account within 15 minutes.
    pub attempts_per_account: u32,
    /// Maximum number of wrong passwords or codes from one address within 15 minutes.
    pub attempts_per_address: u32,
    /// Minutes after which the pod is asked again whether a signed-in account is locked or closed.
    pub asks_again_minutes: u32,
}

/// The pepper in diaspora*'s source (`config/initializers/devise.rb`), the same on every pod that has not changed it.
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

/// Mail.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailSection {
    /// The mail server: `smtp://[USER:PASSWORD@]HOST[:PORT]` or `smtps://…`; without one no mail is sent.
    pub server: Option<String>,
    /// A folder that mails are written to instead, for testing.
    pub folder: Option<String>,
    /// The sender of mails.
    pub from: Option<String>,
    /// Mails per minute.
    pub per_minute: u32,
}

impl Default for MailSection {
    fn default() -> Self {
        Self { server: None, folder: None, from: None, per_minute: 60 }
    }
}

impl MailSection {
    /// Returns whether mail is sent.
    pub fn is_sent(&self) -> bool {
        self.from.is_some() && (self.server.is_some() || self.folder.is_some())
    }
}

impl std::fmt::Debug for MailSection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("MailSection").field("from", &self.from).finish_non_exhaustive()
    }
}

/// The portal of a closing pod.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClosingSection {
    /// True if people may download their archives here.
    pub enabled: bool,
}

/// Imports into a pod that stays open.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewcomersSection {
    /// True if people may import their archives here.
    pub enabled: bool,
    /// The admission policy.
    pub admission: Admission,
    /// Pods from which nobody may move here: hosts, as in diaspora* IDs.
    pub blocked_pods: Vec<String>,
    /// Pods whose archives the podmin trusts, each for its own accounts: `HOST=SHA256:…`.
    pub trusted_pods: Vec<PodPin>,
    /// The URL of the pod's terms.
    pub terms: Option<String>,
    /// The folder for uploaded archives.
    pub folder: Option<String>,
    /// Maximum size of an archive with its photos, in megabytes.
    pub max_megabytes: u64,
    /// Maximum total size of all uploads, in megabytes.
    pub max_total_megabytes: u64,
    /// Disk space left free, in megabytes.
    pub keep_free_megabytes: u64,
    /// Maximum number of moves started within a day.
    pub per_day: u32,
    /// Maximum number of moves started from one address within a day.
    pub per_address: u32,
    /// Days without activity after which an upload is deleted.
    pub days: u32,
    /// Minutes after the import in which a person can undo the move before it is announced automatically; 0 for none,
    /// 1440 at most.
    pub undo_minutes: f64,
    /// Archives checked or imported at the same time.
    pub workers: usize,
    /// Maximum memory of the process that works on one archive, in megabytes.
    pub step_megabytes: u64,
    /// Maximum processor time of one step, in minutes.
    pub step_processor_minutes: u64,
    /// Maximum duration of one step, in minutes.
    pub step_minutes: u64,
    /// True if other pods are asked for keys and people.
    pub ask_pods: bool,
    /// Maximum number of pods asked for all archives of a newcomer.
    pub max_hosts: usize,
    /// Hosts that may be contacted although they are not on the public internet.
    pub allow_hosts: Vec<String>,
    /// Hours that a pod which received a move has to process it while no friend there has reconnected; at least one.
    pub grace_hours: u64,
    /// Seconds between the first friend on a pod reconnecting and the delivery of the rest to it.
    pub settle_seconds: u64,
    /// True if moves are announced without checking that the new account can be reached from outside.
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
    /// The longest undo period, in minutes: a day. Comments made during it are lost.
    pub(super) const MAX_UNDO_MINUTES: f64 = 1440.0;

    /// Returns the memory limit of one step, in bytes. With less than 64 megabytes none would start.
    pub fn step_bytes(&self) -> u64 {
        self.step_megabytes.max(64).saturating_mul(1_000_000)
    }

    /// Returns the processor time limit of one step.
    pub fn step_processor_time(&self) -> Duration {
        Duration::from_secs(self.step_processor_minutes.max(1).saturating_mul(60))
    }

    /// Returns the time limit of one step.
    pub fn step_time(&self) -> Duration {
        Duration::from_secs(self.step_minutes.max(1).saturating_mul(60))
    }

    /// Returns the undo period between import and announcement.
    pub fn undo_pause(&self) -> Duration {
        Duration::try_from_secs_f64(self.undo_minutes * 60.0).unwrap_or_default()
    }
}

/// The admission policy of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Admission {
    /// Everyone who proves that the archive is theirs.
    Open,
    /// People approved by the podmin.
    Approval,
    /// People with an invitation from the podmin.
    Invitation,
    /// No new people; moves already started may continue.
    Closed,
}
