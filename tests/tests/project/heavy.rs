//! Large pods have the rows they promise, and no dangling ones.

use aws_lc_rs::signature::{RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pappus_tests::cluster::shared_postgres;
use pappus_tests::heavy::{HeavyAccount, KeyBits, Signatures, WholePod, heavy_account, whole_pod};
use pappus_tests::schema::{Pool, tables};
use sqlx::PgPool;

async fn database(name: &str) -> PgPool {
    let url = shared_postgres().await.unwrap().create_database(name).await.unwrap();
    PgPool::connect(&url).await.unwrap()
}

/// The generator runs with foreign keys off; this looks whether they hold all the same.
async fn assert_no_orphans(pool: &PgPool) {
    let pool = Pool::Postgres(pool.clone());
    for table in tables() {
        for link in table.links {
            let orphans = pool
                .number(&format!(
                    "SELECT count(*) FROM \"{}\" r LEFT JOIN {} t ON t.id = r.{column} \
                     WHERE t.id IS NULL AND r.{column} IS NOT NULL",
                    table.name,
                    link.table,
                    column = link.column
                ))
                .await
                .unwrap();
            assert_eq!(orphans, 0, "{}.{}", table.name, link.column);
        }
    }
    for (table, column, target) in [
        ("comments", "commentable_id", "posts"),
        ("likes", "target_id", "posts"),
        ("polls", "status_message_id", "posts"),
    ] {
        let sql = format!("SELECT count(*) FROM {table} WHERE {column} NOT IN (SELECT id FROM {target})");
        assert_eq!(pool.number(&sql).await.unwrap(), 0, "{table}.{column}");
    }
}

#[tokio::test]
async fn a_heavy_account_has_its_posts_and_relayables() {
    let pool = database("heavy").await;
    let folder = tempfile::tempdir().unwrap();
    let size = HeavyAccount { photo_bytes: 5_000, ..HeavyAccount::default() };
    heavy_account(&pool, Some(folder.path()), &size).await.unwrap();
    assert_no_orphans(&pool).await;
    let counted = Pool::Postgres(pool.clone());
    assert_eq!(counted.number("SELECT count(*) FROM posts WHERE author_id = 1").await.unwrap(), 3_049);
    let relayables = "SELECT (SELECT count(*) FROM comments) + (SELECT count(*) FROM likes) \
                      + (SELECT count(*) FROM poll_participations)";
    assert_eq!(counted.number(relayables).await.unwrap(), 8_200);
    assert_eq!(counted.number("SELECT count(*) FROM contacts").await.unwrap(), 306);
    let files: Vec<u64> = std::fs::read_dir(folder.path().join("images"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .collect();
    assert_eq!(files, [5_000; 36]);
}

#[tokio::test]
async fn real_signatures_verify() {
    let pool = database("signed").await;
    let size = HeavyAccount {
        posts: 60,
        relayables: 150,
        contacts: 30,
        photos: 0,
        signatures: Signatures::Real,
        ..HeavyAccount::default()
    };
    heavy_account(&pool, None, &size).await.unwrap();
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT a.serialized_public_key, s.author_signature, concat_ws(';', a.diaspora_handle, c.guid, p.guid, \
         c.text, to_char(c.created_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')) FROM comment_signatures s \
         JOIN comments c ON c.id = comment_id JOIN posts p ON p.id = commentable_id JOIN people a ON a.id = c.author_id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(rows.len(), 61);
    for (key, signature, text) in rows {
        let key = pem::parse(key).unwrap();
        UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, key.contents())
            .verify(text.as_bytes(), &STANDARD.decode(signature).unwrap())
            .unwrap();
    }
}

#[tokio::test]
async fn a_whole_pod_has_a_long_tail() {
    let pool = database("whole").await;
    whole_pod(&pool, &WholePod { accounts: 300, posts: 100, keys: KeyBits::Small }).await.unwrap();
    assert_no_orphans(&pool).await;
    let posts: Vec<i64> = sqlx::query_scalar(
        "SELECT count(posts.id) FROM people LEFT JOIN posts ON author_id = people.id \
         WHERE owner_id IS NOT NULL GROUP BY people.id ORDER BY 1",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(posts.len(), 300);
    assert_eq!(posts[149], 0);
    assert!(posts[299] > 50, "{posts:?}");
}
