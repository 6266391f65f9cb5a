//! One step of a move.

use std::sync::Arc;

use super::context::StepContext;
use super::key::{KEY_LOCKED, KEY_PASSPHRASE, NO_KEY, key_state};
use super::opened::Digests;
use super::{Outcome, after_failure};
use crate::announce::{AnnounceError, AnnounceOptions, KeyState, announce, pods_of_contacts};
use crate::archive::open::{Archive, Verified};
use crate::arrivals::admission::is_blocked;
use crate::arrivals::records::{Newcomer, State};
use crate::arrivals::summary::PlanSummary;
use crate::discovery::Discovery;
use crate::domain::{DiasporaId, KeyError};
use crate::import::{
    self, Evidence, ImportError, ImportOptions, ImportRecord, ImportState, PendingKey, UndoError,
    list_imports,
};
use crate::pod::config::PodConfig;
use crate::pod::database::PodWriter;
use crate::pod::uploads::PhotoStore;
use crate::progress::{Progress, ProgressCounter};
use crate::store::random_id;

/// The problem of a move that would notify many pods, until a podmin has approved it.
pub const MANY_PODS: &str = "many_pods";
/// The problem of an archive whose key differs from the one that this pod knows or the old pod publishes.
pub const WRONG_KEY: &str = "wrong_key";
/// The problem of a move whose key on this pod cannot be read; the same as the code of the import's error.
const UNREADABLE_KEY: &str = "unreadable_key";
/// Maximum length of a username in characters.
const MAX_NAME_CHARS: usize = 32;
/// Maximum number of names tried to find an available one.
const MAX_NAMES: usize = 20;

/// Runs the step that a newcomer is due for, while the fence of their lease is valid.
pub async fn run_step(
    context: StepContext,
    newcomer: i64,
    fence: &str,
    progress: Arc<ProgressCounter>,
) -> Outcome {
    match context.newcomers.with_fence(newcomer, fence).await {
        Ok(Some(newcomer)) => {
            let step = Step { context, newcomer, fence: fence.to_owned(), progress };
            step.run().await.unwrap_or_else(|outcome| outcome)
        }
        Ok(None) => Outcome::Released,
        Err(error) => Outcome::Unavailable(error.to_string()),
    }
}

/// A step of a newcomer's move.
pub(super) struct Step {
    pub(super) context: StepContext,
    pub(super) newcomer: Newcomer,
    pub(super) fence: String,
    pub(super) progress: Arc<ProgressCounter>,
}

impl Step {
    /// Runs the step. An outcome other than success is an error, so that `?` ends the step with it.
    async fn run(&self) -> Result<Outcome, Outcome> {
        let pod = &self.context.pod;
        // The future of an import is too large for the stack.
        match self.newcomer.state {
            State::Checking => Box::pin(self.check_archive(pod)).await,
            State::Importing => Box::pin(self.import_account(pod)).await,
            State::Announcing => Box::pin(self.announce(pod)).await,
            State::Undoing => Box::pin(self.undo(pod)).await,
            _ => Ok(Outcome::Released),
        }
    }

    /// Returns the outcome that a person has to act on this problem.
    pub(super) fn stopped(&self, problem: &str, reason: &dyn std::fmt::Display) -> Outcome {
        let to = after_failure(self.newcomer.state);
        Outcome::Stopped { to, problem: problem.to_owned(), reason: reason.to_string(), evidence: None }
    }

    /// Like [`stopped`](Self::stopped), for a key that differs from the known or published one.
    fn wrong_key(&self, reason: &dyn std::fmt::Display, evidence: &Evidence) -> Outcome {
        let (to, evidence) = (after_failure(self.newcomer.state), Some(Box::new(evidence.clone())));
        Outcome::Stopped { to, problem: WRONG_KEY.to_owned(), reason: reason.to_string(), evidence }
    }

    /// Returns the name of the newcomer as the owner of an import.
    fn owner(&self) -> String {
        format!("newcomer-{}", self.newcomer.id)
    }

    async fn options(
        &self,
        pod: &PodConfig,
        sha256: &str,
        discovery: Option<Discovery>,
    ) -> Result<ImportOptions, Outcome> {
        let uploads =
            PhotoStore::of_pod(&pod.uploads, &pod.database).await.map_err(|error| reschedule(&error))?;
        Ok(ImportOptions {
            owner: Some(self.owner()),
            username: String::new(),
            reserved_names: pod.reserved_names.clone(),
            email: None,
            encrypted_password: None,
            accept_unproven: false,
            pinned_pods: self.context.rules.trusted_pods.clone(),
            discovery,
            uploads,
            now: self.context.now().into(),
            archive_sha256: sha256.to_owned(),
            keys: Some(self.context.keys.clone()),
            progress: Arc::clone(&self.progress) as Arc<dyn Progress>,
        })
    }

    /// Verifies the archive, and plans the import.
    async fn check_archive(&self, pod: &PodConfig) -> Result<Outcome, Outcome> {
        let digests = self.digests()?;
        self.refuse_heavy(&digests).await?;
        let mut archive = self.open_files(&digests)?;
        let old = archive.report().account.clone();
        let old = old.ok_or_else(|| self.stopped("no_account", &ImportError::NoAccount))?;
        if is_blocked(&self.context.rules.blocked_pods, old.host()) {
            let reason = format!("this pod does not accept accounts from {}", old.host());
            return Err(self.stopped("blocked_pod", &reason));
        }
        if old.host() == pod.url.diaspora_host() {
            return Err(self.stopped("onto_itself", &ImportError::SamePod(old)));
        }
        let key = key_state(&mut archive, None)?;
        let email = match super::prefill::email(&mut archive) {
            Some(email) => Some(self.sealed_text(&email).await?),
            None => None,
        };
        let discovery = self.check_discovery(&old).await?;
        let locked_key = self.locked_key(&key).await?;
        let placeholder = random_id().map_err(|error| reschedule(&error))?;
        let options = ImportOptions {
            username: self.free_name(pod, &old).await?,
            // An address that no account has: the newcomer chooses theirs later.
            email: Some(format!("{placeholder}@newcomer.invalid")),
            // The podmin decides about unproven archives.
            accept_unproven: true,
            ..self.options(pod, &digests.archive, discovery).await?
        };
        let planned =
            import::plan(archive, &pod.database, &pod.url, Some(&self.context.store), &options).await;
        self.record_hosts(options.discovery.as_ref()).await?;
        let planned = planned.map_err(|error| self.not_imported(error))?;
        Ok(Outcome::Checked {
            digests: Box::new(digests),
            old_account: planned.old.to_string(),
            proof: planned.proof.as_str().to_owned(),
            evidence: Box::new(planned.evidence.clone()),
            plan: PlanSummary {
                no_key: matches!(key, KeyState::Unusable(_)),
                email,
                locked_key,
                ..PlanSummary::of(&planned)
            }
            .text(),
            key_locked: matches!(key, KeyState::Locked(_)),
        })
    }

    /// Returns the former username, or a similar one that is available.
    async fn free_name(&self, pod: &PodConfig, old: &DiasporaId) -> Result<String, Outcome> {
        let name = old.username();
        for number in 1..=MAX_NAMES {
            let ending = if number == 1 { String::new() } else { format!("_{number}") };
            let stem: String = name.chars().take(MAX_NAME_CHARS - ending.len()).collect();
            let candidate = format!("{stem}{ending}");
            let (store, choice) = (&self.context.store, (candidate.as_str(), None));
            let availability =
                import::check_choice(&pod.database, &pod.url, store, old, &pod.reserved_names, choice).await;
            match availability {
                Ok(()) => return Ok(candidate),
                Err(ImportError::Username(..) | ImportError::FormerName(..) | ImportError::Name(_)) => {}
                Err(error) => return Err(reschedule(&error)),
            }
        }
        let random = random_id().map_err(|error| reschedule(&error))?;
        Ok(random.chars().take(MAX_NAME_CHARS - 1).collect())
    }

    /// Imports the account, or resumes the import.
    async fn import_account(&self, pod: &PodConfig) -> Result<Outcome, Outcome> {
        let newcomer = &self.newcomer;
        let (Some(username), Some(old)) = (&newcomer.username, &newcomer.old_account) else {
            return Err(self.stopped("broken", &"nothing was chosen"));
        };
        PodWriter::recover_sqlite_journal(&pod.database).await.map_err(|error| reschedule(&error))?;
        let key = PendingKey::begin();
        let (mut archive, Digests { archive: sha256, .. }) = self.open()?;
        // Without this, it would resume an import of another archive or of another person.
        if let Some(existing) = self.open_import(old).await?
            && (existing.archive_sha256 != sha256
                || existing.new_username != *username
                || existing.owner.as_ref().is_some_and(|owner| *owner != self.owner()))
        {
            let reason = format!("{old} has come to this pod before, as {}", existing.new_username);
            return Err(self.stopped("imported_before", &reason));
        }
        let obstacle = self.obstacle(&mut archive)?;
        let options = ImportOptions {
            username: username.clone(),
            email: self.email()?,
            encrypted_password: self.password_hash()?,
            // An approval counts only if the podmin saw that nothing proves the ownership of the account.
            accept_unproven: newcomer.approved == Some(true) && newcomer.is_unproven(),
            ..self.options(pod, &sha256, self.discovery().await?).await?
        };
        let store = &self.context.store;
        let imported = import::import(archive, &pod.database, &pod.url, store, &options, key).await;
        self.record_hosts(options.discovery.as_ref()).await?;
        let imported = imported.map_err(|error| self.not_imported(error))?;
        let report = PlanSummary::of(&imported).text();
        let import = imported.import.ok_or_else(|| self.stopped("broken", &"the import has no name"))?;
        Ok(Outcome::Imported { import, report, obstacle })
    }

    /// Finds the import of an account that is not undone.
    async fn open_import(&self, old: &str) -> Result<Option<ImportRecord>, Outcome> {
        let imports = list_imports(&self.context.store, Some(&self.context.newcomers.pod)).await;
        let imports = imports.map_err(|error| reschedule(&error))?;
        let mut open = imports.into_iter().filter(|import| import.state != ImportState::Undone);
        Ok(open.find(|import| import.old_id == old))
    }

    /// Returns the outcome of a failed plan or import.
    fn not_imported(&self, error: ImportError) -> Outcome {
        match error {
            ImportError::Database(_)
            | ImportError::Store(_)
            | ImportError::Uploads(_)
            | ImportError::Space { .. }
            | ImportError::Keys(_)
            | ImportError::RowMissing(_) => reschedule(&error),
            ImportError::Unproven(_, _, evidence) if self.newcomer.state == State::Importing => {
                Outcome::Unproven(evidence)
            }
            ImportError::WrongKey { ref evidence, .. } => self.wrong_key(&error, evidence),
            // Another account has taken the name since it was found to be available.
            ImportError::Username(..) | ImportError::FormerName(..)
                if self.newcomer.state == State::Checking =>
            {
                reschedule(&error)
            }
            ImportError::Username(..)
            | ImportError::FormerName(..)
            | ImportError::Name(_)
            | ImportError::Email(..) => {
                let problem = error.code().to_owned();
                Outcome::Stopped { to: State::Checked, problem, reason: error.to_string(), evidence: None }
            }
            error => self.stopped(error.code(), &error),
        }
    }

    /// Prepares the announcement.
    async fn announce(&self, pod: &PodConfig) -> Result<Outcome, Outcome> {
        let old = self.newcomer.old_account.as_deref().unwrap_or_default();
        let import = self.open_import(old).await?;
        // An import of another archive belongs to someone else, or was restarted since.
        if import.is_none_or(|import| {
            Some(&import.id) != self.newcomer.import_id.as_ref()
                || Some(&import.archive_sha256) != self.newcomer.archive_sha256.as_ref()
        }) {
            return Err(self.stopped("not_imported", &"there is nothing left to announce"));
        }
        let key_passphrase = match &self.newcomer.key_passphrase {
            Some(sealed) => Some(self.unsealed(sealed)?),
            None => None,
        };
        let (mut archive, _) = self.open()?;
        self.check_pod_limit(&mut archive)?;
        let options = AnnounceOptions {
            key_passphrase,
            farewell: None,
            discovery: self.discovery().await?,
            pinned_pods: self.context.rules.trusted_pods.clone(),
            now: self.context.now().into(),
        };
        let announced = announce(archive, &pod.database, &pod.url, &self.context.store, &options).await;
        self.record_hosts(options.discovery.as_ref()).await?;
        let announced = announced.map_err(|error| match error {
            error if error.is_of_database() => reschedule(&error),
            AnnounceError::NoKey { reason: KeyError::Encrypted, .. } => self.stopped(KEY_LOCKED, &error),
            AnnounceError::Key(_) | AnnounceError::NoKey { .. } if self.newcomer.key_locked => {
                self.stopped(KEY_PASSPHRASE, &error)
            }
            AnnounceError::NoKey { .. } => self.stopped(NO_KEY, &error),
            AnnounceError::WrongKey { ref evidence, .. } => self.wrong_key(&error, evidence),
            AnnounceError::UnreadableKey(..) => self.stopped(UNREADABLE_KEY, &error),
            error => self.stopped("announce", &error),
        })?;
        Ok(Outcome::Announced(serde_json::to_string(&announced).unwrap_or_default()))
    }

    /// Stops before too many pods are contacted without a podmin's approval: an archive can name any number of pods.
    fn check_pod_limit(&self, archive: &mut Archive<Verified>) -> Result<(), Outcome> {
        let max_hosts = self.context.rules.max_hosts;
        if self.newcomer.approved == Some(true) {
            return Ok(());
        }
        let pods = pods_of_contacts(archive).map_err(|error| reschedule(&error))?;
        if pods > max_hosts {
            let reason =
                format!("the contacts are on {pods} pods; more than {max_hosts} need a podmin's approval");
            return Err(self.stopped(MANY_PODS, &reason));
        }
        Ok(())
    }

    /// Undoes the import.
    async fn undo(&self, pod: &PodConfig) -> Result<Outcome, Outcome> {
        let newcomer = &self.newcomer;
        let old = newcomer.old_account.as_deref().unwrap_or_default();
        // Rows have no ID of an incomplete import, and imports of earlier versions have no owner either.
        let own_import =
            self.open_import(old).await?.filter(|import| match (&newcomer.import_id, &import.owner) {
                (Some(id), _) => import.id == *id,
                (None, Some(owner)) => *owner == self.owner(),
                (None, None) => {
                    Some(&import.archive_sha256) == newcomer.archive_sha256.as_ref()
                        && Some(&import.new_username) == newcomer.username.as_ref()
                }
            });
        let Some(import) = own_import else { return Ok(Outcome::Undone) };
        let uploads =
            PhotoStore::of_pod(&pod.uploads, &pod.database).await.map_err(|error| reschedule(&error))?;
        let now = self.context.now().into();
        let keys = Some(&self.context.keys);
        match import::undo(&self.context.store, keys, &import, &pod.database, &pod.url, &uploads, now).await {
            Ok(_) | Err(UndoError::Undone) => Ok(Outcome::Undone),
            Err(UndoError::Announced(_)) => Ok(Outcome::TooLateToUndo),
            Err(error) => Err(reschedule(&error)),
        }
    }
}

/// Returns the outcome that the step is to be retried because of this error.
pub(super) fn reschedule(error: &dyn std::fmt::Display) -> Outcome {
    Outcome::Unavailable(error.to_string())
}
