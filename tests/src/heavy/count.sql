-- What diaspora* keeps counted, and when posts were last talked about.
UPDATE posts SET comments_count = number, interacted_at = greatest(interacted_at, newest)
FROM (SELECT commentable_id, count(*) AS number, max(created_at) AS newest FROM comments GROUP BY 1) counted
WHERE posts.id = commentable_id;
UPDATE posts SET likes_count = number
FROM (SELECT target_id, count(*) AS number FROM likes WHERE target_type = 'Post' GROUP BY 1) counted
WHERE posts.id = target_id;
UPDATE posts SET reshares_count = number
FROM (SELECT root_guid, count(*) AS number FROM posts WHERE root_guid IS NOT NULL GROUP BY 1) counted
WHERE posts.guid = counted.root_guid;
UPDATE poll_answers SET vote_count = number
FROM (SELECT poll_answer_id, count(*) AS number FROM poll_participations GROUP BY 1) counted
WHERE poll_answers.id = poll_answer_id;
UPDATE tags SET taggings_count = number
FROM (SELECT tag_id, count(*) AS number FROM taggings GROUP BY 1) counted WHERE tags.id = tag_id;
