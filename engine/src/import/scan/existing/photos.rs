//! The account's photos.

use std::collections::{HashMap, HashSet};

use crate::domain::{DiasporaId, Guid, Photo};
use crate::import::ImportError;
use crate::import::journal::notes::{Journal, Noted};
use crate::import::scan::survey::Survey;
use crate::import::target::{ExistingRow, Target};
use crate::import::write::photos::is_pod_name;
use crate::pod::database::DatabaseError;

/// The existing photos of a batch, and the notes on them, by GUID.
#[derive(Default)]
pub(in crate::import) struct ExistingPhotos {
    pub(in crate::import) rows: HashMap<String, ExistingRow>,
    pub(in crate::import) noted: HashMap<String, Noted>,
    /// Photos whose files are on this pod: their addresses point here.
    pub(in crate::import) guids_with_file: HashSet<String>,
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
        let mut guids_with_file = HashSet::new();
        if !rows.is_empty() {
            let sql = "SELECT guid, remote_photo_path FROM photos WHERE guid IN ({})";
            let photos = self.pod.rows_in("photos", sql, &guids).await?;
            let stored_here = photos
                .iter()
                .filter(|row| row.text("remote_photo_path").as_ref() == Some(&self.photo_base_url));
            guids_with_file.extend(stored_here.filter_map(|row| row.text("guid")));
        }
        Ok(ExistingPhotos { rows, noted, guids_with_file })
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
            let existing = self.existing_rows("photos", &guids).await?;
            for (guid, name) in chunk {
                let is_deleted = !existing.contains_key(guid.as_str())
                    && noted.get(guid.as_str()).is_some_and(|noted| noted.is_certain);
                let names = if is_deleted { &mut deleted } else { &mut needed };
                names.insert(name.clone());
            }
        }
        let rejected_photos: HashSet<&str> = survey.rejected_photos.iter().map(String::as_str).collect();
        let is_in_archive = |name: &str| survey.files.contains(name) || rejected_photos.contains(name);
        deleted.retain(|name| is_in_archive(name) && !needed.contains(name));
        Ok(deleted)
    }

    /// Returns those of these names that photos of the account's neighbours have: of people of its old pod whom this
    /// pod knows. The old pod has named these photos itself, and never gives a name twice. Photos of people of other
    /// pods do not count: these pods could choose names in order to take them from others.
    pub(in crate::import) async fn photo_names_of_neighbours(
        &mut self,
        names: &HashSet<String>,
        old_id: &DiasporaId,
    ) -> Result<HashSet<String>, DatabaseError> {
        // Photos with other names are renamed anyway, and some of those names cannot be used in a query.
        let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| is_pod_name(name)).collect();
        let sql = "SELECT f.remote_photo_name, p.diaspora_handle FROM photos f JOIN people p ON p.id = f.author_id \
                   WHERE f.remote_photo_name IN ({})";
        let (mut own_names, mut neighbour_names) = (HashSet::new(), HashSet::new());
        for row in self.pod.rows_in("the names of photos", sql, &names).await? {
            let author = row.text("diaspora_handle").and_then(|id| id.parse::<DiasporaId>().ok());
            let (Some(author), Some(name)) = (author, row.text("remote_photo_name")) else { continue };
            if author == *old_id {
                own_names.insert(name);
            } else if author.host() == old_id.host() {
                neighbour_names.insert(name);
            }
        }
        neighbour_names.retain(|name| !own_names.contains(name));
        Ok(neighbour_names)
    }
}
