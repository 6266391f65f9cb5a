//! The parents of comments, likes and votes, and who may see them.

use std::collections::{HashMap, HashSet};

use crate::domain::{Guid, Relayable, RelayableEntity};
use crate::import::ImportError;
use crate::import::scan::survey::guid_hash;
use crate::import::target::{NewAccount, PlannedRow, Target};
use crate::sql::{Row, id_list};
use crate::validate::SignatureCheck;

/// The parent of a relayable, on the target pod.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::import) struct Parent {
    pub(in crate::import) id: i64,
    /// True if it is the account's, or belongs to a post of the account's.
    pub(in crate::import) is_own: bool,
    /// True if the account may see it.
    pub(in crate::import) is_visible: bool,
    /// The author of the post that it is, or belongs to; none if that is only planned.
    pub(in crate::import) post_author: Option<i64>,
}

/// The parents of a batch's records.
#[derive(Default)]
pub(in crate::import) struct Parents {
    pub(in crate::import) posts: HashMap<String, Parent>,
    pub(in crate::import) comments: HashMap<String, Parent>,
    pub(in crate::import) polls: HashMap<String, Parent>,
    /// Poll and row number of each answer.
    pub(in crate::import) answers: HashMap<String, (i64, i64)>,
    /// Authors of posts, each with a person whom they ignore.
    pub(in crate::import) ignored: HashSet<(i64, i64)>,
}

impl Parents {
    /// Returns whether the author of the post behind this parent ignores the person.
    pub(in crate::import) fn ignores(&self, parent: &Parent, person: i64) -> bool {
        parent.post_author.is_some_and(|author| self.ignored.contains(&(author, person)))
    }

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
            // Others have signed the class. If the account's own like has an unknown one, the GUID decides.
            RelayableEntity::Like(like) if like.author_signature.is_some() => None,
            RelayableEntity::Like(_) => match (self.posts.get(guid), self.comments.get(guid)) {
                (None, Some(comment)) => Some((Some(comment), "Comment")),
                (post, _) => Some((post, "Post")),
            },
            RelayableEntity::PollParticipation(_) => Some((self.polls.get(guid), "Poll")),
        }
    }
}

/// Returns the GUIDs of liked comments, and of the parents of likes with an unknown class, which may be comments.
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
        parents.posts = self.visible_posts(account, &posts).await?;
        for (table, parents_by_guid, guids, joined) in [
            (
                "comments",
                &mut parents.comments,
                &comments,
                "c.author_id FROM comments c JOIN posts p ON p.id = c.commentable_id AND c.commentable_type = 'Post'",
            ),
            (
                "polls",
                &mut parents.polls,
                &polls,
                "p.author_id FROM polls c JOIN posts p ON p.id = c.status_message_id",
            ),
        ] {
            let visibility = visibility_columns(account);
            let select = format!(
                "SELECT c.guid, c.id, p.author_id AS post_author_id, {visibility}, {joined} WHERE c.guid IN ({{}})"
            );
            let rows = self.pod.rows_in(table, &select, guids).await?;
            parents_by_guid.extend(rows.iter().filter_map(|row| read_parent(account, row)));
        }
        parents.ignored = self.ignored_by_post_authors(account, &parents).await?;
        let select = "SELECT a.guid, a.poll_id, a.id FROM poll_answers a WHERE a.guid IN ({})";
        for row in self.pod.rows_in("poll answers", select, &answers).await? {
            let (guid, poll, id) = (row.text("guid"), row.integer("poll_id"), row.integer("id"));
            if let (Some(guid), Some(poll), Some(id)) = (guid, poll, id) {
                parents.answers.insert(guid, (poll, id));
            }
        }
        if let Some(planned) = &self.planned {
            add_planned(&mut parents.comments, &comments, &planned.comments);
            add_planned(&mut parents.polls, &polls, &planned.polls);
            for guid in answers {
                if let Some(poll) = guid.parse::<Guid>().ok().and_then(|guid| planned.answers.get(&guid)) {
                    parents.answers.entry(guid.to_owned()).or_insert((*poll, 0));
                }
            }
        }
        Ok(parents)
    }

    /// Reads posts of this pod by their GUIDs, and whether the account may see them; in a dry run, planned ones too.
    pub(in crate::import) async fn visible_posts(
        &mut self,
        account: &NewAccount,
        guids: &[&str],
    ) -> Result<HashMap<String, Parent>, ImportError> {
        let select = format!(
            "SELECT p.guid, p.id, p.author_id AS post_author_id, {}, p.author_id FROM posts p \
             WHERE p.guid IN ({{}})",
            visibility_columns(account)
        );
        let rows = self.pod.rows_in("posts", &select, guids).await?;
        let mut posts = rows.iter().filter_map(|row| read_parent(account, row)).collect();
        if let Some(planned) = &self.planned {
            add_planned(&mut posts, guids, &planned.posts);
        }
        Ok(posts)
    }

    /// Returns those of these posts that are limited, on this pod or in the archive as the account's own.
    pub(in crate::import) async fn limited_posts(
        &mut self,
        posts: &[&Guid],
    ) -> Result<HashSet<Guid>, ImportError> {
        let guids: Vec<&str> = posts.iter().map(|guid| guid.as_str()).collect();
        let sql = "SELECT guid, public FROM posts WHERE guid IN ({})";
        let rows = self.pod.rows_in("posts", sql, &guids).await?;
        let rows = rows.iter().filter(|row| row.boolean("public") != Some(true));
        let limited_here: HashSet<String> =
            rows.filter_map(|row| Some(row.text("guid")?.to_ascii_lowercase())).collect();
        let is_limited = |guid: &&&Guid| {
            // Some databases find a post by its GUID in any case.
            self.limited.contains(&guid_hash(guid))
                || limited_here.contains(&guid.as_str().to_ascii_lowercase())
        };
        Ok(posts.iter().filter(is_limited).map(|guid| (*guid).clone()).collect())
    }

    /// Returns the people of this pod who wrote the posts behind these parents, each with a person whom they ignore.
    async fn ignored_by_post_authors(
        &mut self,
        account: &NewAccount,
        parents: &Parents,
    ) -> Result<HashSet<(i64, i64)>, ImportError> {
        let parents = parents.posts.values().chain(parents.comments.values()).chain(parents.polls.values());
        // Records of people whom the account itself ignores by now are imported: it did not ignore them then.
        let authors =
            parents.filter_map(|parent| parent.post_author).filter(|author| *author != account.person);
        let authors: Vec<i64> = authors.collect::<HashSet<_>>().into_iter().collect();
        let mut ignored = HashSet::new();
        for chunk in authors.chunks(1000) {
            let sql = format!(
                "SELECT p.id, b.person_id FROM blocks b JOIN people p ON p.owner_id = b.user_id WHERE p.id IN ({})",
                id_list(chunk)
            );
            let rows = self.pod.rows("whom the authors of posts ignore", sql, &[]).await?;
            ignored.extend(rows.iter().filter_map(|row| row.integer("id").zip(row.integer("person_id"))));
        }
        Ok(ignored)
    }

    /// Returns the users of this pod who ignore the account, each with their person.
    pub(in crate::import) async fn ignored_by(
        &mut self,
        account: &NewAccount,
    ) -> Result<HashMap<i64, i64>, ImportError> {
        let people = [Some(account.person), account.old_person].into_iter().flatten().collect::<Vec<_>>();
        let sql = format!(
            "SELECT b.user_id, p.id FROM blocks b JOIN people p ON p.owner_id = b.user_id WHERE b.person_id IN ({})",
            id_list(&people)
        );
        let rows = self.pod.rows("who ignores the account", sql, &[]).await?;
        Ok(rows.iter().filter_map(|row| row.integer("user_id").zip(row.integer("id"))).collect())
    }
}

/// Adds records that a dry run has planned.
fn add_planned(parents: &mut HashMap<String, Parent>, guids: &[&str], planned: &HashMap<Guid, PlannedRow>) {
    for guid in guids {
        if let Some(row) = guid.parse::<Guid>().ok().and_then(|guid| planned.get(&guid)) {
            let parent = Parent { id: row.number, is_own: row.is_own, is_visible: true, post_author: None };
            parents.entry((*guid).to_owned()).or_insert(parent);
        }
    }
}

/// Returns two columns of a post `p`: `public`, and `is_shared`, 1 if it was shared with the account here.
fn visibility_columns(account: &NewAccount) -> String {
    format!(
        "p.public, CASE WHEN EXISTS (SELECT 1 FROM share_visibilities v WHERE v.shareable_type = 'Post' AND \
         v.shareable_id = p.id AND v.user_id = {}) THEN 1 ELSE 0 END AS is_shared",
        account.user
    )
}

/// Reads a record: its own columns, [`visibility_columns`], and the post's author as `post_author_id`.
fn read_parent(account: &NewAccount, row: &Row) -> Option<(String, Parent)> {
    let post_author = row.integer("post_author_id");
    let authors = [post_author, row.integer("author_id")];
    let is_own = authors.into_iter().flatten().any(|author| account.is_own(author));
    let is_shown = row.boolean("public") == Some(true) || row.integer("is_shared") == Some(1);
    // People who ignore the account receive nothing from it.
    let is_ignored = post_author.is_some_and(|author| account.is_ignored_by(author));
    let is_visible = is_own || is_shown && !is_ignored;
    Some((row.text("guid")?, Parent { id: row.integer("id")?, is_own, is_visible, post_author }))
}
