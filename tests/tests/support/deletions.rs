//! What people do with an imported account: deleting, as diaspora*'s models do it, with everything that hangs on it.

use super::target::Target;

/// The account's person, user, and person at the old pod.
const ME: &str = "(SELECT id FROM people WHERE diaspora_handle = 'ida@haven.example')";
const USER: &str = "(SELECT id FROM users WHERE username = 'ida')";

/// Something that is deleted, once for good.
pub struct Deletion {
    /// What it is.
    pub name: &'static str,
    /// The number of its row: the smallest of what this selects, with `{me}` and `{user}`.
    pub find: &'static str,
    /// The statements, with `{id}`, `{me}` and `{user}`.
    pub sql: &'static [&'static str],
    /// Kinds in the report of which at least one record was deleted by that.
    pub kinds: &'static [&'static str],
}

const COMMENTS_OF: &str =
    "(SELECT id FROM comments WHERE commentable_type = 'Post' AND commentable_id = {id})";

/// Likes and signatures, links, tags, mentions of comments.
const COMMENT: &[&str] = &[
    "DELETE FROM like_signatures WHERE like_id IN (SELECT id FROM likes WHERE target_type = 'Comment' AND target_id = {id})",
    "DELETE FROM likes WHERE target_type = 'Comment' AND target_id = {id}",
    "DELETE FROM comment_signatures WHERE comment_id = {id}",
    "DELETE FROM mentions WHERE mentions_container_type = 'Comment' AND mentions_container_id = {id}",
    "DELETE FROM taggings WHERE taggable_type = 'Comment' AND taggable_id = {id}",
    "DELETE FROM \"references\" WHERE source_type = 'Comment' AND source_id = {id}",
    "DELETE FROM comments WHERE id = {id}",
];
const LIKE: &[&str] =
    &["DELETE FROM like_signatures WHERE like_id = {id}", "DELETE FROM likes WHERE id = {id}"];
const VOTE: &[&str] = &[
    "DELETE FROM poll_participation_signatures WHERE poll_participation_id = {id}",
    "DELETE FROM poll_participations WHERE id = {id}",
];
const POST: &[&str] = &[
    "DELETE FROM like_signatures WHERE like_id IN (SELECT id FROM likes WHERE (target_type = 'Post' AND target_id = {id}) \
     OR (target_type = 'Comment' AND target_id IN {comments}))",
    "DELETE FROM likes WHERE (target_type = 'Post' AND target_id = {id}) OR (target_type = 'Comment' AND target_id IN {comments})",
    "DELETE FROM comment_signatures WHERE comment_id IN {comments}",
    "DELETE FROM mentions WHERE (mentions_container_type = 'Comment' AND mentions_container_id IN {comments}) \
     OR (mentions_container_type = 'Post' AND mentions_container_id = {id})",
    "DELETE FROM taggings WHERE (taggable_type = 'Comment' AND taggable_id IN {comments}) \
     OR (taggable_type = 'Post' AND taggable_id = {id})",
    "DELETE FROM \"references\" WHERE (source_type = 'Comment' AND source_id IN {comments}) \
     OR (source_type = 'Post' AND source_id = {id}) OR (target_type = 'Post' AND target_id = {id})",
    "DELETE FROM comments WHERE commentable_type = 'Post' AND commentable_id = {id}",
    "DELETE FROM participations WHERE target_type = 'Post' AND target_id = {id}",
    "DELETE FROM share_visibilities WHERE shareable_type = 'Post' AND shareable_id = {id}",
    "DELETE FROM aspect_visibilities WHERE (shareable_type = 'Post' AND shareable_id = {id}) OR (shareable_type = 'Photo' \
     AND shareable_id IN (SELECT id FROM photos WHERE status_message_guid = (SELECT guid FROM posts WHERE id = {id})))",
    "DELETE FROM poll_participation_signatures WHERE poll_participation_id IN (SELECT v.id FROM poll_participations v \
     JOIN polls q ON q.id = v.poll_id WHERE q.status_message_id = {id})",
    "DELETE FROM poll_participations WHERE poll_id IN (SELECT id FROM polls WHERE status_message_id = {id})",
    "DELETE FROM poll_answers WHERE poll_id IN (SELECT id FROM polls WHERE status_message_id = {id})",
    "DELETE FROM polls WHERE status_message_id = {id}",
    "DELETE FROM locations WHERE status_message_id = {id}",
    "DELETE FROM photos WHERE status_message_guid = (SELECT guid FROM posts WHERE id = {id})",
    "DELETE FROM posts WHERE id = {id}",
];
const CONTACT: &[&str] =
    &["DELETE FROM aspect_memberships WHERE contact_id = {id}", "DELETE FROM contacts WHERE id = {id}"];
const PHOTO: &[&str] = &[
    "DELETE FROM aspect_visibilities WHERE shareable_type = 'Photo' AND shareable_id = {id}",
    "DELETE FROM \"references\" WHERE target_type = 'Photo' AND target_id = {id}",
    "DELETE FROM photos WHERE id = {id}",
];
const AVATAR: &[&str] = &[
    "UPDATE profiles SET image_url = NULL, image_url_medium = NULL, image_url_small = NULL WHERE person_id = {me}",
    "DELETE FROM photos WHERE id = {id}",
];

/// Every kind that an import writes.
pub const DELETIONS: &[Deletion] = &[
    Deletion {
        name: "a public post with photos, and what others said under it",
        find: "SELECT MIN(p.id) FROM posts p JOIN photos f ON f.status_message_guid = p.guid WHERE p.author_id = {me} AND p.public",
        sql: POST,
        kinds: &["status_messages", "photos", "others_comments"],
    },
    Deletion {
        name: "a post with a poll and its votes",
        find: "SELECT MIN(p.id) FROM posts p JOIN polls q ON q.status_message_id = p.id WHERE p.author_id = {me}",
        sql: POST,
        kinds: &["status_messages", "polls", "others_poll_participations"],
    },
    Deletion {
        name: "a post with a place",
        find: "SELECT MIN(p.id) FROM posts p JOIN locations l ON l.status_message_id = p.id WHERE p.author_id = {me}",
        sql: POST,
        kinds: &["status_messages"],
    },
    Deletion {
        name: "a limited post",
        find: "SELECT MIN(p.id) FROM posts p JOIN aspect_visibilities v ON v.shareable_id = p.id AND v.shareable_type = 'Post' \
               WHERE p.author_id = {me}",
        sql: POST,
        kinds: &["status_messages"],
    },
    Deletion {
        name: "a reshare",
        find: "SELECT MIN(id) FROM posts WHERE author_id = {me} AND type = 'Reshare'",
        sql: POST,
        kinds: &["reshares"],
    },
    Deletion {
        name: "a photo of a post",
        find: "SELECT MIN(f.id) FROM photos f JOIN posts p ON p.guid = f.status_message_guid WHERE f.author_id = {me} \
               AND p.text <> '' AND f.processed_image IS NOT NULL",
        sql: PHOTO,
        kinds: &["photos", "photo_files"],
    },
    Deletion {
        name: "the avatar",
        find: "SELECT MIN(id) FROM photos WHERE author_id = {me} AND status_message_guid IS NULL AND processed_image IS NOT NULL",
        sql: AVATAR,
        kinds: &["photos", "photo_files"],
    },
    Deletion {
        name: "an own comment",
        find: "SELECT MIN(id) FROM comments WHERE author_id = {me}",
        sql: COMMENT,
        kinds: &["own_comments"],
    },
    Deletion {
        name: "somebody else's comment",
        find: "SELECT MIN(c.id) FROM comments c JOIN posts p ON p.id = c.commentable_id WHERE p.author_id = {me} \
               AND c.author_id <> {me}",
        sql: COMMENT,
        kinds: &["others_comments"],
    },
    Deletion {
        name: "somebody else's like",
        find: "SELECT MIN(l.id) FROM likes l WHERE l.target_type = 'Post' AND l.author_id <> {me}",
        sql: LIKE,
        kinds: &["others_likes"],
    },
    Deletion {
        name: "an own like of a comment",
        find: "SELECT MIN(id) FROM likes WHERE author_id = {me}",
        sql: LIKE,
        kinds: &["own_likes"],
    },
    Deletion {
        name: "somebody else's like of a comment",
        find: "SELECT MIN(id) FROM likes WHERE target_type = 'Comment' AND author_id <> {me}",
        sql: LIKE,
        kinds: &["likes_on_comments"],
    },
    Deletion {
        name: "an own vote",
        find: "SELECT MIN(id) FROM poll_participations WHERE author_id = {me}",
        sql: VOTE,
        kinds: &["own_poll_participations"],
    },
    Deletion {
        name: "somebody else's vote",
        find: "SELECT MIN(id) FROM poll_participations WHERE author_id <> {me}",
        sql: VOTE,
        kinds: &["others_poll_participations"],
    },
    Deletion {
        name: "a contact",
        find: "SELECT MIN(c.id) FROM contacts c JOIN aspect_memberships m ON m.contact_id = c.id WHERE c.user_id = {user}",
        sql: CONTACT,
        kinds: &["contacts"],
    },
    Deletion {
        name: "a contact who shares",
        find: "SELECT MAX(c.id) FROM contacts c JOIN aspect_memberships m ON m.contact_id = c.id WHERE c.user_id = {user}",
        sql: &[
            "DELETE FROM aspect_memberships WHERE contact_id = {id}",
            "UPDATE contacts SET receiving = (1 = 0), sharing = (1 = 1) WHERE id = {id}",
        ],
        kinds: &[],
    },
    Deletion {
        name: "a contact in an aspect",
        find: "SELECT MIN(m.id) FROM aspect_memberships m JOIN contacts c ON c.id = m.contact_id WHERE c.user_id = {user}",
        sql: &["DELETE FROM aspect_memberships WHERE id = {id}"],
        kinds: &[],
    },
    Deletion {
        name: "an aspect, with whom it held and what it was shown",
        find: "SELECT MIN(a.id) FROM aspects a JOIN aspect_visibilities v ON v.aspect_id = a.id WHERE a.user_id = {user}",
        sql: &[
            "DELETE FROM aspect_memberships WHERE aspect_id = {id}",
            "DELETE FROM aspect_visibilities WHERE aspect_id = {id}",
            "UPDATE users SET auto_follow_back_aspect_id = NULL WHERE auto_follow_back_aspect_id = {id}",
            "DELETE FROM aspects WHERE id = {id}",
        ],
        kinds: &["aspects"],
    },
    Deletion {
        name: "an aspect that has another name now",
        find: "SELECT MIN(id) FROM aspects WHERE user_id = {user}",
        sql: &["UPDATE aspects SET name = 'Renamed' WHERE id = {id}"],
        kinds: &["aspects"],
    },
    Deletion {
        name: "what an aspect was shown",
        find: "SELECT MIN(v.id) FROM aspect_visibilities v JOIN aspects a ON a.id = v.aspect_id WHERE a.user_id = {user}",
        sql: &["DELETE FROM aspect_visibilities WHERE id = {id}"],
        kinds: &[],
    },
    Deletion {
        name: "somebody who was ignored",
        find: "SELECT MIN(id) FROM blocks WHERE user_id = {user}",
        sql: &["DELETE FROM blocks WHERE id = {id}"],
        kinds: &["blocks"],
    },
    Deletion {
        name: "a followed tag",
        find: "SELECT MIN(id) FROM tag_followings WHERE user_id = {user}",
        sql: &["DELETE FROM tag_followings WHERE id = {id}"],
        kinds: &["followed_tags"],
    },
    Deletion {
        name: "a subscription",
        find: "SELECT MIN(id) FROM participations WHERE author_id = {me}",
        sql: &["DELETE FROM participations WHERE id = {id}"],
        kinds: &["subscriptions"],
    },
    Deletion {
        name: "a conversation, which stays for the others",
        find: "SELECT MIN(conversation_id) FROM conversation_visibilities WHERE person_id = {me}",
        sql: &["DELETE FROM conversation_visibilities WHERE conversation_id = {id} AND person_id = {me}"],
        kinds: &["conversations", "messages"],
    },
    Deletion {
        name: "a conversation that nobody keeps",
        find: "SELECT MAX(conversation_id) FROM conversation_visibilities WHERE person_id = {me}",
        sql: &[
            "DELETE FROM conversation_visibilities WHERE conversation_id = {id}",
            "DELETE FROM messages WHERE conversation_id = {id}",
            "DELETE FROM conversations WHERE id = {id}",
        ],
        kinds: &["conversations", "messages"],
    },
    Deletion {
        name: "hidden posts, which are shown again",
        find: "SELECT id FROM users WHERE id = {user} AND hidden_shareables LIKE '%Post%'",
        sql: &["UPDATE users SET hidden_shareables = '--- {}' WHERE id = {id}"],
        kinds: &[],
    },
    Deletion {
        name: "mails that are wanted",
        find: "SELECT MIN(id) FROM user_preferences WHERE user_id = {user}",
        sql: &["DELETE FROM user_preferences WHERE id = {id}"],
        kinds: &[],
    },
    Deletion {
        name: "what the profile said",
        find: "SELECT id FROM profiles WHERE person_id = {me}",
        sql: &[
            "UPDATE profiles SET bio = 'New here', image_url = NULL, image_url_medium = NULL, image_url_small = NULL, \
             location = NULL, searchable = (1 = 0) WHERE id = {id}",
            "DELETE FROM taggings WHERE taggable_type = 'Profile' AND taggable_id = {id}",
        ],
        kinds: &[],
    },
    Deletion {
        name: "settings",
        find: "SELECT id FROM users WHERE id = {user}",
        sql: &[
            "UPDATE users SET language = 'de', disable_mail = (1 = 1), auto_follow_back = (1 = 0), auto_follow_back_aspect_id = \
             NULL, color_theme = 'dark' WHERE id = {id}",
        ],
        kinds: &[],
    },
];

/// What was here before the import, and became the account's: see [`super::again::KNOWN`].
pub const OF_WHAT_WAS_HERE: &[Deletion] = &[
    Deletion {
        name: "a post that was here before",
        find: "SELECT MIN(id) FROM posts WHERE author_id = {me} AND id = 9000",
        sql: POST,
        kinds: &["status_messages"],
    },
    Deletion {
        name: "a photo that was here before",
        find: "SELECT MIN(id) FROM photos WHERE author_id = {me} AND id = 9000",
        sql: PHOTO,
        kinds: &["photos"],
    },
    Deletion {
        name: "an own comment that was here before",
        find: "SELECT MIN(id) FROM comments WHERE author_id = {me} AND id = 9000",
        sql: COMMENT,
        kinds: &["own_comments"],
    },
    Deletion {
        name: "somebody else's comment that was here before",
        find: "SELECT MIN(id) FROM comments WHERE author_id <> {me} AND id = 9001",
        sql: COMMENT,
        kinds: &["others_comments"],
    },
];

impl Deletion {
    /// Deletes it on the pod.
    pub async fn run(&self, target: &Target) {
        let known = |sql: &str| sql.replace("{me}", ME).replace("{user}", USER);
        // Numbers of rows are small in some databases, and counts are large in all.
        let find = format!("SELECT COALESCE(({}), 0) + COUNT(*) - 1 FROM (SELECT 1) one", known(self.find));
        let id = target.pool.number(&find).await.unwrap();
        assert!(id > 0, "{}: there is none", self.name);
        for sql in self.sql {
            let sql = known(&sql.replace("{comments}", COMMENTS_OF)).replace("{id}", &id.to_string());
            target.pool.execute(&sql).await.unwrap();
        }
        recount(target).await;
    }
}

/// Sets the counters, as diaspora* does with each change.
pub async fn recount(target: &Target) {
    for sql in [
        "UPDATE posts SET comments_count = (SELECT COUNT(*) FROM comments c WHERE c.commentable_type = 'Post' AND \
         c.commentable_id = posts.id), likes_count = (SELECT COUNT(*) FROM likes l WHERE l.target_type = 'Post' AND \
         l.target_id = posts.id AND l.positive)",
        "UPDATE posts SET reshares_count = (SELECT n.number FROM (SELECT o.id, COUNT(r.id) AS number FROM posts o \
         LEFT JOIN posts r ON r.root_guid = o.guid GROUP BY o.id) n WHERE n.id = posts.id)",
        "UPDATE comments SET likes_count = (SELECT COUNT(*) FROM likes l WHERE l.target_type = 'Comment' AND \
         l.target_id = comments.id AND l.positive)",
        "UPDATE poll_answers SET vote_count = (SELECT COUNT(*) FROM poll_participations v WHERE v.poll_answer_id = \
         poll_answers.id)",
        "UPDATE tags SET taggings_count = (SELECT COUNT(*) FROM taggings t WHERE t.tag_id = tags.id)",
    ] {
        target.pool.execute(sql).await.unwrap();
    }
}
