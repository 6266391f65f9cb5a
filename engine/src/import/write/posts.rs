//! The rows of posts and photos, and their dependent rows.

use std::collections::HashMap;

use crate::domain::{DiasporaId, Entity, Guid, OwnPost, Photo, Poll, Post, StatusMessage};
use crate::import::ImportError;
use crate::import::apply::BatchRows;
use crate::import::decide::Context;
use crate::import::decide::photos::PhotoRows;
use crate::import::decide::posts::{PostRows, root_of, status_message};
use crate::import::scan::column_limits::truncate_string;
use crate::import::scan::people::People;
use crate::import::scan::text::{mentions, tags};
use crate::import::target::{NewAccount, Planned, Target};
use crate::pod::database::OnConflict;
use crate::sql::{Row, Value, id_list};

impl BatchRows for PostRows<'_> {
    fn remember(&self, planned: &mut Planned) {
        for post in self.new.iter().chain(self.adopted.iter().map(|(_, post)| post)) {
            planned.add_post(&post.post, true);
        }
    }

    async fn write(&self, target: &mut Target) -> Result<(), ImportError> {
        let Context { account, people, .. } = self.context;
        let adopted: Vec<i64> = self.adopted.iter().map(|(id, _)| *id).collect();
        target.adopt("posts", account, &adopted).await?;
        target.adopt_photos_of(account, &adopted).await?;
        let rows = self.new.iter().map(|post| post_row(account.person, &post.post)).collect();
        target.pod.insert("posts", &POST_COLUMNS, rows, OnConflict::Fail).await?;
        let photos: Vec<&Photo> = self
            .new
            .iter()
            .filter_map(status_message)
            .flat_map(|message| message.photos.iter().map(|Entity(photo)| photo))
            .collect();
        target.adopt("photos", account, &self.adopted_photos).await?;
        target.write_photos(&self.context, &photos).await?;
        let guids: Vec<&str> = self.new.iter().map(|post| post.post.guid().as_str()).collect();
        let ids = target.ids("posts", &guids).await?;
        let messages: Vec<(i64, &StatusMessage)> = self
            .new
            .iter()
            .filter_map(status_message)
            .filter_map(|message| Some((*ids.get(message.guid.as_str())?, message)))
            .collect();
        target.write_parts(people, &messages).await?;
        let rows = self.visibilities(&ids);
        let columns = ["shareable_id", "shareable_type", "user_id"];
        target.pod.insert("share_visibilities", &columns, rows, OnConflict::Ignore).await?;
        // Another import may have written a post or its reshare since the batch was planned.
        let roots = self.new.iter().filter_map(|post| root_of(&post.post));
        let originals: Vec<&str> = self.limited.iter().chain(roots).map(Guid::as_str).collect();
        target.detach_reshares(&originals).await
    }
}

impl PostRows<'_> {
    /// Returns the rows that show limited posts to people of this pod.
    fn visibilities(&self, ids: &HashMap<String, i64>) -> Vec<Vec<Value<'static>>> {
        let Context { account, people, .. } = self.context;
        let readers_of = |post: &OwnPost| -> Option<Vec<Vec<Value<'static>>>> {
            let id = *ids.get(post.post.guid().as_str())?;
            let readers = post.subscribed_users_ids.as_ref()?.iter();
            // An archive must not put limited posts into the streams of people with whom the account does not share.
            let users = readers
                .filter_map(|reader| people.get(reader)?.user)
                .filter(|user| account.is_vouched_for || account.readers.contains(user))
                .filter(|user| !account.ignored_by.contains_key(user));
            Some(users.map(|user| vec![id.into(), "Post".into(), user.into()]).collect())
        };
        self.new.iter().filter_map(readers_of).flatten().collect()
    }
}

impl BatchRows for PhotoRows<'_> {
    async fn write(&self, target: &mut Target) -> Result<(), ImportError> {
        target.adopt("photos", self.context.account, &self.adopted).await?;
        target.write_photos(&self.context, &self.new.iter().collect::<Vec<_>>()).await
    }
}

impl Target {
    /// Assigns the old person's existing rows to the account.
    pub(in crate::import) async fn adopt(
        &mut self,
        table: &'static str,
        account: &NewAccount,
        rows: &[i64],
    ) -> Result<(), ImportError> {
        let Some(old_person) = account.old_person else { return Ok(()) };
        for chunk in rows.chunks(1000) {
            let sql = format!(
                "UPDATE {table} SET author_id = {} WHERE author_id = {old_person} AND id IN ({})",
                account.person,
                id_list(chunk)
            );
            self.pod.run(table, sql, &[]).await?;
        }
        Ok(())
    }

    /// Adopts the photos of adopted posts.
    async fn adopt_photos_of(&mut self, account: &NewAccount, posts: &[i64]) -> Result<(), ImportError> {
        let Some(old_person) = account.old_person else { return Ok(()) };
        for chunk in posts.chunks(1000) {
            let sql = format!(
                "UPDATE photos SET author_id = {} WHERE author_id = {old_person} AND status_message_guid IN \
                 (SELECT guid FROM posts WHERE id IN ({}))",
                account.person,
                id_list(chunk)
            );
            self.pod.run("photos", sql, &[]).await?;
        }
        Ok(())
    }

    /// Removes the original from reshares of these posts, as far as they are limited here.
    async fn detach_reshares(&mut self, originals: &[&str]) -> Result<(), ImportError> {
        let sql = "SELECT r.id FROM posts r JOIN posts o ON o.guid = r.root_guid \
                   WHERE r.root_guid IN ({}) AND NOT o.public";
        let rows = self.pod.rows_in("reshares", sql, originals).await?;
        let reshares: Vec<i64> = rows.iter().filter_map(|row| row.integer("id")).collect();
        for chunk in reshares.chunks(1000) {
            let sql = format!("UPDATE posts SET root_guid = NULL WHERE id IN ({})", id_list(chunk));
            self.pod.run("reshares", sql, &[]).await?;
        }
        Ok(())
    }

    async fn write_photos(&mut self, context: &Context<'_>, photos: &[&Photo]) -> Result<(), ImportError> {
        let uploads = self.photo_base_url.clone();
        let stored_file =
            |name: &String| context.files.get(name).map(|stored| (uploads.as_str(), stored.as_str()));
        let rows = photos
            .iter()
            .map(|photo| photo_row(context.account.person, photo, stored_file(&photo.remote_photo_name)))
            .collect();
        self.pod.insert("photos", &PHOTO_COLUMNS, rows, OnConflict::Fail).await?;
        Ok(())
    }

    /// Writes the parts of posts, except photos: locations, polls, tags and mentions.
    pub(in crate::import) async fn write_parts(
        &mut self,
        people: &People,
        messages: &[(i64, &StatusMessage)],
    ) -> Result<(), ImportError> {
        self.write_locations(messages).await?;
        self.write_polls(messages).await?;
        let tagged: Vec<(i64, Vec<String>)> =
            messages.iter().map(|(id, message)| (*id, tags(&message.text))).collect();
        self.write_tags("Post", &tagged).await?;
        let mentioned = messages.iter().map(|(id, message)| (*id, mentions(&message.text))).collect();
        self.write_mentions("Post", people, mentioned).await
    }

    async fn write_locations(&mut self, messages: &[(i64, &StatusMessage)]) -> Result<(), ImportError> {
        let mut rows = Vec::new();
        for (post, message) in messages {
            let Some(Entity(location)) = &message.location else { continue };
            // Posts fetched from other pods have not been fitted to the columns before.
            let [address, lat, lng] =
                [&location.address, &location.lat, &location.lng].map(|text| truncate_string(text));
            let at = message.created_at;
            rows.push(vec![(*post).into(), address.into(), lat.into(), lng.into(), at.into(), at.into()]);
        }
        let columns = ["status_message_id", "address", "lat", "lng", "created_at", "updated_at"];
        self.pod.insert("locations", &columns, rows, OnConflict::Fail).await?;
        Ok(())
    }

    async fn write_polls(&mut self, messages: &[(i64, &StatusMessage)]) -> Result<(), ImportError> {
        let mut rows = Vec::new();
        let mut polls: Vec<&Poll> = Vec::new();
        for (post, message) in messages {
            let Some(Entity(poll)) = &message.poll else { continue };
            let question = truncate_string(&poll.question);
            let at = message.created_at;
            rows.push(vec![(*post).into(), question.into(), poll.guid.as_str().into(), at.into(), at.into()]);
            polls.push(poll);
        }
        if polls.is_empty() {
            return Ok(());
        }
        let columns = ["status_message_id", "question", "guid", "created_at", "updated_at"];
        self.pod.insert("polls", &columns, rows, OnConflict::Fail).await?;
        let guids: Vec<&str> = polls.iter().map(|poll| poll.guid.as_str()).collect();
        let ids = self.ids("polls", &guids).await?;
        let mut rows = Vec::new();
        for poll in polls {
            let Some(id) = ids.get(poll.guid.as_str()) else { continue };
            for Entity(answer) in &poll.poll_answers {
                let text = truncate_string(&answer.answer);
                rows.push(vec![(*id).into(), text.into(), answer.guid.as_str().into()]);
            }
        }
        self.pod.insert("poll_answers", &["poll_id", "answer", "guid"], rows, OnConflict::Fail).await?;
        Ok(())
    }

    /// Writes mentions of people who are known here.
    pub(in crate::import) async fn write_mentions(
        &mut self,
        kind: &'static str,
        people: &People,
        mut records: Vec<(i64, Vec<DiasporaId>)>,
    ) -> Result<(), ImportError> {
        records.retain(|(_, ids)| !ids.is_empty());
        let mut unknown_people: Vec<&str> = records
            .iter()
            .flat_map(|(_, ids)| ids.iter().filter(|id| people.get(id).is_none()).map(DiasporaId::as_str))
            .collect();
        unknown_people.sort_unstable();
        unknown_people.dedup();
        let sql = "SELECT diaspora_handle, id FROM people WHERE diaspora_handle IN ({})";
        let rows = self.pod.rows_in("people", sql, &unknown_people).await?;
        let person = |row: &Row| Some((row.text("diaspora_handle")?, row.integer("id")?));
        let others: HashMap<String, i64> = rows.iter().filter_map(person).collect();
        let rows = records
            .iter()
            .flat_map(|(record, ids)| {
                let mentioned = ids.iter().filter_map(|id| {
                    people.get(id).map(|person| person.id).or_else(|| others.get(id.as_str()).copied())
                });
                mentioned.map(|person| vec![(*record).into(), kind.into(), person.into()])
            })
            .collect();
        let columns = ["mentions_container_id", "mentions_container_type", "person_id"];
        self.pod.insert("mentions", &columns, rows, OnConflict::Ignore).await?;
        Ok(())
    }
}

/// The columns of [`photo_row`].
pub(in crate::import) const PHOTO_COLUMNS: [&str; 15] = [
    "author_id",
    "public",
    "guid",
    "pending",
    "text",
    "remote_photo_path",
    "remote_photo_name",
    "random_string",
    "processed_image",
    "unprocessed_image",
    "status_message_guid",
    "height",
    "width",
    "created_at",
    "updated_at",
];

/// Returns the row of a photo. `stored` is the address and name of its file on this pod; without it, both stay
/// unchanged.
pub(in crate::import) fn photo_row<'a>(
    author: i64,
    photo: &'a Photo,
    stored: Option<(&'a str, &'a str)>,
) -> Vec<Value<'a>> {
    let (address, name) = stored.unwrap_or((&photo.remote_photo_path, &photo.remote_photo_name));
    let file = |name: &'a str| Value::from(stored.map(|_| name));
    vec![
        author.into(),
        photo.public.into(),
        photo.guid.as_str().into(),
        false.into(),
        photo.text.as_deref().into(),
        address.into(),
        name.into(),
        file(stem(name)),
        file(name),
        file(name),
        photo.status_message_guid.as_ref().map(Guid::as_str).into(),
        pixels(photo.height),
        pixels(photo.width),
        photo.created_at.into(),
        photo.created_at.into(),
    ]
}

/// The columns of [`post_row`].
pub(in crate::import) const POST_COLUMNS: [&str; 10] = [
    "author_id",
    "type",
    "guid",
    "public",
    "text",
    "provider_display_name",
    "root_guid",
    "created_at",
    "updated_at",
    "interacted_at",
];

/// Returns the row of a post.
pub(in crate::import) fn post_row(author: i64, post: &Post) -> Vec<Value<'_>> {
    let (class, public, text, provider, root, created_at) = match post {
        Post::StatusMessage(post) => {
            let (text, provider) = (Some(post.text.as_str()), post.provider_display_name.as_deref());
            ("StatusMessage", post.public, text, provider, None, post.created_at)
        }
        // diaspora* treats every reshare as public. The original may arrive later, by federation.
        Post::Reshare(post) => {
            ("Reshare", true, None, None, post.root_guid.as_ref().map(Guid::as_str), post.created_at)
        }
    };
    vec![
        author.into(),
        class.into(),
        post.guid().as_str().into(),
        public.into(),
        text.into(),
        provider.into(),
        root.into(),
        created_at.into(),
        created_at.into(),
        created_at.into(),
    ]
}

/// Returns a photo file's name before the dot; diaspora* builds names of files from it (`UnprocessedImage#filename`).
pub(in crate::import) fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Returns a width or height, if it fits into a column.
fn pixels(size: Option<i64>) -> Value<'static> {
    size.filter(|size| (1..=i64::from(i32::MAX)).contains(size)).into()
}
