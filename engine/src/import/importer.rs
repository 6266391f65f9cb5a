//! Runs an import or a dry run.

use std::collections::HashSet;
use std::sync::Arc;

use super::decide::{Context, aspects, ignored_by};
use super::journal::former;
use super::journal::missing_contacts::forget_completed;
use super::journal::notes::{Intent, Journal, kinds, names_of};
use super::journal::states;
use super::pod_pin::is_pinned;
use super::proof::Proof;
use super::report::{FindingCode, Report, Subject};
use super::scan::capacity::Needs;
use super::scan::parents;
use super::scan::people::{People, unknown_people};
use super::scan::source;
use super::scan::superseded::NewerArchive;
use super::scan::survey::Survey;
use super::start::AccountMove;
use super::target::{NewAccount, Target};
use super::write::account::AccountRows;
use super::write::photos;
use super::write::photos::{Naming, PhotoCheck, PhotoFileEvent, PhotoFiles};
use super::{Evidence, ImportError, ImportOptions, Imported, PendingKey};
use crate::archive::open::{Archive, Finding, FindingCode as ArchiveFinding, Verified};
use crate::domain::{CountKind, DiasporaId, PrivateKey};
use crate::progress::{Progress, Stage};
use crate::store::Store;
use crate::validate::SignatureVerifier;

/// An import, or a dry run of one.
pub(super) struct Importer<'a> {
    pub(super) target: Target,
    pub(super) options: &'a ImportOptions,
    pub(super) journal: Journal,
    /// The new account's key, being generated; none in a dry run.
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
        let old_id = archive.report().account.clone().ok_or(ImportError::NoAccount)?;
        let new_id: DiasporaId =
            format!("{}@{}", self.options.username, self.target.url.diaspora_host()).parse()?;
        if old_id.host() == new_id.host() {
            return Err(ImportError::SamePod(old_id));
        }
        let is_trusted = is_pinned(&archive, &old_id, &self.options.pinned_pods);
        let check = if self.target.writes() { PhotoCheck::Structure } else { PhotoCheck::Pixels };
        let (mut archive, mut survey) = survey(archive, check, Arc::clone(&self.options.progress)).await?;
        self.target.fit_account(&mut survey).await?;
        self.target.limited = std::mem::take(&mut survey.limited);
        let (proof, evidence) = self.prove(&archive, &survey, &old_id, is_trusted).await?;
        if proof == Proof::Unproven {
            self.target.report.note(Subject::Account, FindingCode::Unproven, old_id.as_str());
        }
        let old_person = self.old_person(&old_id, &new_id).await?;
        let needs = self.check_capacity(&survey)?;
        let old_key = evidence.archive.as_deref();
        let account_move = AccountMove { old_id: &old_id, new_id: &new_id, old_key, old_person };
        let (mut account, rows) = self.begin(&survey, &account_move, store).await?;
        account.is_vouched_for = is_trusted;
        self.import_ignored_by(&mut account).await?;
        account.readers = self.readers(&account).await?;
        let deleted_files = self.target.files_of_deleted_photos(&survey, &self.journal).await?;
        let files;
        (archive, files) = self.photo_files(archive, &mut survey, &old_id, deleted_files).await?;
        let mut people = self.discover(&survey, &old_id, is_trusted).await?;
        self.report_unreadable(&archive, &survey);
        people.read_pending(&mut self.target, &self.journal).await?;
        self.import_aspects(&mut account, &survey).await?;
        let context = Context { account: &account, old_id: &old_id, people: &people, files: &files };
        self.import_blocks(&context, &survey).await?;
        let verifier = Arc::new(SignatureVerifier::new(&people.keys, Some(old_id.clone())));
        let (mut batches, reading) = source::start(archive, verifier, &survey.lists);
        self.options.progress.begin(Stage::Records, survey.records);
        let mut newer_archive = NewerArchive::of(&self.journal, &self.options.archive_sha256, &survey);
        while let Some((batch, records)) = batches.recv().await {
            if let Some(newer_archive) = &mut newer_archive {
                newer_archive.add(&batch);
            }
            self.target.import_batch(&context, batch, &mut self.journal).await?;
            self.options.progress.advance(records);
        }
        reading.await.map_err(|_| ImportError::Internal)??;
        if let Some(newer_archive) = newer_archive {
            let profile = survey.profile.as_ref();
            newer_archive.report(&mut self.target, &account, &old_id, &self.journal, profile).await?;
        }
        if self.target.writes() {
            self.complete(&context, &survey, rows).await?;
        }
        let report = std::mem::take(&mut self.target.report);
        self.record_completion(&old_id, (proof, &evidence), &report).await?;
        let import = self.journal.for_writing().map(|(_, import)| import.id.clone());
        let needs = needs.with_records(&report);
        Ok(Imported { old: old_id, new: new_id, proof, evidence, import, report, needs })
    }

    /// Finds the people of this pod who ignore the account, and lets them ignore its new name as well.
    async fn import_ignored_by(&mut self, account: &mut NewAccount) -> Result<(), ImportError> {
        account.ignored_by = self.target.ignored_by(account).await?;
        let users = self.target.ignoring_users(account, &self.journal).await?;
        self.target.apply(ignored_by::ignored_by(account, &users), &mut self.journal).await
    }

    /// Imports the aspects, and reads their row numbers into the account.
    async fn import_aspects(&mut self, account: &mut NewAccount, survey: &Survey) -> Result<(), ImportError> {
        let noted = self.journal.noted(kinds::ASPECTS, &survey.aspects).await?;
        let plan = aspects::aspects(account, &noted, (&survey.aspects, &survey.settings));
        self.target.apply(plan, &mut self.journal).await?;
        account.aspects = self.target.aspects(account.user).await?;
        Ok(())
    }

    /// Imports the blocks of people whom the target pod knows.
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
        old_id: &DiasporaId,
        is_trusted: bool,
    ) -> Result<People, ImportError> {
        let mut people = People::read(&mut self.target, survey.people.keys()).await?;
        if let Some(discovery) = &self.options.discovery {
            let ids: HashSet<DiasporaId> = survey.people.keys().cloned().collect();
            let unknown_count = ids.iter().filter(|id| people.get(id).is_none()).count() as u64;
            self.options.progress.begin(Stage::People, unknown_count);
            people.discover(&mut self.target, discovery, &ids, &mut self.journal).await?;
            self.options.progress.advance(unknown_count);
        }
        if is_trusted {
            let unknown_people = unknown_people(&people, &survey.people);
            people.insert_people(&mut self.target, unknown_people, &mut self.journal).await?;
        }
        if let Some(discovery) = &self.options.discovery {
            let (target, journal) = (&mut self.target, &mut self.journal);
            parents::fetch_parents(target, discovery, &mut people, survey, old_id, journal).await?;
        }
        Ok(people)
    }

    /// Checks that the photos fit: without enough disk space an import does not start.
    fn check_capacity(&mut self, survey: &Survey) -> Result<Needs, ImportError> {
        let needs = Needs::of(&survey.photos, &self.options.uploads)?;
        if self.target.writes() {
            needs.check(&self.options.uploads)?;
        } else if !needs.fits() {
            let location = self.options.uploads.to_string();
            self.target.report.note(CountKind::PhotoFiles, FindingCode::NoSpace, &location);
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
    async fn record_completion(
        &mut self,
        old_id: &DiasporaId,
        (proof, evidence): (Proof, &Evidence),
        report: &Report,
    ) -> Result<(), ImportError> {
        let Some((store, import)) = self.journal.for_writing() else { return Ok(()) };
        let report = serde_json::json!({ "proof": proof.as_str(), "report": report }).to_string();
        let evidence = serde_json::json!(evidence).to_string();
        let (documents, batch) = ((report.as_str(), evidence.as_str()), self.journal.last_batch());
        if !states::finish(store, &import.id, documents, batch, self.options.now).await? {
            return Err(ImportError::BeingUndone { old_id: old_id.clone(), import: import.id.clone() });
        }
        forget_completed(store, &import.id).await?;
        former::forget(store, import).await?;
        Ok(self.target.remove_mark(&self.journal).await?)
    }

    /// Reports nested ZIPs, and the values and records that the survey could not read.
    fn report_unreadable(&mut self, archive: &Archive<Verified>, survey: &Survey) {
        for Finding { code, place, .. } in archive.report().findings.list() {
            if *code == ArchiveFinding::NestedZip {
                self.target.report.note(CountKind::PhotoFiles, FindingCode::NestedZip, place);
            }
        }
        for (kind, json_path) in &survey.values_left_out {
            self.target.report.note(*kind, FindingCode::ValueLeftOut, json_path);
        }
        for (kind, json_path) in &survey.unreadable {
            self.target.report.left_out(*kind, FindingCode::Unreadable, json_path);
        }
        for (kind, count) in &survey.unlisted_unreadable {
            self.target.report.left_out_unlisted(*kind, FindingCode::Unreadable, *count);
        }
    }

    /// Imports the photo files, or plans their import; returns those that are on the pod afterwards.
    async fn photo_files(
        &mut self,
        archive: Archive<Verified>,
        survey: &mut Survey,
        old_id: &DiasporaId,
        deleted_files: HashSet<String>,
    ) -> Result<(Archive<Verified>, PhotoFiles), ImportError> {
        if !self.target.writes() {
            return Ok((archive, self.plan_photo_files(survey, &deleted_files)));
        }
        let count = survey.photos.len() + survey.rejected_photos.len();
        self.options.progress.begin(Stage::Photos, count as u64);
        let neighbour_names = self.target.photo_names_of_neighbours(&survey.files, old_id).await?;
        self.import_photo_files(archive, deleted_files, neighbour_names).await
    }

    /// Writes what depends on all records: addresses of photos, links between records, counters. The key is written
    /// last, and opens the account.
    async fn complete(
        &mut self,
        context: &Context<'_>,
        survey: &Survey,
        rows: Option<AccountRows>,
    ) -> Result<(), ImportError> {
        let Context { account, old_id, people, files } = context;
        self.target.point_photos_here(account, files, &mut self.journal).await?;
        self.target.point_avatar_here(account, files, survey.profile.as_ref()).await?;
        self.target.write_references(account, old_id, people, &self.journal).await?;
        self.target.set_counters(account).await?;
        if let Some(rows) = rows.filter(|rows| !rows.is_open) {
            let key = self.new_key().await?;
            self.target.open_account(rows, &key).await?;
        }
        Ok(())
    }

    fn plan_photo_files(&mut self, survey: &mut Survey, deleted_files: &HashSet<String>) -> PhotoFiles {
        survey.files.retain(|name| !deleted_files.contains(name));
        let report = &mut self.target.report;
        for _ in &survey.files {
            report.imported(CountKind::PhotoFiles);
        }
        for name in deleted_files {
            report.left_out(CountKind::PhotoFiles, FindingCode::DeletedSince, name);
        }
        for name in survey.rejected_photos.iter().filter(|name| !deleted_files.contains(*name)) {
            report.left_out(CountKind::PhotoFiles, FindingCode::NotAPicture, name);
        }
        std::mem::take(&mut survey.files).into_iter().map(|name| (name.clone(), name)).collect()
    }

    /// Stores the photo files, on a thread that may block on the disk.
    async fn import_photo_files(
        &mut self,
        mut archive: Archive<Verified>,
        deleted_files: HashSet<String>,
        neighbour_names: HashSet<String>,
    ) -> Result<(Archive<Verified>, PhotoFiles), ImportError> {
        let Some((store, import)) = self.journal.for_writing() else { return Err(ImportError::Internal) };
        let own_names = names_of(store, import, kinds::PHOTO_FILES).await?;
        let person_guid = import.person_guid.clone();
        let naming = Naming { person_guid, own_names, deleted_files, neighbour_names };
        let (uploads, runtime) = (self.options.uploads.clone(), tokio::runtime::Handle::current());
        let progress = Arc::clone(&self.options.progress);
        let (event_sender, mut events) =
            tokio::sync::mpsc::channel::<(PhotoFileEvent, std::sync::mpsc::SyncSender<()>)>(1);
        let storing = tokio::task::spawn_blocking(move || {
            let stored =
                photos::store_photos(&mut archive, &uploads, &runtime, &*progress, &naming, |event| {
                    // The journal must contain the name before the file exists.
                    let (noted_sender, noted) = std::sync::mpsc::sync_channel(1);
                    event_sender.blocking_send((event, noted_sender)).map_err(|_| ImportError::Internal)?;
                    noted.recv().map_err(|_| ImportError::Internal)
                })?;
            Ok::<_, ImportError>((archive, stored))
        });
        while let Some((event, noted_sender)) = events.recv().await {
            self.note_photo_file(event).await?;
            // If the thread has ended, its result below contains the error.
            _ = noted_sender.send(());
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

    async fn note_photo_file(&mut self, event: PhotoFileEvent) -> Result<(), ImportError> {
        let (kind, name) = match event {
            PhotoFileEvent::Writing(name) => (kinds::PHOTO_FILES, name),
            PhotoFileEvent::NotWritten(name) => {
                return Ok(self.journal.forget(kinds::PHOTO_FILES, &name).await?);
            }
            PhotoFileEvent::NameTaken(name) => (kinds::PHOTO_NAMES_TAKEN, name),
        };
        if self.journal.noted(kind, &[&name]).await?.is_empty() {
            self.journal.note(vec![Intent::write(kind, &name)]).await?;
        }
        Ok(())
    }

    /// Returns the row number of the old person on the target pod; none if the pod does not know it.
    ///
    /// # Errors
    /// [`ImportError::AlreadyMoved`] if the person has moved to another account than this one.
    async fn old_person(
        &mut self,
        old_id: &DiasporaId,
        new_id: &DiasporaId,
    ) -> Result<Option<i64>, ImportError> {
        let sql = "SELECT p.id, n.diaspora_handle FROM people p LEFT JOIN account_migrations m \
                   ON m.old_person_id = p.id LEFT JOIN people n ON n.id = m.new_person_id \
                   WHERE p.diaspora_handle IN ({})";
        let rows = self.target.pod.rows_in("the old account", sql, &[old_id.as_str()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        match row.text("diaspora_handle") {
            Some(destination) if destination != new_id.as_str() => {
                Err(ImportError::AlreadyMoved(old_id.clone(), destination))
            }
            _ => Ok(row.integer("id")),
        }
    }

    /// Returns the users of this pod with whom the account shares: under its old name, and, once the move is announced,
    /// under its new one, since the announcement has re-pointed these contacts. Before, the contacts of the new
    /// person do not show who shared with the old account.
    async fn readers(&mut self, account: &NewAccount) -> Result<HashSet<i64>, ImportError> {
        let Some(old_person) = account.old_person else { return Ok(HashSet::new()) };
        let new_person = account.person;
        let sql = format!(
            "SELECT c.user_id FROM contacts c WHERE c.sharing AND (c.person_id = {old_person} \
             OR (c.person_id = {new_person} AND EXISTS (SELECT 1 FROM account_migrations m \
             WHERE m.old_person_id = {old_person} AND m.new_person_id = {new_person})))"
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
