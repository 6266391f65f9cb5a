//! Accounts that are read together come out as those that are read one by one, byte for byte.

use std::path::Path;

use crate::support::reference::{reference, restore, unpack_photos};
use crate::support::{Pod, names};
use pappus_engine::export::{ExportOptions, Exporter};
use pappus_engine::pod::config::{PodUrl, Uploads};
use pappus_engine::pod::database::Snapshot;
use pappus_engine::pod::reader::{NoMemory, ReadAhead};
use pappus_engine::pod::schema::read_schema;
use pappus_engine::pod::uploads::PhotoStore;
use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::StateFolder;
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::copy::copy_pod;
use pappus_tests::heavy::{KeyBits, WholePod, whole_pod};
use pappus_tests::sample::{Damage, POD_URL, SampleError, damage};
use pappus_tests::schema::Pool;

/// Accounts read together; some pods here have more, so that what stays from one batch to the next counts too.
const TOGETHER: usize = 15;

async fn export_both_ways(database: &str, pod: &str, uploads: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let url = PodUrl::parse(pod).unwrap();
    let state = StateFolder::open(folder.path(), &url).unwrap();
    let archive_key = state.archive_key().unwrap();
    let uploads = PhotoStore::open(&Uploads::Folder(uploads.to_owned())).await.unwrap();
    let mut snapshot = Snapshot::open(&DatabaseUrl::parse(database).unwrap()).await.unwrap();
    let schema = read_schema(&mut snapshot).await.unwrap();
    let rows = snapshot
        .rows("everybody", "SELECT id, username FROM users ORDER BY id".to_owned(), &[])
        .await
        .unwrap();
    let options = ExportOptions {
        created_at: "2026-11-23T10:00:00Z".parse().unwrap(),
        created_by: "a test".to_owned(),
        key_passphrase: None,
        encrypt_to: None,
    };
    let (alone, together) = (folder.path().join("alone"), folder.path().join("together"));
    let exporter = |folder| Exporter {
        pod: &url,
        schema: &schema,
        uploads: &uploads,
        archive_key: &archive_key,
        is_destination: true,
        folder,
        options: &options,
        progress: &(),
    };
    let mut ahead = ReadAhead::new(48 << 20);
    let mut failed = 0;
    for (number, row) in rows.iter().enumerate() {
        if number % TOGETHER == 0 {
            let batch = rows.iter().skip(number).take(TOGETHER);
            let users: Vec<i64> = batch.map(|row| row.integer("id").unwrap()).collect();
            assert!(ahead.read(&mut snapshot, &users).await.unwrap());
        }
        let (user, name) = (row.integer("id").unwrap(), row.text("username").unwrap());
        let before = snapshot.statements();
        let one = exporter(&together).export_ahead(&mut snapshot, &mut ahead, user, &mut NoMemory).await;
        // Hidden posts, and people who have moved.
        let more = snapshot.statements() - before;
        assert!(more <= 2, "{name}: {more} statements more");
        let other = exporter(&alone).export(&mut snapshot, &name, &mut NoMemory).await;
        match (one, other) {
            (Ok(_), Ok(_)) => {}
            (Err(one), Err(other)) => {
                assert_eq!(one.to_string(), other.to_string());
                failed += 1;
            }
            (one, other) => panic!("{name}: together {one:?}, alone {other:?}"),
        }
    }
    assert_eq!(names(&together).len() + failed, rows.len());
    for name in names(&alone) {
        let same = std::fs::read(alone.join(&name)).unwrap() == std::fs::read(together.join(&name)).unwrap();
        assert!(same, "{name} differs");
    }
}

#[tokio::test]
async fn on_three_databases() {
    let pod = Pod::sqlite().await;
    let uploads = pod.path("uploads");
    export_both_ways(&pod.database, POD_URL, &uploads).await;
    let postgres = shared_postgres().await.unwrap().create_database("ahead").await.unwrap();
    let mariadb = shared_mariadb().await.unwrap().create_database("ahead").await.unwrap();
    for url in [postgres, mariadb] {
        let to = Pool::connect(&url).await.unwrap();
        copy_pod(&pod.pool, &to).await.unwrap();
        export_both_ways(&url, POD_URL, &uploads).await;
    }
}

/// Besides what the generator makes, some people have a second profile, and people of the pod like comments.
#[tokio::test]
async fn of_a_generated_pod_on_three_databases() {
    const MORE: &str = "INSERT INTO profiles (id, person_id, first_name, full_name, created_at, updated_at) \
        SELECT id + 100000, person_id, 'Second', 'second', created_at, updated_at FROM profiles WHERE id % 3 = 0; \
        INSERT INTO likes (id, target_id, target_type, author_id, guid, created_at, updated_at) \
        SELECT id + 100000, id, 'Comment', 1 + id * 7 % 40, md5('liked' || id), created_at, created_at \
        FROM comments WHERE id % 5 = 0";
    let postgres = shared_postgres().await.unwrap().create_database("ahead_whole").await.unwrap();
    let mariadb = shared_mariadb().await.unwrap().create_database("ahead_whole").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", folder.path().join("db.sqlite3").display());
    let pool = sqlx::PgPool::connect(&postgres).await.unwrap();
    whole_pod(&pool, &WholePod { accounts: 40, posts: 20, keys: KeyBits::Small }).await.unwrap();
    sqlx::raw_sql(MORE).execute(&pool).await.unwrap();
    let from = Pool::Postgres(pool);
    for url in [&mariadb, &sqlite] {
        copy_pod(&from, &Pool::connect(url).await.unwrap()).await.unwrap();
    }
    for url in [postgres, mariadb, sqlite] {
        export_both_ways(&url, POD_URL, folder.path()).await;
    }
}

#[tokio::test]
async fn of_a_damaged_pod() {
    let pod = Pod::sqlite().await;
    for kind in Damage::ALL {
        if kind == Damage::UnknownMigration {
            continue;
        }
        match damage(&pod.pool, kind).await {
            Err(SampleError::Impossible { .. }) => {}
            other => other.unwrap(),
        }
    }
    export_both_ways(&pod.database, POD_URL, &pod.path("uploads")).await;
}

#[tokio::test]
async fn of_a_real_pod() {
    let Some(reference) = reference() else { return };
    let folder = tempfile::tempdir().unwrap();
    let uploads = folder.path().join("uploads");
    unpack_photos(&reference, &["alice", "yusuf"], &uploads.join("images"));
    let url = shared_postgres().await.unwrap().create_database("ahead_real").await.unwrap();
    restore(&reference, "pod-a", &url);
    export_both_ways(&url, "http://closing.pod.test:3001/", &uploads).await;
}
