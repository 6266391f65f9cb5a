//! Posts with everything that hangs on them, and photos outside posts.

use std::collections::{HashMap, HashSet};

use super::ImportError;
use super::journal::{Intent, Journal};
use super::people::People;
use super::report::FindingCode;
use super::target::{Decision, NewAccount, Target, decide};
use super::text::{mentions, tags};
use crate::archive::manifest::CountKind;
use crate::domain::{
    AspectAudience, DiasporaId, Entity, Guid, LoosePhoto, OwnPost, Photo, Poll, PollAnswer, Post, Reshare,
    StatusMessage,
};
use crate::pod::database::{Cell as _, Existing, Value};

impl Target {
    /// A batch of posts, in one transaction.
    pub(super) async fn import_posts(
        &mut self,
        account: &NewAccount,
        people: &People,
        files: &HashSet<String>,
        posts: Vec<OwnPost>,
        journal: Option<&mut Journal>,
    ) -> Result<(), ImportError> {
        let guids: Vec<&str> = posts.iter().map(|post| post.post.guid().as_str()).collect();
        let there = self.there("posts", &guids).await?;
        let mut new = Vec::new();
        let mut written = Vec::new();
        let mut adopted = Vec::new();
        let mut intents = Vec::new();
        let mut seen = HashSet::new();
        for post in posts {
            let guid = post.post.guid().clone();
            let kind = kind_of(&post.post);
            // diaspora* has one reshare of a post by one person.
            let again = match &post.post {
                Post::Reshare(Reshare { root_guid: Some(root), .. }) => !self.reshared.insert(root.clone()),
                _ => false,
            };
            if again || !seen.insert(guid.clone()) {
                self.report.left_out(kind, FindingCode::Duplicate, &guid);
                continue;
            }
            match decide(there.get(guid.as_str()), account) {
                Decision::Write => new.push(post),
                Decision::Present => {
                    if journal.as_ref().is_some_and(|journal| journal.has_adopted(guid.as_str())) {
                        self.count_post(&post.post, true);
                    } else {
                        written.push(post);
                    }
                }
                Decision::Adopt(id) => {
                    adopted.push(id);
                    let previous = account.old_person;
                    intents.push(Intent { kind: "posts", guid: guid.to_string(), previous });
                    self.count_post(&post.post, true);
                    self.plan_post(&post.post);
                }
                Decision::Taken => self.report.left_out(kind, FindingCode::GuidTaken, &guid),
            }
        }
        self.leave_out_what_was_left_out(account, &mut written).await?;
        for post in &written {
            self.count_post(&post.post, false);
            self.note_post_again(&post.post, files);
        }
        self.leave_out_taken_parts(account, &mut new).await?;
        for post in &new {
            let guid = post.post.guid().to_string();
            intents.push(Intent { kind: "posts", guid, previous: None });
            self.count_post(&post.post, false);
            self.plan_post(&post.post);
        }
        if let Some(journal) = journal
            && !(new.is_empty() && adopted.is_empty())
        {
            intents.extend(self.photo_intents(account, &new, &adopted).await?);
            self.pod.begin().await?;
            // The journal must know of the rows before they are there for good, so before the end of the transaction.
            let noting = async { journal.note(intents).await.map_err(ImportError::from) };
            let writing = async {
                self.adopt("posts", "author_id", account, &adopted).await?;
                self.adopt_photos_of(account, &adopted).await?;
                self.write_posts(account, people, files, &new).await
            };
            tokio::try_join!(noting, writing)?;
            self.pod.commit().await?;
        }
        Ok(())
    }

    fn plan_post(&mut self, post: &Post) {
        if let Some(planned) = &mut self.planned {
            planned.add_post(post, true);
        }
    }

    fn count_post(&mut self, post: &Post, adopted: bool) {
        let report = &mut self.report;
        let mut count = |kind| report.came_in(kind, adopted);
        count(kind_of(post));
        if let Post::StatusMessage(message) = post {
            message.photos.iter().for_each(|_| count(CountKind::Photos));
            message.poll.iter().for_each(|_| count(CountKind::Polls));
        }
    }

    /// What was to be known of a post when a run that was broken off wrote it.
    fn note_post_again(&mut self, post: &Post, files: &HashSet<String>) {
        let Post::StatusMessage(message) = post else { return };
        for Entity(photo) in &message.photos {
            self.note_missing_file(photo, files);
        }
        if let Some(Entity(place)) = &message.location {
            for text in [&place.address, &place.lat, &place.lng] {
                self.fit(text, 255, CountKind::StatusMessages, &message.guid);
            }
        }
        if let Some(Entity(poll)) = &message.poll {
            self.fit(&poll.question, 255, CountKind::Polls, &poll.guid);
            for Entity(answer) in &poll.poll_answers {
                self.fit(&answer.answer, 255, CountKind::Polls, &answer.guid);
            }
        }
    }

    fn note_missing_file(&mut self, photo: &Photo, files: &HashSet<String>) {
        if !files.contains(&photo.remote_photo_name) {
            self.report.note(CountKind::Photos, FindingCode::FileMissing, &photo.guid);
        }
    }

    /// A photo or a poll whose GUID is somebody else's stays out; the post comes in without it.
    async fn leave_out_taken_parts(
        &mut self,
        account: &NewAccount,
        posts: &mut [OwnPost],
    ) -> Result<(), ImportError> {
        let mut photos: Vec<String> = Vec::new();
        let mut polls: Vec<String> = Vec::new();
        let mut answers: Vec<String> = Vec::new();
        for message in posts.iter().filter_map(status_message) {
            photos.extend(message.photos.iter().map(|photo| photo.0.guid.to_string()));
            if let Some(Entity(poll)) = &message.poll {
                polls.push(poll.guid.to_string());
                answers.extend(poll.poll_answers.iter().map(|answer| answer.0.guid.to_string()));
            }
        }
        let taken_photos = self.there("photos", &texts(&photos)).await?;
        let mut taken_polls = self.ids("polls", &texts(&polls)).await?;
        let mut taken_answers = self.ids("poll_answers", &texts(&answers)).await?;
        let mut seen = HashSet::new();
        for post in posts.iter_mut() {
            let Post::StatusMessage(message) = &mut post.post else { continue };
            let report = &mut self.report;
            message.photos.retain(|Entity(photo)| {
                let taken = taken_photos.get(photo.guid.as_str());
                // A photo of the old person that has no post here is the account's own.
                let fine = taken.is_none_or(|row| Some(row.author) == account.old_person)
                    && seen.insert(photo.guid.clone());
                if !fine {
                    report.left_out(CountKind::Photos, FindingCode::GuidTaken, &photo.guid);
                }
                fine
            });
            if let Some(Entity(poll)) = &message.poll {
                let is_taken = |Entity(answer): &Entity<PollAnswer>| {
                    taken_answers.insert(answer.guid.to_string(), 0).is_some()
                };
                let taken = taken_polls.insert(poll.guid.to_string(), 0).is_some()
                    || poll.poll_answers.iter().any(is_taken);
                if let Some(problem) = why_not(poll, taken) {
                    self.report.left_out(CountKind::Polls, problem, &poll.guid);
                    message.poll = None;
                }
            }
        }
        Ok(())
    }

    /// The same for posts that an earlier run of this import has written: their parts are there, or were left out.
    async fn leave_out_what_was_left_out(
        &mut self,
        account: &NewAccount,
        posts: &mut [OwnPost],
    ) -> Result<(), ImportError> {
        let messages = || posts.iter().filter_map(status_message);
        let photos: Vec<String> =
            messages().flat_map(|message| &message.photos).map(|photo| photo.0.guid.to_string()).collect();
        let polls: Vec<String> = messages()
            .filter_map(|message| message.poll.as_ref())
            .map(|poll| poll.0.guid.to_string())
            .collect();
        let photos = self.there("photos", &texts(&photos)).await?;
        let sql = "SELECT q.guid, p.guid FROM polls q JOIN posts p ON p.id = q.status_message_id WHERE q.guid IN ({})";
        let rows = self.pod.rows_in("polls", sql, &texts(&polls)).await?;
        let polls: HashSet<(String, String)> =
            rows.iter().filter_map(|row| Some((row.text(0)?, row.text(1)?))).collect();
        let mut seen = HashSet::new();
        for post in posts.iter_mut() {
            let Post::StatusMessage(message) = &mut post.post else { continue };
            let report = &mut self.report;
            message.photos.retain(|Entity(photo)| {
                let written = photos.get(photo.guid.as_str()).is_some_and(|row| row.author == account.person)
                    && seen.insert(photo.guid.clone());
                if !written {
                    report.left_out(CountKind::Photos, FindingCode::GuidTaken, &photo.guid);
                }
                written
            });
            if let Some(Entity(poll)) = &message.poll
                && !polls.contains(&(poll.guid.to_string(), message.guid.to_string()))
            {
                report.left_out(
                    CountKind::Polls,
                    why_not(poll, true).unwrap_or(FindingCode::GuidTaken),
                    &poll.guid,
                );
                message.poll = None;
            }
        }
        Ok(())
    }

    /// Photos that will be written with these posts, or change hands with them.
    async fn photo_intents(
        &mut self,
        account: &NewAccount,
        new: &[OwnPost],
        adopted: &[i64],
    ) -> Result<Vec<Intent>, ImportError> {
        let photos: Vec<&Photo> =
            new.iter().filter_map(status_message).flat_map(|post| post.photos.iter().map(|p| &p.0)).collect();
        let mut intents = self.intents_for_photos(account, &photos).await?;
        let Some(old) = account.old_person else { return Ok(intents) };
        for chunk in adopted.chunks(1000) {
            let list = super::finish::list(chunk);
            let sql = format!(
                "SELECT guid FROM photos WHERE author_id = {old} AND status_message_guid IN \
                 (SELECT guid FROM posts WHERE id IN ({list}))"
            );
            for row in self.pod.rows("photos", sql, &[]).await? {
                if let Some(guid) = row.text(0) {
                    intents.push(Intent { kind: "photos", guid, previous: Some(old) });
                }
            }
        }
        Ok(intents)
    }

    async fn intents_for_photos(
        &mut self,
        account: &NewAccount,
        photos: &[&Photo],
    ) -> Result<Vec<Intent>, ImportError> {
        let guids: Vec<&str> = photos.iter().map(|photo| photo.guid.as_str()).collect();
        let there = self.there("photos", &guids).await?;
        let previous = |guid: &str| there.get(guid).and(account.old_person);
        Ok(guids
            .iter()
            .map(|guid| Intent { kind: "photos", guid: (*guid).to_owned(), previous: previous(guid) })
            .collect())
    }

    async fn adopt(
        &mut self,
        table: &'static str,
        column: &str,
        account: &NewAccount,
        rows: &[i64],
    ) -> Result<(), ImportError> {
        let Some(old) = account.old_person else { return Ok(()) };
        for chunk in rows.chunks(1000) {
            let list = chunk.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            let sql = format!(
                "UPDATE {table} SET {column} = {} WHERE {column} = {old} AND id IN ({list})",
                account.person
            );
            self.pod.run(table, sql, &[]).await?;
        }
        Ok(())
    }

    /// Photos of adopted posts come along.
    async fn adopt_photos_of(&mut self, account: &NewAccount, posts: &[i64]) -> Result<(), ImportError> {
        let Some(old) = account.old_person else { return Ok(()) };
        for chunk in posts.chunks(1000) {
            let list = chunk.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            let sql = format!(
                "UPDATE photos SET author_id = {} WHERE author_id = {old} AND status_message_guid IN \
                 (SELECT guid FROM posts WHERE id IN ({list}))",
                account.person
            );
            self.pod.run("photos", sql, &[]).await?;
        }
        Ok(())
    }

    /// Rows that are there as the old person's become the account's.
    pub(super) async fn adopt_rows(
        &mut self,
        table: &'static str,
        account: &NewAccount,
        rows: &[i64],
    ) -> Result<(), ImportError> {
        self.adopt(table, "author_id", account, rows).await
    }

    async fn write_posts(
        &mut self,
        account: &NewAccount,
        people: &People,
        files: &HashSet<String>,
        posts: &[OwnPost],
    ) -> Result<(), ImportError> {
        let rows = posts.iter().map(|post| post_row(account.person, &post.post)).collect();
        self.pod.insert("posts", &POST_COLUMNS, rows, Existing::Refuse).await?;
        let guids: Vec<&str> = posts.iter().map(|post| post.post.guid().as_str()).collect();
        let ids = self.ids("posts", &guids).await?;
        let messages: Vec<(i64, &StatusMessage)> = posts
            .iter()
            .filter_map(status_message)
            .filter_map(|message| Some((*ids.get(message.guid.as_str())?, message)))
            .collect();
        let photos: Vec<&Photo> =
            messages.iter().flat_map(|(_, message)| message.photos.iter().map(|photo| &photo.0)).collect();
        self.write_photos(account, files, &photos).await?;
        self.write_parts(people, &messages).await?;
        let visible = posts
            .iter()
            .filter_map(|post| {
                Some((*ids.get(post.post.guid().as_str())?, post.subscribed_users_ids.as_ref()?))
            })
            .flat_map(|(post, readers)| {
                // Nobody finds a stranger's limited posts in the stream because an archive says so.
                let users = readers
                    .iter()
                    .filter_map(|reader| people.get(reader)?.user)
                    .filter(|user| account.trusted || account.readers.contains(user));
                users.map(move |user| vec![post.into(), "Post".into(), user.into()])
            })
            .collect();
        let columns = ["shareable_id", "shareable_type", "user_id"];
        self.pod.insert("share_visibilities", &columns, visible, Existing::Keep).await?;
        Ok(())
    }

    async fn write_photos(
        &mut self,
        account: &NewAccount,
        files: &HashSet<String>,
        photos: &[&Photo],
    ) -> Result<(), ImportError> {
        let guids: Vec<&str> = photos.iter().map(|photo| photo.guid.as_str()).collect();
        let there = self.there("photos", &guids).await?;
        let known: Vec<i64> = there.values().map(|row| row.id).collect();
        self.adopt("photos", "author_id", account, &known).await?;
        let here = self.photos_at.clone();
        let mut rows = Vec::new();
        for photo in photos.iter().filter(|photo| !there.contains_key(photo.guid.as_str())) {
            let name = photo.remote_photo_name.as_str();
            let has_file = files.contains(name);
            self.note_missing_file(photo, files);
            rows.push(photo_row(account.person, photo, has_file.then_some(here.as_str())));
        }
        self.pod.insert("photos", &PHOTO_COLUMNS, rows, Existing::Refuse).await?;
        Ok(())
    }

    /// What hangs on posts beside photos: places, polls, tags and mentions.
    pub(super) async fn write_parts(
        &mut self,
        people: &People,
        messages: &[(i64, &StatusMessage)],
    ) -> Result<(), ImportError> {
        self.write_locations(messages).await?;
        self.write_polls(messages).await?;
        let tagged: Vec<(i64, Vec<String>)> =
            messages.iter().map(|(id, message)| (*id, tags(&message.text))).collect();
        self.put_tags("Post", &tagged).await?;
        let mentioned = messages.iter().map(|(id, message)| (*id, mentions(&message.text)));
        self.put_mentions("Post", people, mentioned).await
    }

    async fn write_locations(&mut self, messages: &[(i64, &StatusMessage)]) -> Result<(), ImportError> {
        let mut rows = Vec::new();
        for (post, message) in messages {
            let Some(Entity(place)) = &message.location else { continue };
            let (address, at) =
                (self.fit(&place.address, 255, CountKind::StatusMessages, &message.guid), message.created_at);
            let lat = self.fit(&place.lat, 255, CountKind::StatusMessages, &message.guid);
            let lng = self.fit(&place.lng, 255, CountKind::StatusMessages, &message.guid);
            rows.push(vec![(*post).into(), address.into(), lat.into(), lng.into(), at.into(), at.into()]);
        }
        let columns = ["status_message_id", "address", "lat", "lng", "created_at", "updated_at"];
        self.pod.insert("locations", &columns, rows, Existing::Refuse).await?;
        Ok(())
    }

    async fn write_polls(&mut self, messages: &[(i64, &StatusMessage)]) -> Result<(), ImportError> {
        let mut rows = Vec::new();
        let mut polls: Vec<&Poll> = Vec::new();
        for (post, message) in messages {
            let Some(Entity(poll)) = &message.poll else { continue };
            let question = self.fit(&poll.question, 255, CountKind::Polls, &poll.guid);
            let at = message.created_at;
            rows.push(vec![(*post).into(), question.into(), poll.guid.as_str().into(), at.into(), at.into()]);
            polls.push(poll);
        }
        if polls.is_empty() {
            return Ok(());
        }
        let columns = ["status_message_id", "question", "guid", "created_at", "updated_at"];
        self.pod.insert("polls", &columns, rows, Existing::Refuse).await?;
        let guids: Vec<&str> = polls.iter().map(|poll| poll.guid.as_str()).collect();
        let ids = self.ids("polls", &guids).await?;
        let mut rows = Vec::new();
        for poll in polls {
            let Some(id) = ids.get(poll.guid.as_str()) else { continue };
            for Entity(answer) in &poll.poll_answers {
                let text = self.fit(&answer.answer, 255, CountKind::Polls, &answer.guid);
                rows.push(vec![(*id).into(), text.into(), answer.guid.as_str().into()]);
            }
        }
        self.pod.insert("poll_answers", &["poll_id", "answer", "guid"], rows, Existing::Refuse).await?;
        Ok(())
    }

    /// Mentions of people who are known here.
    pub(super) async fn put_mentions(
        &mut self,
        kind: &'static str,
        people: &People,
        records: impl Iterator<Item = (i64, Vec<DiasporaId>)>,
    ) -> Result<(), ImportError> {
        let records: Vec<(i64, Vec<DiasporaId>)> = records.filter(|(_, ids)| !ids.is_empty()).collect();
        let mut strangers: Vec<&str> = records
            .iter()
            .flat_map(|(_, ids)| ids.iter().filter(|id| people.get(id).is_none()).map(DiasporaId::as_str))
            .collect();
        strangers.sort_unstable();
        strangers.dedup();
        let sql = "SELECT diaspora_handle, id FROM people WHERE diaspora_handle IN ({})";
        let rows = self.pod.rows_in("people", sql, &strangers).await?;
        let more: HashMap<String, i64> =
            rows.iter().filter_map(|row| Some((row.text(0)?, row.integer(1)?))).collect();
        let rows = records
            .iter()
            .flat_map(|(record, ids)| {
                let found = ids.iter().filter_map(|id| {
                    people.get(id).map(|person| person.id).or_else(|| more.get(id.as_str()).copied())
                });
                found.map(|person| vec![(*record).into(), kind.into(), person.into()])
            })
            .collect();
        let columns = ["mentions_container_id", "mentions_container_type", "person_id"];
        self.pod.insert("mentions", &columns, rows, Existing::Keep).await?;
        Ok(())
    }

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
        let mut avatar = None;
        for LoosePhoto { avatar: is_avatar, photo } in &photos {
            match decide(there.get(photo.guid.as_str()), account) {
                Decision::Taken => {
                    self.report.left_out(CountKind::Photos, FindingCode::GuidTaken, &photo.guid);
                    continue;
                }
                Decision::Present => {
                    let found =
                        journal.as_ref().is_some_and(|journal| journal.has_adopted(photo.guid.as_str()));
                    self.report.came_in(CountKind::Photos, found);
                    if !found {
                        self.note_missing_file(photo, files);
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
            if *is_avatar && files.contains(&photo.remote_photo_name) {
                avatar = Some(photo.remote_photo_name.clone());
            }
        }
        if let Some(journal) = journal {
            journal.note(self.intents_for_photos(account, &new).await?).await?;
            self.pod.begin().await?;
            self.write_photos(account, files, &new).await?;
            if let Some(name) = avatar {
                self.set_avatar(account, &name).await?;
            }
            self.pod.commit().await?;
        }
        Ok(())
    }

    /// The profile shows the picture from this pod, no longer from the old one.
    async fn set_avatar(&mut self, account: &NewAccount, name: &str) -> Result<(), ImportError> {
        let here = &self.photos_at;
        let sizes = ["thumb_large_", "thumb_medium_", "thumb_small_"];
        let values: Vec<Value> = sizes.iter().map(|size| format!("{here}{size}{name}").into()).collect();
        let sql = format!(
            "UPDATE profiles SET image_url = ?, image_url_medium = ?, image_url_small = ? WHERE person_id = {}",
            account.person
        );
        self.pod.run("the profile", sql, &values).await?;
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

/// What [`photo_row`] gives.
pub(super) const PHOTO_COLUMNS: [&str; 15] = [
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

/// A photo whose file is here, at this address, or stays where it is.
pub(super) fn photo_row(author: i64, photo: &Photo, here: Option<&str>) -> Vec<Value> {
    let name = photo.remote_photo_name.as_str();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let file = |name: &str| Value::Text(here.map(|_| name.to_owned()));
    vec![
        author.into(),
        photo.public.into(),
        photo.guid.as_str().into(),
        false.into(),
        photo.text.clone().into(),
        here.unwrap_or(&photo.remote_photo_path).into(),
        name.into(),
        file(stem),
        file(name),
        file(name),
        photo.status_message_guid.as_ref().map(Guid::to_string).into(),
        pixels(photo.height),
        pixels(photo.width),
        photo.created_at.into(),
        photo.created_at.into(),
    ]
}

/// Why a poll stays out. diaspora* takes none with fewer than two answers.
fn why_not(poll: &Poll, taken: bool) -> Option<FindingCode> {
    if poll.poll_answers.len() < 2 {
        return Some(FindingCode::Unreadable);
    }
    taken.then_some(FindingCode::GuidTaken)
}

fn texts(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

fn status_message(post: &OwnPost) -> Option<&StatusMessage> {
    match &post.post {
        Post::StatusMessage(message) => Some(message),
        Post::Reshare(_) => None,
    }
}

fn kind_of(post: &Post) -> CountKind {
    match post {
        Post::StatusMessage(_) => CountKind::StatusMessages,
        Post::Reshare(_) => CountKind::Reshares,
    }
}

/// What [`post_row`] gives.
pub(super) const POST_COLUMNS: [&str; 10] = [
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

pub(super) fn post_row(author: i64, post: &Post) -> Vec<Value> {
    let (class, public, text, provider, root, at) = match post {
        Post::StatusMessage(post) => {
            let (text, provider) = (Some(post.text.clone()), post.provider_display_name.clone());
            ("StatusMessage", post.public, text, provider, None, post.created_at)
        }
        // diaspora* treats every reshare as public. The original may come later, by federation.
        Post::Reshare(post) => {
            ("Reshare", true, None, None, post.root_guid.as_ref().map(Guid::to_string), post.created_at)
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
        at.into(),
        at.into(),
        at.into(),
    ]
}

/// A width or height, if a column takes it.
fn pixels(size: Option<i64>) -> Value {
    size.filter(|size| (1..=i64::from(i32::MAX)).contains(size)).into()
}
