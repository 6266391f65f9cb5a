//! Public posts of other people that the account has commented on, liked, voted in, subscribed to or reshared. They are
//! fetched from the pods that have them, since the account's own records cannot be stored without them.

use std::collections::{HashMap, HashSet};

use crate::discovery::{Discovery, PostName, WantedPost};
use crate::domain::{DiasporaId, Entity, Guid, Photo, Post, Reshare, StatusMessage, VerifyingKey};
use crate::federation::{MagicEnvelope, ReceivedEntity};
use crate::import::ImportError;
use crate::import::decide::BatchPlan;
use crate::import::decide::posts::root_of as root_guid;
use crate::import::journal::notes::{Intent, Journal};
use crate::import::scan::column_limits::MAX_STRING_CHARS;
use crate::import::scan::people::People;
use crate::import::scan::survey::Survey;
use crate::import::target::Target;
use crate::import::write::fetched_posts::FetchedPostRows;
use crate::import::write::photos::normalize_address;
use crate::progress::Stage;

/// The number of posts that are fetched, and then written, together. Each may take 1.5 MiB in transfer.
const BATCH_POSTS: usize = 32;
/// The longest text that diaspora* allows, in characters (`Post`'s validation).
const MAX_TEXT_CHARS: usize = 65_535;

/// A post of another person, with its author's row.
pub(in crate::import) struct Fetched {
    pub(in crate::import) post: Post,
    pub(in crate::import) author: i64,
}

/// Fetches posts that the archive's records belong to and the target pod does not have, and writes them as diaspora*
/// does with received ones. Unavailable posts are skipped: the records that need them are reported.
pub(in crate::import) async fn fetch_parents(
    target: &mut Target,
    discovery: &Discovery,
    people: &mut People,
    survey: &Survey,
    old_id: &DiasporaId,
    journal: &mut Journal,
) -> Result<(), ImportError> {
    // Posts that an earlier run has fetched count too.
    target.report.fetched_posts = journal.count(FETCHED_POSTS).await?;
    let wanted = target.missing_parents(survey, old_id).await?;
    let mut wanted = without_deleted(journal, wanted).await?;
    // A fetched reshare needs its original as well.
    for _ in 0..2 {
        let mut roots = Vec::new();
        if !wanted.is_empty() {
            target.progress.begin(Stage::Posts, wanted.len() as u64);
        }
        for chunk in wanted.chunks(BATCH_POSTS) {
            let envelopes: Vec<(&WantedPost, MagicEnvelope)> = discovery
                .fetch_posts(chunk)
                .await
                .into_iter()
                .zip(chunk)
                .filter_map(|(envelope, wanted)| Some((wanted, envelope.ok()?)))
                .collect();
            let authors = envelopes.iter().map(|(_, envelope)| envelope.sender().clone());
            let authors: HashSet<DiasporaId> = authors.collect();
            people.discover(target, discovery, &authors, journal).await?;
            let keys = keys_of(people, &authors);
            let posts: Vec<Fetched> = envelopes
                .into_iter()
                .filter_map(|(wanted, envelope)| open_envelope(target, people, &keys, wanted, envelope))
                .collect();
            roots.extend(posts.iter().filter_map(|fetched| root_of(&fetched.post)));
            target.add_fetched(people, posts, journal).await?;
            target.progress.advance(chunk.len() as u64);
        }
        wanted = without_deleted(journal, target.without_present(roots).await?).await?;
    }
    Ok(())
}

/// Removes posts that were fetched before and deleted since: they are not requested again.
async fn without_deleted(
    journal: &Journal,
    mut wanted: Vec<WantedPost>,
) -> Result<Vec<WantedPost>, ImportError> {
    let guids: Vec<&str> = wanted.iter().map(|post| post.guid.as_str()).collect();
    let noted = journal.noted(FETCHED_POSTS, &guids).await?;
    wanted.retain(|post| noted.get(post.guid.as_str()).is_none_or(|noted| !noted.is_certain));
    Ok(wanted)
}

/// Returns the keys of senders, decoded for checking signatures.
fn keys_of(people: &People, senders: &HashSet<DiasporaId>) -> HashMap<DiasporaId, VerifyingKey> {
    people
        .keys
        .iter()
        .filter(|known| senders.contains(&known.signed_as))
        .filter_map(|known| Some((known.signed_as.clone(), known.key.verifying_key().ok()?)))
        .collect()
}

/// Returns the requested post; none if its author did not sign it, or diaspora* would not accept it.
fn open_envelope(
    target: &Target,
    people: &People,
    keys: &HashMap<DiasporaId, VerifyingKey>,
    wanted: &WantedPost,
    envelope: MagicEnvelope,
) -> Option<Fetched> {
    let sender = envelope.sender().clone();
    let payload = envelope.verify(keys.get(&sender)?).ok()?;
    let ReceivedEntity::Post(mut post) = payload.entity().ok()? else { return None };
    let author = people.get(&sender)?;
    let is_wanted = match (wanted.name, &*post) {
        (PostName::Post, post) => *post.guid() == wanted.guid,
        (PostName::Poll, Post::StatusMessage(StatusMessage { poll: Some(Entity(poll)), .. })) => {
            poll.guid == wanted.guid
        }
        (PostName::Poll, _) => false,
    };
    // Posts by people of the target pod exist here, or were deleted.
    let is_foreign = author.user.is_none() && !author.is_closed;
    let is_allowed = match &mut *post {
        Post::StatusMessage(message) => {
            message.created_at = message.created_at.min(target.now);
            message.public && message.text.chars().count() <= MAX_TEXT_CHARS
        }
        Post::Reshare(reshare) => {
            reshare.created_at = reshare.created_at.min(target.now);
            true
        }
    };
    (is_wanted && is_foreign && is_allowed).then_some(Fetched { post: *post, author: author.id })
}

/// Returns whether a photo's address fits into its columns.
fn has_short_address(photo: &Photo) -> bool {
    photo.remote_photo_path.len() <= MAX_TEXT_CHARS
        && photo.remote_photo_name.chars().count() <= MAX_STRING_CHARS
}

/// Returns the original of a reshare.
fn root_of(post: &Post) -> Option<WantedPost> {
    let Post::Reshare(Reshare { root_author: Some(author), root_guid: Some(guid), .. }) = post else {
        return None;
    };
    Some(WantedPost { name: PostName::Post, guid: guid.clone(), hosts: vec![author.host().to_owned()] })
}

impl Target {
    /// Returns the posts that the archive's records need and this pod does not have, with pods that may have them.
    async fn missing_parents(
        &mut self,
        survey: &Survey,
        old_id: &DiasporaId,
    ) -> Result<Vec<WantedPost>, ImportError> {
        let wanted = survey.parents.iter().map(|((name, guid), author)| {
            let author = author.as_ref().map(|author| author.host().to_owned());
            // The old pod has everything the account has seen, and redirects to the authors' pods.
            let mut hosts: Vec<String> = author.into_iter().chain([old_id.host().to_owned()]).collect();
            hosts.dedup();
            WantedPost { name: *name, guid: guid.clone(), hosts }
        });
        self.without_present(wanted.collect()).await
    }

    /// Returns those of these posts that this pod does not have, each once.
    async fn without_present(&mut self, mut wanted: Vec<WantedPost>) -> Result<Vec<WantedPost>, ImportError> {
        let own_host = self.url.diaspora_host().clone();
        for (name, table) in [(PostName::Post, "posts"), (PostName::Poll, "polls")] {
            let of_name = wanted.iter().filter(|post| post.name == name);
            let guids: Vec<String> = of_name.map(|post| post.guid.to_string()).collect();
            let present = self.ids(table, &guids.iter().map(String::as_str).collect::<Vec<_>>()).await?;
            wanted.retain(|post| post.name != name || !present.contains_key(post.guid.as_str()));
        }
        for post in &mut wanted {
            post.hosts.retain(|host| *host != own_host);
        }
        wanted.sort_by(|one, other| (one.name, &one.guid).cmp(&(other.name, &other.guid)));
        wanted.dedup_by(|one, other| (one.name, &one.guid) == (other.name, &other.guid));
        Ok(wanted)
    }

    /// Adds posts of other people.
    async fn add_fetched(
        &mut self,
        people: &People,
        mut posts: Vec<Fetched>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        // A poll is requested by its own GUID, and its post may exist already.
        let guids: Vec<&str> = posts.iter().map(|fetched| fetched.post.guid().as_str()).collect();
        let noted = journal.noted(FETCHED_POSTS, &guids).await?;
        posts.retain(|fetched| noted.get(fetched.post.guid().as_str()).is_none_or(|noted| !noted.is_certain));
        self.leave_out_present(&mut posts).await?;
        let roots: Vec<&Guid> = posts.iter().filter_map(|fetched| root_guid(&fetched.post)).collect();
        let limited = self.limited_posts(&roots).await?;
        let loops =
            self.reshare_loops(&posts.iter().map(|fetched| &fetched.post).collect::<Vec<_>>()).await?;
        posts.retain(|fetched| {
            root_guid(&fetched.post).is_none_or(|root| !limited.contains(root))
                && !loops.contains(fetched.post.guid())
        });
        self.report.fetched_posts += posts.len() as u64;
        let mut plan = BatchPlan::new(FetchedPostRows { people, posts });
        let guids = plan.rows.posts.iter().map(|fetched| fetched.post.guid());
        plan.intents = guids.map(|guid| Intent::write(FETCHED_POSTS, guid)).collect();
        self.apply(plan, journal).await
    }

    /// Leaves out posts that exist by now, and parts whose GUIDs are taken.
    async fn leave_out_present(&mut self, posts: &mut Vec<Fetched>) -> Result<(), ImportError> {
        let (mut post_guids, mut photos, mut polls, mut answers) = (vec![], vec![], vec![], vec![]);
        for Fetched { post, .. } in posts.iter() {
            post_guids.push(post.guid().to_string());
            let Post::StatusMessage(message) = post else { continue };
            photos.extend(message.photos.iter().map(|photo| photo.0.guid.to_string()));
            if let Some(Entity(poll)) = &message.poll {
                polls.push(poll.guid.to_string());
                answers.extend(poll.poll_answers.iter().map(|answer| answer.0.guid.to_string()));
            }
        }
        let mut taken: Vec<HashSet<String>> = Vec::new();
        for (table, guids) in
            [("posts", post_guids), ("photos", photos), ("polls", polls), ("poll_answers", answers)]
        {
            let guids: Vec<&str> = guids.iter().map(String::as_str).collect();
            taken.push(self.taken_guids(table, &guids).await?.into_keys().collect());
        }
        // Each GUID can be used once, also among the fetched posts.
        let mut is_free = |table: usize, guid: &Guid| {
            taken.get_mut(table).is_some_and(|taken| taken.insert(guid.to_string()))
        };
        posts.retain_mut(|Fetched { post, .. }| {
            if !is_free(0, post.guid()) {
                return false;
            }
            if let Post::StatusMessage(message) = post {
                let guid = message.guid.clone();
                message.photos.retain_mut(|Entity(photo): &mut Entity<Photo>| {
                    photo.status_message_guid = Some(guid.clone());
                    normalize_address(photo) && has_short_address(photo) && is_free(1, &photo.guid)
                });
                if let Some(Entity(poll)) = &message.poll
                    && !(is_free(2, &poll.guid)
                        && poll.poll_answers.iter().all(|answer| is_free(3, &answer.0.guid)))
                {
                    message.poll = None;
                }
            }
            true
        });
        Ok(())
    }
}

/// The journal's kind for posts of others that an import has added.
pub(in crate::import) const FETCHED_POSTS: &str = "fetched_posts";
