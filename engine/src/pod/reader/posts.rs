//! The account's posts, a page at a time, with all their parts.

use std::collections::HashMap;

use futures_util::TryStreamExt as _;

use super::contacts::ContactBook;
use super::notes::{Problem, identifier};
use super::post_parts::PostParts;
use super::source::{OwnerKey, Range, Statement};
use super::stand_ins::Replacements;
use super::{AccountReader, PAGE, ReadError, Sink};
use crate::domain::{
    CountKind, OmissionCode, OwnPost, PodAddress, Post, PostRemainder, RecordKind, Reshare, StatusMessage,
    Timestamp,
};
use crate::sql::{Reading, Row};

/// Maximum size of a text in bytes. diaspora* accepts 65,535 characters; JSON takes up to six bytes for each byte.
const MAX_TEXT_BYTES: usize = 2 << 20;

/// A post for the archive document, with its context for the pages.
#[derive(Debug)]
pub struct PostRecord {
    /// The post, as in the document.
    pub post: OwnPost,
    /// Parts of the post for `extras.json`.
    pub remainder: Option<PostRemainder>,
    /// Names of the aspects it is visible to; `None` for a public post.
    pub aspects: Option<Vec<String>>,
    /// Number of likes.
    pub likes: u64,
    /// Comments, oldest first.
    pub replies: Vec<Reply>,
}

/// A comment shown under a post.
#[derive(Debug)]
pub struct Reply {
    /// The author's diaspora* ID; empty when the person was deleted.
    pub author_id: String,
    /// The author's display name.
    pub author_name: String,
    /// Creation time.
    pub created_at: Option<Timestamp>,
    /// Text, Markdown.
    pub text: String,
}

pub(super) const STATEMENTS: &[&Statement] = &[&POSTS];

/// Used only when an account is read by itself; rows read ahead are not divided into ranges.
const POST_IDS: Statement = Statement {
    name: "the list of posts",
    owner: OwnerKey::Person,
    sql: |scope| {
        format!(
            "SELECT id, author_id AS account_row FROM posts WHERE {} ORDER BY id",
            scope.condition("author_id")
        )
    },
};

const POSTS: Statement = Statement {
    name: "the posts",
    owner: OwnerKey::Person,
    sql: |scope| {
        format!(
            "SELECT p.id, p.type, p.guid, p.created_at, p.public, p.text, p.provider_display_name, p.root_guid, \
             a.diaspora_handle AS root_author, p.likes_count, p.author_id AS account_row FROM posts p \
             LEFT JOIN posts r ON r.guid = p.root_guid LEFT JOIN people a ON a.id = r.author_id \
             WHERE {} ORDER BY p.id",
            scope.range_condition("p.author_id", "p.id")
        )
    },
};

impl AccountReader<'_> {
    /// Reads all posts, oldest first.
    ///
    /// # Errors
    /// A database error, or [`ReadError::Stopped`].
    pub async fn posts(
        &mut self,
        book: &ContactBook,
        sink: &mut impl Sink<PostRecord>,
    ) -> Result<(), ReadError> {
        for range in self.post_ranges().await? {
            let mut parts = PostParts::read(self, range).await?;
            let rows = self.source.rows_range(&POSTS, &self.account, range).await?;
            for row in &rows {
                let mut replacements = Replacements::default();
                let Some(mut row) = PostRow::new(row, &mut replacements) else { continue };
                let aspects = parts.aspects.remove(&row.id).unwrap_or_default();
                match self.own_post(&mut row, book, &aspects, &mut parts, &mut replacements) {
                    Ok(mut post) => {
                        replacements.note(
                            &mut self.notes,
                            RecordKind::Post,
                            Some(row.id),
                            row.guid.as_deref(),
                        );
                        self.count_post(&post);
                        let mut remainder = PostRemainder::take_from(&mut post);
                        self.shorten_remainder(&mut remainder, row.id);
                        self.note_remainder(remainder.as_ref(), row.id);
                        let names = (!row.is_public).then(|| self.aspect_names(&aspects));
                        let likes = row.likes;
                        let replies = parts.replies.remove(&row.id).unwrap_or_default();
                        sink.put(PostRecord { post, remainder, aspects: names, likes, replies }).await?;
                    }
                    Err(problem) => self.notes.omit(problem, RecordKind::Post, Some(row.id), row.guid),
                }
            }
        }
        Ok(())
    }

    /// Divides the account's posts into ranges of row IDs, [`PAGE`] posts each, with one statement.
    async fn post_ranges(&mut self) -> Result<Vec<Option<Range>>, ReadError> {
        if self.source.is_read_ahead() {
            return Ok(vec![None]);
        }
        let mut rows = self.source.stream(&POST_IDS, &self.account);
        let (mut ranges, mut after, mut last, mut count) = (Vec::new(), 0, 0, 0);
        while let Some(row) = rows.try_next().await? {
            last = row.integer("id").unwrap_or(last);
            count += 1;
            if count % PAGE == 0 {
                ranges.push(Some(Range { after, up_to: last }));
                after = last;
            }
        }
        if last > after {
            ranges.push(Some(Range { after, up_to: last }));
        }
        Ok(ranges)
    }

    fn own_post(
        &self,
        row: &mut PostRow,
        book: &ContactBook,
        aspects: &[i64],
        parts: &mut PostParts,
        replacements: &mut Replacements,
    ) -> Result<OwnPost, Problem> {
        let post = match row.kind.as_str() {
            "StatusMessage" => Post::StatusMessage(self.status_message(row, parts, replacements)?),
            "Reshare" => Post::Reshare(self.reshare(row, replacements)?),
            other => {
                let reason = format!("posts of type {other:?} are unknown to the archive format");
                return Err(Problem::new(OmissionCode::UnknownType, reason));
            }
        };
        // As in diaspora*, every reshare is public.
        let public = row.is_public || matches!(post, Post::Reshare(_));
        let pods = public.then(|| self.subscribed_pods(book, parts.pods.remove(&row.id).unwrap_or_default()));
        let people = (!public).then(|| book.members(aspects));
        Ok(OwnPost { subscribed_pods_uris: pods, subscribed_users_ids: people, post })
    }

    fn status_message(
        &self,
        row: &mut PostRow,
        parts: &mut PostParts,
        replacements: &mut Replacements,
    ) -> Result<StatusMessage, Problem> {
        Ok(StatusMessage {
            author: self.account.id.clone(),
            guid: identifier(row.guid.clone(), "GUID")?,
            created_at: replacements.time_of(row.created_at.clone()),
            public: row.is_public,
            provider_display_name: row.provider.take(),
            text: std::mem::take(&mut row.text),
            photos: parts.photos.remove(&row.id).unwrap_or_default(),
            location: parts.locations.remove(&row.id),
            poll: parts.polls.remove(&row.id),
        })
    }

    fn reshare(&self, row: &PostRow, replacements: &mut Replacements) -> Result<Reshare, Problem> {
        Ok(Reshare {
            author: self.account.id.clone(),
            guid: identifier(row.guid.clone(), "GUID")?,
            created_at: replacements.time_of(row.created_at.clone()),
            root_author: row
                .root_author
                .clone()
                .and_then(|id| self.account.person_id_of(Some(id), "ID").ok()),
            root_guid: row.root_guid.clone().and_then(|guid| guid.parse().ok()),
        })
    }

    /// Returns the pods that must learn of changes after a move: those of all contacts and of other participants, and
    /// this one.
    fn subscribed_pods(&self, book: &ContactBook, others: Vec<i64>) -> Vec<PodAddress> {
        let others = others.into_iter().filter(|pod| !book.pods.contains(pod));
        let mut uris: Vec<PodAddress> =
            book.pods.iter().copied().chain(others).filter_map(|pod| self.pods.get(&pod).cloned()).collect();
        uris.push(self.pod.as_str().to_owned().into());
        uris
    }

    pub(super) fn aspect_names(&self, ids: &[i64]) -> Vec<String> {
        self.aspects.iter().filter(|aspect| ids.contains(&aspect.id)).map(|a| a.name.clone()).collect()
    }

    /// Drops a text that is larger than readers accept; the document contains its beginning.
    fn shorten_remainder(&mut self, remainder: &mut Option<PostRemainder>, row: i64) {
        let Some(parts) = remainder else { return };
        let Some(text) = parts.text.take_if(|text| text.len() > MAX_TEXT_BYTES) else { return };
        let name = Some(parts.guid.to_string());
        let mut problem = Problem::too_large(text.len());
        problem.reason.push_str("; the archive contains its beginning");
        self.notes.omit(problem, RecordKind::Post, Some(row), name);
        if parts.reasons().is_empty() {
            *remainder = None;
        }
    }

    /// Notes the parts that diaspora*'s own importer rejects, for `extras.json`, and lists them as omissions.
    fn note_remainder(&mut self, remainder: Option<&PostRemainder>, row: i64) {
        let Some(remainder) = remainder else { return };
        for (kind, guid, reason) in remainder.reasons() {
            let row = (kind == RecordKind::Post).then_some(row);
            let problem = Problem::new(OmissionCode::StockLimit, reason);
            self.notes.omit(problem, kind, row, Some(guid.to_string()));
        }
        self.post_remainders.push(remainder.clone());
    }

    /// Takes the parts of the posts read so far that the document omits, for `extras.json`.
    pub fn take_post_remainders(&mut self) -> Vec<PostRemainder> {
        std::mem::take(&mut self.post_remainders)
    }

    fn count_post(&mut self, post: &OwnPost) {
        match &post.post {
            Post::Reshare(_) => self.notes.count(CountKind::Reshares),
            Post::StatusMessage(message) => {
                self.notes.count(CountKind::StatusMessages);
                if message.poll.is_some() {
                    self.notes.count(CountKind::Polls);
                }
                for _ in &message.photos {
                    self.notes.count(CountKind::Photos);
                }
            }
        }
    }
}

struct PostRow {
    id: i64,
    kind: String,
    guid: Option<String>,
    created_at: Reading<Timestamp>,
    is_public: bool,
    text: String,
    provider: Option<String>,
    root_guid: Option<String>,
    root_author: Option<String>,
    likes: u64,
}

impl PostRow {
    fn new(row: &Row, replacements: &mut Replacements) -> Option<Self> {
        Some(Self {
            id: row.integer("id")?,
            kind: row.text("type").unwrap_or_default(),
            guid: row.text("guid"),
            created_at: row.time_reading("created_at"),
            is_public: replacements.flag(row, "public", "public", false),
            text: row.text("text").unwrap_or_default(),
            provider: row.non_empty_text("provider_display_name"),
            root_guid: row.non_empty_text("root_guid"),
            root_author: row.text("root_author"),
            likes: replacements
                .number(row, "likes_count", "number of likes")
                .and_then(|likes| likes.try_into().ok())
                .unwrap_or(0),
        })
    }
}

/// Rows of a page, by post.
pub(super) type ByPost<T> = HashMap<i64, T>;
