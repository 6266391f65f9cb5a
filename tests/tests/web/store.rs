//! Pappus's own database on PostgreSQL, beside other things.

use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::{Store, StoreError, random_id};
use pappus_tests::cluster::shared_postgres;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lives_in_a_shared_database() {
    let address = shared_postgres().await.unwrap().create_database("store").await.unwrap();
    let url = DatabaseUrl::parse(&address).unwrap();
    let tables = "SELECT tablename::text AS table_name FROM pg_tables \
                  WHERE schemaname = 'public' ORDER BY tablename";
    // Several programs begin at once, and somebody else uses sqlx in the same database.
    let opened = (0..4).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { Store::open(&url).await.unwrap() })
    });
    let mut stores = Vec::new();
    for store in opened {
        stores.push(store.await.unwrap());
    }
    let store = stores.pop().unwrap();
    for row in store.rows("listing tables", tables, &[]).await.unwrap() {
        assert!(row.get::<String>("table_name").unwrap().starts_with("pappus_"));
    }

    let insert = "INSERT INTO pappus_imports \
        (id, archive_sha256, old_id, new_username, pod_url, state, stage, created_at, updated_at) \
        VALUES (?, 'digest', ?, 'alice', 'https://new.example/', 'planned', ?, 1, 1)";
    let id = random_id().unwrap();
    let values = [(&id).into(), "alice@old.example".into(), None::<&str>.into()];
    let mut transaction = store.begin().await.unwrap();
    assert_eq!(transaction.execute("adding an import", insert, &values).await.unwrap(), 1);
    transaction.commit().await.unwrap();
    let again = [(&id).into(), "alice@old.example".into(), Some("posts").into()];
    assert!(matches!(
        store.execute("adding an import", insert, &again).await,
        Err(StoreError::Duplicate { .. })
    ));
    let row = store.first("reading", "SELECT id, stage, created_at FROM pappus_imports", &[]).await.unwrap();
    let row = row.unwrap();
    assert_eq!(row.get::<String>("id").unwrap(), id);
    assert_eq!(row.get::<Option<String>>("stage").unwrap(), None);
    assert_eq!(row.get::<i64>("created_at").unwrap(), 1);
}
