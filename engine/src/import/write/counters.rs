//! Counters, set after all records are written.

use std::collections::BTreeMap;

use crate::import::ImportError;
use crate::import::target::{NewAccount, Target};
use crate::sql::id_list;

/// Returns a query for posts that the account wrote, reshared, commented on or liked.
pub(in crate::import) fn touched_posts(person: i64) -> String {
    format!(
        "(SELECT p.id FROM posts p WHERE p.author_id = {person} \
         UNION SELECT o.id FROM posts r JOIN posts o ON o.guid = r.root_guid WHERE r.author_id = {person} \
         UNION SELECT c.commentable_id FROM comments c WHERE c.commentable_type = 'Post' AND c.author_id = {person} \
         UNION SELECT l.target_id FROM likes l WHERE l.target_type = 'Post' AND l.author_id = {person})"
    )
}

/// Returns a query for answers of the account's polls, and those it chose.
pub(in crate::import) fn touched_answers(person: i64) -> String {
    format!(
        "SELECT a.id AS touched FROM poll_answers a JOIN polls q ON q.id = a.poll_id JOIN posts p \
         ON p.id = q.status_message_id WHERE p.author_id = {person} \
         UNION SELECT v.poll_answer_id FROM poll_participations v WHERE v.author_id = {person} \
         UNION SELECT v.poll_answer_id FROM poll_participations v JOIN polls q ON q.id = v.poll_id \
         JOIN posts p ON p.id = q.status_message_id WHERE p.author_id = {person}"
    )
}

/// Returns a query for tags on the account's posts and comments, on comments under its posts, and on its profile.
pub(in crate::import) fn touched_tags(person: i64) -> String {
    format!(
        "SELECT t.tag_id AS touched FROM taggings t JOIN posts p ON p.id = t.taggable_id \
         AND t.taggable_type = 'Post' WHERE p.author_id = {person} \
         UNION SELECT t.tag_id FROM taggings t JOIN comments c ON c.id = t.taggable_id \
         AND t.taggable_type = 'Comment' LEFT JOIN posts p ON p.id = c.commentable_id \
         AND c.commentable_type = 'Post' WHERE c.author_id = {person} OR p.author_id = {person} \
         UNION SELECT t.tag_id FROM taggings t JOIN profiles f ON f.id = t.taggable_id \
         AND t.taggable_type = 'Profile' WHERE f.person_id = {person}"
    )
}

impl Target {
    /// Sets every counter that the import affects to the actual number.
    pub(in crate::import) async fn set_counters(&mut self, account: &NewAccount) -> Result<(), ImportError> {
        let person = account.person;
        let sql = format!("SELECT id AS touched FROM {} t", touched_posts(person));
        let ids = self.touched_ids("posts", sql).await?;
        for chunk in ids.chunks(1000) {
            self.count_posts(&id_list(chunk)).await?;
        }
        let sql = format!(
            "SELECT c.id AS touched FROM comments c JOIN posts p ON p.id = c.commentable_id \
             AND c.commentable_type = 'Post' JOIN likes l ON l.target_id = c.id \
             AND l.target_type = 'Comment' WHERE p.author_id = {person} \
             UNION SELECT l.target_id FROM likes l JOIN comments c ON c.id = l.target_id \
             AND l.target_type = 'Comment' WHERE c.author_id = {person} \
             UNION SELECT l.target_id FROM likes l WHERE l.target_type = 'Comment' AND l.author_id = {person}"
        );
        // An imported comment without likes has a zero already.
        let ids = self.touched_ids("liked comments", sql).await?;
        for chunk in ids.chunks(1000) {
            let sql = format!(
                "UPDATE comments SET likes_count = (SELECT COUNT(*) FROM likes l WHERE l.target_id = comments.id \
                 AND l.target_type = 'Comment' AND l.positive) WHERE id IN ({})",
                id_list(chunk)
            );
            self.pod.run("counters", sql, &[]).await?;
        }
        let ids = self.touched_ids("poll answers", touched_answers(person)).await?;
        for chunk in ids.chunks(1000) {
            self.count_answers(&id_list(chunk)).await?;
        }
        let ids = self.touched_ids("tags", touched_tags(person)).await?;
        for chunk in ids.chunks(1000) {
            self.count_taggings(&id_list(chunk)).await?;
        }
        Ok(())
    }

    pub(in crate::import) async fn count_answers(&mut self, ids: &str) -> Result<(), ImportError> {
        let sql = format!(
            "UPDATE poll_answers SET vote_count = (SELECT COUNT(*) FROM poll_participations v \
             WHERE v.poll_answer_id = poll_answers.id) WHERE id IN ({ids})"
        );
        Ok(self.pod.run("counters", sql, &[]).await.map(drop)?)
    }

    pub(in crate::import) async fn count_taggings(&mut self, ids: &str) -> Result<(), ImportError> {
        let sql = format!(
            "UPDATE tags SET taggings_count = (SELECT COUNT(*) FROM taggings t WHERE t.tag_id = tags.id) \
             WHERE id IN ({ids})"
        );
        Ok(self.pod.run("counters", sql, &[]).await.map(drop)?)
    }

    async fn touched_ids(&mut self, subject: &'static str, sql: String) -> Result<Vec<i64>, ImportError> {
        Ok(self.pod.rows(subject, sql, &[]).await?.iter().filter_map(|row| row.integer("touched")).collect())
    }

    /// Counts comments, likes and reshares, and updates the time of the last interaction. Comments dated in the future
    /// do not count as one: the times of others are signed, and would keep a post above all others.
    pub(in crate::import) async fn count_posts(&mut self, ids: &str) -> Result<(), ImportError> {
        // Part of the text: if the statement had a value, MariaDB would keep it prepared for each list of numbers.
        let now = self.now.to_utc();
        // Posts without comments or likes have zeros already.
        let sql = format!(
            "UPDATE posts SET \
             comments_count = (SELECT COUNT(*) FROM comments c WHERE c.commentable_id = posts.id \
             AND c.commentable_type = 'Post'), \
             likes_count = (SELECT COUNT(*) FROM likes l WHERE l.target_id = posts.id AND l.target_type = 'Post' \
             AND l.positive), \
             interacted_at = COALESCE((SELECT MAX(c.created_at) FROM comments c WHERE c.commentable_id = posts.id \
             AND c.commentable_type = 'Post' AND c.created_at > posts.interacted_at AND c.created_at <= '{now}'), \
             interacted_at) \
             WHERE id IN ({ids}) AND (COALESCE(comments_count, -1) <> 0 OR COALESCE(likes_count, -1) <> 0 \
             OR EXISTS (SELECT 1 FROM comments c WHERE c.commentable_id = posts.id AND c.commentable_type = 'Post') \
             OR EXISTS (SELECT 1 FROM likes l WHERE l.target_id = posts.id AND l.target_type = 'Post'))"
        );
        self.pod.run("counters", sql, &[]).await?;
        // MySQL cannot read a table while changing it: select first, then update by number.
        let sql = format!(
            "SELECT o.id, COUNT(r.id) AS reshares FROM posts o LEFT JOIN posts r ON r.root_guid = o.guid \
             WHERE o.id IN ({ids}) OR o.guid IN \
             (SELECT m.root_guid FROM posts m WHERE m.id IN ({ids}) AND m.root_guid IS NOT NULL) \
             GROUP BY o.id, o.reshares_count HAVING COUNT(r.id) <> COALESCE(o.reshares_count, -1)"
        );
        let mut by_count: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for row in self.pod.rows("reshares", sql, &[]).await? {
            if let (Some(id), Some(count)) = (row.integer("id"), row.integer("reshares")) {
                by_count.entry(count).or_default().push(id);
            }
        }
        for (count, ids) in by_count {
            let sql = format!("UPDATE posts SET reshares_count = {count} WHERE id IN ({})", id_list(&ids));
            self.pod.run("counters", sql, &[]).await?;
        }
        Ok(())
    }
}
