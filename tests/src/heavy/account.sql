-- One heavy account, set-based. The names in braces are filled in by mod.rs; `pairs` and `words`
-- are temporary tables it has made. Person 1 is alice; her contacts are the people after her.
INSERT INTO pods (host, port, ssl, status, created_at, updated_at)
SELECT 'pod' || n || '.example', 443, true, 1, '2013-05-01', '2013-05-01' FROM generate_series(1, {pods}) n;

INSERT INTO users (id, username, email, serialized_private_key, encrypted_password, getting_started, language,
                   created_at, updated_at)
SELECT 1, 'alice', 'alice@mail.example', private, '{password}', false, 'en', '2013-05-01', '2013-05-01'
FROM pairs WHERE number = 0;

INSERT INTO people (id, guid, diaspora_handle, serialized_public_key, owner_id, pod_id, created_at, updated_at)
SELECT n, md5('person' || n),
       CASE n WHEN 1 THEN 'alice@closing.example' ELSE 'friend' || n || '@pod' || 1 + n % {pods} || '.example' END,
       public, CASE n WHEN 1 THEN 1 END, CASE WHEN n > 1 THEN 1 + n % {pods} END, '2013-05-01', '2013-05-01'
FROM generate_series(1, {contacts} + 1) n JOIN pairs ON number = CASE n WHEN 1 THEN 0 ELSE 1 + n % {keys} END;

INSERT INTO profiles (id, person_id, first_name, last_name, full_name, bio, created_at, updated_at)
SELECT id, id, 'First ' || id, 'Last', 'first ' || id || ' last', 'Bio of ' || id, created_at, updated_at FROM people;

INSERT INTO aspects (id, name, user_id, order_id, created_at, updated_at)
SELECT n, 'Aspect ' || n, 1, n, '2013-05-01', '2013-05-01' FROM generate_series(1, 8) n;

INSERT INTO contacts (id, user_id, person_id, sharing, receiving, created_at, updated_at)
SELECT n, 1, n + 1, n % 7 <> 0, n % 11 <> 0, '2013-05-01', '2013-05-01' FROM generate_series(1, {contacts}) n;

INSERT INTO aspect_memberships (aspect_id, contact_id, created_at, updated_at)
SELECT 1 + (id + extra * 3) % 8, id, created_at, updated_at
FROM contacts, generate_series(0, 1) extra WHERE receiving AND (extra = 0 OR id % 3 = 0);

INSERT INTO tags (id, name) SELECT n, 'tag' || n FROM generate_series(1, 12) n;
INSERT INTO tag_followings (tag_id, user_id, created_at, updated_at)
SELECT n, 1, '2013-05-01', '2013-05-01' FROM generate_series(1, 5) n;

-- alice's posts come first, those of others after them; every 33rd of hers is a reshare.
INSERT INTO posts (id, author_id, public, guid, type, text, root_guid, created_at, updated_at, interacted_at)
SELECT n, author, mine IS NOT TRUE OR n % 5 <> 0 OR n % 33 = 0, md5('post' || n),
       CASE WHEN mine AND n % 33 = 0 THEN 'Reshare' ELSE 'StatusMessage' END,
       CASE WHEN mine AND n % 33 = 0 THEN NULL
            ELSE trim(substr(words, 1 + n * 37 % 700, 160)) || ' #tag' || 1 + n % 12
                 || CASE WHEN n % 20 = 0
                         THEN ' @{Somebody ; friend' || friend || '@pod' || 1 + friend % {pods} || '.example}'
                         ELSE '' END END,
       CASE WHEN mine AND n % 33 = 0 AND n % 660 <> 0 AND n / 33 <= {others_posts}
            THEN md5('post' || {posts} + n / 33) END,
       at, at, at
FROM (SELECT n, n <= {posts} AS mine, 2 + n % {contacts} AS friend,
             CASE WHEN n <= {posts} THEN 1 ELSE 2 + n % {contacts} END AS author,
             timestamp '2013-05-01 08:00' + n * interval '1 hour 7 minutes 0.123457 seconds' AS at
      FROM generate_series(1, {posts} + {others_posts}) n) numbered, words;

INSERT INTO taggings (tag_id, taggable_id, taggable_type, context, created_at)
SELECT 1 + id % 12, id, 'Post', 'tags', created_at FROM posts WHERE text IS NOT NULL;
INSERT INTO mentions (mentions_container_id, mentions_container_type, person_id)
SELECT id, 'Post', 2 + id % {contacts} FROM posts WHERE text IS NOT NULL AND id % 20 = 0;
INSERT INTO aspect_visibilities (shareable_id, shareable_type, aspect_id)
SELECT id, 'Post', 1 + id % 8 FROM posts WHERE NOT public;
INSERT INTO locations (address, lat, lng, status_message_id, created_at, updated_at)
SELECT 'Street ' || id || ', Zürich', '47.' || id, '8.' || id, id, created_at, updated_at
FROM posts WHERE author_id = 1 AND type = 'StatusMessage' AND id % 87 = 2;
INSERT INTO polls (id, question, status_message_id, guid, created_at, updated_at)
SELECT row_number() OVER (ORDER BY id), 'Question ' || id || '?', id, md5('poll' || id), created_at, updated_at
FROM posts WHERE author_id = 1 AND type = 'StatusMessage' AND id % 67 = 1;
INSERT INTO poll_answers (id, answer, poll_id, guid)
SELECT (id - 1) * 3 + n, 'Answer ' || n, id, md5('answer' || id || ':' || n) FROM polls, generate_series(1, 3) n;

INSERT INTO photos (id, author_id, public, guid, text, remote_photo_path, remote_photo_name, random_string,
                    processed_image, unprocessed_image, status_message_guid, width, height, created_at, updated_at)
SELECT n, 1, coalesce(public, true), md5('photo' || n), 'Caption ' || n, 'https://closing.example/uploads/images/',
       name || '.jpg', name, name || '.jpg', name || '.jpg', posts.guid, 640, 480,
       timestamp '2013-05-01 08:00' + n * interval '1 day', timestamp '2013-05-01 08:00' + n * interval '1 day'
FROM (SELECT n, substr(md5('file' || n), 1, 20) AS name FROM generate_series(1, {photos}) n) numbered
LEFT JOIN posts ON posts.id = 2 + n * 33 AND posts.id <= {posts} AND n % 9 <> 0;

-- Comments of others on alice's posts, then hers on posts of others.
INSERT INTO comments (id, text, commentable_id, author_id, guid, created_at, updated_at)
SELECT n, trim(substr(words, 1 + n * 53 % 700, 90)) || ' ' || n,
       CASE WHEN n <= {comments} THEN 1 + (n * 7919::bigint) % {posts} ELSE {posts} + 1 + n % {others_posts} END,
       CASE WHEN n <= {comments} THEN 2 + n % {contacts} ELSE 1 END, md5('comment' || n), at, at
FROM (SELECT n, timestamp '2014-01-01 09:00' + n * interval '31 minutes' AS at
      FROM generate_series(1, {comments} + {own_comments}) n) numbered, words;

-- Nobody likes a thing twice: the nth round over all posts is by the nth next person.
INSERT INTO likes (id, target_id, target_type, author_id, guid, created_at, updated_at)
SELECT n, CASE WHEN n <= {likes} THEN 1 + n % {posts} ELSE {posts} + 1 + n % {others_posts} END, 'Post',
       CASE WHEN n <= {likes} THEN 2 + (n / {posts} + n % {posts} * 7) % {contacts} ELSE 1 END,
       md5('like' || n), at, at
FROM (SELECT n, timestamp '2014-01-01 10:00' + n * interval '47 minutes' AS at
      FROM generate_series(1, {likes} + {own_likes}) n) numbered;

INSERT INTO poll_participations (id, poll_id, poll_answer_id, author_id, guid, created_at, updated_at)
SELECT n, poll, (poll - 1) * 3 + 1 + n % 3, 2 + (n / polls + poll * 7) % {contacts}, md5('vote' || n), at, at
FROM (SELECT n, 1 + n % polls AS poll, polls, timestamp '2014-01-01 11:00' + n * interval '3 hours' AS at
      FROM generate_series(1, {votes}) n, (SELECT greatest(count(*), 1) AS polls FROM polls) counted) numbered
WHERE poll IN (SELECT id FROM polls) AND n / polls < {contacts};

INSERT INTO participations (guid, target_id, target_type, author_id, count, created_at, updated_at)
SELECT md5('participation' || commentable_id), commentable_id, 'Post', 1, count(*), min(created_at), min(created_at)
FROM comments WHERE author_id = 1 GROUP BY commentable_id;

INSERT INTO conversations (id, subject, guid, author_id, created_at, updated_at)
SELECT n, 'Subject ' || n, md5('conversation' || n), 1, '2015-01-01', '2015-01-01' FROM generate_series(1, 5) n;
INSERT INTO conversation_visibilities (conversation_id, person_id, created_at, updated_at)
SELECT n, person, '2015-01-01', '2015-01-01' FROM generate_series(1, 5) n, unnest(ARRAY[1, 2]) person;
INSERT INTO messages (conversation_id, author_id, guid, text, created_at, updated_at)
SELECT 1 + n % 5, 1 + n % 2, md5('message' || n), 'Message ' || n, '2015-01-01', '2015-01-01'
FROM generate_series(1, 40) n;
