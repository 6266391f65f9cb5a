//! The context of a step.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::arrivals::{Files, Newcomers};
use crate::depot::CampaignKeys;
use crate::http::Client;
use crate::import::PodPin;
use crate::pod::config::PodConfig;
use crate::store::Store;

/// Returns the current time.
pub type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The podmin's rules for steps.
#[derive(Debug, Clone)]
pub struct StepRules {
    /// Pods whose accounts are not accepted: hosts, as in diaspora* IDs.
    pub blocked_pods: Vec<String>,
    /// Pods whose archives podmins trust, each for its own accounts: those of the configuration and of the board at the
    /// start of the step.
    pub trusted_pods: Vec<PodPin>,
    /// Maximum number of pods that are asked for all archives of a newcomer, and that are notified of one move
    /// without a podmin's approval.
    pub max_hosts: usize,
}

/// The context of a step.
pub struct StepContext {
    /// Pappus's own database.
    pub store: Store,
    /// The keys that secrets are encrypted to.
    pub keys: CampaignKeys,
    /// The newcomers.
    pub newcomers: Newcomers,
    /// Their uploads.
    pub files: Files,
    /// HTTP client for other pods; `None` to contact no other pod.
    pub client: Option<Client>,
    /// The pod they move to.
    pub pod: PodConfig,
    /// The podmin's rules.
    pub rules: StepRules,
    /// The current time.
    pub now: Now,
}

impl StepContext {
    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }
}
