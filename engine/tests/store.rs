//! Pappus's own database in a file.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use pappus_engine::pod::config::PodUrl;
use pappus_engine::sql::{DatabaseUrl, Value};
use pappus_engine::store::{StateFolder, Store, StoreError, random_id};

const INSERT: &str = "INSERT INTO pappus_imports \
    (id, archive_sha256, old_id, new_username, pod_url, state, created_at, updated_at) \
    VALUES (?, 'digest', 'alice@old.example', 'alice', 'https://new.example/', ?, 1, 1)";

async fn open(path: &Path) -> Result<Store, StoreError> {
    Store::open(&DatabaseUrl::from_file(path).unwrap()).await
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_file_is_made_for_its_owner_only_and_kept() {
    let root = tempfile::tempdir().unwrap();
    let pod = PodUrl::parse("https://new.example").unwrap();
    let url = StateFolder::open(root.path(), &pod).unwrap().database().unwrap();
    let path = root.path().join("pods/new.example/pappus.sqlite3");
    let store = Store::open(&url).await.unwrap();
    let id = random_id().unwrap();
    store.execute("adding an import", INSERT, &[(&id).into(), "planned".into()]).await.unwrap();
    for companion in ["pappus.sqlite3", "pappus.sqlite3-wal", "pappus.sqlite3-shm"] {
        assert_eq!(mode(&path.with_file_name(companion)), 0o600, "{companion}");
    }
    store.close().await;

    let store = Store::open(&url).await.unwrap();
    let row = store.first("reading", "SELECT id, stage, created_at FROM pappus_imports", &[]).await.unwrap();
    let row = row.unwrap();
    assert_eq!(row.get::<String>("id").unwrap(), id);
    assert_eq!(row.get::<Option<String>>("stage").unwrap(), None);
    assert_eq!(row.get::<i64>("created_at").unwrap(), 1);
    assert!(matches!(row.get::<i64>("id"), Err(StoreError::Column { column, .. }) if column == "id"));
    assert!(matches!(row.get::<i64>("absent"), Err(StoreError::Column { column, .. }) if column == "absent"));
    store.close().await;

    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(Store::open(&url).await, Err(StoreError::Exposed(_))));
}

#[tokio::test]
async fn an_account_comes_once_unless_it_was_undone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("a b?%41#.sqlite3")).await.unwrap();
    let add = |id: &'static str, state: &'static str| {
        let store = store.clone();
        async move { store.execute("adding an import", INSERT, &[id.into(), state.into()]).await }
    };
    add("1", "failed").await.unwrap();
    add("2", "undone").await.unwrap();
    add("3", "imported").await.unwrap();
    let again = add("4", "planned").await.unwrap_err();
    assert!(matches!(again, StoreError::Duplicate { operation: "adding an import", .. }), "{again}");
    assert!(matches!(add("5", "elsewhere").await, Err(StoreError::Refused { .. })), "no such state");
    let orphan = "INSERT INTO pappus_import_rows (import_id, seq, kind, guid) VALUES ('9', 1, 'post', 'g')";
    assert!(store.execute("adding a row", orphan, &[]).await.is_err(), "foreign keys are checked");
}

#[tokio::test]
async fn a_transaction_happens_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store.sqlite3")).await.unwrap();
    for (id, keep) in [("dropped", false), ("kept", true)] {
        let mut transaction = store.begin().await.unwrap();
        let values = [Value::from(id), "imported".into()];
        assert_eq!(transaction.execute("adding", INSERT, &values).await.unwrap(), 1);
        assert_eq!(transaction.rows("reading", "SELECT id FROM pappus_imports", &[]).await.unwrap().len(), 1);
        if keep {
            transaction.commit().await.unwrap();
        }
    }
    let rows = store.rows("reading", "SELECT id FROM pappus_imports", &[]).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get::<String>("id").unwrap(), "kept");
}

#[tokio::test]
async fn many_open_and_write_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite3");
    let writers = (0..8).map(|number| {
        let path = path.clone();
        tokio::spawn(async move {
            let store = open(&path).await.unwrap();
            for count in 0..20 {
                let mut transaction = store.begin().await.unwrap();
                let id = format!("{number}-{count}");
                transaction.execute("adding", INSERT, &[(&id).into(), "undone".into()]).await.unwrap();
                transaction.commit().await.unwrap();
            }
        })
    });
    for writer in writers {
        writer.await.unwrap();
    }
    let store = open(&path).await.unwrap();
    let sql = "SELECT count(*) AS found FROM pappus_imports";
    let count = store.first("counting", sql, &[]).await.unwrap().unwrap();
    assert_eq!(count.get::<i64>("found").unwrap(), 160);
}

#[tokio::test]
async fn what_cannot_be_used_is_said_without_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::parse("mysql://u:hunter2@h/d").unwrap();
    let error = Store::open(&url).await.unwrap_err();
    assert!(matches!(error, StoreError::Kind { .. }));
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    let memory = DatabaseUrl::parse("sqlite::memory:").unwrap();
    assert!(matches!(Store::open(&memory).await, Err(StoreError::Kind { .. })));

    let url = DatabaseUrl::parse("postgres://u:hunter2@127.0.0.1:1/d").unwrap();
    let error = Store::open(&url).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }));
    assert!(
        error.to_string().contains("refused") && error.to_string().contains("u:***@127.0.0.1"),
        "{error}"
    );
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");

    assert!(matches!(open(&folder.path().join("no/such/folder")).await, Err(StoreError::File { .. })));
    let path = folder.path().join("text");
    std::fs::write(&path, "this is no database, however long one looks at it".repeat(40)).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let error = open(&path).await.unwrap_err();
    assert!(error.to_string().contains("not a database"), "{error}");
}

#[tokio::test]
async fn a_database_of_a_newer_pappus_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite3");
    let store = open(&path).await.unwrap();
    let newer = "INSERT INTO pappus_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'later', true, x'00', 1)";
    store.execute("pretending", newer, &[]).await.unwrap();
    store.close().await;
    assert!(matches!(open(&path).await, Err(StoreError::Newer { version: 9999, .. })));
}

/// A file that is damaged says so, with what to do; nobody waits for it to get better.
#[tokio::test]
async fn a_damaged_file() {
    let folder = tempfile::tempdir().unwrap();
    // Somewhere in the middle, and from the beginning.
    for (name, from) in [("middle", 4096), ("beginning", 0)] {
        let path = folder.path().join(name);
        let store = open(&path).await.unwrap();
        for number in 0..400 {
            let id = format!("{number:0>400}");
            store.execute("adding", INSERT, &[(&id).into(), "undone".into()]).await.unwrap();
        }
        store.close().await;
        let mut bytes = std::fs::read(&path).unwrap();
        let end = if from == 0 { 2048 } else { bytes.len() };
        bytes[from..end].fill(0x5a);
        std::fs::write(&path, bytes).unwrap();
        let error = match open(&path).await {
            Err(error) => error,
            Ok(store) => store.rows("reading", "SELECT * FROM pappus_imports", &[]).await.err().unwrap(),
        };
        assert!(matches!(error, StoreError::Damaged { .. }) && !error.passes(), "{name}: {error:?}");
        assert!(
            error.to_string().contains("is damaged") && error.to_string().contains(".recover"),
            "{error}"
        );
    }
}

/// What is not there is no outage.
#[tokio::test]
async fn a_table_that_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store")).await.unwrap();
    let error = store.rows("reading", "SELECT * FROM pappus_nothing", &[]).await.err().unwrap();
    assert!(matches!(error, StoreError::Refused { .. }) && !error.passes(), "{error:?}");
    assert!(error.to_string().contains("pappus_nothing"), "{error}");
}
