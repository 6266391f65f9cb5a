//! The parents of comments, likes and votes.

use std::collections::HashMap;

use crate::domain::{Guid, Relayable, RelayableEntity};
use crate::import::ImportError;
use crate::import::target::{NewAccount, PlannedRow, Target};
use crate::pod::database::Cell as _;
use crate::validate::SignatureCheck;

/// The parent of a relayable, on the target pod.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::import) struct Parent {
    pub(in crate::import) id: i64,
    /// True if it is the account's, or belongs to a post of the account's.
    pub(in crate::import) own: bool,
    /// True if the account may see it.
    pub(in crate::import) visible: bool,
    /// The author of the post that it is, or belongs to; none if that is only planned.
    pub(in crate::import) host: Option<i64>,
}

/// The parents of a batch's records.
#[derive(Default)]
pub(in crate::import) struct Parents {
    pub(in crate::import) posts: HashMap<String, Parent>,
    pub(in crate::import) comments: HashMap<String, Parent>,
    pub(in crate::import) polls: HashMap<String, Parent>,
    /// Poll and row number of each answer.
    pub(in crate::import) answers: HashMap<String, (i64, i64)>,
}

impl Parents {
    /// Returns a record's parent, and the class by which diaspora* names it; none for a like of something that cannot
    /// be liked.
    pub(in crate::import) fn of(&self, entity: &RelayableEntity) -> Option<(Option<&Parent>, &'static str)> {
        let guid = entity.parent_guid().as_str();
        match entity {
            RelayableEntity::Comment(_) => Some((self.posts.get(guid), "Post")),
            RelayableEntity::Like(like) if like.parent_type == "Comment" => {
                Some((self.comments.get(guid), "Comment"))
            }
            RelayableEntity::Like(like) if like.parent_type == "Post" => Some((self.posts.get(guid), "Post")),
            // Others have signed what they like; an odd class in the account's own archive leaves the GUID.
            RelayableEntity::Like(like) if like.author_signature.is_some() => None,
            RelayableEntity::Like(_) => match (self.posts.get(guid), self.comments.get(guid)) {
                (None, Some(comment)) => Some((Some(comment), "Comment")),
                (post, _) => Some((post, "Post")),
            },
            RelayableEntity::PollParticipation(_) => Some((self.polls.get(guid), "Poll")),
        }
    }
}

/// Returns what likes of comments are of, and likes of an odd class: that may be a comment.
fn liked_comments(records: &[(Relayable, SignatureCheck)]) -> Vec<&str> {
    let entities = records.iter().map(|(record, _)| &record.entity);
    let liked =
        entities.filter(|entity| matches!(entity, RelayableEntity::Like(like) if like.parent_type != "Post"));
    liked.map(|entity| entity.parent_guid().as_str()).collect()
}

impl Target {
    /// Reads the parents of the records.
    pub(in crate::import) async fn parents(
        &mut self,
        account: &NewAccount,
        records: &[(Relayable, SignatureCheck)],
    ) -> Result<Parents, ImportError> {
        let mut parents = Parents::default();
        let comments = liked_comments(records);
        let (mut posts, mut polls, mut answers) = (vec![], vec![], vec![]);
        for (record, _) in records {
            let parent = record.entity.parent_guid().as_str();
            if let RelayableEntity::PollParticipation(vote) = &record.entity {
                polls.push(parent);
                answers.push(vote.poll_answer_guid.as_str());
            } else {
                posts.push(parent);
            }
        }
        let own = |author: Option<i64>| {
            author.is_some_and(|author| author == account.person || Some(author) == account.old_person)
        };
        // People who ignore someone get nothing from them.
        let open = |public: Option<bool>, host: Option<i64>| {
            public.unwrap_or(false) && !host.is_some_and(|host| account.is_ignored_by(host))
        };
        let select = "SELECT p.guid, p.id, p.author_id, p.public FROM posts p WHERE p.guid IN ({})";
        for row in self.pod.rows_in("posts", select, &posts).await? {
            let (Some(guid), Some(id)) = (row.text(0), row.integer(1)) else { continue };
            let own = own(row.integer(2));
            let visible = own || open(row.boolean(3), row.integer(2));
            parents.posts.insert(guid, Parent { id, own, visible, host: row.integer(2) });
        }
        let select = "SELECT c.guid, c.id, c.author_id, p.author_id, p.public FROM comments c JOIN posts p \
                      ON p.id = c.commentable_id AND c.commentable_type = 'Post' WHERE c.guid IN ({})";
        for row in self.pod.rows_in("comments", select, &comments).await? {
            let (Some(guid), Some(id)) = (row.text(0), row.integer(1)) else { continue };
            let own = own(row.integer(2)) || own(row.integer(3));
            let visible = own || open(row.boolean(4), row.integer(3));
            parents.comments.insert(guid, Parent { id, own, visible, host: row.integer(3) });
        }
        let select = "SELECT q.guid, q.id, p.author_id, p.public FROM polls q JOIN posts p \
                      ON p.id = q.status_message_id WHERE q.guid IN ({})";
        for row in self.pod.rows_in("polls", select, &polls).await? {
            let (Some(guid), Some(id)) = (row.text(0), row.integer(1)) else { continue };
            let own = own(row.integer(2));
            let visible = own || open(row.boolean(3), row.integer(2));
            parents.polls.insert(guid, Parent { id, own, visible, host: row.integer(2) });
        }
        let select = "SELECT a.guid, a.poll_id, a.id FROM poll_answers a WHERE a.guid IN ({})";
        for row in self.pod.rows_in("poll answers", select, &answers).await? {
            if let (Some(guid), Some(poll), Some(id)) = (row.text(0), row.integer(1), row.integer(2)) {
                parents.answers.insert(guid, (poll, id));
            }
        }
        if let Some(planned) = &self.planned {
            let add =
                |into: &mut HashMap<String, Parent>, guids: &[&str], set: &HashMap<Guid, PlannedRow>| {
                    for guid in guids {
                        if let Some(row) = guid.parse::<Guid>().ok().and_then(|guid| set.get(&guid)) {
                            let parent = Parent { id: row.number, own: row.own, visible: true, host: None };
                            into.entry((*guid).to_owned()).or_insert(parent);
                        }
                    }
                };
            add(&mut parents.posts, &posts, &planned.posts);
            add(&mut parents.comments, &comments, &planned.comments);
            add(&mut parents.polls, &polls, &planned.polls);
            for guid in answers {
                if let Some(poll) = guid.parse::<Guid>().ok().and_then(|guid| planned.answers.get(&guid)) {
                    parents.answers.entry(guid.to_owned()).or_insert((*poll, 0));
                }
            }
        }
        Ok(parents)
    }

    /// Returns the users of this pod who ignore the account, each with their person.
    pub(in crate::import) async fn ignored_by(
        &mut self,
        account: &NewAccount,
    ) -> Result<HashMap<i64, i64>, ImportError> {
        let account = [Some(account.person), account.old_person].into_iter().flatten().collect::<Vec<_>>();
        let sql = format!(
            "SELECT b.user_id, p.id FROM blocks b JOIN people p ON p.owner_id = b.user_id WHERE b.person_id IN ({})",
            crate::import::records::counters::list(&account)
        );
        let rows = self.pod.rows("who ignores the account", sql, &[]).await?;
        Ok(rows.iter().filter_map(|row| row.integer(0).zip(row.integer(1))).collect())
    }
}
