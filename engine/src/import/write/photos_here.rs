//! Points photos, and the avatar, from another pod to their files here.
//!
//! A post that this pod had before has photos on the old pod, the avatar in a stock archive is there, and an import may
//! get its photo files later than its records. The old pod will disappear.

use std::collections::BTreeMap;

use crate::domain::Profile;
use crate::import::journal::imports::ImportRecord;
use crate::import::journal::notes::kinds::PHOTO_ADDRESSES;
use crate::import::journal::notes::{Intent, Journal, note_page};
use crate::import::target::{NewAccount, Target};
use crate::import::write::photos::PhotoFiles;
use crate::import::write::posts::stem;
use crate::import::{ImportError, UndoError};
use crate::pod::database::DatabaseError;
use crate::sql::{Value, id_list};
use crate::store::Store;

/// The number of photos per statement.
const BATCH_PHOTOS: usize = 500;
/// The separator in the journal between the address of a photo and its name; no address contains it.
const NAME_SEPARATOR: char = '\n';

/// Columns of the profile with the sizes of the avatar, and the prefixes of their files' names.
const AVATAR: [(&str, &str); 3] = [
    ("image_url", "thumb_large_"),
    ("image_url_medium", "thumb_medium_"),
    ("image_url_small", "thumb_small_"),
];

/// A photo of the account that points to another pod.
struct RemotePhoto {
    id: i64,
    guid: String,
    address: String,
    name: String,
}

impl Target {
    /// Points the account's photos here, if their files exist here.
    pub(in crate::import) async fn point_photos_here(
        &mut self,
        account: &NewAccount,
        files: &PhotoFiles,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        if files.is_empty() {
            return Ok(());
        }
        let mut after = 0;
        loop {
            let page = self.remote_photos(account.person, after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            let photos: Vec<(RemotePhoto, &str)> = page
                .into_iter()
                .filter_map(|photo| files.get(&photo.name).map(|name| (photo, name.as_str())))
                .collect();
            if photos.is_empty() {
                continue;
            }
            let intent = |(photo, _): &(RemotePhoto, &str)| Intent {
                kind: PHOTO_ADDRESSES,
                guid: photo.guid.clone(),
                previous: Some(format!("{}{NAME_SEPARATOR}{}", photo.address, photo.name)),
            };
            journal.note(photos.iter().map(intent).collect()).await?;
            self.set_address_here(&photos).await?;
        }
    }

    async fn remote_photos(&mut self, person: i64, after: i64) -> Result<Vec<RemotePhoto>, DatabaseError> {
        let sql = format!(
            "SELECT id, guid, remote_photo_path, remote_photo_name FROM photos WHERE author_id = {person} \
             AND id > {after} AND remote_photo_path <> ? ORDER BY id LIMIT {BATCH_PHOTOS}"
        );
        let values = [self.photo_base_url.as_str().into()];
        let rows = self.pod.rows("photos", sql, &values).await?;
        Ok(rows
            .iter()
            .filter_map(|row| {
                Some(RemotePhoto {
                    id: row.integer("id")?,
                    guid: row.text("guid")?,
                    address: row.text("remote_photo_path")?,
                    name: row.text("remote_photo_name")?,
                })
            })
            .collect())
    }

    async fn set_address_here(&mut self, photos: &[(RemotePhoto, &str)]) -> Result<(), DatabaseError> {
        let name_by_id = format!("CASE id{} END", " WHEN ? THEN ?".repeat(photos.len()));
        let ids = id_list(&photos.iter().map(|(photo, _)| photo.id).collect::<Vec<_>>());
        let sql = format!(
            "UPDATE photos SET remote_photo_path = ?, remote_photo_name = {name_by_id}, processed_image = {name_by_id}, \
             unprocessed_image = {name_by_id}, random_string = {name_by_id} WHERE id IN ({ids})"
        );
        let mut values: Vec<Value<'_>> = vec![self.photo_base_url.as_str().into()];
        let of_each = |value: fn(&str) -> &str| {
            photos.iter().flat_map(move |(photo, name)| [photo.id.into(), value(name).into()])
        };
        for value in [|name| name, |name| name, |name| name, stem] as [fn(&str) -> &str; 4] {
            values.extend(of_each(value));
        }
        self.pod.run("photos", sql, &values).await.map(drop)
    }

    /// Points the profile's avatar to this pod, unless the account has another one by now.
    pub(in crate::import) async fn point_avatar_here(
        &mut self,
        account: &NewAccount,
        files: &PhotoFiles,
        profile: Option<&Profile>,
    ) -> Result<(), DatabaseError> {
        let Some(profile) = profile else { return Ok(()) };
        let Some(name) = profile.avatar_file().and_then(|name| files.get(name)) else { return Ok(()) };
        let columns = AVATAR.map(|(column, _)| format!("{column} = ?")).join(", ");
        let sql =
            format!("UPDATE profiles SET {columns} WHERE image_url = ? AND person_id = {}", account.person);
        let mut values =
            AVATAR.map(|(_, size)| format!("{}{size}{name}", self.photo_base_url).into()).to_vec();
        values.push(profile.image_url.clone().into());
        self.pod.run("the profile", sql, &values).await.map(drop)
    }

    /// Points photos that existed before the import back to their previous addresses.
    pub(in crate::import) async fn point_photos_back(
        &mut self,
        store: &Store,
        import: &ImportRecord,
        person: i64,
    ) -> Result<(), UndoError> {
        let mut after = 0;
        loop {
            let page = note_page(store, &import.id, PHOTO_ADDRESSES, after).await?;
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after = *last;
            let mut by_address: BTreeMap<&str, Vec<(&str, Option<&str>)>> = BTreeMap::new();
            for (_, guid, previous) in &page {
                let previous = previous.as_deref().unwrap_or_default();
                // Earlier versions noted no name, and left it unchanged.
                let (address, name) = previous
                    .split_once(NAME_SEPARATOR)
                    .map_or((previous, None), |(address, name)| (address, Some(name)));
                by_address.entry(address).or_default().push((guid, name));
            }
            for (address, photos) in by_address {
                self.set_address_back(person, address, &photos).await?;
            }
        }
    }

    async fn set_address_back(
        &mut self,
        person: i64,
        address: &str,
        photos: &[(&str, Option<&str>)],
    ) -> Result<(), DatabaseError> {
        let guids: Vec<&str> = photos.iter().map(|(guid, _)| *guid).collect();
        let ids = self.ids("photos", &guids).await?;
        if ids.is_empty() {
            return Ok(());
        }
        let names: Vec<(i64, &str)> =
            photos.iter().filter_map(|(guid, name)| Some((*ids.get(*guid)?, (*name)?))).collect();
        let name = match names.len() {
            0 => String::new(),
            count => {
                let cases = " WHEN ? THEN ?".repeat(count);
                format!("remote_photo_name = CASE id{cases} ELSE remote_photo_name END, ")
            }
        };
        let sql = format!(
            "UPDATE photos SET remote_photo_path = ?, {name}processed_image = NULL, unprocessed_image = NULL, \
             random_string = NULL WHERE author_id = {person} AND id IN ({})",
            id_list(&ids.into_values().collect::<Vec<_>>())
        );
        let mut values: Vec<Value<'_>> = vec![address.into()];
        values.extend(names.into_iter().flat_map(|(id, name)| [id.into(), name.into()]));
        self.pod.run("photos", sql, &values).await.map(drop)
    }
}
