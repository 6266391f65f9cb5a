//! An account comes to a pod.
//!
//! ```text
//! Archive<Verified> ──survey──▶ people, keys ──▶ plan (reads only) ──▶ Report
//!                                          └───▶ import ──journal──▶ Report
//! ```
//!
//! A plan and an import go the same way through the same decisions; the plan's connection is a read-only
//! transaction. Before a batch is written, the journal in Pappus's own store notes what will be written, so an
//! import that was killed goes on where it was, and one that is not announced yet can be taken back.

mod account;
mod choices;
mod contacts;
mod finish;
mod journal;
mod lengths;
mod links;
mod names;
mod parents;
mod people;
mod photos;
mod posts;
mod progress;
mod relayables;
mod report;
mod source;
mod space;
mod survey;
mod talk;
mod target;
mod text;
mod undo;

use std::collections::HashSet;
use std::sync::Arc;

pub(crate) use journal::mark_announced;
pub use journal::{ImportRecord, ImportState, find_import, list_imports};
pub use people::NewPerson;
pub use progress::{ImportProgress, Stage};
pub use report::{Finding, FindingCode, Report, Tally};
pub use space::Needs;
pub use undo::{UndoError, Undone, undo};

use tokio::task::JoinHandle;

use account::{Access, AccountRows};
use journal::{Intent, Journal};
use people::{People, strangers};
use source::Batch;
use survey::Survey;
use target::{NewAccount, PLANNED_ACCOUNT, Planned, Target};

use crate::archive::document::DocumentError;
use crate::archive::manifest::CountKind;
use crate::archive::open::{AccountSignature, Archive, OpenError, Origin, Verified};
use crate::campaign::SecretText;
use crate::discovery::Discovery;
use crate::domain::{
    DiasporaId, DiasporaIdError, Guid, KeyError, KeyFingerprint, PrivateKey, PublicKey, Timestamp,
};
use crate::pod::config::{DatabaseUrl, PodUrl};
use crate::pod::database::{Cell as _, DatabaseError, PodWriter};
use crate::pod::uploads::{PhotoStore, UploadsError};
use crate::store::{Store, StoreError};
use crate::validate::Judge;

/// Why an account was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The archive cannot be read any more.
    #[error(transparent)]
    Archive(#[from] OpenError),
    /// The archive document cannot be read any more.
    #[error("the archive document: {0}")]
    Document(#[from] DocumentError),
    /// The pod's database failed. What was written before is kept: the same command goes on from there.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Pappus's own store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no room for the photos.
    #[error(
        "the photos with their sizes need about {} in {place}, where {} are free: make room there first. Nothing more was \
         written", space::megabytes(*.needed), space::megabytes(*.free)
    )]
    NoSpace {
        /// Where photos go.
        place: String,
        /// Bytes that are needed, estimated.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The system does not say how much room there is.
    #[error("it cannot be found out how much room is left in {place}: {source}")]
    Space {
        /// Where photos go.
        place: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The photo files failed.
    #[error("{0}. What is there is kept; run the same command again")]
    Uploads(#[from] UploadsError),
    /// The new key could not be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The new name makes no diaspora* ID.
    #[error(transparent)]
    Name(#[from] DiasporaIdError),
    /// The name cannot be had.
    #[error("the username {0:?} cannot be taken: {1}. Choose another one with --as")]
    Username(String, &'static str),
    /// The address cannot be used.
    #[error("the e-mail address {0:?} cannot be used: {1}. Name another one with --email")]
    Email(String, &'static str),
    /// The archive says nothing of whose it is.
    #[error("the archive does not say whose account it holds")]
    NoAccount,
    /// The archive is of this very pod.
    #[error("{0} is an account of this pod already: an account cannot be imported where it came from")]
    OntoItself(DiasporaId),
    /// The key in the archive is not the one the network knows.
    #[error(
        "the key in the archive is not the key of {account}: this pod knows {known}, the archive holds {found}. \
         Somebody else may have made it; it is refused"
    )]
    WrongKey {
        /// The account.
        account: DiasporaId,
        /// The key this pod knows.
        known: KeyFingerprint,
        /// The key in the archive.
        found: String,
    },
    /// Nothing vouches for the archive.
    #[error(
        "nothing proves that this is the archive of {0}: the archive's key is known neither to this pod nor by a \
         pinned pod key. If you know whose it is, say --accept-unproven"
    )]
    Unproven(DiasporaId),
    /// The account has moved before.
    #[error("{0} has already moved to {1}: an account moves once")]
    AlreadyMoved(DiasporaId, String),
    /// The account is being imported, or has been, under another name or from another archive.
    #[error(
        "{old} was imported here before as {name} (import {import}): undo that first, or use the same name"
    )]
    Before {
        /// Who the account was.
        old: DiasporaId,
        /// The name it has here.
        name: String,
        /// The import.
        import: String,
    },
    /// What was just written is not there.
    #[error("{0} disappeared while it was being imported; run the same command again")]
    Changed(&'static str),
    /// A thread ended without a word.
    #[error("the import stopped unexpectedly; this is a defect of Pappus, please report it")]
    Broken,
}

impl ImportError {
    /// The stable name, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Archive(_) => "archive",
            Self::Document(error) => error.code(),
            Self::Database(_) => "database",
            Self::Store(_) => "store",
            Self::Uploads(_) | Self::Space { .. } => "uploads",
            Self::NoSpace { .. } => "no_space",
            Self::Key(_) => "key",
            Self::Name(_) | Self::Username(..) => "username_not_possible",
            Self::Email(..) => "email_not_possible",
            Self::NoAccount => "no_account",
            Self::OntoItself(_) => "onto_itself",
            Self::WrongKey { .. } => "wrong_key",
            Self::Unproven(_) => "unproven",
            Self::AlreadyMoved(..) => "already_moved",
            Self::Before { .. } => "imported_before",
            Self::Changed(_) => "changed",
            Self::Broken => "broken",
        }
    }
}

/// What shows that the archive is the account's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The old pod publishes the account's key.
    HCard,
    /// The target pod has known the account's key since before.
    CachedPerson,
    /// The archive is signed by a pod whose key the podmin has pinned.
    PinnedPodKey,
    /// Nothing; the podmin takes it all the same.
    Unproven,
}

impl Proof {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HCard => "hcard",
            Self::CachedPerson => "cached_person",
            Self::PinnedPodKey => "pinned_pod_key",
            Self::Unproven => "unproven",
        }
    }
}

/// What to import, where, and how.
pub struct ImportOptions {
    /// The username on the target pod.
    pub username: String,
    /// Usernames that the pod keeps for itself.
    pub reserved_names: Vec<String>,
    /// Instead of the e-mail address in the archive.
    pub email: Option<String>,
    /// The hash of the password that the user has chosen, as diaspora* keeps it; without one nobody can sign in before
    /// asking the pod for a new password.
    pub encrypted_password: Option<SecretText>,
    /// Take the archive even if nothing proves whose it is.
    pub accept_unproven: bool,
    /// Fingerprints of archive keys of pods that the podmin trusts.
    pub pinned_pods: Vec<String>,
    /// Looks up people whom the target pod does not know, and the account's key; none when nobody is asked.
    pub discovery: Option<Discovery>,
    /// Where photo files go.
    pub uploads: PhotoStore,
    /// The time that new rows get.
    pub now: Timestamp,
    /// SHA-256 of the archive file.
    pub archive_sha256: String,
    /// Hears how far it is.
    pub progress: Arc<dyn ImportProgress>,
}

/// The key of an account that comes. Finding two large primes takes as long as all the rest, so it is begun first, and
/// the account gets it last.
pub struct KeyInTheMaking(JoinHandle<Result<PrivateKey, KeyError>>);

impl KeyInTheMaking {
    /// Begins, on a thread of its own. Must be called within a tokio runtime.
    pub fn begin() -> Self {
        Self(tokio::task::spawn_blocking(PrivateKey::generate))
    }
}

/// A plan, or a finished import.
#[derive(Debug)]
pub struct Imported {
    /// Who the account was.
    pub old: DiasporaId,
    /// Who it is.
    pub new: DiasporaId,
    /// What proves that.
    pub proof: Proof,
    /// The import's name in the store; none for a plan.
    pub import: Option<String>,
    /// What came in and what did not.
    pub report: Report,
    /// What it needs, or needed.
    pub needs: Needs,
}

/// Says what an import would do, and writes nothing.
///
/// # Errors
/// What would stop the import.
pub async fn plan(
    archive: Archive<Verified>,
    database: &DatabaseUrl,
    url: &PodUrl,
    options: &ImportOptions,
) -> Result<Imported, ImportError> {
    let pod = PodWriter::open_read_only(database).await?;
    let mut target = Target::new(pod, url.clone(), options.now, Some(Planned::default()));
    target.photos_at = options.uploads.public_address(url);
    target.progress = Arc::clone(&options.progress);
    Importer { target, options, journal: None, key: None }.run(archive, None).await
}

/// Makes sure that a username can be taken on a pod, and an e-mail address used, before anything else is done. Somebody
/// else may still be quicker: the import looks again.
///
/// # Errors
/// [`ImportError::Name`], [`ImportError::Username`], [`ImportError::Email`], or the database's failure.
pub async fn check_choice(
    database: &DatabaseUrl,
    url: &PodUrl,
    reserved_names: &[String],
    username: &str,
    email: Option<&str>,
) -> Result<(), ImportError> {
    let new: DiasporaId = format!("{username}@{}", url.diaspora_host()).parse()?;
    let pod = PodWriter::open_read_only(database).await?;
    // Nothing is written, so no row gets this time.
    let at = Timestamp::from_utc(chrono::NaiveDateTime::default());
    let mut target = Target::new(pod, url.clone(), at, Some(Planned::default()));
    names::check_name(&mut target, &new, reserved_names).await?;
    match email {
        Some(email) => names::check_email(&mut target, &names::stored_email(email)).await,
        None => Ok(()),
    }
}

/// Imports an account, or goes on with an import that was broken off.
///
/// # Errors
/// [`ImportError`]. What has been written stays, and the same call goes on from there.
pub async fn import(
    archive: Archive<Verified>,
    database: &DatabaseUrl,
    url: &PodUrl,
    store: &Store,
    options: &ImportOptions,
    key: KeyInTheMaking,
) -> Result<Imported, ImportError> {
    let pod = PodWriter::open(database).await?;
    let mut target = Target::new(pod, url.clone(), options.now, None);
    target.photos_at = options.uploads.public_address(url);
    target.progress = Arc::clone(&options.progress);
    Importer { target, options, journal: None, key: Some(key) }.run(archive, Some(store)).await
}

struct Importer<'a> {
    target: Target,
    options: &'a ImportOptions,
    journal: Option<Journal>,
    /// The new account's key, in the making; none in a plan.
    key: Option<KeyInTheMaking>,
}

impl Importer<'_> {
    async fn run(
        mut self,
        archive: Archive<Verified>,
        store: Option<&Store>,
    ) -> Result<Imported, ImportError> {
        let old = archive.report().account.clone().ok_or(ImportError::NoAccount)?;
        let new: DiasporaId =
            format!("{}@{}", self.options.username, self.target.url.diaspora_host()).parse()?;
        if old.host() == new.host() {
            return Err(ImportError::OntoItself(old));
        }
        let trusted = is_pinned(&archive, &self.options.pinned_pods);
        let (mut archive, mut survey) = survey(archive).await?;
        let proof = self.prove(&archive, &survey, &old, trusted).await?;
        let old_person = self.old_person(&old, &new).await?;
        let needs = self.look_for_room(&survey)?;
        let (mut account, rows) = self.account(&survey, &old, &new, old_person, store).await?;
        account.trusted = trusted;
        account.readers = self.readers(old_person).await?;
        if self.target.writes() {
            self.options.progress.begin(Stage::Photos, survey.photos.len() as u64);
            (archive, survey.files) = self.import_photo_files(archive).await?;
        } else {
            for _ in &survey.files {
                self.target.report.imported(CountKind::PhotoFiles);
            }
        }
        let mut people = People::read(&mut self.target, survey.people.keys()).await?;
        if let Some(discovery) = &self.options.discovery {
            let everybody: HashSet<DiasporaId> = survey.people.keys().cloned().collect();
            let unknown = everybody.iter().filter(|id| people.get(id).is_none()).count() as u64;
            self.options.progress.begin(Stage::People, unknown);
            people.meet(&mut self.target, discovery, &everybody, self.journal.as_mut()).await?;
            self.options.progress.advance(unknown);
        }
        if trusted {
            let strangers = strangers(&people, &survey.people);
            people.introduce(&mut self.target, strangers, self.journal.as_mut()).await?;
        }
        if let Some(discovery) = &self.options.discovery {
            let (target, journal) = (&mut self.target, self.journal.as_mut());
            parents::fetch_parents(target, discovery, &mut people, &survey, &old, journal).await?;
        }
        self.target.count_aspects(&survey);
        self.target.import_blocks(&account, &survey, &people).await?;
        let judge = Arc::new(Judge::new(&people.keys, Some(old.clone())));
        let (mut batches, reading) = source::start(archive, judge);
        self.options.progress.begin(Stage::Records, survey.records);
        while let Some(batch) = batches.recv().await {
            let records = batch.len();
            self.target.take(&account, &old, &people, &survey.files, batch, self.journal.as_mut()).await?;
            self.options.progress.advance(records);
        }
        reading.await.map_err(|_| ImportError::Broken)??;
        if let (Some(store), Some(journal)) = (store, &self.journal) {
            self.target.enter_links(&account, &old, &people, store, &journal.import).await?;
            self.target.set_counters(&account).await?;
        }
        if let Some(rows) = rows.filter(|rows| !rows.is_open) {
            let key = self.key.take().ok_or(ImportError::Broken)?;
            let key = key.0.await.map_err(|_| ImportError::Broken)??;
            self.target.open_account(rows, &key).await?;
        }
        let report = std::mem::take(&mut self.target.report);
        self.note_end(proof, &report).await?;
        let import = self.journal.map(|journal| journal.import.id);
        let needs = needs.with_records(&report);
        Ok(Imported { old, new, proof, import, report, needs })
    }

    /// Whether the photos fit: an import that has no room for them does not begin.
    fn look_for_room(&mut self, survey: &Survey) -> Result<Needs, ImportError> {
        let needs = Needs::of(&survey.photos, &self.options.uploads)?;
        if self.target.writes() {
            needs.check(&self.options.uploads)?;
        } else if !needs.fits() {
            let place = self.options.uploads.to_string();
            self.target.report.note(CountKind::PhotoFiles, FindingCode::NoSpace, &place);
        }
        Ok(needs)
    }

    /// Notes in the journal that everything is here.
    async fn note_end(&self, proof: Proof, report: &Report) -> Result<(), ImportError> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let text = serde_json::json!({ "proof": proof.as_str(), "report": report }).to_string();
        // What has been announced stays announced.
        let state = if journal.import.state == ImportState::Announced {
            ImportState::Announced
        } else {
            ImportState::Imported
        };
        Ok(journal.set_state(state, Some(&text), self.options.now).await?)
    }

    /// Puts the photo files where they belong, on a thread that may wait for the disk.
    async fn import_photo_files(
        &mut self,
        mut archive: Archive<Verified>,
    ) -> Result<(Archive<Verified>, HashSet<String>), ImportError> {
        let (uploads, runtime) = (self.options.uploads.clone(), tokio::runtime::Handle::current());
        let progress = Arc::clone(&self.options.progress);
        let (names, mut announced) =
            tokio::sync::mpsc::channel::<(String, std::sync::mpsc::SyncSender<()>)>(1);
        let storing = tokio::task::spawn_blocking(move || {
            let stored = photos::store_photos(&mut archive, &uploads, &runtime, &*progress, |name| {
                // The journal must hold the name before the file is there.
                let (noted, wait) = std::sync::mpsc::sync_channel(1);
                names.blocking_send((name.to_owned(), noted)).map_err(|_| ImportError::Broken)?;
                wait.recv().map_err(|_| ImportError::Broken)
            })?;
            Ok::<_, ImportError>((archive, stored))
        });
        while let Some((guid, noted)) = announced.recv().await {
            if let Some(journal) = &mut self.journal
                && !journal.has_written(&guid)
            {
                journal.note(vec![Intent { kind: "photo_files", guid, previous: None }]).await?;
            }
            // If the thread is gone, it says so below.
            _ = noted.send(());
        }
        let (archive, stored) = storing.await.map_err(|_| ImportError::Broken)??;
        let (names, problems) = photos::outcome(stored);
        for _ in &names {
            self.target.report.imported(CountKind::PhotoFiles);
        }
        for (name, code) in problems {
            self.target.report.left_out(CountKind::PhotoFiles, code, &name);
        }
        Ok((archive, names))
    }

    /// What shows that the archive is the account's.
    async fn prove(
        &mut self,
        archive: &Archive<Verified>,
        survey: &Survey,
        old: &DiasporaId,
        trusted: bool,
    ) -> Result<Proof, ImportError> {
        let own = survey.private_key.as_ref().and_then(|key| key.signing_key().ok());
        let own = match (own, archive.manifest()) {
            (Some(key), _) => Some(key.public_key()?),
            // A key under a passphrase: the account's signature was checked with the key in the manifest.
            (None, Some(manifest)) => {
                manifest.account.public_key.as_deref().and_then(|pem| PublicKey::from_pem(pem).ok())
            }
            (None, None) => None,
        };
        let sql = "SELECT serialized_public_key FROM people WHERE diaspora_handle IN ({})";
        let rows = self.target.pod.rows_in("the account's key", sql, &[old.as_str()]).await?;
        let known = rows.first().and_then(|row| row.text(0)).and_then(|pem| PublicKey::from_pem(&pem).ok());
        let published = self.published_key(old).await;
        let signed = match &archive.report().origin {
            Origin::Pappus { account, .. } => matches!(account, AccountSignature::Good { .. }),
            Origin::Stock => true,
        };
        if let (Some(published), Some(own)) = (&published, &own)
            && published.fingerprint() == own.fingerprint()
            && signed
        {
            return Ok(Proof::HCard);
        }
        match (known.or(published), own) {
            (Some(known), Some(own)) if known.fingerprint() == own.fingerprint() && signed => {
                Ok(Proof::CachedPerson)
            }
            (Some(known), own) if !trusted => Err(ImportError::WrongKey {
                account: old.clone(),
                known: known.fingerprint(),
                found: own.map_or_else(|| "none".to_owned(), |key| key.fingerprint().to_string()),
            }),
            _ if trusted => Ok(Proof::PinnedPodKey),
            _ if self.options.accept_unproven => Ok(Proof::Unproven),
            _ => Err(ImportError::Unproven(old.clone())),
        }
    }

    /// The key that the old pod says is the account's.
    async fn published_key(&self, old: &DiasporaId) -> Option<PublicKey> {
        let found = self.options.discovery.as_ref()?.find_all([old.clone()]).await;
        found.into_values().flatten().next().map(|person| person.public_key)
    }

    /// The old person on the target pod, if it is known there and has not moved.
    async fn old_person(&mut self, old: &DiasporaId, new: &DiasporaId) -> Result<Option<i64>, ImportError> {
        let sql = "SELECT p.id, n.diaspora_handle FROM people p LEFT JOIN account_migrations m \
                   ON m.old_person_id = p.id LEFT JOIN people n ON n.id = m.new_person_id \
                   WHERE p.diaspora_handle IN ({})";
        let rows = self.target.pod.rows_in("the old account", sql, &[old.as_str()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        match row.text(1) {
            Some(elsewhere) if elsewhere != new.as_str() => {
                Err(ImportError::AlreadyMoved(old.clone(), elsewhere))
            }
            _ => Ok(row.integer(0)),
        }
    }

    /// The account, and its rows: as they are, or made now; in a plan, none.
    async fn account(
        &mut self,
        survey: &Survey,
        old: &DiasporaId,
        new: &DiasporaId,
        old_person: Option<i64>,
        store: Option<&Store>,
    ) -> Result<(NewAccount, Option<AccountRows>), ImportError> {
        let email = &names::stored_email(self.options.email.as_deref().unwrap_or(&survey.email));
        let reserved = &self.options.reserved_names;
        let Some(store) = store else {
            names::check_name(&mut self.target, new, reserved).await?;
            names::check_email(&mut self.target, email).await?;
            let aspects = (-1_i64..).zip(&survey.aspects).map(|(id, name)| (name.clone(), id)).collect();
            let account = NewAccount::new(new.clone(), PLANNED_ACCOUNT, PLANNED_ACCOUNT, old_person, aspects);
            return Ok((account, None));
        };
        let url = self.target.url.as_str().to_owned();
        let now = self.options.now;
        // Refused before anything is noted, unless it is this import that has the name.
        let journal = match self.open_import(store, old, &url).await? {
            Some(import) if import.new_username != new.username() => {
                let (name, import) = (import.new_username, import.id);
                return Err(ImportError::Before { old: old.clone(), name, import });
            }
            Some(_) => {
                Journal::open(store, &self.options.archive_sha256, old, new.username(), &url, now).await?
            }
            None => {
                names::check_name(&mut self.target, new, reserved).await?;
                names::check_email(&mut self.target, email).await?;
                Journal::open(store, &self.options.archive_sha256, old, new.username(), &url, now).await?
            }
        };
        let guid: Guid = journal.import.id.parse().map_err(|_| ImportError::Broken)?;
        self.journal = Some(journal);
        if self.target.find_account(new, &guid).await?.is_none() {
            let password = self.options.encrypted_password.as_ref();
            self.target.create_account(survey, new, &guid, &Access { email, password }).await?;
        } else {
            self.target.note_profile_again(survey.profile.as_ref());
        }
        let found = self.target.find_account(new, &guid).await?;
        let rows = found.ok_or(ImportError::Changed("the new account"))?;
        let aspects = self.target.aspects(rows.user).await?;
        Ok((NewAccount::new(new.clone(), rows.person, rows.user, old_person, aspects), Some(rows)))
    }

    /// Users of this pod with whom the old account shared.
    async fn readers(&mut self, old_person: Option<i64>) -> Result<HashSet<i64>, ImportError> {
        let Some(old) = old_person else { return Ok(HashSet::new()) };
        let sql = format!("SELECT user_id FROM contacts WHERE person_id = {old} AND sharing");
        let rows = self.target.pod.rows("the old account's contacts", sql, &[]).await?;
        Ok(rows.iter().filter_map(|row| row.integer(0)).collect())
    }

    async fn open_import(
        &self,
        store: &Store,
        old: &DiasporaId,
        url: &str,
    ) -> Result<Option<ImportRecord>, ImportError> {
        let imports = list_imports(store, Some(url)).await?;
        Ok(imports
            .into_iter()
            .find(|import| import.old_id == old.as_str() && import.state != ImportState::Undone))
    }
}

async fn survey(mut archive: Archive<Verified>) -> Result<(Archive<Verified>, Survey), ImportError> {
    let reading = tokio::task::spawn_blocking(move || {
        let survey = Survey::read(&mut archive)?;
        Ok::<_, ImportError>((archive, survey))
    });
    reading.await.map_err(|_| ImportError::Broken)?
}

fn is_pinned(archive: &Archive<Verified>, pinned: &[String]) -> bool {
    match &archive.report().origin {
        Origin::Pappus { pod, .. } => pinned.iter().any(|pin| *pin == pod.to_string()),
        Origin::Stock => false,
    }
}

impl Target {
    fn new(pod: PodWriter, url: PodUrl, now: Timestamp, planned: Option<Planned>) -> Self {
        let (report, reshared) = (Report::default(), HashSet::new());
        let progress = Arc::new(());
        Self { pod, url, photos_at: String::new(), now, planned, report, reshared, progress }
    }

    /// One batch of records.
    async fn take(
        &mut self,
        account: &NewAccount,
        old: &DiasporaId,
        people: &People,
        files: &HashSet<String>,
        batch: Batch,
        journal: Option<&mut Journal>,
    ) -> Result<(), ImportError> {
        match self.fit_texts(batch) {
            Batch::Contacts(contacts) => self.import_contacts(account, people, contacts).await,
            Batch::Tags(names) => self.import_followed_tags(account, names).await,
            Batch::Posts(posts) => self.import_posts(account, people, files, posts, journal).await,
            Batch::LoosePhotos(photos) => self.import_loose_photos(account, files, photos, journal).await,
            Batch::Audiences(audiences) => self.import_audiences(account, audiences).await,
            Batch::OwnRelayables(records) => {
                self.import_own_relayables(account, people, records, journal).await
            }
            Batch::OthersRelayables(records) => {
                self.import_others_relayables(account, people, records, journal).await
            }
            Batch::LikesOnComments(records) => {
                self.import_likes_on_comments(account, people, records, journal).await
            }
            Batch::UnsignedRelayables(records) => {
                for record in records {
                    let guid = record.entity.guid();
                    self.report.left_out(CountKind::UnsignedRelayables, FindingCode::Unsigned, &guid);
                }
                Ok(())
            }
            Batch::Subscriptions(posts) => self.import_subscriptions(account, posts).await,
            Batch::Conversations(talks) => {
                self.import_conversations(account, old, people, talks, journal).await
            }
            Batch::HiddenPosts(posts) => self.import_hidden_posts(account, posts).await,
            Batch::Unreadable(kind, place) => {
                self.report.left_out(kind, FindingCode::Unreadable, &place);
                Ok(())
            }
        }
    }
}
