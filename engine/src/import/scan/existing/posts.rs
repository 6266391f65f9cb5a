//! The account's posts with their parts, and its reshares.

use std::collections::{HashMap, HashSet};

use crate::domain::{Entity, Guid, OwnPost};
use crate::import::ImportError;
use crate::import::decide::posts::{root_of, status_message};
use crate::import::journal::notes::{Journal, Noted};
use crate::import::scan::existing::photos::ExistingPhotos;
use crate::import::target::{ExistingRow, NewAccount, Target};
use crate::sql::id_list;

/// The existing posts of a batch with their parts, and the notes on them, by GUID.
#[derive(Default)]
pub(in crate::import) struct ExistingPosts {
    pub(in crate::import) rows: HashMap<String, ExistingRow>,
    pub(in crate::import) noted: HashMap<String, Noted>,
    /// Originals that the account has reshared here itself.
    pub(in crate::import) reshared: HashSet<String>,
    /// Originals that are limited.
    pub(in crate::import) limited: HashSet<Guid>,
    /// Reshares on this pod of limited posts of the batch, by the original's GUID in lowercase: each with its own GUID,
    /// and with the original's as the reshare spells it.
    pub(in crate::import) exposing_reshares: HashMap<String, Vec<(String, String)>>,
    /// Reshares of the batch that lead back to themselves.
    pub(in crate::import) loops: HashSet<Guid>,
    pub(in crate::import) photos: ExistingPhotos,
    /// GUIDs of the old person's photos, by the row number of their post.
    pub(in crate::import) old_photos: HashMap<i64, Vec<String>>,
    /// GUIDs of polls that are taken.
    pub(in crate::import) polls: HashSet<String>,
    /// GUIDs of answers that are taken.
    pub(in crate::import) answers: HashSet<String>,
    /// Polls, each with its post, by GUID.
    pub(in crate::import) polls_of_posts: HashSet<(String, String)>,
}

impl Target {
    pub(in crate::import) async fn existing_posts(
        &mut self,
        account: &NewAccount,
        posts: &[OwnPost],
        journal: &Journal,
    ) -> Result<ExistingPosts, ImportError> {
        let guids: Vec<&str> = posts.iter().map(|post| post.post.guid().as_str()).collect();
        let (rows, noted) =
            (self.existing_rows("posts", &guids).await?, journal.noted("posts", &guids).await?);
        let originals: Vec<&Guid> = posts.iter().filter_map(|post| root_of(&post.post)).collect();
        let messages = || posts.iter().filter_map(status_message);
        let photos = messages().flat_map(|message| &message.photos).map(|Entity(photo)| photo);
        let photos = self.existing_photos(photos, journal).await?;
        let limited = messages().filter(|message| !message.public).map(|message| message.guid.as_str());
        let exposing_reshares = self.exposing_reshares(&limited.collect::<Vec<_>>()).await?;
        let (mut polls, mut answers) = (Vec::new(), Vec::new());
        for Entity(poll) in messages().filter_map(|message| message.poll.as_ref()) {
            polls.push(poll.guid.as_str());
            answers.extend(poll.poll_answers.iter().map(|answer| answer.0.guid.as_str()));
        }
        Ok(ExistingPosts {
            reshared: self.roots_reshared_here(account, &originals).await?,
            limited: self.limited_posts(&originals).await?,
            loops: self.reshare_loops(&posts.iter().map(|post| &post.post).collect::<Vec<_>>()).await?,
            old_photos: self.old_photos(account, &rows).await?,
            polls_of_posts: self.polls_of_posts(&polls).await?,
            polls: self.taken_guids("polls", &polls).await?.into_keys().collect(),
            answers: self.taken_guids("poll_answers", &answers).await?.into_keys().collect(),
            exposing_reshares,
            rows,
            noted,
            photos,
        })
    }

    /// Returns the reshares of posts that are limited here, or not here yet: anybody who knows the GUID of a limited
    /// post can reshare it before it is imported.
    async fn exposing_reshares(
        &mut self,
        limited: &[&str],
    ) -> Result<HashMap<String, Vec<(String, String)>>, ImportError> {
        let sql = "SELECT r.guid, r.root_guid FROM posts r LEFT JOIN posts o ON o.guid = r.root_guid \
                   WHERE r.root_guid IN ({}) AND (o.id IS NULL OR NOT o.public)";
        let rows = self.pod.rows_in("reshares", sql, limited).await?;
        let mut exposing: HashMap<String, Vec<(String, String)>> = HashMap::new();
        for row in rows {
            let (Some(guid), Some(root)) = (row.text("guid"), row.text("root_guid")) else { continue };
            exposing.entry(root.to_ascii_lowercase()).or_default().push((guid, root));
        }
        Ok(exposing)
    }

    /// Returns the originals that the account has reshared here itself.
    async fn roots_reshared_here(
        &mut self,
        account: &NewAccount,
        originals: &[&Guid],
    ) -> Result<HashSet<String>, ImportError> {
        let roots: Vec<&str> = originals.iter().map(|guid| guid.as_str()).collect();
        let sql = format!(
            "SELECT root_guid FROM posts WHERE author_id = {} AND root_guid IN ({{}})",
            account.person
        );
        let rows = self.pod.rows_in("reshares", &sql, &roots).await?;
        Ok(rows.iter().filter_map(|row| row.text("root_guid")).collect())
    }

    /// Returns the old person's photos in its posts, by the row number of the post.
    async fn old_photos(
        &mut self,
        account: &NewAccount,
        posts: &HashMap<String, ExistingRow>,
    ) -> Result<HashMap<i64, Vec<String>>, ImportError> {
        let mut photos = HashMap::<_, Vec<String>>::new();
        let Some(old_person) = account.old_person else { return Ok(photos) };
        let posts = posts.values().filter(|row| row.author == old_person);
        for chunk in posts.map(|row| row.id).collect::<Vec<_>>().chunks(1000) {
            let sql = format!(
                "SELECT p.id, f.guid FROM photos f JOIN posts p ON p.guid = f.status_message_guid \
                 WHERE f.author_id = {old_person} AND p.id IN ({})",
                id_list(chunk)
            );
            for row in self.pod.rows("photos", sql, &[]).await? {
                if let (Some(post), Some(guid)) = (row.integer("id"), row.text("guid")) {
                    photos.entry(post).or_default().push(guid);
                }
            }
        }
        Ok(photos)
    }

    /// Returns those of these polls that exist, each with its post.
    async fn polls_of_posts(&mut self, polls: &[&str]) -> Result<HashSet<(String, String)>, ImportError> {
        let sql = "SELECT q.guid, p.guid AS post_guid FROM polls q \
                   JOIN posts p ON p.id = q.status_message_id WHERE q.guid IN ({})";
        let rows = self.pod.rows_in("polls", sql, polls).await?;
        Ok(rows.iter().filter_map(|row| Some((row.text("guid")?, row.text("post_guid")?))).collect())
    }
}
