//! Points photos, and the avatar, from another pod to their files here.
//!
//! A post that this pod knew before has photos on the old pod, a stock archive shows its account's avatar there, and
//! an import may get its photo files later than its records. The old pod will disappear.

use std::collections::BTreeMap;

use crate::domain::Profile;
use crate::import::journal::imports::ImportRecord;
use crate::import::journal::notes::kinds::PHOTO_ADDRESSES;
use crate::import::journal::notes::{Intent, Journal, noted};
use crate::import::target::{NewAccount, Target};
use crate::import::write::photos::PhotoFiles;
use crate::import::write::posts::stem;
use crate::import::{ImportError, UndoError};
use crate::pod::database::DatabaseError;
use crate::sql::{Value, id_list};
use crate::store::Store;

/// Photos per statement.
const BATCH: usize = 500;
/// The separator in the journal between the address of a photo and its name; no address contains it.
const BEFORE_NAME: char = '\n';

/// Columns of the profile with the sizes of the avatar, and the prefixes of their files' names.
const AVATAR: [(&str, &str); 3] = [
    ("image_url", "thumb_large_"),
    ("image_url_medium", "thumb_medium_"),
    ("image_url_small", "thumb_small_"),
];

/// A photo of the account that points to another pod.
struct Elsewhere {
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
            let page = self.photos_elsewhere(account.person, after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            let here: Vec<(Elsewhere, &str)> = page
                .into_iter()
                .filter_map(|photo| files.get(&photo.name).map(|name| (photo, name.as_str())))
                .collect();
            if here.is_empty() {
                continue;
            }
            let intent = |(photo, _): &(Elsewhere, &str)| Intent {
                kind: PHOTO_ADDRESSES,
                guid: photo.guid.clone(),
                previous: Some(format!("{}{BEFORE_NAME}{}", photo.address, photo.name)),
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
                Some(Elsewhere {
                    id: row.integer("id")?,
                    guid: row.text("guid")?,
                    address: row.text("remote_photo_path")?,
                    name: row.text("remote_photo_name")?,
                })
            })
            .collect())
    }

    async fn set_address_here(&mut self, photos: &[(Elsewhere, &str)]) -> Result<(), DatabaseError> {
        let one_of = format!("CASE id{} END", " WHEN ? THEN ?".repeat(photos.len()));
        let ids = id_list(&photos.iter().map(|(photo, _)| photo.id).collect::<Vec<_>>());
        let sql = format!(
            "UPDATE photos SET remote_photo_path = ?, remote_photo_name = {one_of}, processed_image = {one_of}, \
             unprocessed_image = {one_of}, random_string = {one_of} WHERE id IN ({ids})"
        );
        let mut values: Vec<Value<'_>> = vec![self.photos_at.as_str().into()];
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
        let mut values = AVATAR.map(|(_, size)| format!("{}{size}{name}", self.photos_at).into()).to_vec();
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
            let page = noted(store, &import.id, PHOTO_ADDRESSES, after).await?;
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after = *last;
            let mut back: BTreeMap<&str, Vec<(&str, Option<&str>)>> = BTreeMap::new();
            for (_, guid, before) in &page {
                let before = before.as_deref().unwrap_or_default();
                // Earlier versions noted no name, and left it unchanged.
                let (address, name) = before
                    .split_once(BEFORE_NAME)
                    .map_or((before, None), |(address, name)| (address, Some(name)));
                back.entry(address).or_default().push((guid, name));
            }
            for (address, photos) in back {
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
        let found = self.ids("photos", &guids).await?;
        if found.is_empty() {
            return Ok(());
        }
        let names: Vec<(i64, &str)> =
            photos.iter().filter_map(|(guid, name)| Some((*found.get(*guid)?, (*name)?))).collect();
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
            id_list(&found.into_values().collect::<Vec<_>>())
        );
        let mut values: Vec<Value<'_>> = vec![address.into()];
        values.extend(names.into_iter().flat_map(|(id, name)| [id.into(), name.into()]));
        self.pod.run("photos", sql, &values).await.map(drop)
    }
}
