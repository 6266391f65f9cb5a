//! Runs an import, or a dry run.

use std::collections::HashSet;
use std::sync::Arc;

use super::decide::{Context, aspects, ignored_by};
use super::journal::former;
use super::journal::missing_contacts::forget_brought;
use super::journal::notes::{Intent, Journal, kinds, names_of};
use super::journal::states;
use super::pod_pin::is_pinned;
use super::proof::Proof;
use super::report::{FindingCode, Report, Subject};
use super::scan::capacity::Needs;
use super::scan::parents;
use super::scan::people::{People, unknown_people};
use super::scan::source;
use super::scan::superseded::Superseded;
use super::scan::survey::Survey;
use super::start::AccountMove;
use super::target::{NewAccount, Target};
use super::write::account::AccountRows;
use super::write::photos;
use super::write::photos::{Announced, Naming, PhotoCheck, PhotoFiles};
use super::{Evidence, ImportError, ImportOptions, Imported, PendingKey};
use crate::archive::open::{Archive, Finding, FindingCode as ArchiveFinding, Verified};
use crate::domain::{CountKind, DiasporaId, PrivateKey};
use crate::progress::{Progress, Stage};
use crate::store::Store;
use crate::validate::SignatureVerifier;

pub(super) struct Importer<'a> {
    pub(super) target: Target,
    pub(super) options: &'a ImportOptions,
    pub(super) journal: Journal,
    /// The new account's key, being generated; none in a plan.
    pub(super) key: Option<PendingKey>,
    /// The key that other pods may know from an import that was undone.
    pub(super) former_key: Option<PrivateKey>,
}

impl Importer<'_> {
    pub(super) async fn run(
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
        let trusted = is_pinned(&archive, &old, &self.options.pinned_pods);
        let check = if self.target.writes() { PhotoCheck::Structure } else { PhotoCheck::Pixels };
        let (mut archive, mut survey) = survey(archive, check, Arc::clone(&self.options.progress)).await?;
        self.target.hold_account(&mut survey).await?;
        self.target.limited = std::mem::take(&mut survey.limited);
        let (proof, evidence) = self.prove(&archive, &survey, &old, trusted).await?;
        if proof == Proof::Unproven {
            self.target.report.note(Subject::Account, FindingCode::Unproven, old.as_str());
        }
        let old_person = self.old_person(&old, &new).await?;
        let needs = self.check_capacity(&survey)?;
        let mover = AccountMove { old: &old, new: &new, old_key: evidence.archive.as_deref(), old_person };
        let (mut account, rows) = self.begin(&survey, &mover, store).await?;
        account.is_vouched_for = trusted;
        self.import_ignored_by(&mut account).await?;
        account.readers = self.readers(&account).await?;
        let deleted = self.target.files_of_deleted_photos(&survey, &self.journal).await?;
        let files;
        (archive, files) = self.photo_files(archive, &mut survey, &old, deleted).await?;
        let mut people = self.discover(&survey, &old, trusted).await?;
        self.report_unreadable(&archive, &survey);
        people.read_pending(&mut self.target, &self.journal).await?;
        self.import_aspects(&mut account, &survey).await?;
        let context = Context { account: &account, old: &old, people: &people, files: &files };
        self.import_blocks(&context, &survey).await?;
        let verifier = Arc::new(SignatureVerifier::new(&people.keys, Some(old.clone())));
        let (mut batches, reading) = source::start(archive, verifier, &survey.lists);
        self.options.progress.begin(Stage::Records, survey.records);
        let mut superseded = Superseded::of(&self.journal, &self.options.archive_sha256, &survey);
        while let Some((batch, records)) = batches.recv().await {
            if let Some(superseded) = &mut superseded {
                superseded.see(&batch);
            }
            self.target.import_batch(&context, batch, &mut self.journal).await?;
            self.options.progress.advance(records);
        }
        reading.await.map_err(|_| ImportError::Internal)??;
        if let Some(superseded) = superseded {
            let profile = survey.profile.as_ref();
            superseded.report(&mut self.target, &account, &old, &self.journal, profile).await?;
        }
        if self.target.writes() {
            self.complete(&context, &survey, rows).await?;
        }
        let report = std::mem::take(&mut self.target.report);
        self.note_end(&old, (proof, &evidence), &report).await?;
        let import = self.journal.begun().map(|(_, import)| import.id.clone());
        let needs = needs.with_records(&report);
        Ok(Imported { old, new, proof, evidence, import, report, needs })
    }

    /// Finds the people of this pod who ignore the account. They ignore it by its new name from now on.
    async fn import_ignored_by(&mut self, account: &mut NewAccount) -> Result<(), ImportError> {
        account.ignored_by = self.target.ignored_by(account).await?;
        let users = self.target.ignoring_users(account, &self.journal).await?;
        self.target.apply(ignored_by::ignored_by(account, &users), &mut self.journal).await
    }

    /// Imports the aspects; the account knows them afterwards.
    async fn import_aspects(&mut self, account: &mut NewAccount, survey: &Survey) -> Result<(), ImportError> {
        let noted = self.journal.noted(kinds::ASPECTS, &survey.aspects).await?;
        let plan = aspects::aspects(account, &noted, (&survey.aspects, &survey.settings));
        self.target.apply(plan, &mut self.journal).await?;
        account.aspects = self.target.aspects(account.user).await?;
        Ok(())
    }

    /// Imports ignored people, as far as they are known.
    async fn import_blocks(&mut self, context: &Context<'_>, survey: &Survey) -> Result<(), ImportError> {
        let (user, blocks) = (context.account.user, &survey.blocks);
        let existing = self.target.existing_blocks(user, blocks, &self.journal).await?;
        self.target.apply(aspects::blocks(context, &existing, blocks), &mut self.journal).await
    }

    /// Looks up the people of the archive, adds those unknown to this pod, and fetches the posts that the account's
    /// records belong to.
    async fn discover(
        &mut self,
        survey: &Survey,
        old: &DiasporaId,
        trusted: bool,
    ) -> Result<People, ImportError> {
        let mut people = People::read(&mut self.target, survey.people.keys()).await?;
        if let Some(discovery) = &self.options.discovery {
            let everybody: HashSet<DiasporaId> = survey.people.keys().cloned().collect();
            let unknown = everybody.iter().filter(|id| people.get(id).is_none()).count() as u64;
            self.options.progress.begin(Stage::People, unknown);
            people.discover(&mut self.target, discovery, &everybody, &mut self.journal).await?;
            self.options.progress.advance(unknown);
        }
        if trusted {
            let unknown_people = unknown_people(&people, &survey.people);
            people.insert_people(&mut self.target, unknown_people, &mut self.journal).await?;
        }
        if let Some(discovery) = &self.options.discovery {
            let (target, journal) = (&mut self.target, &mut self.journal);
            parents::fetch_parents(target, discovery, &mut people, survey, old, journal).await?;
        }
        Ok(people)
    }

    /// Checks that the photos fit: without enough disk space an import does not start.
    fn check_capacity(&mut self, survey: &Survey) -> Result<Needs, ImportError> {
        let needs = Needs::of(&survey.photos, &self.options.uploads)?;
        if self.target.writes() {
            needs.check(&self.options.uploads)?;
        } else if !needs.fits() {
            let place = self.options.uploads.to_string();
            self.target.report.note(CountKind::PhotoFiles, FindingCode::NoSpace, &place);
        }
        Ok(needs)
    }

    /// Returns the key that other pods may know the account by, or a new one.
    async fn new_key(&mut self) -> Result<PrivateKey, ImportError> {
        if let Some(key) = self.former_key.take() {
            return Ok(key);
        }
        let key = self.key.take().ok_or(ImportError::Internal)?;
        Ok(key.0.await.map_err(|_| ImportError::Internal)??)
    }

    /// Records in the journal that the import is complete, and the evidence that it relied on.
    async fn note_end(
        &mut self,
        old: &DiasporaId,
        (proof, evidence): (Proof, &Evidence),
        report: &Report,
    ) -> Result<(), ImportError> {
        let Some((store, import)) = self.journal.begun() else { return Ok(()) };
        let text = serde_json::json!({ "proof": proof.as_str(), "report": report }).to_string();
        let evidence = serde_json::json!(evidence).to_string();
        let (texts, batch) = ((text.as_str(), evidence.as_str()), self.journal.last_batch());
        if !states::finish(store, &import.id, texts, batch, self.options.now).await? {
            return Err(ImportError::BeingUndone { old: old.clone(), import: import.id.clone() });
        }
        forget_brought(store, &import.id).await?;
        former::forget(store, import).await?;
        Ok(self.target.remove_mark(&self.journal).await?)
    }

    /// Reports what could not be read before the records.
    fn report_unreadable(&mut self, archive: &Archive<Verified>, survey: &Survey) {
        for Finding { code, place, .. } in archive.report().findings.list() {
            if *code == ArchiveFinding::NestedZip {
                self.target.report.note(CountKind::PhotoFiles, FindingCode::NestedZip, place);
            }
        }
        for (kind, place) in &survey.values_left_out {
            self.target.report.note(*kind, FindingCode::ValueLeftOut, place);
        }
        for (kind, place) in &survey.unreadable {
            self.target.report.left_out(*kind, FindingCode::Unreadable, place);
        }
        for (kind, count) in &survey.more_unreadable {
            self.target.report.left_out_more(*kind, FindingCode::Unreadable, *count);
        }
    }

    /// Imports the photo files, or plans that; returns what is here afterwards.
    async fn photo_files(
        &mut self,
        archive: Archive<Verified>,
        survey: &mut Survey,
        old: &DiasporaId,
        deleted: HashSet<String>,
    ) -> Result<(Archive<Verified>, PhotoFiles), ImportError> {
        if !self.target.writes() {
            return Ok((archive, self.plan_photo_files(survey, &deleted)));
        }
        let photos = survey.photos.len() + survey.no_pictures.len();
        self.options.progress.begin(Stage::Photos, photos as u64);
        let neighbours = self.target.photo_names_of_neighbours(&survey.files, old).await?;
        self.import_photo_files(archive, deleted, neighbours).await
    }

    /// Writes what depends on all records: addresses of photos, mentions and other references, counters. The key comes
    /// last; with it the account is open.
    async fn complete(
        &mut self,
        context: &Context<'_>,
        survey: &Survey,
        rows: Option<AccountRows>,
    ) -> Result<(), ImportError> {
        let Context { account, old, people, files } = context;
        self.target.point_photos_here(account, files, &mut self.journal).await?;
        self.target.point_avatar_here(account, files, survey.profile.as_ref()).await?;
        self.target.write_references(account, old, people, &self.journal).await?;
        self.target.set_counters(account).await?;
        if let Some(rows) = rows.filter(|rows| !rows.is_open) {
            let key = self.new_key().await?;
            self.target.open_account(rows, &key).await?;
        }
        Ok(())
    }

    fn plan_photo_files(&mut self, survey: &mut Survey, deleted: &HashSet<String>) -> PhotoFiles {
        survey.files.retain(|name| !deleted.contains(name));
        let report = &mut self.target.report;
        for _ in &survey.files {
            report.imported(CountKind::PhotoFiles);
        }
        for name in deleted {
            report.left_out(CountKind::PhotoFiles, FindingCode::DeletedSince, name);
        }
        for name in survey.no_pictures.iter().filter(|name| !deleted.contains(*name)) {
            report.left_out(CountKind::PhotoFiles, FindingCode::NotAPicture, name);
        }
        std::mem::take(&mut survey.files).into_iter().map(|name| (name.clone(), name)).collect()
    }

    /// Stores the photo files, on a thread that may block on the disk.
    async fn import_photo_files(
        &mut self,
        mut archive: Archive<Verified>,
        deleted: HashSet<String>,
        neighbours: HashSet<String>,
    ) -> Result<(Archive<Verified>, PhotoFiles), ImportError> {
        let Some((store, import)) = self.journal.begun() else { return Err(ImportError::Internal) };
        let ours = names_of(store, import, kinds::PHOTO_FILES).await?;
        let naming = Naming { person_guid: import.person_guid.clone(), ours, deleted, neighbours };
        let (uploads, runtime) = (self.options.uploads.clone(), tokio::runtime::Handle::current());
        let progress = Arc::clone(&self.options.progress);
        let (announcing, mut announced) =
            tokio::sync::mpsc::channel::<(Announced, std::sync::mpsc::SyncSender<()>)>(1);
        let storing = tokio::task::spawn_blocking(move || {
            let stored =
                photos::store_photos(&mut archive, &uploads, &runtime, &*progress, &naming, |what| {
                    // The journal must hold the name before the file exists.
                    let (noted, wait) = std::sync::mpsc::sync_channel(1);
                    announcing.blocking_send((what, noted)).map_err(|_| ImportError::Internal)?;
                    wait.recv().map_err(|_| ImportError::Internal)
                })?;
            Ok::<_, ImportError>((archive, stored))
        });
        while let Some((what, noted)) = announced.recv().await {
            self.note_photo_file(what).await?;
            // If the thread has ended, its result below tells why.
            _ = noted.send(());
        }
        let (archive, stored) = storing.await.map_err(|_| ImportError::Internal)??;
        let (files, problems) = photos::outcome(stored);
        for _ in &files {
            self.target.report.imported(CountKind::PhotoFiles);
        }
        for (name, code) in problems {
            self.target.report.left_out(CountKind::PhotoFiles, code, &name);
        }
        Ok((archive, files))
    }

    async fn note_photo_file(&mut self, what: Announced) -> Result<(), ImportError> {
        let (kind, name) = match what {
            Announced::Writing(name) => (kinds::PHOTO_FILES, name),
            Announced::NotWritten(name) => {
                return Ok(self.journal.forget(kinds::PHOTO_FILES, &name).await?);
            }
            Announced::NameTaken(name) => (kinds::PHOTO_NAMES_TAKEN, name),
        };
        if self.journal.noted(kind, &[&name]).await?.is_empty() {
            self.journal.note(vec![Intent::write(kind, &name)]).await?;
        }
        Ok(())
    }

    /// Returns the old person on the target pod, if it is known there and has not moved.
    async fn old_person(&mut self, old: &DiasporaId, new: &DiasporaId) -> Result<Option<i64>, ImportError> {
        let sql = "SELECT p.id, n.diaspora_handle FROM people p LEFT JOIN account_migrations m \
                   ON m.old_person_id = p.id LEFT JOIN people n ON n.id = m.new_person_id \
                   WHERE p.diaspora_handle IN ({})";
        let rows = self.target.pod.rows_in("the old account", sql, &[old.as_str()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        match row.text("diaspora_handle") {
            Some(elsewhere) if elsewhere != new.as_str() => {
                Err(ImportError::AlreadyMoved(old.clone(), elsewhere))
            }
            _ => Ok(row.integer("id")),
        }
    }

    /// Returns the users of this pod with whom the account shares: under its old name, and, once the move is announced,
    /// under its new one, since the announcement has re-pointed these contacts. Before, contacts of the new person say
    /// nothing about the old account.
    async fn readers(&mut self, account: &NewAccount) -> Result<HashSet<i64>, ImportError> {
        let Some(old) = account.old_person else { return Ok(HashSet::new()) };
        let new = account.person;
        let sql = format!(
            "SELECT c.user_id FROM contacts c WHERE c.sharing AND (c.person_id = {old} OR (c.person_id = {new} \
             AND EXISTS (SELECT 1 FROM account_migrations m WHERE m.old_person_id = {old} AND m.new_person_id = {new})))"
        );
        let rows = self.target.pod.rows("the account's contacts", sql, &[]).await?;
        Ok(rows.iter().filter_map(|row| row.integer("user_id")).collect())
    }
}

async fn survey(
    mut archive: Archive<Verified>,
    check: PhotoCheck,
    progress: Arc<dyn Progress>,
) -> Result<(Archive<Verified>, Survey), ImportError> {
    let reading = tokio::task::spawn_blocking(move || {
        let survey = Survey::read(&mut archive, check, &*progress)?;
        Ok::<_, ImportError>((archive, survey))
    });
    reading.await.map_err(|_| ImportError::Internal)?
}
