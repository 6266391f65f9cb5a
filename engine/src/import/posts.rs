//! Posts with everything that hangs on them, and photos outside posts.

use std::collections::HashSet;

use super::ImportError;
use super::journal::{Intent, Journal};
use super::people::People;
use super::report::FindingCode;
use super::target::{Decision, NewAccount, Target, decide};
use crate::archive::manifest::CountKind;
use crate::domain::{Entity, OwnPost, Photo, Poll, PollAnswer, Post, Reshare, StatusMessage};
use crate::pod::database::Cell as _;

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
        let (mut written, mut found) = (Vec::new(), Vec::new());
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
                    let before =
                        journal.as_ref().is_some_and(|journal| journal.has_adopted("posts", guid.as_str()));
                    if before { found.push(post) } else { written.push(post) }
                }
                Decision::Adopt(id) => {
                    adopted.push(id);
                    let previous = account.old_person.map(|old| old.to_string());
                    intents.push(Intent { kind: "posts", guid: guid.to_string(), previous });
                    self.plan_post(&post.post);
                    found.push(post);
                }
                Decision::Taken => self.report.left_out(kind, FindingCode::GuidTaken, &guid),
            }
        }
        self.leave_out_what_was_left_out(account, &mut written).await?;
        self.leave_out_taken_parts(account, &mut new).await?;
        self.report_posts(files, &new, &written, &found).await?;
        for post in &written {
            self.note_post_again(&post.post);
        }
        for post in &new {
            let guid = post.post.guid().to_string();
            intents.push(Intent { kind: "posts", guid, previous: None });
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

    /// Counts posts that are new, that an earlier run wrote, and that were here before, and says which of their photos
    /// stay with the old pod.
    async fn report_posts(
        &mut self,
        files: &HashSet<String>,
        new: &[OwnPost],
        written: &[OwnPost],
        found: &[OwnPost],
    ) -> Result<(), ImportError> {
        let here = self.photos_here(found.iter().chain(written).flat_map(photos_of)).await?;
        for (posts, adopted) in [(found, true), (written, false), (new, false)] {
            for post in posts {
                self.count_post(&post.post, adopted);
                photos_of(post).for_each(|photo| self.note_missing_file(photo, files, &here));
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

    /// What was to be known of a post when a run that was broken off wrote it.
    fn note_post_again(&mut self, post: &Post) {
        let Post::StatusMessage(message) = post else { return };
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

    /// A photo that stays with the old pod: it is not `here` by now, and no file comes for it.
    pub(super) fn note_missing_file(
        &mut self,
        photo: &Photo,
        files: &HashSet<String>,
        here: &HashSet<String>,
    ) {
        if !files.contains(&photo.remote_photo_name) && !here.contains(photo.guid.as_str()) {
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
        let photos: Vec<&Photo> = new.iter().flat_map(photos_of).collect();
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
                    intents.push(Intent { kind: "photos", guid, previous: Some(old.to_string()) });
                }
            }
        }
        Ok(intents)
    }

    pub(super) async fn intents_for_photos(
        &mut self,
        account: &NewAccount,
        photos: &[&Photo],
    ) -> Result<Vec<Intent>, ImportError> {
        let guids: Vec<&str> = photos.iter().map(|photo| photo.guid.as_str()).collect();
        let there = self.there("photos", &guids).await?;
        let previous = |guid: &str| there.get(guid).and(account.old_person).map(|old| old.to_string());
        Ok(guids
            .iter()
            .map(|guid| Intent { kind: "photos", guid: (*guid).to_owned(), previous: previous(guid) })
            .collect())
    }
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

pub(super) fn status_message(post: &OwnPost) -> Option<&StatusMessage> {
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
