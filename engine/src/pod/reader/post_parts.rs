//! Parts of a page's posts: photos, polls, locations, audiences, comments. One statement each.

use std::collections::hash_map::Entry;

use futures_util::TryStreamExt as _;

use super::contacts::display_name;
use super::notes::{Problem, identifier, normalized_id};
use super::posts::{ByPost, Reply};
use super::source::{OwnerKey, Range, Scope, Statement};
use super::stand_ins::Replacements;
use super::{AccountReader, ReadError};
use crate::domain::{DiasporaId, Entity, Location, OmissionCode, Photo, Poll, PollAnswer, RecordKind};
use crate::sql::Row;

pub(super) const STATEMENTS: &[&Statement] = &[&PHOTOS, &LOCATIONS, &POLLS, &PODS, &ASPECTS];

const PHOTOS: Statement = Statement {
    name: "the photos of posts",
    owner: OwnerKey::Person,
    sql: |scope| {
        format!(
            "SELECT p.id AS post_id, {PHOTO_COLUMNS}, p.author_id AS account_row FROM photos ph \
             JOIN posts p ON p.guid = ph.status_message_guid WHERE {} ORDER BY p.id, ph.id",
            posts(scope)
        )
    },
};

const LOCATIONS: Statement = Statement {
    name: "the locations of posts",
    owner: OwnerKey::Person,
    sql: |scope| {
        format!(
            "SELECT p.id AS post_id, l.address, l.lat, l.lng, p.author_id AS account_row FROM locations l \
             JOIN posts p ON p.id = l.status_message_id WHERE {} ORDER BY p.id, l.id",
            posts(scope)
        )
    },
};

const POLLS: Statement = Statement {
    name: "the polls",
    owner: OwnerKey::Person,
    sql: |scope| {
        format!(
            "SELECT p.id AS post_id, q.id, q.guid, q.question, a.id AS answer_id, a.guid AS answer_guid, \
             a.answer, p.author_id AS account_row FROM polls q JOIN posts p ON p.id = q.status_message_id \
             LEFT JOIN poll_answers a ON a.poll_id = q.id WHERE {} ORDER BY p.id, q.id, a.id",
            posts(scope)
        )
    },
};

/// Pods of people active on a public post or who reshared it, and of a reshare's original author.
const PODS: Statement = Statement {
    name: "the pods of participants",
    owner: OwnerKey::Person,
    sql: |scope| {
        let (posts, remote) = (posts(scope), "a.owner_id IS NULL AND a.pod_id IS NOT NULL");
        format!(
            "SELECT p.id AS post_id, a.pod_id, p.author_id AS account_row FROM posts p \
             JOIN participations t ON t.target_id = p.id AND t.target_type = 'Post' \
             JOIN people a ON a.id = t.author_id WHERE {posts} AND p.public AND {remote} \
             UNION SELECT p.id, a.pod_id, p.author_id FROM posts p JOIN posts r ON r.root_guid = p.guid \
             JOIN people a ON a.id = r.author_id WHERE {posts} AND p.public AND {remote} \
             UNION SELECT p.id, a.pod_id, p.author_id FROM posts p JOIN posts r ON r.guid = p.root_guid \
             JOIN people a ON a.id = r.author_id WHERE {posts} AND {remote} ORDER BY 1, 2"
        )
    },
};

const ASPECTS: Statement = Statement {
    name: "the aspects of posts",
    owner: OwnerKey::Person,
    sql: |scope| {
        format!(
            "SELECT p.id AS post_id, v.aspect_id, p.author_id AS account_row FROM aspect_visibilities v \
             JOIN posts p ON p.id = v.shareable_id WHERE v.shareable_type = 'Post' AND {} AND NOT p.public \
             ORDER BY p.id, v.aspect_id",
            posts(scope)
        )
    },
};

/// Used only when an account is read by itself; rows read ahead contain the comments already.
const REPLIES: Statement = Statement {
    name: "the comments under posts",
    owner: OwnerKey::Person,
    sql: |scope| {
        format!(
            "SELECT p.id AS post_id, c.text, c.created_at, a.diaspora_handle, f.first_name, f.last_name, c.id, \
             p.author_id AS account_row FROM comments c \
             JOIN posts p ON p.id = c.commentable_id AND c.commentable_type = 'Post' \
             LEFT JOIN people a ON a.id = c.author_id LEFT JOIN profiles f ON f.person_id = a.id \
             WHERE {} ORDER BY p.id, c.id, f.id",
            posts(scope)
        )
    },
};

/// Builds the condition for the posts `p`.
fn posts(scope: &Scope<'_>) -> String {
    scope.range_condition("p.author_id", "p.id")
}

/// Columns of `photos ph` for [`photo`].
pub(super) const PHOTO_COLUMNS: &str = "ph.id, ph.guid, ph.public, ph.created_at, ph.remote_photo_path, \
     ph.remote_photo_name, ph.text, ph.status_message_guid, ph.height, ph.width, ph.author_id";

/// Parts of the posts in a range, by post.
#[derive(Default)]
pub(super) struct PostParts {
    pub(super) photos: ByPost<Vec<Entity<Photo>>>,
    pub(super) locations: ByPost<Entity<Location>>,
    pub(super) polls: ByPost<Entity<Poll>>,
    pub(super) pods: ByPost<Vec<i64>>,
    pub(super) aspects: ByPost<Vec<i64>>,
    pub(super) replies: ByPost<Vec<Reply>>,
}

impl PostParts {
    pub(super) async fn read(
        reader: &mut AccountReader<'_>,
        range: Option<Range>,
    ) -> Result<Self, ReadError> {
        let mut parts = Self::default();
        parts.read_photos(reader, range).await?;
        parts.read_locations(reader, range).await?;
        parts.read_polls(reader, range).await?;
        collect_pairs(reader, &PODS, "pod_id", range, &mut parts.pods).await?;
        collect_pairs(reader, &ASPECTS, "aspect_id", range, &mut parts.aspects).await?;
        parts.read_replies(reader, range).await?;
        Ok(parts)
    }

    async fn read_photos(
        &mut self,
        reader: &mut AccountReader<'_>,
        range: Option<Range>,
    ) -> Result<(), ReadError> {
        let AccountReader { source, account, notes, .. } = reader;
        let mut rows = source.stream_range(&PHOTOS, account, range);
        while let Some(row) = rows.try_next().await? {
            let record = notes.record(RecordKind::Photo, (&row, "id", "guid"), |replacements| {
                if row.integer("author_id") == Some(account.person_id) {
                    photo(&row, &account.id, replacements)
                } else {
                    Err(Problem::new(OmissionCode::InvalidIdentifier, "it was uploaded by another person"))
                }
            });
            if let (Some(post), Some(photo)) = (row.integer("post_id"), record) {
                self.photos.entry(post).or_default().push(Entity(photo));
            }
        }
        Ok(())
    }

    async fn read_locations(
        &mut self,
        reader: &mut AccountReader<'_>,
        range: Option<Range>,
    ) -> Result<(), ReadError> {
        let mut rows = reader.source.stream_range(&LOCATIONS, &reader.account, range);
        while let Some(row) = rows.try_next().await? {
            let text = |column: &'static str| row.text(column).unwrap_or_default();
            if let Some(post) = row.integer("post_id") {
                let location = Location { address: text("address"), lat: text("lat"), lng: text("lng") };
                self.locations.entry(post).or_insert(Entity(location));
            }
        }
        Ok(())
    }

    async fn read_polls(
        &mut self,
        reader: &mut AccountReader<'_>,
        range: Option<Range>,
    ) -> Result<(), ReadError> {
        let AccountReader { source, account, notes, .. } = reader;
        let mut rows = source.stream_range(&POLLS, account, range);
        // A post has one poll; further rows come from a damaged database.
        let mut polls: ByPost<i64> = ByPost::new();
        while let Some(row) = rows.try_next().await? {
            let (Some(post), Some(poll_id)) = (row.integer("post_id"), row.integer("id")) else { continue };
            if *polls.entry(post).or_insert(poll_id) != poll_id {
                continue;
            }
            if let Err(problem) = self.add_answer(post, &row) {
                notes.omit(problem, RecordKind::Poll, Some(poll_id), row.text("guid"));
            }
        }
        Ok(())
    }

    fn add_answer(&mut self, post: i64, row: &Row) -> Result<(), Problem> {
        let poll = match self.polls.entry(post) {
            Entry::Occupied(poll) => poll.into_mut(),
            Entry::Vacant(entry) => {
                let guid = identifier(row.text("guid"), "GUID")?;
                let question = row.text("question").unwrap_or_default();
                entry.insert(Entity(Poll { guid, question, poll_answers: Vec::new() }))
            }
        };
        if !row.is_null("answer_id") {
            let guid = identifier(row.text("answer_guid"), "answer's GUID")?;
            let answer = row.text("answer").unwrap_or_default();
            poll.0.poll_answers.push(Entity(PollAnswer { guid, answer }));
        }
        Ok(())
    }

    async fn read_replies(
        &mut self,
        reader: &mut AccountReader<'_>,
        range: Option<Range>,
    ) -> Result<(), ReadError> {
        if let Some(ahead) = &reader.source.ahead {
            self.replies = ahead.replies(reader.account.person_id);
            return Ok(());
        }
        let mut rows = reader.source.stream_range(&REPLIES, &reader.account, range);
        let mut last_comment = None;
        while let Some(row) = rows.try_next().await? {
            let comment = row.integer("id");
            if std::mem::replace(&mut last_comment, comment) == comment {
                continue; // This is a second profile of the same person.
            }
            let author_id = normalized_id(&row.text("diaspora_handle").unwrap_or_default());
            let reply = Reply {
                author_name: display_name(row.text("first_name"), row.text("last_name"), &author_id),
                author_id,
                created_at: row.time("created_at"),
                text: row.text("text").unwrap_or_default(),
            };
            if let Some(post) = row.integer("post_id") {
                self.replies.entry(post).or_default().push(reply);
            }
        }
        Ok(())
    }
}

async fn collect_pairs(
    reader: &mut AccountReader<'_>,
    statement: &'static Statement,
    column: &'static str,
    range: Option<Range>,
    pairs: &mut ByPost<Vec<i64>>,
) -> Result<(), ReadError> {
    let mut rows = reader.source.stream_range(statement, &reader.account, range);
    while let Some(row) = rows.try_next().await? {
        if let (Some(post), Some(value)) = (row.integer("post_id"), row.integer(column)) {
            pairs.entry(post).or_default().push(value);
        }
    }
    Ok(())
}

/// Reads a photo from [`PHOTO_COLUMNS`].
pub(super) fn photo(
    row: &Row,
    author: &DiasporaId,
    replacements: &mut Replacements,
) -> Result<Photo, Problem> {
    Ok(Photo {
        guid: identifier(row.text("guid"), "GUID")?,
        author: author.clone(),
        public: replacements.flag(row, "public", "public", false),
        created_at: replacements.time(row, "created_at"),
        remote_photo_path: row
            .non_empty_text("remote_photo_path")
            .ok_or_else(|| Problem::missing("address"))?,
        remote_photo_name: row
            .non_empty_text("remote_photo_name")
            .ok_or_else(|| Problem::missing("file name"))?,
        text: row.non_empty_text("text"),
        status_message_guid: row.non_empty_text("status_message_guid").and_then(|guid| guid.parse().ok()),
        height: replacements.number(row, "height", "height"),
        width: replacements.number(row, "width", "width"),
    })
}
