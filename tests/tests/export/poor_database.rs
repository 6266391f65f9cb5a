//! Databases with few connections, few rights or no statistics, and pods that have never stored a photo.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, document, json, names, shared_state};
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::program::{Ended, pappus};
use pappus_tests::schema::{Pool, tables};

fn run(pod: &Pod, command: &[&str]) -> Ended {
    let mut arguments: Vec<String> = command.iter().map(ToString::to_string).collect();
    arguments.extend(pod.arguments());
    pappus(arguments).unwrap()
}

/// Creates a pod on PostgreSQL that Pappus accesses as the user `role`, who may only read.
async fn postgres(name: &str, role: &str) -> Pod {
    let url = shared_postgres().await.unwrap().create_database(name).await.unwrap();
    let mut pod = Pod::on(tempfile::tempdir().unwrap(), url.clone()).await;
    pod.pool.execute(&format!("CREATE ROLE {role} LOGIN")).await.unwrap();
    pod.pool.execute(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")).await.unwrap();
    pod.database = url.replace("postgres@", &format!("{role}@"));
    pod
}

async fn mariadb(name: &str, user: &str) -> Pod {
    let url = shared_mariadb().await.unwrap().create_database(name).await.unwrap();
    let mut pod = Pod::on(tempfile::tempdir().unwrap(), url.clone()).await;
    pod.pool.execute(&format!("CREATE USER '{user}'@'%'")).await.unwrap();
    let (_, address) = url.split_once('@').unwrap();
    pod.database = format!("mysql://{user}@{address}");
    pod
}

/// Exports all accounts with four tasks.
fn export_all(pod: &Pod, out: &str) -> Ended {
    let (folder, state) = (pod.path(out).display().to_string(), shared_state());
    let store = format!("sqlite:{}", pod.path(&format!("{out}.sqlite3")).display());
    let ended = run(
        pod,
        &[
            "export",
            "--all",
            "--plain",
            "--workers",
            "4",
            "--out",
            &folder,
            "--state",
            &state,
            "--store",
            &store,
        ],
    );
    assert!(matches!(ended.code, Some(0 | 10)), "{out}: {ended:?}");
    let archives = names(&pod.path(out)).into_iter().filter(|name| name.contains(".zip")).count();
    assert_eq!(archives, 13, "{out}: {ended:?}");
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_connections_than_tasks_are_enough() {
    let pod = postgres("few_connections", "few").await;
    for limit in [2, 1] {
        pod.pool.execute(&format!("ALTER ROLE few CONNECTION LIMIT {limit}")).await.unwrap();
        let ended = export_all(&pod, &format!("few-{limit}"));
        let output = format!("{}{}", ended.stdout, ended.stderr);
        // One task may have finished before another one needed a connection.
        if output.contains("accepts no more connections") {
            assert!(output.contains("tasks work at a time"), "{output}");
        }
    }
    let pod = mariadb("few_connections", "few").await;
    pod.pool
        .execute("GRANT SELECT ON few_connections.* TO 'few'@'%' WITH MAX_USER_CONNECTIONS 1")
        .await
        .unwrap();
    export_all(&pod, "few");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_database_is_retried_and_reported() {
    let pod = postgres("full_database", "single").await;
    pod.pool.execute("ALTER ROLE single CONNECTION LIMIT 1").await.unwrap();
    let held = Pool::connect(&pod.database).await.unwrap();
    let refused = run(&pod, &["check"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    for words in
        ["accepts no more connections at the moment", "too many connections for role", "CONNECTION LIMIT"]
    {
        assert!(refused.stderr.contains(words), "{words}: {refused:?}");
    }
    let release = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        held.close().await;
    });
    let checked = tokio::task::spawn_blocking(move || run(&pod, &["check"])).await.unwrap();
    release.await.unwrap();
    assert!(matches!(checked.code, Some(0 | 10)), "{checked:?}");
}

fn assert_asks_for_grants(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for word in words {
        assert!(ended.stderr.contains(word), "{word:?} is not in: {}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_reports_missing_rights() {
    let pod = postgres("few_rights", "reader").await;
    let denied = [
        ("photos", "photos"),
        ("account_migrations", "account_migrations"),
        ("schema_migrations", "schema_migrations"),
    ];
    for (table, named) in denied {
        pod.pool.execute(&format!("REVOKE SELECT ON {table} FROM reader")).await.unwrap();
        for command in [&["check"][..], &["export", "ida", "--out", "/nowhere", "--state", &shared_state()]] {
            assert_asks_for_grants(
                &run(&pod, command),
                &[named, &format!("GRANT SELECT ON {table} TO reader;")],
            );
        }
        pod.pool.execute(&format!("GRANT SELECT ON {table} TO reader")).await.unwrap();
    }
    // Two tables at once; the printed statement fixes it.
    pod.pool.execute("REVOKE SELECT ON photos, likes FROM reader").await.unwrap();
    let ended = run(&pod, &["check"]);
    assert_asks_for_grants(&ended, &["likes, photos"]);
    let (_, statement) = ended.stderr.split_once("run: ").unwrap();
    pod.pool.execute(statement.trim()).await.unwrap();
    assert!(matches!(run(&pod, &["check"]).code, Some(0 | 10)));
    // Some columns only: detected where the others are read.
    pod.pool.execute("REVOKE SELECT ON posts FROM reader").await.unwrap();
    pod.pool.execute("GRANT SELECT (id, author_id) ON posts TO reader").await.unwrap();
    assert_asks_for_grants(&run(&pod, &["check"]), &["GRANT SELECT ON posts TO reader;"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_reports_missing_rights() {
    let pod = mariadb("few_rights", "reader").await;
    let granted = tables().map(|table| table.name).filter(|name| !["photos", "pods"].contains(name));
    for table in granted {
        pod.pool.execute(&format!("GRANT SELECT ON few_rights.{table} TO 'reader'@'%'")).await.unwrap();
    }
    pod.pool.execute("GRANT SELECT ON few_rights.schema_migrations TO 'reader'@'%'").await.unwrap();
    let ended = run(&pod, &["check"]);
    assert_asks_for_grants(
        &ended,
        &["photos, pods", "GRANT SELECT ON photos TO 'reader'@'%'; GRANT SELECT ON pods TO"],
    );
    let (_, statements) = ended.stderr.split_once("run: ").unwrap();
    pod.pool.execute(statements.trim()).await.unwrap();
    assert!(matches!(run(&pod, &["check"]).code, Some(0 | 10)));
    pod.pool.execute("REVOKE SELECT ON few_rights.schema_migrations FROM 'reader'@'%'").await.unwrap();
    assert_asks_for_grants(&run(&pod, &["check"]), &["GRANT SELECT ON schema_migrations TO 'reader'@"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_needs_analyze() {
    let url = shared_postgres().await.unwrap().create_database("restored").await.unwrap();
    let pod = Pod::on(tempfile::tempdir().unwrap(), url).await;
    assert!(!run(&pod, &["check"]).stdout.contains("ANALYZE"));
    let many = "INSERT INTO tags (name) SELECT 'tag' || n FROM generate_series(1, 20000) n";
    pod.pool.execute(many).await.unwrap();
    let ended = run(&pod, &["check"]);
    assert!(ended.stdout.contains("has no statistics about tags,") && ended.stdout.contains("ANALYZE"));
    assert_eq!(
        document(&run(&pod, &["check", "--json"]))["survey"]["without_statistics"],
        serde_json::json!(["tags"])
    );
    pod.pool.execute("ANALYZE").await.unwrap();
    assert!(!run(&pod, &["check"]).stdout.contains("ANALYZE"));
}

#[tokio::test]
async fn a_pod_that_has_never_stored_a_photo_is_exported() {
    let pod = Pod::sqlite().await;
    std::fs::remove_dir_all(pod.path("uploads/images")).unwrap();
    // If there are photos, the folder was moved or is not mounted.
    let ended = run(&pod, &["check"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("uploads folder") && ended.stderr.contains("--uploads"), "{ended:?}");
    pod.pool.execute("DELETE FROM photos").await.unwrap();
    let ended = run(&pod, &["check"]);
    assert!(matches!(ended.code, Some(0 | 10)) && ended.stdout.contains("Everything needed"), "{ended:?}");
    let ended = pod.export(&["ida"], "out", &[]);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    assert_eq!(
        json(&pod.archive("out", "ida"), "manifest.json")["counts"].get("photo_files"),
        Some(&0.into())
    );
    export_all(&pod, "whole");
    assert!(!pod.path("uploads/images").exists());
}

#[tokio::test]
async fn an_import_creates_the_missing_photo_folder_of_a_new_pod() {
    let pod = Pod::sqlite().await;
    pod.export(&["ida"], "out", &[]);
    let archive = pod.archive("out", "ida");
    let target = Target::sqlite().await;
    let uploads = target.folder.path().join("uploads");
    std::fs::remove_dir(uploads.join("images")).unwrap();
    std::fs::set_permissions(&uploads, std::fs::Permissions::from_mode(0o2770)).unwrap();
    let pin = fingerprint(&archive);
    let planned = target.import(&archive, "ida", &["--trust-pod", &pin, "--dry-run"]);
    assert!(!uploads.join("images").exists(), "{planned}");
    let done = target.import(&archive, "ida", &["--trust-pod", &pin]);
    let mode = std::fs::metadata(uploads.join("images")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o2770);
    let files = done["kinds"]["photo_files"]["imported"].as_u64();
    assert!(files.is_some_and(|files| files > 0) && names(&uploads.join("images")).len() > 1, "{done}");
}
