//! What cannot be done fails with one clear sentence and exit code 1, and leaves nothing behind.

use std::process::Command;

use crate::support::{Pod, names};
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::program::{Ended, pappus, program};

fn assert_refused(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let sentence = ended.stderr.trim_end();
    assert_eq!(sentence.lines().count(), 1, "{sentence}");
    assert!(sentence.starts_with("pappus: "), "{sentence}");
    for word in words {
        assert!(sentence.contains(word), "{word:?} is not in: {sentence}");
    }
}

fn export(database: &str, uploads: &str, out: &str, state: &str) -> Ended {
    pappus([
        "export",
        "ida",
        "--database-url",
        database,
        "--pod-url",
        "https://closing.example/",
        "--uploads",
        uploads,
        "--out",
        out,
        "--state",
        state,
    ])
    .unwrap()
}

#[tokio::test]
async fn no_database() {
    let pod = Pod::sqlite().await;
    let (uploads, out) = (pod.path("uploads").display().to_string(), pod.path("out").display().to_string());
    let state = pod.path("state").display().to_string();
    let missing = pod.path("none.sqlite3").display().to_string();
    assert_refused(&export(&format!("sqlite:{missing}"), &uploads, &out, &state), &["cannot be reached"]);
    for url in ["postgres://diaspora:secret@127.0.0.1:1/pod", "mysql://diaspora:secret@127.0.0.1:1/pod"] {
        let ended = export(url, &uploads, &out, &state);
        assert_refused(&ended, &["127.0.0.1", "cannot be reached"]);
        assert!(!ended.stderr.contains("secret"), "{}", ended.stderr);
    }
    assert_refused(&export("oracle://x/y", &uploads, &out, &state), &[]);
    assert!(names(&pod.path("out")).is_empty() && !pod.path("none.sqlite3").exists());
}

#[tokio::test]
async fn wrong_password() {
    let pod = Pod::sqlite().await;
    let mariadb = shared_mariadb().await.unwrap().create_database("password").await.unwrap();
    let pool = pappus_tests::schema::Pool::connect(&mariadb).await.unwrap();
    pool.execute("CREATE USER IF NOT EXISTS 'mallory'@'%' IDENTIFIED BY 'right'").await.unwrap();
    let (_, address) = mariadb.split_once('@').unwrap();
    let wrong = format!("mysql://mallory:wrong-secret@{address}");
    let (uploads, out) = (pod.path("uploads").display().to_string(), pod.path("out").display().to_string());
    let ended = export(&wrong, &uploads, &out, &pod.path("state").display().to_string());
    assert_refused(&ended, &["Access denied"]);
    assert!(!ended.stderr.contains("wrong-secret"), "{}", ended.stderr);
    assert!(names(&pod.path("out")).is_empty());
}

#[tokio::test]
async fn not_a_pod() {
    let pod = Pod::sqlite().await;
    let empty = shared_postgres().await.unwrap().create_database("empty").await.unwrap();
    let (uploads, out) = (pod.path("uploads").display().to_string(), pod.path("out").display().to_string());
    let ended = export(&empty, &uploads, &out, &pod.path("state").display().to_string());
    assert_refused(&ended, &["not a diaspora* pod's database"]);
    pod.pool.execute("DELETE FROM schema_migrations WHERE version > '2015'").await.unwrap();
    pod.pool.execute("INSERT INTO schema_migrations (version) VALUES ('20140101000000')").await.unwrap();
    assert_refused(&pod.export(&["ida"], "out", &[]), &["older than diaspora* 0.7", "update the pod"]);
    assert!(names(&pod.path("out")).is_empty());
}

#[tokio::test]
async fn an_interrupted_migration() {
    let pod = Pod::sqlite().await;
    pod.pool.execute("ALTER TABLE posts RENAME COLUMN guid TO guid_old").await.unwrap();
    assert_refused(&pod.export(&["ida"], "out", &[]), &["posts.guid is missing"]);
    assert!(names(&pod.path("out")).is_empty());
}

#[tokio::test]
async fn no_photos_folder() {
    let pod = Pod::sqlite().await;
    std::fs::rename(pod.path("uploads"), pod.path("elsewhere")).unwrap();
    assert_refused(&pod.export(&["ida"], "out", &[]), &["uploads folder", "--uploads"]);
    let mut arguments = vec!["check".to_owned()];
    arguments.extend(pod.arguments());
    assert_refused(&pappus(arguments).unwrap(), &["uploads folder"]);
    assert!(names(&pod.path("out")).is_empty());
}

#[tokio::test]
async fn unknown_account() {
    let pod = Pod::sqlite().await;
    assert_refused(&pod.export(&["nobody"], "out", &[]), &["nobody", "pappus check"]);
    assert_refused(&pod.export(&["ida@other.example"], "out", &[]), &["ida@other.example"]);
    assert!(names(&pod.path("out")).is_empty());
}

#[tokio::test]
async fn existing_output() {
    let pod = Pod::sqlite().await;
    pod.export(&["emil"], "out", &[]);
    let before = std::fs::read(pod.archive("out", "emil")).unwrap();
    assert_refused(&pod.export(&["emil"], "out", &[]), &["already exists"]);
    assert_eq!(names(&pod.path("out")).len(), 1);
    assert!(std::fs::read(pod.archive("out", "emil")).unwrap() == before);
}

#[tokio::test]
async fn full_disk() {
    let pod = Pod::sqlite().await;
    let mut command = Command::new("sh");
    // No file may grow beyond 16 blocks: the kernel's way to say so is the one of a full disk, an error in
    // the middle of writing.
    command.args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\""]);
    command.arg(program("pappus").get_program()).args([
        "export",
        "ida",
        "--created-at",
        crate::support::TIME,
    ]);
    command.args(pod.arguments()).arg("--out").arg(pod.path("out"));
    // The archive key must not be made under the limit.
    pod.export(&["emil"], "warm", &[]);
    command.arg("--state").arg(std::env::temp_dir().join("pappus-test-state"));
    let output = command.output().unwrap();
    let ended = Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    assert_refused(&ended, &["ida was not exported"]);
    assert!(names(&pod.path("out")).is_empty(), "{:?}", names(&pod.path("out")));
}

#[tokio::test]
async fn one_that_cannot_be_exported_does_not_keep_the_others() {
    let pod = Pod::sqlite().await;
    let ended = pod.export(&["emil", "nobody", "clara"], "out", &["--json"]);
    assert_refused(&ended, &["nobody was not exported", "there is no account"]);
    let report = crate::support::document(&ended);
    let accounts: Vec<_> = report["exported"].as_array().unwrap().iter().map(|one| &one["account"]).collect();
    assert_eq!(accounts, ["emil@closing.example", "clara@closing.example"]);
    assert_eq!(
        (&report["failed"][0]["account"], &report["not_tried"]),
        (&"nobody".into(), &serde_json::json!([]))
    );
    assert_eq!(names(&pod.path("out")).len(), 2);

    // Where nothing can be written, nobody else is tried.
    std::fs::write(pod.path("file"), "").unwrap();
    let ended = pod.export(&["emil", "clara"], "file", &["--json"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("1 more account was not tried"), "{ended:?}");
    assert_eq!(crate::support::document(&ended)["not_tried"], serde_json::json!(["clara"]));
}

#[tokio::test]
async fn unwritable_output() {
    let pod = Pod::sqlite().await;
    std::fs::write(pod.path("file"), "").unwrap();
    assert_refused(&pod.export(&["ida"], "file", &[]), &["cannot be written"]);
}

#[test]
fn wrong_usage_has_a_code_of_its_own() {
    for arguments in [&["export", "ida"][..], &["export"], &["convert", "x"], &["fly"]] {
        assert_eq!(pappus(arguments).unwrap().code, Some(2), "{arguments:?}");
    }
}

#[test]
fn what_is_no_archive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.zip");
    std::fs::write(&path, "not an archive").unwrap();
    for command in ["verify", "show"] {
        assert_refused(&pappus([command, path.to_str().unwrap()]).unwrap(), &["x.zip"]);
    }
    assert_refused(&pappus(["verify", "/nowhere/a.zip"]).unwrap(), &["/nowhere/a.zip"]);
}
