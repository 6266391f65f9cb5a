//! The check of a pod's rows finds what is broken: every rule is broken once, and must say so.

use crate::support::Pod;
use crate::support::target::{TARGET_URL, Target, fingerprint};
use pappus_engine::domain::NEW_KEY_BITS;
use pappus_tests::integrity::{Place, problems};

/// What breaks, and what must be said. Each is taken back before the next.
const BROKEN: &[(&str, &str)] = &[
    ("UPDATE posts SET comments_count = comments_count + 1", "comments_count is not"),
    ("UPDATE posts SET likes_count = likes_count - 1", "likes_count is not"),
    ("UPDATE posts SET reshares_count = NULL", "reshares_count is not"),
    ("UPDATE comments SET likes_count = 99", "likes_count is not"),
    ("UPDATE likes SET positive = 0", "likes_count is not"),
    ("UPDATE poll_answers SET vote_count = 7", "vote_count is not"),
    ("UPDATE tags SET taggings_count = 99", "taggings_count is not"),
    ("UPDATE comments SET commentable_id = 999999", "commentable_id names no Post"),
    (
        "UPDATE likes SET target_type = 'StatusMessage' WHERE id = (SELECT MIN(id) FROM likes)",
        "target_id names no StatusMessage",
    ),
    (
        "UPDATE taggings SET tag_id = 99999 WHERE id = (SELECT MIN(id) FROM taggings)",
        "tag_id names no row of tags",
    ),
    ("UPDATE likes SET author_id = NULL", "author_id names no row of people"),
    ("UPDATE aspects SET order_id = 1", "not the only one with this"),
    ("UPDATE aspects SET order_id = NULL", "order_id is blank"),
    ("UPDATE aspects SET name = name || ' '", "white space"),
    ("UPDATE aspects SET name = name || 'xxxxxxxxxxxxxxxxxxxxx'", "name is longer than 20"),
    ("UPDATE aspects SET user_id = 99", "user_id names no row of users"),
    (
        "INSERT INTO profiles (person_id, created_at, updated_at) SELECT person_id, created_at, updated_at FROM profiles",
        "it has not one profile",
    ),
    ("UPDATE profiles SET full_name = 'x'", "full_name is not"),
    ("UPDATE profiles SET first_name = 'a;b'", "a name holds a semicolon"),
    ("UPDATE profiles SET image_url = '/assets/user/default.png'", "image_url is no address of a picture"),
    (
        "UPDATE profiles SET image_url = 'https://haven.example/uploads/images/thumb_large_x.png'",
        "image_url is not here",
    ),
    ("UPDATE profiles SET image_url_small = NULL", "not there in all sizes"),
    ("UPDATE posts SET type = 'Post'", "type is none of"),
    ("UPDATE posts SET guid = 'short-' || id", "guid is none"),
    ("UPDATE posts SET created_at = '2999-01-01 00:00:00'", "created_at is in the future"),
    ("UPDATE posts SET updated_at = '2001-01-01 00:00:00'", "changed before it was made"),
    ("UPDATE posts SET interacted_at = '2001-01-01 00:00:00'", "talked about before it was there"),
    ("UPDATE posts SET text = text || ' #more'", "tagged"),
    ("UPDATE posts SET public = 0 WHERE type = 'Reshare'", "a reshare is limited"),
    (
        "INSERT INTO share_visibilities (shareable_id, user_id) SELECT MIN(id), 1 FROM posts WHERE public",
        "everybody can see it anyway",
    ),
    ("UPDATE tags SET name = upper(name)", "it is not in lower case"),
    (
        "UPDATE mentions SET person_id = (SELECT MAX(id) FROM people) WHERE id = (SELECT MIN(id) FROM mentions)",
        "nobody mentions them",
    ),
    ("DELETE FROM poll_answers WHERE id > (SELECT MIN(id) FROM poll_answers)", "there is nothing to choose"),
    ("UPDATE poll_participations SET poll_id = poll_id + 1000", "the answer is of another poll"),
    ("UPDATE photos SET random_string = 'x'", "random_string is not its name"),
    ("UPDATE photos SET processed_image = NULL", "its file is here and its address is not"),
    (
        "UPDATE photos SET remote_photo_path = 'https://haven.example/uploads/images'",
        "its folder has no address",
    ),
    (
        "UPDATE photos SET remote_photo_name = 'x.png', random_string = 'x', processed_image = 'x.png', unprocessed_image = 'x.png'",
        "thumb_small_x.png is not on the disk",
    ),
    ("UPDATE photos SET pending = 1", "it waits to be posted"),
    ("UPDATE photos SET width = 0", "its width is none"),
    ("DELETE FROM comment_signatures", "there is no signature"),
    ("DELETE FROM like_signatures", "there is no signature"),
    ("UPDATE comment_signatures SET author_signature = '?'", "author_signature is not base64"),
    (
        "UPDATE comment_signatures SET additional_data = '--- !ruby/object:Object {}'",
        "additional_data is no hash of texts",
    ),
    ("UPDATE comment_signatures SET additional_data = '- a'", "additional_data is no hash of texts"),
    (
        "UPDATE comment_signatures SET additional_data = char(97, 58, 32, 34, 127, 34)",
        "additional_data is no hash of texts",
    ),
    ("UPDATE signature_orders SET \"order\" = 'author text ' || id", "its order leaves out"),
    ("UPDATE users SET language = 'tlh'", "its language is unknown"),
    ("UPDATE users SET color_theme = 'none'", "color_theme is none of"),
    ("UPDATE users SET email = 'Ida@mail.example'", "not in lower case"),
    ("UPDATE users SET hidden_shareables = '--- []'", "hidden_shareables is no hash"),
    ("UPDATE users SET otp_backup_codes = 'x: y'", "otp_backup_codes is no list"),
    ("UPDATE users SET serialized_private_key = 'x'", "its keys do not fit together"),
    ("UPDATE users SET auto_follow_back_aspect_id = 4711", "auto_follow_back_aspect_id names no row"),
    ("UPDATE people SET serialized_public_key = 'x'", "its public key cannot be read"),
    ("UPDATE people SET pod_id = NULL", "it has a pod and an owner, or neither"),
    ("UPDATE people SET diaspora_handle = upper(diaspora_handle)", "its diaspora* ID"),
    ("UPDATE people SET closed_account = 1", "the person has closed the account"),
    ("UPDATE pods SET port = 443", "its port cannot be"),
    ("UPDATE pods SET host = 'haven.example', port = id", "it is this pod"),
    (
        "INSERT INTO blocks (user_id, person_id) SELECT user_id, person_id FROM contacts",
        "the person is blocked",
    ),
    ("UPDATE user_preferences SET email_type = 'news'", "email_type is none of"),
    ("UPDATE conversation_visibilities SET unread = 1000", "more is unread than there is"),
    ("DELETE FROM conversation_visibilities", "nobody takes part"),
    (
        "INSERT INTO participations (target_id, target_type, author_id, created_at, updated_at) SELECT id, 'Post', 1, created_at, created_at FROM posts",
        "guid is blank",
    ),
    (
        "INSERT INTO participations (target_id, target_type, author_id, created_at, updated_at, count) SELECT id, 'Post', 1, created_at, created_at, 0 FROM posts",
        "nobody takes part",
    ),
    (
        "INSERT INTO account_migrations (old_person_id, new_person_id, completed_at) VALUES (2, 1, '2020-01-01 00:00:00')",
        "who has left has not closed",
    ),
];

#[tokio::test]
async fn every_broken_rule_is_found() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    target.import(&archive, "ida", &["--trust-pod", &fingerprint(&archive)]);
    target.is_sound().await;
    let uploads = target.folder.path().join("uploads");
    let place = Place { url: TARGET_URL, uploads: &uploads, bits: NEW_KEY_BITS };
    let mut silent = Vec::new();
    for (sql, said) in BROKEN {
        // The pool of an SQLite file has one connection: all of this is one transaction.
        target.pool.execute("PRAGMA foreign_keys = OFF; BEGIN").await.unwrap();
        if let Err(error) = target.pool.execute(sql).await {
            silent.push(format!("{sql}: {error}"));
        }
        let found = problems(&target.pool, place).await.unwrap();
        target.pool.execute("ROLLBACK").await.unwrap();
        if found.is_empty() || !found.iter().any(|problem| problem.contains(said)) {
            silent.push(format!("{sql}: {said:?} is not in {:?}", found.first()));
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
    // Files go without the database being told.
    let images = uploads.join("images");
    let small =
        crate::support::names(&images).into_iter().find(|name| name.starts_with("thumb_small_")).unwrap();
    std::fs::remove_file(images.join(&small)).unwrap();
    let found = problems(&target.pool, place).await.unwrap();
    assert!(
        found.iter().any(|problem| problem.contains(&format!("{small} is not on the disk"))),
        "{found:?}"
    );
    // Keys may be too small.
    let large = Place { bits: 8192, ..place };
    assert!(
        problems(&target.pool, large)
            .await
            .unwrap()
            .iter()
            .any(|problem| problem.contains(&format!("{NEW_KEY_BITS} bits")))
    );
}
