-- Many accounts with a long tail, set-based. Users and people share their numbers up to
-- {accounts}; the people after them are from elsewhere.
INSERT INTO pods (host, port, ssl, status, created_at, updated_at)
SELECT 'pod' || n || '.example', 443, true, 1, '2013-05-01', '2013-05-01' FROM generate_series(1, 100) n;

INSERT INTO users (id, username, email, serialized_private_key, encrypted_password, getting_started, language,
                   last_seen, created_at, updated_at)
SELECT n, 'user' || n, 'user' || n || '@mail.example', private, '{password}', false,
       (ARRAY['en', 'de', 'fr', 'es', 'pt-BR', 'ar'])[1 + n % 6],
       timestamp '2026-10-01' - n % 3000 * interval '1 day', '2013-05-01', '2013-05-01'
FROM generate_series(1, {accounts}) n JOIN pairs ON number = n % {keys};

INSERT INTO people (id, guid, diaspora_handle, serialized_public_key, owner_id, pod_id, created_at, updated_at)
SELECT n, md5('person' || n),
       CASE WHEN n <= {accounts} THEN 'user' || n || '@closing.example'
            ELSE 'friend' || n || '@pod' || 1 + n % 100 || '.example' END,
       public, CASE WHEN n <= {accounts} THEN n END, CASE WHEN n > {accounts} THEN 1 + n % 100 END,
       '2013-05-01', '2013-05-01'
FROM generate_series(1, {accounts} + {strangers}) n JOIN pairs ON number = n % {keys};

INSERT INTO profiles (id, person_id, first_name, full_name, created_at, updated_at)
SELECT id, id, 'First ' || id, 'first ' || id, created_at, updated_at FROM people;

INSERT INTO aspects (id, name, user_id, order_id, created_at, updated_at)
SELECT (u - 1) * 4 + n, (ARRAY['Family', 'Friends', 'Work', 'Acquaintances'])[n], u, n, '2013-05-01', '2013-05-01'
FROM generate_series(1, {accounts}) u, generate_series(1, 4) n;

-- Half of the accounts never posted; of the rest most posted little and few a lot.
CREATE TEMPORARY TABLE tail AS
SELECT u, CASE WHEN u % 2 = 0 THEN 0
               ELSE greatest(1, {hundredths} / 100.0 * least(2000, floor(
                    1.8 * power(1 - u * 0.6180339887::float8 + floor(u * 0.6180339887::float8), -1.1))))
          END::int AS posts
FROM generate_series(1, {accounts}) u;

-- Grouped, so that nobody is chosen twice when the stride comes round.
INSERT INTO contacts (id, user_id, person_id, sharing, receiving, created_at, updated_at)
SELECT row_number() OVER (ORDER BY u, n), u, person, n % 5 <> 0, n % 7 <> 0, '2013-05-01', '2013-05-01'
FROM (SELECT u, min(n) AS n, person
      FROM (SELECT u, n, 1 + (u + n * 7919::bigint) % ({accounts} + {strangers}) AS person
            FROM tail, generate_series(1, least(60, 2 + posts / 8)) n) drawn
      WHERE person <> u GROUP BY u, person) chosen;
INSERT INTO aspect_memberships (aspect_id, contact_id, created_at, updated_at)
SELECT (user_id - 1) * 4 + 1 + id % 4, id, created_at, updated_at FROM contacts WHERE receiving;

INSERT INTO tags (id, name) SELECT n, 'tag' || n FROM generate_series(1, 200) n;

INSERT INTO posts (id, author_id, public, guid, type, text, created_at, updated_at, interacted_at,
                   comments_count, likes_count)
SELECT id, u, id % 5 <> 0, md5('post' || id), 'StatusMessage',
       trim(substr(words, 1 + (id * 37 % 700)::int, 160)) || ' #tag' || 1 + id % 200, at, at, at + interval '2 hours', 2, 1
FROM (SELECT row_number() OVER (ORDER BY n, u) AS id, u,
             timestamp '2013-05-01 08:00' + n * interval '1 day 0.123457 seconds' + u * interval '7 seconds' AS at
      FROM tail, generate_series(1, posts) n) numbered, words;
INSERT INTO taggings (tag_id, taggable_id, taggable_type, context, created_at)
SELECT 1 + id % 200, id, 'Post', 'tags', created_at FROM posts;
INSERT INTO aspect_visibilities (shareable_id, shareable_type, aspect_id)
SELECT id, 'Post', (author_id - 1) * 4 + 1 + id % 4 FROM posts WHERE NOT public;

INSERT INTO comments (id, text, commentable_id, author_id, guid, created_at, updated_at)
SELECT (id - 1) * 2 + n, trim(substr(words, 1 + (id * 53 % 700)::int, 90)) || ' ' || n, id,
       CASE WHEN (id + n) % 4 = 0 THEN 1 + (id * 104729::bigint + n * 15485863::bigint) % {accounts}
            ELSE {accounts} + 1 + (id * 104729::bigint + n * 15485863::bigint) % {strangers} END,
       md5('comment' || id || ':' || n), created_at + n * interval '1 hour', created_at + n * interval '1 hour'
FROM posts, generate_series(1, 2) n, words;
INSERT INTO likes (id, target_id, target_type, author_id, guid, created_at, updated_at)
SELECT id, id, 'Post',
       CASE WHEN id % 4 = 1 THEN 1 + (id * 1299709::bigint) % {accounts}
            ELSE {accounts} + 1 + (id * 1299709::bigint) % {strangers} END, md5('like' || id),
       created_at + interval '2 hours', created_at + interval '2 hours'
FROM posts;
INSERT INTO participations (guid, target_id, target_type, author_id, created_at, updated_at)
SELECT md5('participation' || min(id)), commentable_id, 'Post', author_id, min(created_at), min(created_at)
FROM comments WHERE author_id <= {accounts} GROUP BY commentable_id, author_id;
UPDATE tags SET taggings_count = number
FROM (SELECT tag_id, count(*) AS number FROM taggings GROUP BY 1) counted WHERE tags.id = tag_id;
DROP TABLE tail;
