//! Photos outside posts, the avatar among them, and who may see posts and photos.

use std::collections::HashSet;

use super::ImportError;
use super::journal::Journal;
use super::report::FindingCode;
use super::target::{Decision, NewAccount, Target, decide};
use crate::archive::manifest::CountKind;
use crate::domain::{AspectAudience, LoosePhoto};
use crate::pod::database::Existing;

impl Target {
    /// Photos that belong to no post.
    pub(super) async fn import_loose_photos(
        &mut self,
        account: &NewAccount,
        files: &HashSet<String>,
        photos: Vec<LoosePhoto>,
        journal: Option<&mut Journal>,
    ) -> Result<(), ImportError> {
        let guids: Vec<&str> = photos.iter().map(|photo| photo.photo.guid.as_str()).collect();
        let there = self.there("photos", &guids).await?;
        let mut new = Vec::new();
        let here = self.photos_here(photos.iter().map(|photo| &photo.photo)).await?;
        for LoosePhoto { photo, .. } in &photos {
            match decide(there.get(photo.guid.as_str()), account) {
                Decision::Taken => {
                    self.report.left_out(CountKind::Photos, FindingCode::GuidTaken, &photo.guid);
                    continue;
                }
                Decision::Present => {
                    let found = journal
                        .as_ref()
                        .is_some_and(|journal| journal.has_adopted("photos", photo.guid.as_str()));
                    self.report.came_in(CountKind::Photos, found);
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
        if let Some(journal) = journal {
            journal.note(self.intents_for_photos(account, &new).await?).await?;
            self.pod.begin().await?;
            self.write_photos(account, files, &new).await?;
            self.pod.commit().await?;
        }
        Ok(())
    }

    /// Which aspects limited posts and photos were shown to.
    pub(super) async fn import_audiences(
        &mut self,
        account: &NewAccount,
        audiences: Vec<AspectAudience>,
    ) -> Result<(), ImportError> {
        if !self.writes() {
            return Ok(());
        }
        for (kind, table, class) in [("post", "posts", "Post"), ("photo", "photos", "Photo")] {
            let of_kind: Vec<&AspectAudience> =
                audiences.iter().filter(|audience| audience.kind == kind).collect();
            let guids: Vec<&str> = of_kind.iter().map(|audience| audience.guid.as_str()).collect();
            let there = self.there(table, &guids).await?;
            let rows = of_kind
                .iter()
                .filter_map(|audience| Some((there.get(audience.guid.as_str())?, audience)))
                .filter(|(row, _)| row.author == account.person)
                .flat_map(|(row, audience)| {
                    let aspects = audience.aspects.iter().filter_map(|name| account.aspects.get(name));
                    aspects.map(|aspect| vec![row.id.into(), class.into(), (*aspect).into()])
                })
                .collect();
            let columns = ["shareable_id", "shareable_type", "aspect_id"];
            self.pod.insert("aspect_visibilities", &columns, rows, Existing::Keep).await?;
        }
        Ok(())
    }
}
