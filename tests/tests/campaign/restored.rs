//! The pod's database is replaced while a campaign is at work: by an empty one, another pod's, or a part of itself.

use std::process::Stdio;
use std::time::{Duration, Instant};

use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::program::Ended;
use pappus_tests::schema::Pool;

use super::postgres_pod;
use super::scene::{Scene, ended_well};
use crate::support::{document, names};

/// A campaign that has exported all but some accounts.
async fn begun(name: &str, open: &str) -> Scene {
    let scene = Scene::sample(None).await;
    ended_well(&scene.run(&["--plain", "--name", name]));
    reopen(&scene, open).await;
    scene
}

/// Queues accounts again, as if the campaign had not reached them.
async fn reopen(scene: &Scene, open: &str) {
    let lines = scene.accounts("c").await;
    let store = scene.open_store().await;
    for line in lines.iter().filter(|line| open.split(' ').any(|name| name == line.username)) {
        std::fs::remove_file(scene.out().join(line.file.as_ref().unwrap())).unwrap();
    }
    let open = open.replace(' ', "', '");
    let sql = format!(
        "UPDATE pappus_campaign_accounts SET state = 'pending', attempts = 0, file = NULL, bytes = NULL, \
         sha256 = NULL, records = NULL, omissions = NULL, finished_at = NULL WHERE username IN ('{open}')"
    );
    store.execute("reopening", &sql, &[]).await.unwrap();
    store.execute("reopening", "UPDATE pappus_campaigns SET state = 'running'", &[]).await.unwrap();
    store.close().await;
}

fn go_on(scene: &Scene) -> Ended {
    scene.run(&["--plain", "--name", "c", "--patience", "1"])
}

async fn states(scene: &Scene, state: &str) -> Vec<(String, String)> {
    let lines = scene.accounts("c").await.into_iter().filter(|line| line.state == state);
    lines.map(|line| (line.username, line.reason.unwrap_or_default())).collect()
}

/// Nobody is there: it waits, and exports everybody afterwards.
#[tokio::test]
async fn an_empty_pod_is_waited_for() {
    let scene = begun("c", "greta ida jonas").await;
    scene.sql("ALTER TABLE users RENAME TO all_users").await;
    scene.sql("CREATE TABLE users AS SELECT * FROM all_users WHERE 1 = 0").await;
    for _ in 0..2 {
        let ended = go_on(&scene);
        assert!(ended.code == Some(1) && ended.stderr.contains("is it being restored?"), "{ended:?}");
        assert_eq!(states(&scene, "pending").await.len(), 3);
    }
    scene.sql("DROP TABLE users").await;
    scene.sql("ALTER TABLE all_users RENAME TO users").await;
    ended_well(&go_on(&scene));
    scene.is_whole("c", 13);
}

/// Some are there and one is not: that one is skipped, listed by a check, and gets another turn.
#[tokio::test]
async fn an_account_that_comes_back_is_exported() {
    let scene = begun("c", "greta ida").await;
    scene.sql("PRAGMA foreign_keys = OFF").await;
    scene.sql("UPDATE users SET id = id + 5000 WHERE username = 'ida'").await;
    ended_well(&go_on(&scene));
    let reason = "the account has left the pod since the campaign began";
    assert_eq!(states(&scene, "skipped").await, [("ida".to_owned(), reason.to_owned())]);
    let found = document(&scene.pappus("campaign", &["verify", "c", "--json"]));
    let problem = &found["problems"][0];
    assert_eq!(
        (&problem["kind"], &problem["account"]),
        (&"incomplete".into(), &"ida@closing.example".into())
    );
    scene.sql("UPDATE users SET id = id - 5000 WHERE username = 'ida'").await;
    let ended = scene.pappus("campaign", &["retry", "c"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended_well(&go_on(&scene));
    scene.is_whole("c", 13);
}

/// Another account has the row of one: neither gets the other's archive.
#[tokio::test]
async fn another_accounts_row_is_not_exported() {
    let scene = begun("c", "greta").await;
    let before = names(&scene.out());
    let owner = |of: &str, user: &str| {
        format!("UPDATE people SET owner_id = (SELECT id FROM users WHERE username = '{user}') WHERE {of}")
    };
    let of = |name: &str| format!("diaspora_handle = '{name}@closing.example'");
    scene.sql(&format!("UPDATE people SET owner_id = NULL WHERE {}", of("greta"))).await;
    scene.sql(&owner(&of("ida"), "greta")).await;
    scene.sql(&owner(&of("greta"), "ida")).await;
    ended_well(&go_on(&scene));
    let failed = states(&scene, "failed").await;
    assert!(failed.len() == 1 && failed[0].0 == "greta", "{failed:?}");
    assert!(failed[0].1.ends_with("of the pod's users is ida@closing.example now"), "{failed:?}");
    assert_eq!(names(&scene.out()).len(), before.len());
    scene.sql(&format!("UPDATE people SET owner_id = NULL WHERE {}", of("greta"))).await;
    scene.sql(&owner(&of("ida"), "ida")).await;
    scene.sql(&owner(&of("greta"), "greta")).await;
    scene.pappus("campaign", &["retry", "c"]);
    ended_well(&go_on(&scene));
    scene.is_whole("c", 13);
}

/// All rows are those of another pod: it waits, and writes nothing.
#[tokio::test]
async fn another_pod_is_waited_out() {
    let scene = begun("c", "greta ida jonas").await;
    let rename = "UPDATE people SET diaspora_handle = REPLACE(diaspora_handle, ";
    scene.sql(&format!("{rename}'@closing.example', '@haven.example')")).await;
    let ended = go_on(&scene);
    assert!(ended.code == Some(1) && ended.stderr.contains("is it another pod's?"), "{ended:?}");
    assert_eq!(states(&scene, "pending").await.len(), 3);
    scene.sql(&format!("{rename}'@haven.example', '@closing.example') WHERE owner_id IS NOT NULL")).await;
    ended_well(&go_on(&scene));
    scene.is_whole("c", 13);
}

/// The database is dropped, made again without tables, and restored; then a right is missing for a while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_and_rights_are_waited_for() {
    const ACCOUNTS: usize = 120;
    let keep = postgres_pod("campaign_restored_keep", ACCOUNTS).await;
    let postgres = shared_postgres().await.unwrap();
    let Pool::Postgres(server) = Pool::connect(&postgres.url("postgres")).await.unwrap() else {
        panic!("PostgreSQL")
    };
    let run = |sql: &'static str| {
        let server = server.clone();
        async move { sqlx::query(sql).execute(&server).await.unwrap() }
    };
    run("CREATE DATABASE campaign_restored TEMPLATE campaign_restored_keep").await;
    let pod = keep.replace("campaign_restored_keep", "campaign_restored");
    let scene = Scene::of(tempfile::tempdir().unwrap(), pod).await;
    let error = std::fs::File::create(scene.path("stderr")).unwrap();
    let mut child = scene
        .command(scene.export(&["--plain", "--name", "c", "--workers", "1"]))
        .stdout(Stdio::null())
        .stderr(error)
        .spawn()
        .unwrap();
    let words = || std::fs::read_to_string(scene.path("stderr")).unwrap();
    let until = Instant::now() + Duration::from_mins(2);
    while names(&scene.out()).iter().filter(|name| name.contains(".zip")).count() < 5 {
        assert!(Instant::now() < until && child.try_wait().unwrap().is_none(), "{}", words());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    run("DROP DATABASE campaign_restored WITH (FORCE)").await;
    run("CREATE DATABASE campaign_restored").await;
    while !words().contains("it is not a diaspora* pod's database") {
        assert!(Instant::now() < until && child.try_wait().unwrap().is_none(), "{}", words());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    run("DROP DATABASE campaign_restored WITH (FORCE)").await;
    run("CREATE DATABASE campaign_restored TEMPLATE campaign_restored_keep").await;
    assert!(matches!(child.wait().unwrap().code(), Some(0 | 10)), "{}", words());
    assert_eq!(states(&scene, "done").await.len(), ACCOUNTS);
    scene.is_whole("c", ACCOUNTS as u64);
}

/// What is missing is told from what is refused, on each database.
#[tokio::test]
async fn missing_tables_and_columns_are_known() {
    use pappus_engine::pod::database::{DatabaseError, Snapshot};
    use pappus_engine::sql::DatabaseUrl;
    let scene = Scene::sample(None).await;
    let postgres = shared_postgres().await.unwrap().create_database("campaign_missing").await.unwrap();
    let mysql = shared_mariadb().await.unwrap().create_database("campaign_missing").await.unwrap();
    for database in [&scene.database, &postgres, &mysql] {
        let url = DatabaseUrl::parse(database).unwrap();
        for sql in ["SELECT id FROM nowhere", "SELECT absent FROM (SELECT 1 AS one) x"] {
            let mut snapshot = Snapshot::open(&url).await.unwrap();
            let error = snapshot.rows("something", sql.to_owned(), &[]).await.err();
            assert!(matches!(error, Some(DatabaseError::Missing { .. })), "{database} {error:?}");
        }
        let mut snapshot = Snapshot::open(&url).await.unwrap();
        let error = snapshot.rows("something", "SELECT (".to_owned(), &[]).await.err();
        assert!(matches!(error, Some(DatabaseError::Statement { .. })), "{database} {error:?}");
    }
}
