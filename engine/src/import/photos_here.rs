//! Photos, and the avatar, that point to another pod although their files are here.
//!
//! A post that this pod knew before comes with photos of the old pod, a stock archive shows its account's avatar
//! there, and an import may get its photo files later than its records. The old pod will be gone.

use std::collections::{BTreeMap, HashSet};

use super::finish::list;
use super::imports::ImportRecord;
use super::journal::kinds::PHOTO_ADDRESSES;
use super::journal::{Intent, Journal, noted};
use super::post_rows::stem;
use super::target::{NewAccount, Target};
use super::{ImportError, UndoError};
use crate::domain::{Photo, Profile};
use crate::pod::database::{Cell as _, DatabaseError, Value};
use crate::store::Store;

/// Photos of one statement.
const BATCH: usize = 500;

/// Columns of the profile with the sizes of the avatar, and how the names of their files begin.
const AVATAR: [(&str, &str); 3] = [
    ("image_url", "thumb_large_"),
    ("image_url_medium", "thumb_medium_"),
    ("image_url_small", "thumb_small_"),
];

/// A photo of the account that points elsewhere.
struct Elsewhere {
    id: i64,
    guid: String,
    address: String,
    name: String,
}

impl Target {
    /// Which of these photos point to this pod.
    pub(super) async fn photos_here<'a>(
        &mut self,
        photos: impl Iterator<Item = &'a Photo>,
    ) -> Result<HashSet<String>, DatabaseError> {
        let guids: Vec<&str> = photos.map(|photo| photo.guid.as_str()).collect();
        let sql = "SELECT guid, remote_photo_path FROM photos WHERE guid IN ({})";
        let rows = self.pod.rows_in("photos", sql, &guids).await?;
        let here = rows.iter().filter(|row| row.text(1).as_ref() == Some(&self.photos_at));
        Ok(here.filter_map(|row| row.text(0)).collect())
    }

    /// The account's photos point here, if their files are here.
    pub(super) async fn point_photos_here(
        &mut self,
        account: &NewAccount,
        files: &HashSet<String>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        if files.is_empty() {
            return Ok(());
        }
        let mut after = 0;
        loop {
            let page = self.photos_elsewhere(account.person, after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            let here: Vec<Elsewhere> = page.into_iter().filter(|photo| files.contains(&photo.name)).collect();
            if here.is_empty() {
                continue;
            }
            let intent = |photo: &Elsewhere| Intent {
                kind: PHOTO_ADDRESSES,
                guid: photo.guid.clone(),
                previous: Some(photo.address.clone()),
            };
            journal.note(here.iter().map(intent).collect()).await?;
            self.set_address_here(&here).await?;
        }
    }

    async fn photos_elsewhere(&mut self, person: i64, after: i64) -> Result<Vec<Elsewhere>, DatabaseError> {
        let sql = format!(
            "SELECT id, guid, remote_photo_path, remote_photo_name FROM photos WHERE author_id = {person} \
             AND id > {after} AND remote_photo_path <> ? ORDER BY id LIMIT {BATCH}"
        );
        let here = [self.photos_at.as_str().into()];
        let rows = self.pod.rows("photos", sql, &here).await?;
        Ok(rows
            .iter()
            .filter_map(|row| {
                let (id, guid) = (row.integer(0)?, row.text(1)?);
                Some(Elsewhere { id, guid, address: row.text(2)?, name: row.text(3)? })
            })
            .collect())
    }

    async fn set_address_here(&mut self, photos: &[Elsewhere]) -> Result<(), DatabaseError> {
        let stems = " WHEN ? THEN ?".repeat(photos.len());
        let ids = list(&photos.iter().map(|photo| photo.id).collect::<Vec<_>>());
        let sql = format!(
            "UPDATE photos SET remote_photo_path = ?, processed_image = remote_photo_name, \
             unprocessed_image = remote_photo_name, random_string = CASE id{stems} END WHERE id IN ({ids})"
        );
        let mut values: Vec<Value> = vec![self.photos_at.as_str().into()];
        values.extend(photos.iter().flat_map(|photo| [photo.id.into(), stem(&photo.name).into()]));
        self.pod.run("photos", sql, &values).await.map(drop)
    }

    /// The profile shows the avatar from this pod, unless the account has another one by now.
    pub(super) async fn point_avatar_here(
        &mut self,
        account: &NewAccount,
        files: &HashSet<String>,
        profile: Option<&Profile>,
    ) -> Result<(), DatabaseError> {
        let Some(profile) = profile else { return Ok(()) };
        let Some(name) = profile.avatar_file().filter(|name| files.contains(*name)) else { return Ok(()) };
        let columns = AVATAR.map(|(column, _)| format!("{column} = ?")).join(", ");
        let sql =
            format!("UPDATE profiles SET {columns} WHERE image_url = ? AND person_id = {}", account.person);
        let mut values = AVATAR.map(|(_, size)| format!("{}{size}{name}", self.photos_at).into()).to_vec();
        values.push(profile.image_url.clone().into());
        self.pod.run("the profile", sql, &values).await.map(drop)
    }

    /// Photos that were here before the import point again to where they did.
    pub(super) async fn point_photos_back(
        &mut self,
        store: &Store,
        import: &ImportRecord,
        person: i64,
    ) -> Result<(), UndoError> {
        let mut after = 0;
        loop {
            let page = noted(store, &import.id, PHOTO_ADDRESSES, after).await?;
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after = *last;
            let mut back: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for (_, guid, address) in &page {
                back.entry(address.as_deref().unwrap_or_default()).or_default().push(guid);
            }
            for (address, guids) in back {
                let ids: Vec<i64> = self.ids("photos", &guids).await?.into_values().collect();
                if ids.is_empty() {
                    continue;
                }
                let sql = format!(
                    "UPDATE photos SET remote_photo_path = ?, processed_image = NULL, unprocessed_image = NULL, \
                     random_string = NULL WHERE author_id = {person} AND id IN ({})",
                    list(&ids)
                );
                self.pod.run("photos", sql, &[address.into()]).await?;
            }
        }
    }
}
