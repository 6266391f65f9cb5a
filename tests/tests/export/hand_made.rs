//! Pods whose databases and folders were changed by hand.

use std::process::Command;

use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::program::{Ended, pappus, program};

use crate::support::{Pod, entry};

fn check(pod: &Pod) -> Ended {
    let mut arguments = vec!["check".to_owned()];
    arguments.extend(pod.arguments());
    pappus(arguments).unwrap()
}

async fn on_postgres(name: &str) -> Pod {
    let url = shared_postgres().await.unwrap().create_database(name).await.unwrap();
    Pod::on(tempfile::tempdir().unwrap(), url).await
}

/// PostgreSQL looks for tables in all schemas of the search path; the first one may be empty.
#[tokio::test]
async fn tables_behind_an_empty_schema_are_found() {
    let mut pod = on_postgres("hand_made_schema").await;
    pod.pool.execute("CREATE ROLE roamer LOGIN SUPERUSER").await.unwrap();
    pod.pool.execute("CREATE SCHEMA roamer AUTHORIZATION roamer").await.unwrap();
    pod.database = pod.database.replace("postgres@", "roamer@");
    let ended = check(&pod);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    let ended = pod.export(&["ida"], "out", &[]);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
}

/// A type that is none of PostgreSQL's own is named; a domain is none.
#[tokio::test]
async fn a_foreign_type_is_named() {
    let pod = on_postgres("hand_made_type").await;
    pod.pool.execute("CREATE DOMAIN name AS varchar(255)").await.unwrap();
    pod.pool.execute("ALTER TABLE aspects ALTER name TYPE public.name").await.unwrap();
    assert!(matches!(check(&pod).code, Some(0 | 10)));
    pod.pool.execute("CREATE TYPE hue AS ENUM ('dark')").await.unwrap();
    pod.pool.execute("ALTER TABLE users ALTER color_theme DROP DEFAULT").await.unwrap();
    pod.pool.execute("ALTER TABLE users ALTER color_theme TYPE hue USING 'dark'").await.unwrap();
    let ended = check(&pod);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("users.color_theme is of the type hue"), "{ended:?}");
}

/// Numbers in columns of other types are the same numbers.
#[tokio::test]
async fn decimal_and_unsigned_columns_lose_nothing() {
    let url = shared_mariadb().await.unwrap().create_database("hand_made_numbers").await.unwrap();
    let mariadb = Pod::on(tempfile::tempdir().unwrap(), url).await;
    let columns = [("comments", "commentable_id"), ("likes", "target_id"), ("photos", "height")];
    for (pod, change) in [(on_postgres("hand_made_numbers").await, "ALTER"), (mariadb, "MODIFY")] {
        pod.export(&["ida"], "before", &[]);
        let kinds: &[&str] = match change {
            "ALTER" => &["TYPE numeric", "TYPE smallint", "TYPE double precision"],
            _ => &["INT UNSIGNED", "DECIMAL(20,0)", "DOUBLE"],
        };
        for kind in kinds {
            for (table, column) in columns {
                let sql = format!("ALTER TABLE {table} {change} {column} {kind}");
                pod.pool.execute(&sql).await.unwrap();
            }
            if change == "ALTER" && *kind == "TYPE smallint" {
                let sql = "ALTER TABLE aspects ALTER post_default DROP DEFAULT, \
                           ALTER post_default TYPE smallint USING post_default::integer";
                pod.pool.execute(sql).await.unwrap();
            }
            let out = kind.replace(' ', "-");
            let ended = pod.export(&["ida"], &out, &[]);
            assert!(matches!(ended.code, Some(0 | 10)), "{kind}: {ended:?}");
            for name in ["diaspora.json", "extras.json"] {
                let read = |out| entry(&pod.archive(out, "ida"), name);
                assert!(read("before") == read(&out), "{kind}: {name} differs");
            }
        }
    }
}

/// A named pipe in place of a photo is no photo; nobody waits for its other end.
#[tokio::test]
async fn a_pipe_is_no_photo() {
    let pod = Pod::sqlite().await;
    let images = pod.path("uploads/images");
    for name in crate::support::names(&images) {
        let path = images.join(name);
        std::fs::remove_file(&path).unwrap();
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }
    let mut checking = Command::new("timeout");
    checking.arg("60").arg(program("pappus").get_program()).arg("check").args(pod.arguments());
    assert_eq!(checking.output().unwrap().status.code(), Some(10));
    let state = crate::support::shared_state();
    let mut exporting = Command::new("timeout");
    exporting.arg("60").arg(program("pappus").get_program()).args(["export", "ida", "--state", &state]);
    exporting.arg("--out").arg(pod.path("out")).args(pod.arguments());
    assert_eq!(exporting.output().unwrap().status.code(), Some(10));
}
