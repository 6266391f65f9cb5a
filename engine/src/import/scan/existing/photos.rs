//! The account's photos.

use std::collections::{HashMap, HashSet};

use crate::domain::{DiasporaId, Guid, Photo};
use crate::import::ImportError;
use crate::import::journal::notes::{Journal, Noted};
use crate::import::scan::survey::Survey;
use crate::import::target::{ExistingRow, Target};
use crate::import::write::photos::is_pod_name;
use crate::pod::database::DatabaseError;

#[derive(Default)]
pub(in crate::import) struct ExistingPhotos {
    pub(in crate::import) rows: HashMap<String, ExistingRow>,
    pub(in crate::import) noted: HashMap<String, Noted>,
    /// Photos that point to this pod.
    pub(in crate::import) with_file: HashSet<String>,
}

impl ExistingPhotos {
    /// Returns the row of a photo, and the journal's entry.
    pub(in crate::import) fn of(&self, guid: &Guid) -> (Option<&ExistingRow>, Option<Noted>) {
        (self.rows.get(guid.as_str()), self.noted.get(guid.as_str()).copied())
    }
}

impl Target {
    pub(in crate::import) async fn existing_photos<'a>(
        &mut self,
        photos: impl Iterator<Item = &'a Photo>,
        journal: &Journal,
    ) -> Result<ExistingPhotos, ImportError> {
        let guids: Vec<&str> = photos.map(|photo| photo.guid.as_str()).collect();
        let (rows, noted) =
            (self.existing_rows("photos", &guids).await?, journal.noted("photos", &guids).await?);
        let mut with_file = HashSet::new();
        if !rows.is_empty() {
            let sql = "SELECT guid, remote_photo_path FROM photos WHERE guid IN ({})";
            let found = self.pod.rows_in("photos", sql, &guids).await?;
            let here =
                found.iter().filter(|row| row.text("remote_photo_path").as_ref() == Some(&self.photos_at));
            with_file.extend(here.filter_map(|row| row.text("guid")));
        }
        Ok(ExistingPhotos { rows, noted, with_file })
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
        let no_pictures: HashSet<&str> = survey.no_pictures.iter().map(String::as_str).collect();
        let is_brought = |name: &str| survey.files.contains(name) || no_pictures.contains(name);
        deleted.retain(|name| is_brought(name) && !needed.contains(name));
        Ok(deleted)
    }

    /// Returns which of these names photos of the account's neighbours have: people of its old pod, as this pod knows
    /// them. That pod has named those photos itself, and never gives a name twice. What people of other pods call
    /// theirs counts nothing: they could take names away.
    pub(in crate::import) async fn photo_names_of_neighbours(
        &mut self,
        names: &HashSet<String>,
        old: &DiasporaId,
    ) -> Result<HashSet<String>, DatabaseError> {
        // No other name stays, and not every one can be asked for.
        let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| is_pod_name(name)).collect();
        let sql = "SELECT f.remote_photo_name, p.diaspora_handle FROM photos f JOIN people p ON p.id = f.author_id \
                   WHERE f.remote_photo_name IN ({})";
        let (mut own, mut theirs) = (HashSet::new(), HashSet::new());
        for row in self.pod.rows_in("the names of photos", sql, &names).await? {
            let author = row.text("diaspora_handle").and_then(|id| id.parse::<DiasporaId>().ok());
            let (Some(author), Some(name)) = (author, row.text("remote_photo_name")) else { continue };
            if author == *old {
                own.insert(name);
            } else if author.host() == old.host() {
                theirs.insert(name);
            }
        }
        theirs.retain(|name| !own.contains(name));
        Ok(theirs)
    }
}
