//! Photos outside posts, the avatar among them, and the audiences of posts and photos.

use std::collections::HashSet;

use crate::domain::{AspectAudience, CountKind, Guid, LoosePhoto, Photo, Post, StatusMessage};
use crate::import::ImportError;
use crate::import::journal::notes::{Intent, Journal, kinds};
use crate::import::records::photos::{PhotoFiles, hold_address};
use crate::import::report::FindingCode;
use crate::import::scan::survey::Survey;
use crate::import::target::{Decision, NewAccount, Target, decide};
use crate::pod::database::OnConflict;

impl Target {
    /// Keeps the photos of a post that can be shown, and keeps them in that post.
    pub(in crate::import) fn hold_photos(&mut self, post: &mut Post, files: &PhotoFiles) {
        let Post::StatusMessage(StatusMessage { guid, photos, .. }) = post else { return };
        photos.retain_mut(|photo| self.hold_photo(&mut photo.0, Some(guid), files));
    }

    /// Sets the post that a photo belongs to, whichever the archive names: it may be somebody else's. Returns whether the
    /// photo can be shown.
    pub(in crate::import) fn hold_photo(
        &mut self,
        photo: &mut Photo,
        post: Option<&Guid>,
        files: &PhotoFiles,
    ) -> bool {
        photo.status_message_guid = post.cloned();
        self.has_usable_address(photo, files)
    }

    /// Returns whether a photo's file exists here, or browsers load its address as a picture; reports it if not.
    fn has_usable_address(&mut self, photo: &mut Photo, files: &PhotoFiles) -> bool {
        let is_usable = files.contains_key(&photo.remote_photo_name) || hold_address(photo);
        if !is_usable {
            self.report.left_out(CountKind::Photos, FindingCode::NoWebAddress, &photo.guid);
        }
        is_usable
    }

    /// Imports photos that belong to no post.
    pub(in crate::import) async fn import_standalone_photos(
        &mut self,
        account: &NewAccount,
        files: &PhotoFiles,
        photos: Vec<LoosePhoto>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        let guids: Vec<&str> = photos.iter().map(|photo| photo.photo.guid.as_str()).collect();
        let (there, noted) =
            (self.existing_rows("photos", &guids).await?, journal.noted("photos", &guids).await?);
        let (mut new, mut found) = (Vec::new(), Vec::new());
        let here = self.photos_here(photos.iter().map(|photo| &photo.photo)).await?;
        for LoosePhoto { photo, .. } in &photos {
            let guid = photo.guid.as_str();
            let noted = noted.get(guid).copied();
            match decide(there.get(guid), noted, account) {
                Decision::Taken => {
                    self.report.left_out(CountKind::Photos, FindingCode::GuidTaken, guid);
                    continue;
                }
                Decision::Deleted => {
                    self.report.left_out(CountKind::Photos, FindingCode::DeletedSince, guid);
                    continue;
                }
                Decision::Present => {
                    self.report.is_here(CountKind::Photos, noted);
                    if noted.is_none() {
                        found.push(Intent::found("photos", guid));
                    }
                }
                Decision::Adopt(_) => {
                    self.report.adopted(CountKind::Photos);
                    new.push(photo);
                }
                Decision::Write => {
                    self.report.imported(CountKind::Photos);
                    new.push(photo);
                }
            }
            self.note_missing_file(photo, files, &here);
        }
        if !self.writes() || (new.is_empty() && found.is_empty()) {
            return Ok(());
        }
        found.extend(self.intents_for_photos(account, &new).await?);
        journal.note(found).await?;
        self.pod.begin().await?;
        self.write_photos(account, files, &new).await?;
        Ok(self.commit_batch(journal).await?)
    }

    /// Returns names of photo files whose photos were deleted since an earlier run: they are left out as well.
    pub(in crate::import) async fn files_of_deleted_photos(
        &mut self,
        survey: &Survey,
        journal: &Journal,
    ) -> Result<HashSet<String>, ImportError> {
        let (mut deleted, mut needed) = (HashSet::new(), HashSet::new());
        if !journal.has_earlier_notes() {
            return Ok(deleted);
        }
        for chunk in survey.photo_names.chunks(1000) {
            let guids: Vec<&str> = chunk.iter().map(|(guid, _)| guid.as_str()).collect();
            let noted = journal.noted("photos", &guids).await?;
            let there = self.existing_rows("photos", &guids).await?;
            for (guid, name) in chunk {
                let is_deleted = !there.contains_key(guid.as_str())
                    && noted.get(guid.as_str()).is_some_and(|noted| noted.certain);
                let names = if is_deleted { &mut deleted } else { &mut needed };
                names.insert(name.clone());
            }
        }
        deleted.retain(|name| survey.files.contains(name) && !needed.contains(name));
        Ok(deleted)
    }

    /// Imports the aspects to which limited posts and photos were shown.
    pub(in crate::import) async fn import_audiences(
        &mut self,
        account: &NewAccount,
        audiences: Vec<AspectAudience>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        if !self.writes() {
            return Ok(());
        }
        for (name, table, class, kind) in [
            ("post", "posts", "Post", kinds::POST_AUDIENCES),
            ("photo", "photos", "Photo", kinds::PHOTO_AUDIENCES),
        ] {
            let mut of_kind: Vec<&AspectAudience> =
                audiences.iter().filter(|audience| audience.kind == name).collect();
            let guids: Vec<&str> = of_kind.iter().map(|audience| audience.guid.as_str()).collect();
            let (there, noted) =
                (self.existing_rows(table, &guids).await?, journal.noted(kind, &guids).await?);
            // Aspects can be changed and deleted: what was shown to them once is not shown to others now.
            of_kind.retain(|audience| {
                let row = there.get(audience.guid.as_str());
                row.is_some_and(|row| row.author == account.person)
                    && noted.get(audience.guid.as_str()).is_none_or(|noted| !noted.certain)
            });
            if of_kind.is_empty() {
                continue;
            }
            let rows = of_kind
                .iter()
                .filter_map(|audience| Some((there.get(audience.guid.as_str())?, audience)))
                .flat_map(|(row, audience)| {
                    let aspects = audience.aspects.iter().filter_map(|name| account.aspects.get(name));
                    aspects.map(|aspect| vec![row.id.into(), class.into(), (*aspect).into()])
                })
                .collect();
            journal
                .note(of_kind.iter().map(|audience| Intent::write(kind, &audience.guid)).collect())
                .await?;
            self.pod.begin().await?;
            let columns = ["shareable_id", "shareable_type", "aspect_id"];
            self.pod.insert("aspect_visibilities", &columns, rows, OnConflict::Ignore).await?;
            self.commit_batch(journal).await?;
        }
        Ok(())
    }
}
