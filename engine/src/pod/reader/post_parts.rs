//! Parts of a page's posts: photos, polls, locations, audiences, comments. One statement each.

use std::collections::hash_map::Entry;

use futures_util::TryStreamExt as _;

use super::contacts::display_name;
use super::notes::{Problem, identifier};
use super::posts::{ByPost, Reply};
use super::source::{Range, Scope, Statement, Whose};
use super::stand_ins::StandIns;
use super::{AccountReader, ReadError};
use crate::domain::{DiasporaId, Entity, Location, OmissionCode, Photo, Poll, PollAnswer, RecordKind};
use crate::pod::database::{Cell as _, Row};

pub(super) const STATEMENTS: &[&Statement] = &[&PHOTOS, &LOCATIONS, &POLLS, &PODS, &ASPECTS];

const PHOTOS: Statement = Statement {
    what: "the photos of posts",
    whose: Whose::Person,
    sql: |scope| {
        format!(
            "SELECT p.id, {PHOTO_COLUMNS}, p.author_id FROM photos ph \
             JOIN posts p ON p.guid = ph.status_message_guid WHERE {} ORDER BY p.id, ph.id",
            posts(scope)
        )
    },
};

const LOCATIONS: Statement = Statement {
    what: "the places of posts",
    whose: Whose::Person,
    sql: |scope| {
        format!(
            "SELECT p.id, l.address, l.lat, l.lng, p.author_id FROM locations l \
             JOIN posts p ON p.id = l.status_message_id WHERE {} ORDER BY p.id, l.id",
            posts(scope)
        )
    },
};

const POLLS: Statement = Statement {
    what: "the polls",
    whose: Whose::Person,
    sql: |scope| {
        format!(
            "SELECT p.id, q.id, q.guid, q.question, a.id, a.guid, a.answer, p.author_id FROM polls q \
             JOIN posts p ON p.id = q.status_message_id LEFT JOIN poll_answers a ON a.poll_id = q.id \
             WHERE {} ORDER BY p.id, q.id, a.id",
            posts(scope)
        )
    },
};

/// Pods of people active on a public post or who reshared it, and of a reshare's original author.
const PODS: Statement = Statement {
    what: "the pods of those who took part",
    whose: Whose::Person,
    sql: |scope| {
        let (posts, remote) = (posts(scope), "a.owner_id IS NULL AND a.pod_id IS NOT NULL");
        format!(
            "SELECT p.id, a.pod_id, p.author_id FROM posts p JOIN participations t ON t.target_id = p.id \
             AND t.target_type = 'Post' JOIN people a ON a.id = t.author_id WHERE {posts} AND p.public AND {remote} \
             UNION SELECT p.id, a.pod_id, p.author_id FROM posts p JOIN posts r ON r.root_guid = p.guid \
             JOIN people a ON a.id = r.author_id WHERE {posts} AND p.public AND {remote} \
             UNION SELECT p.id, a.pod_id, p.author_id FROM posts p JOIN posts r ON r.guid = p.root_guid \
             JOIN people a ON a.id = r.author_id WHERE {posts} AND {remote} ORDER BY 1, 2"
        )
    },
};

const ASPECTS: Statement = Statement {
    what: "the aspects of posts",
    whose: Whose::Person,
    sql: |scope| {
        format!(
            "SELECT p.id, v.aspect_id, p.author_id FROM aspect_visibilities v JOIN posts p ON p.id = v.shareable_id \
             WHERE v.shareable_type = 'Post' AND {} AND NOT p.public ORDER BY p.id, v.aspect_id",
            posts(scope)
        )
    },
};

/// Used only when an account is read by itself; rows read ahead contain the comments already.
const REPLIES: Statement = Statement {
    what: "the comments under posts",
    whose: Whose::Person,
    sql: |scope| {
        format!(
            "SELECT p.id, c.text, c.created_at, a.diaspora_handle, f.first_name, f.last_name, c.id, p.author_id \
             FROM comments c JOIN posts p ON p.id = c.commentable_id AND c.commentable_type = 'Post' \
             LEFT JOIN people a ON a.id = c.author_id LEFT JOIN profiles f ON f.person_id = a.id \
             WHERE {} ORDER BY p.id, c.id, f.id",
            posts(scope)
        )
    },
};

/// Builds the condition for the posts `p`.
fn posts(scope: &Scope<'_>) -> String {
    scope.part_of("p.author_id", "p.id")
}

/// Columns of `photos ph` for [`photo`], starting at position 1.
pub(super) const PHOTO_COLUMNS: &str = "ph.id, ph.guid, ph.public, ph.created_at, ph.remote_photo_path, \
     ph.remote_photo_name, ph.text, ph.status_message_guid, ph.height, ph.width, ph.author_id";

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
        collect_pairs(reader, &PODS, range, &mut parts.pods).await?;
        collect_pairs(reader, &ASPECTS, range, &mut parts.aspects).await?;
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
            let record = notes.record(RecordKind::Photo, (&row, 1, 2), |stand_ins| {
                if row.integer(11) == Some(account.person_id) {
                    photo(&row, &account.id, stand_ins)
                } else {
                    Err(Problem::new(OmissionCode::InvalidIdentifier, "it was uploaded by somebody else"))
                }
            });
            if let (Some(post), Some(photo)) = (row.integer(0), record) {
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
            let text = |column| row.text(column).unwrap_or_default();
            if let Some(post) = row.integer(0) {
                let location = Location { address: text(1), lat: text(2), lng: text(3) };
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
            let (Some(post), Some(poll_id)) = (row.integer(0), row.integer(1)) else { continue };
            if *polls.entry(post).or_insert(poll_id) != poll_id {
                continue;
            }
            if let Err(problem) = self.add_answer(post, &row) {
                notes.omit(problem, RecordKind::Poll, Some(poll_id), row.text(2));
            }
        }
        Ok(())
    }

    fn add_answer(&mut self, post: i64, row: &Row) -> Result<(), Problem> {
        let poll = match self.polls.entry(post) {
            Entry::Occupied(poll) => poll.into_mut(),
            Entry::Vacant(place) => {
                let guid = identifier(row.text(2), "GUID")?;
                let question = row.text(3).unwrap_or_default();
                place.insert(Entity(Poll { guid, question, poll_answers: Vec::new() }))
            }
        };
        if !row.is_null(4) {
            let guid = identifier(row.text(5), "answer's GUID")?;
            poll.0.poll_answers.push(Entity(PollAnswer { guid, answer: row.text(6).unwrap_or_default() }));
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
        let mut last = None;
        while let Some(row) = rows.try_next().await? {
            let comment = row.integer(6);
            if std::mem::replace(&mut last, comment) == comment {
                continue; // a second profile of the same person
            }
            let author_id = row.text(3).unwrap_or_default();
            let reply = Reply {
                author_name: display_name(row.text(4), row.text(5), &author_id),
                author_id,
                created_at: row.time(2),
                text: row.text(1).unwrap_or_default(),
            };
            if let Some(post) = row.integer(0) {
                self.replies.entry(post).or_default().push(reply);
            }
        }
        Ok(())
    }
}

async fn collect_pairs(
    reader: &mut AccountReader<'_>,
    statement: &'static Statement,
    range: Option<Range>,
    into: &mut ByPost<Vec<i64>>,
) -> Result<(), ReadError> {
    let mut rows = reader.source.stream_range(statement, &reader.account, range);
    while let Some(row) = rows.try_next().await? {
        if let (Some(post), Some(other)) = (row.integer(0), row.integer(1)) {
            into.entry(post).or_default().push(other);
        }
    }
    Ok(())
}

/// Reads a photo from [`PHOTO_COLUMNS`] at position 1.
pub(super) fn photo(row: &Row, author: &DiasporaId, stand_ins: &mut StandIns) -> Result<Photo, Problem> {
    Ok(Photo {
        guid: identifier(row.text(2), "GUID")?,
        author: author.clone(),
        public: stand_ins.flag(row, 3, "public", false),
        created_at: stand_ins.time(row, 4),
        remote_photo_path: row.filled(5).ok_or_else(|| Problem::missing("address"))?,
        remote_photo_name: row.filled(6).ok_or_else(|| Problem::missing("file name"))?,
        text: row.filled(7),
        status_message_guid: row.filled(8).and_then(|guid| guid.parse().ok()),
        height: stand_ins.number(row, 9, "height"),
        width: stand_ins.number(row, 10, "width"),
    })
}
