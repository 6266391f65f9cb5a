//! Posts with all of their parts.

use std::collections::HashSet;

use crate::domain::{
    CountKind, Entity, Guid, OwnPost, Photo, Poll, PollAnswer, Post, Reshare, StatusMessage,
};
use crate::import::ImportError;
use crate::import::journal::notes::{Intent, Journal, Noted};
use crate::import::records::photos::PhotoFiles;
use crate::import::report::FindingCode;
use crate::import::scan::people::People;
use crate::import::target::{Decision, NewAccount, Target, decide};
use crate::pod::database::Cell as _;

/// A batch of posts, sorted by what is to be done.
#[derive(Default)]
struct Sorted {
    new: Vec<OwnPost>,
    /// Written by this import before.
    written: Vec<OwnPost>,
    /// Existed before the import.
    found: Vec<OwnPost>,
    /// Deleted since.
    deleted: Vec<OwnPost>,
    /// Rows that become the account's.
    adopted: Vec<i64>,
    intents: Vec<Intent>,
}

impl Target {
    /// Imports a batch of posts, in one transaction.
    pub(in crate::import) async fn import_posts(
        &mut self,
        account: &NewAccount,
        people: &People,
        files: &PhotoFiles,
        posts: Vec<OwnPost>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        let mut sorted = self.sort_posts(account, posts, journal).await?;
        self.repeat_omissions(account, &mut sorted.written, journal).await?;
        self.leave_out_deleted_photos(&mut sorted.found, journal).await?;
        self.leave_out_taken_parts(account, &mut sorted.new).await?;
        self.report_posts(files, &sorted).await?;
        for post in &sorted.new {
            self.plan_post(&post.post);
        }
        let Sorted { new, adopted, mut intents, .. } = sorted;
        intents.extend(new.iter().map(|post| Intent::write("posts", post.post.guid())));
        if !self.writes() || intents.is_empty() {
            return Ok(());
        }
        intents.extend(self.photo_intents(account, &new, &adopted).await?);
        self.pod.begin().await?;
        // The journal must know the rows before the transaction commits.
        let noting = async { journal.note(intents).await.map_err(ImportError::from) };
        let writing = async {
            self.adopt("posts", "author_id", account, &adopted).await?;
            self.adopt_photos_of(account, &adopted).await?;
            self.write_posts(account, people, files, &new).await
        };
        tokio::try_join!(noting, writing)?;
        Ok(self.commit_batch(journal).await?)
    }

    async fn sort_posts(
        &mut self,
        account: &NewAccount,
        posts: Vec<OwnPost>,
        journal: &Journal,
    ) -> Result<Sorted, ImportError> {
        let guids: Vec<&str> = posts.iter().map(|post| post.post.guid().as_str()).collect();
        let (there, noted) =
            (self.existing_rows("posts", &guids).await?, journal.noted("posts", &guids).await?);
        let roots = self.roots_reshared_here(account, &posts).await?;
        let originals: Vec<&Guid> = posts.iter().filter_map(|post| root_of(&post.post)).collect();
        let limited = self.limited_posts(&originals).await?;
        let loops = self.reshare_loops(&posts.iter().map(|post| &post.post).collect::<Vec<_>>()).await?;
        let (mut sorted, mut seen) = (Sorted::default(), HashSet::new());
        for post in posts {
            let guid = post.post.guid().clone();
            let kind = kind_of(&post.post);
            // diaspora* allows one reshare of a post per person.
            let again = root_of(&post.post).is_some_and(|root| !self.reshared.insert(root.clone()));
            if again || !seen.insert(guid.clone()) {
                self.report.left_out(kind, FindingCode::Duplicate, &guid);
                continue;
            }
            let noted = noted.get(guid.as_str()).copied();
            match decide(there.get(guid.as_str()), noted, account) {
                Decision::Write if root_of(&post.post).is_some_and(|root| roots.contains(root.as_str())) => {
                    self.report.left_out(kind, FindingCode::Duplicate, &guid);
                }
                // Everybody would see the original (`Reshare#root_must_be_public`).
                Decision::Write if root_of(&post.post).is_some_and(|root| limited.contains(root)) => {
                    self.report.left_out(kind, FindingCode::ParentNotVisible, &guid);
                }
                Decision::Write if loops.contains(&guid) => {
                    self.report.left_out(kind, FindingCode::ReshareLoop, &guid);
                }
                Decision::Write => sorted.new.push(post),
                Decision::Present => {
                    self.report.imported_before += u64::from(noted.is_some_and(|noted| noted.earlier));
                    if noted.is_none() {
                        sorted.intents.push(Intent::found("posts", &guid));
                    }
                    let was_here = noted.is_none_or(Noted::was_here);
                    if was_here { sorted.found.push(post) } else { sorted.written.push(post) }
                }
                Decision::Adopt(id) => {
                    sorted.adopted.push(id);
                    sorted.intents.push(Intent::adopt("posts", &guid, account.old_person));
                    self.plan_post(&post.post);
                    sorted.found.push(post);
                }
                Decision::Deleted => sorted.deleted.push(post),
                Decision::Taken => self.report.left_out(kind, FindingCode::GuidTaken, &guid),
            }
        }
        Ok(sorted)
    }

    /// Returns the originals of these reshares that the account has reshared here itself.
    async fn roots_reshared_here(
        &mut self,
        account: &NewAccount,
        posts: &[OwnPost],
    ) -> Result<HashSet<String>, ImportError> {
        let roots: Vec<&str> = posts.iter().filter_map(|post| Some(root_of(&post.post)?.as_str())).collect();
        let sql = format!(
            "SELECT root_guid FROM posts WHERE author_id = {} AND root_guid IN ({{}})",
            account.person
        );
        let rows = self.pod.rows_in("reshares", &sql, &roots).await?;
        Ok(rows.iter().filter_map(|row| row.text(0)).collect())
    }

    fn plan_post(&mut self, post: &Post) {
        if let Some(planned) = &mut self.planned {
            planned.add_post(post, true);
        }
    }

    /// Counts posts that are new, that an earlier run wrote, that existed before, and that were deleted since, and
    /// reports those of their photos that stay on the old pod.
    async fn report_posts(&mut self, files: &PhotoFiles, sorted: &Sorted) -> Result<(), ImportError> {
        let Sorted { new, written, found, deleted, .. } = sorted;
        let here = self.photos_here(found.iter().chain(written).flat_map(photos_of)).await?;
        for (posts, adopted) in [(found, true), (written, false), (new, false)] {
            for post in posts {
                self.count_post(&post.post, adopted);
                photos_of(post).for_each(|photo| self.note_missing_file(photo, files, &here));
            }
        }
        let mut gone = |kind, guid: &Guid| self.report.left_out(kind, FindingCode::DeletedSince, guid);
        for post in deleted {
            gone(kind_of(&post.post), post.post.guid());
            photos_of(post).for_each(|photo| gone(CountKind::Photos, &photo.guid));
            let poll = status_message(post).and_then(|message| message.poll.as_ref());
            if let Some(poll) = poll {
                gone(CountKind::Polls, &poll.0.guid);
            }
        }
        Ok(())
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

    /// Reports a photo that stays on the old pod: it is not `here`, and the import has no file for it.
    pub(in crate::import) fn note_missing_file(
        &mut self,
        photo: &Photo,
        files: &PhotoFiles,
        here: &HashSet<String>,
    ) {
        if !files.contains_key(&photo.remote_photo_name) && !here.contains(photo.guid.as_str()) {
            self.report.note(CountKind::Photos, FindingCode::FileMissing, &photo.guid);
        }
    }

    /// Leaves out a photo or poll whose GUID is taken; the post is imported without it.
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
        let taken_photos = self.existing_rows("photos", &texts(&photos)).await?;
        let mut taken_polls = self.taken("polls", &texts(&polls)).await?;
        let mut taken_answers = self.taken("poll_answers", &texts(&answers)).await?;
        let mut seen = HashSet::new();
        for post in posts.iter_mut() {
            let Post::StatusMessage(message) = &mut post.post else { continue };
            let report = &mut self.report;
            message.photos.retain(|Entity(photo)| {
                let taken = taken_photos.get(photo.guid.as_str());
                // A photo of the old person without a post here is the account's own.
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

    /// Leaves parts out of posts that an earlier run has written: their parts exist, or were left out then.
    async fn repeat_omissions(
        &mut self,
        account: &NewAccount,
        posts: &mut [OwnPost],
        journal: &Journal,
    ) -> Result<(), ImportError> {
        let messages = || posts.iter().filter_map(status_message);
        let photos: Vec<String> =
            messages().flat_map(|message| &message.photos).map(|photo| photo.0.guid.to_string()).collect();
        let polls: Vec<String> = messages()
            .filter_map(|message| message.poll.as_ref())
            .map(|poll| poll.0.guid.to_string())
            .collect();
        let noted = journal.noted("photos", &photos).await?;
        let photos = self.existing_rows("photos", &texts(&photos)).await?;
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
                    let deleted =
                        noted.contains_key(photo.guid.as_str()) && !photos.contains_key(photo.guid.as_str());
                    let why = if deleted { FindingCode::DeletedSince } else { FindingCode::GuidTaken };
                    report.left_out(CountKind::Photos, why, &photo.guid);
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

    /// Leaves out photos that were deleted since from posts that existed before.
    async fn leave_out_deleted_photos(
        &mut self,
        posts: &mut [OwnPost],
        journal: &Journal,
    ) -> Result<(), ImportError> {
        let photos: Vec<String> =
            posts.iter().flat_map(photos_of).map(|photo| photo.guid.to_string()).collect();
        let noted = journal.noted("photos", &photos).await?;
        if noted.is_empty() {
            return Ok(());
        }
        let there = self.existing_rows("photos", &texts(&photos)).await?;
        for post in posts {
            let Post::StatusMessage(message) = &mut post.post else { continue };
            message.photos.retain(|Entity(photo)| {
                let guid = photo.guid.as_str();
                let deleted = !there.contains_key(guid) && noted.get(guid).is_some_and(|noted| noted.certain);
                if deleted {
                    self.report.left_out(CountKind::Photos, FindingCode::DeletedSince, &photo.guid);
                }
                !deleted
            });
        }
        Ok(())
    }

    /// Returns notes on photos that will be written with these posts, or change their author with them.
    async fn photo_intents(
        &mut self,
        account: &NewAccount,
        new: &[OwnPost],
        adopted: &[i64],
    ) -> Result<Vec<Intent>, ImportError> {
        let photos: Vec<&Photo> = new.iter().flat_map(photos_of).collect();
        let mut intents = self.intents_for_photos(account, &photos).await?;
        let Some(old) = account.old_person else { return Ok(intents) };
        for chunk in adopted.chunks(1000) {
            let list = crate::import::records::counters::list(chunk);
            let sql = format!(
                "SELECT guid FROM photos WHERE author_id = {old} AND status_message_guid IN \
                 (SELECT guid FROM posts WHERE id IN ({list}))"
            );
            for row in self.pod.rows("photos", sql, &[]).await? {
                if let Some(guid) = row.text(0) {
                    intents.push(Intent::adopt("photos", &guid, Some(old)));
                }
            }
        }
        Ok(intents)
    }

    pub(in crate::import) async fn intents_for_photos(
        &mut self,
        account: &NewAccount,
        photos: &[&Photo],
    ) -> Result<Vec<Intent>, ImportError> {
        let guids: Vec<&str> = photos.iter().map(|photo| photo.guid.as_str()).collect();
        let there = self.existing_rows("photos", &guids).await?;
        let intent = |guid: &str| match there.get(guid).and(account.old_person) {
            None => Intent::write("photos", guid),
            old => Intent::adopt("photos", guid, old),
        };
        Ok(guids.into_iter().map(intent).collect())
    }
}

/// Returns the reason why a poll is left out. diaspora* allows none with fewer than two answers.
fn why_not(poll: &Poll, taken: bool) -> Option<FindingCode> {
    if poll.poll_answers.len() < 2 {
        return Some(FindingCode::Unreadable);
    }
    taken.then_some(FindingCode::GuidTaken)
}

fn texts(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

pub(in crate::import) fn status_message(post: &OwnPost) -> Option<&StatusMessage> {
    match &post.post {
        Post::StatusMessage(message) => Some(message),
        Post::Reshare(_) => None,
    }
}

fn photos_of(post: &OwnPost) -> impl Iterator<Item = &Photo> {
    status_message(post).into_iter().flat_map(|post| post.photos.iter().map(|Entity(photo)| photo))
}

fn kind_of(post: &Post) -> CountKind {
    match post {
        Post::StatusMessage(_) => CountKind::StatusMessages,
        Post::Reshare(_) => CountKind::Reshares,
    }
}

/// Returns the original of a reshare.
pub(in crate::import) fn root_of(post: &Post) -> Option<&Guid> {
    match post {
        Post::Reshare(Reshare { root_guid, .. }) => root_guid.as_ref(),
        Post::StatusMessage(_) => None,
    }
}
