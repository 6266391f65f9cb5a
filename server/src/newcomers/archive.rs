//! What is done with an archive that was handed in: looking at it, bringing the account in, writing what the others are
//! to be told, and taking the account away again.
//!
//! All of it goes on a thread of its own: large parts read a file and use the processor, and would hold others up.

use std::sync::Arc;
use std::time::Duration;

use pappus_engine::announce::{AnnounceError, AnnounceOptions, KeyState, announce};
use pappus_engine::discovery::Discovery;
use pappus_engine::domain::{DiasporaId, KeyError};
use pappus_engine::import::{
    self, ImportError, ImportOptions, ImportProgress, ImportRecord, ImportState, KeyInTheMaking, UndoError,
    list_imports,
};
use pappus_engine::pod::config::PodConfig;
use pappus_engine::pod::database::PodWriter;
use pappus_engine::pod::uploads::PhotoStore;
use pappus_engine::store::random_id;
use tokio::sync::watch;

use super::admission::is_blocked;
use super::checked::Digests;
use super::far::Far;
use super::key::{KEY_LOCKED, KEY_PASSPHRASE, NO_KEY, Obstacle, key_state};
use super::records::{Newcomer, State};
use super::summary::Told;
use crate::app::App;

/// How long all look-ups of people of an import may take together, and as long again all fetching of posts.
const LOOKING_UP: Duration = Duration::from_mins(1);
/// Longest username.
const LONG_NAME: usize = 32;
/// How many names are tried until one is free.
const NAMES: usize = 20;

/// What became of the work.
pub(super) enum Outcome {
    Checked {
        digests: Digests,
        old_account: String,
        proof: &'static str,
        plan: String,
        key_locked: bool,
    },
    Imported {
        import: String,
        report: String,
        /// What keeps it from being announced by itself.
        obstacle: Option<Obstacle>,
    },
    Announced(String),
    Undone,
    /// It has been announced meanwhile.
    TooLateToUndo,
    /// Somebody has to do something about it.
    Stopped {
        to: State,
        problem: String,
        reason: String,
    },
    /// The podmin has to.
    Unproven,
    /// Something is away.
    Later(String),
    /// The program stops, or somebody else has taken over.
    GivenBack,
}

/// Work on one newcomer.
pub(super) struct Task {
    pub(super) app: App,
    pub(super) newcomer: Newcomer,
    pub(super) far: Arc<Far>,
    /// Holds true when the work is to be dropped.
    pub(super) dropped: watch::Receiver<bool>,
}

/// Does the work on a thread of its own.
pub(super) async fn on_a_thread(task: Task) -> Outcome {
    let runtime = tokio::runtime::Handle::current();
    let state = task.newcomer.state;
    let done = tokio::task::spawn_blocking(move || {
        runtime.block_on(async move {
            let mut dropped = task.dropped.clone();
            tokio::select! {
                done = task.run() => done.unwrap_or_else(|other| other),
                // An error means that whoever waits for it is gone.
                _ = dropped.wait_for(|dropped| *dropped) => Outcome::GivenBack,
            }
        })
    });
    done.await.unwrap_or_else(|_| Outcome::Stopped {
        to: after_failure(state),
        problem: "broken".to_owned(),
        reason: "the work stopped unexpectedly; this is a defect of Pappus, please report it".to_owned(),
    })
}

/// Where somebody is when a step did not work.
pub(super) fn after_failure(state: State) -> State {
    match state {
        State::Checking => State::Refused,
        State::Announcing => State::Imported,
        _ => State::Failed,
    }
}

impl Task {
    async fn run(&self) -> Result<Outcome, Outcome> {
        let pod = self.app.config.pod.as_ref().ok_or_else(|| later(&"the pod is gone"))?;
        // A whole import is much to keep on a stack.
        match self.newcomer.state {
            State::Checking => Box::pin(self.look(pod)).await,
            State::Importing => Box::pin(self.bring_in(pod)).await,
            State::Announcing => Box::pin(self.announce(pod)).await,
            State::Undoing => Box::pin(self.undo(pod)).await,
            _ => Ok(Outcome::GivenBack),
        }
    }

    pub(super) fn stopped(&self, problem: &str, reason: &dyn std::fmt::Display) -> Outcome {
        let to = after_failure(self.newcomer.state);
        Outcome::Stopped { to, problem: problem.to_owned(), reason: reason.to_string() }
    }

    async fn options(&self, pod: &PodConfig, sha256: &str) -> Result<ImportOptions, Outcome> {
        let section = &self.app.config.newcomers;
        let client = self.app.newcomers.client.clone().filter(|_| section.ask_pods);
        let uploads = PhotoStore::open(&pod.uploads).await.map_err(|error| later(&error))?;
        Ok(ImportOptions {
            username: String::new(),
            reserved_names: pod.reserved_names.clone(),
            email: None,
            encrypted_password: None,
            accept_unproven: false,
            pinned_pods: section.trusted_pods.clone(),
            discovery: client.map(|client| Discovery::new(client, LOOKING_UP)),
            uploads,
            now: self.app.now().into(),
            archive_sha256: sha256.to_owned(),
            keys: Some(self.app.keys.clone()),
            progress: Arc::clone(&self.far) as Arc<dyn ImportProgress>,
        })
    }

    /// Verifies the archive, and finds out what would come of it.
    async fn look(&self, pod: &PodConfig) -> Result<Outcome, Outcome> {
        let (mut archive, digests) = self.open()?;
        let old = archive.report().account.clone();
        let old = old.ok_or_else(|| self.stopped("no_account", &ImportError::NoAccount))?;
        if is_blocked(&self.app.config.newcomers, old.host()) {
            let reason = format!("this pod takes nobody in from {}", old.host());
            return Err(self.stopped("blocked_pod", &reason));
        }
        if old.host() == pod.url.diaspora_host() {
            return Err(self.stopped("onto_itself", &ImportError::OntoItself(old)));
        }
        let key = key_state(&mut archive, None)?;
        let email = super::prefill::email(&mut archive);
        let nobody = random_id().map_err(|error| later(&error))?;
        let options = ImportOptions {
            username: self.free_name(pod, &old).await?,
            // The person names an address later; nobody has this one.
            email: Some(format!("{nobody}@newcomer.invalid")),
            // Whether that is enough is for the podmin to say.
            accept_unproven: true,
            ..self.options(pod, &digests.archive).await?
        };
        let planned = import::plan(archive, &pod.database, &pod.url, Some(&self.app.store), &options).await;
        let planned = planned.map_err(|error| self.not_imported(error))?;
        Ok(Outcome::Checked {
            digests,
            old_account: planned.old.to_string(),
            proof: planned.proof.as_str(),
            plan: Told { no_key: matches!(key, KeyState::Unusable(_)), email, ..Told::of(&planned) }.text(),
            key_locked: matches!(key, KeyState::Locked),
        })
    }

    /// The name people had, or one like it that is free.
    async fn free_name(&self, pod: &PodConfig, old: &DiasporaId) -> Result<String, Outcome> {
        let name = old.username();
        for number in 1..=NAMES {
            let ending = if number == 1 { String::new() } else { format!("_{number}") };
            let kept: String = name.chars().take(LONG_NAME - ending.len()).collect();
            let candidate = format!("{kept}{ending}");
            let (store, choice) = (&self.app.store, (candidate.as_str(), None));
            let checked =
                import::check_choice(&pod.database, &pod.url, store, old, &pod.reserved_names, choice).await;
            match checked {
                Ok(()) => return Ok(candidate),
                Err(ImportError::Username(..) | ImportError::FormerName(..) | ImportError::Name(_)) => {}
                Err(error) => return Err(later(&error)),
            }
        }
        let random = random_id().map_err(|error| later(&error))?;
        Ok(random.chars().take(LONG_NAME - 1).collect())
    }

    /// Brings the account in, or goes on with that.
    async fn bring_in(&self, pod: &PodConfig) -> Result<Outcome, Outcome> {
        let newcomer = &self.newcomer;
        let (Some(username), Some(old)) = (&newcomer.username, &newcomer.old_account) else {
            return Err(self.stopped("broken", &"nothing was chosen"));
        };
        PodWriter::mend(&pod.database).await.map_err(|error| later(&error))?;
        let key = KeyInTheMaking::begin();
        let (mut archive, Digests { archive: sha256, .. }) = self.open()?;
        // Otherwise it would be gone on with what somebody else has begun.
        if let Some(other) = self.open_import(old).await?
            && (other.archive_sha256 != sha256 || other.new_username != *username)
        {
            let reason = format!("{old} has come to this pod before, as {}", other.new_username);
            return Err(self.stopped("imported_before", &reason));
        }
        let obstacle = self.obstacle(&mut archive)?;
        let options = ImportOptions {
            username: username.clone(),
            email: newcomer.email.clone(),
            encrypted_password: self.password_hash()?,
            accept_unproven: newcomer.approved == Some(true),
            ..self.options(pod, &sha256).await?
        };
        let store = &self.app.store;
        let imported = import::import(archive, &pod.database, &pod.url, store, &options, key).await;
        let imported = imported.map_err(|error| self.not_imported(error))?;
        let report = Told::of(&imported).text();
        let import = imported.import.ok_or_else(|| self.stopped("broken", &"the import has no name"))?;
        Ok(Outcome::Imported { import, report, obstacle })
    }

    /// The import of an account that counts now.
    async fn open_import(&self, old: &str) -> Result<Option<ImportRecord>, Outcome> {
        let imports = list_imports(&self.app.store, Some(self.app.config.pod_url.as_str())).await;
        let imports = imports.map_err(|error| later(&error))?;
        let mut open = imports.into_iter().filter(|import| import.state != ImportState::Undone);
        Ok(open.find(|import| import.old_id == old))
    }

    fn not_imported(&self, error: ImportError) -> Outcome {
        match error {
            ImportError::Database(_)
            | ImportError::Store(_)
            | ImportError::Uploads(_)
            | ImportError::Space { .. }
            | ImportError::Keys(_)
            | ImportError::Changed(_) => later(&error),
            ImportError::Unproven(_) if self.newcomer.state == State::Importing => Outcome::Unproven,
            // Somebody took the name at this moment.
            ImportError::Username(..) | ImportError::FormerName(..)
                if self.newcomer.state == State::Checking =>
            {
                later(&error)
            }
            ImportError::Username(..)
            | ImportError::FormerName(..)
            | ImportError::Name(_)
            | ImportError::Email(..) => {
                let problem = error.code().to_owned();
                Outcome::Stopped { to: State::Checked, problem, reason: error.to_string() }
            }
            error => self.stopped(error.code(), &error),
        }
    }

    /// Writes what the others are to be told.
    async fn announce(&self, pod: &PodConfig) -> Result<Outcome, Outcome> {
        let old = self.newcomer.old_account.as_deref().unwrap_or_default();
        let open = self.open_import(old).await?;
        // An import of another archive under the same name is another's, or was begun anew since.
        if open.is_none_or(|open| {
            Some(&open.id) != self.newcomer.import_id.as_ref()
                || Some(&open.archive_sha256) != self.newcomer.archive_sha256.as_ref()
        }) {
            return Err(self.stopped("not_imported", &"there is nothing to announce any more"));
        }
        let key_passphrase = match &self.newcomer.key_passphrase {
            Some(sealed) => Some(self.unsealed(sealed)?),
            None => None,
        };
        let (archive, _) = self.open()?;
        let options = AnnounceOptions { key_passphrase, farewell: None, now: self.app.now().into() };
        let announced = announce(archive, &pod.database, &pod.url, &self.app.store, &options).await;
        let announced = announced.map_err(|error| match error {
            AnnounceError::Database(_) | AnnounceError::Store(_) => later(&error),
            AnnounceError::NoKey { reason: KeyError::Encrypted, .. } => self.stopped(KEY_LOCKED, &error),
            AnnounceError::Key(_) | AnnounceError::NoKey { .. } if self.newcomer.key_locked => {
                self.stopped(KEY_PASSPHRASE, &error)
            }
            AnnounceError::NoKey { .. } => self.stopped(NO_KEY, &error),
            error => self.stopped("announce", &error),
        })?;
        Ok(Outcome::Announced(serde_json::to_string(&announced).unwrap_or_default()))
    }

    /// Takes the account away again.
    async fn undo(&self, pod: &PodConfig) -> Result<Outcome, Outcome> {
        let newcomer = &self.newcomer;
        let old = newcomer.old_account.as_deref().unwrap_or_default();
        // One that did not end has no name in the row; it is of this archive, under this name.
        let own = self.open_import(old).await?.filter(|open| match &newcomer.import_id {
            Some(import) => open.id == *import,
            None => {
                Some(&open.archive_sha256) == newcomer.archive_sha256.as_ref()
                    && Some(&open.new_username) == newcomer.username.as_ref()
            }
        });
        let Some(own) = own else { return Ok(Outcome::Undone) };
        let uploads = PhotoStore::open(&pod.uploads).await.map_err(|error| later(&error))?;
        let now = self.app.now().into();
        let keys = Some(&self.app.keys);
        match import::undo(&self.app.store, keys, &own, &pod.database, &pod.url, &uploads, now).await {
            Ok(_) | Err(UndoError::Undone) => Ok(Outcome::Undone),
            Err(UndoError::Announced(_)) => Ok(Outcome::TooLateToUndo),
            Err(error) => Err(later(&error)),
        }
    }
}

pub(super) fn later(error: &dyn std::fmt::Display) -> Outcome {
    Outcome::Later(error.to_string())
}
