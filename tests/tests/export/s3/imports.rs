//! People come to a pod whose photos are in a bucket.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::{Variables, bucket, on_s3};
use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, json, names};
use pappus_engine::domain::PrivateKey;
use pappus_engine::federation::{MagicEnvelope, ReceivedEntity};
use pappus_tests::cluster::S3Double;
use pappus_tests::program::program;
use serde_json::Value;

pub(super) fn import(target: &Target, uploads: &str, environment: &Variables, archive: &Path) -> Value {
    let (state, trust) = (target.path("state"), fingerprint(archive));
    let command = [
        "import",
        archive.to_str().unwrap(),
        "--as",
        "ida",
        "--offline",
        "--hold",
        "--trust-pod",
        &trust,
        "--state",
        &state,
        "--json",
    ];
    let ended = on_s3(&target.database, target.url, uploads, environment, &command);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

fn undo(target: &Target, uploads: &str, environment: &Variables, report: &Value) {
    let state = target.path("state");
    let command = ["undo", report["import"].as_str().unwrap(), "--state", &state];
    let ended = on_s3(&target.database, target.url, uploads, environment, &command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

/// The files of a folder, as keys of a bucket.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    names(folder)
        .into_iter()
        .map(|name| (format!("uploads/images/{name}"), std::fs::read(folder.join(name)).unwrap()))
        .collect()
}

async fn bytes(s3: &S3Double, bucket: &str) -> BTreeMap<String, Vec<u8>> {
    let objects = s3.objects(bucket).await.unwrap();
    objects.into_iter().map(|(key, object)| (key, object.bytes)).collect()
}

/// The archive of an account with photos, and what a folder holds after its import.
async fn imported() -> (Pod, Target, Value, BTreeMap<String, Vec<u8>>) {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    let report = target.import(&archive, "ida", &["--trust-pod", &fingerprint(&archive)]);
    let files = files(&target.folder.path().join("uploads/images"));
    assert!(files.len() >= 10 && files.len().is_multiple_of(5), "{}", files.len());
    (source, target, report, files)
}

#[tokio::test]
async fn an_import_fills_a_bucket_as_a_folder() {
    let (source, _folder, report, files) = imported().await;
    let (s3, environment) = bucket("haven").await;
    // Somebody else's, which must stay.
    s3.put("haven", "uploads/images/other.png", b"other".to_vec()).await.unwrap();
    let target = Target::sqlite().await;
    let archive = source.archive("out", "ida");
    let done = import(&target, "s3://haven", &environment, &archive);
    assert_eq!(done["kinds"], report["kinds"]);
    let mut stored = s3.objects("haven").await.unwrap();
    let other = stored.remove("uploads/images/other.png").unwrap();
    for (key, object) in &stored {
        assert!(object.public, "{key} is for everybody");
        assert_eq!(object.cache, "max-age=31536000", "{key}");
        let kind = if key.rsplit_once('.').is_some_and(|(_, extension)| extension == "png") {
            "image/png"
        } else {
            "image/jpeg"
        };
        assert_eq!(object.kind, kind, "{key}");
    }
    assert!(!other.public, "or nothing was shown");
    let bytes: BTreeMap<_, _> = stored.into_iter().map(|(key, object)| (key, object.bytes)).collect();
    assert!(bytes == files, "{:?} {:?}", bytes.keys(), files.keys());

    // Everything points at the bucket.
    let here = format!("{}/haven/uploads/images/", s3.endpoint());
    for sql in [
        format!(
            "SELECT COUNT(*) FROM photos WHERE processed_image IS NOT NULL AND remote_photo_path <> '{here}'"
        ),
        format!("SELECT COUNT(*) - 1 FROM profiles WHERE image_url LIKE '{here}thumb_large_%'"),
    ] {
        assert_eq!(target.pool.number(&sql).await.unwrap(), 0, "{sql}");
    }
    assert!(
        target.pool.number("SELECT COUNT(*) FROM photos WHERE processed_image IS NOT NULL").await.unwrap()
            > 1
    );

    let rows = target.rows().await;
    let again = import(&target, "s3://haven", &environment, &archive);
    assert_eq!(again["kinds"], done["kinds"]);
    assert_eq!(target.rows().await, rows);
    undo(&target, "s3://haven", &environment, &done);
    assert_eq!(
        s3.objects("haven").await.unwrap(),
        BTreeMap::from([("uploads/images/other.png".to_owned(), other)])
    );
}

#[tokio::test]
async fn another_photo_of_the_same_name_stays() {
    let (source, _folder, _report, files) = imported().await;
    let (s3, environment) = bucket("taken").await;
    let name = files.keys().find(|key| !key.contains('_')).unwrap();
    s3.put("taken", name, b"somebody else's".to_vec()).await.unwrap();
    let (target, archive) = (Target::sqlite().await, source.archive("out", "ida"));
    let done = import(&target, "s3://taken", &environment, &archive);
    assert_eq!(done["kinds"]["photo_files"]["left_out"], serde_json::json!({}));
    let stored = bytes(s3, "taken").await;
    assert_eq!(stored[name], b"somebody else's");
    // It has another name here.
    assert_eq!(stored.len(), files.len() + 1);
    // Other pods, which know the first one, would show somebody else's photo.
    assert_eq!(announced_place(&target, &archive).await, None);
}

#[tokio::test]
async fn the_announcement_names_the_bucket() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    let (s3, environment) = bucket("told").await;
    import(&target, "s3://told", &environment, &archive);
    let here = format!("{}/told/uploads/images/", s3.endpoint());
    assert_eq!(announced_place(&target, &archive).await, Some(here));
}

/// Where other pods hear that the photos are now.
async fn announced_place(target: &Target, archive: &Path) -> Option<String> {
    let announced = target.announce(archive, &[]);
    assert!(matches!(announced.code, Some(0 | 10)), "{announced:?}");
    let key: PrivateKey =
        serde_json::from_value(json(archive, "diaspora.json")["user"]["private_key"].clone()).unwrap();
    let key = key.signing_key().unwrap().public_key().unwrap().verifying_key().unwrap();
    let store = format!("sqlite:{}/pods/haven.example/pappus.sqlite3", target.path("state"));
    let store = sqlx::SqlitePool::connect(&store).await.unwrap();
    let body: Vec<u8> =
        sqlx::query_scalar("SELECT body FROM pappus_deliveries WHERE recipient IS NULL LIMIT 1")
            .fetch_one(&store)
            .await
            .unwrap();
    let payload = MagicEnvelope::parse(&body).unwrap().verify(&key).unwrap();
    let ReceivedEntity::AccountMigration(migration) = payload.entity().unwrap() else { unreachable!() };
    migration.remote_photo_path
}

#[tokio::test]
async fn killed_in_the_middle_it_goes_on() {
    let (source, _folder, report, files) = imported().await;
    let (s3, environment) = bucket("killed").await;
    let (archive, target) = (source.archive("out", "ida"), Target::sqlite().await);
    let (state, trust) = (target.path("state"), fingerprint(&archive));
    let mut halfway = 0;
    for most in (2..files.len()).step_by(7) {
        let mut child = program("pappus")
            .args(["import", archive.to_str().unwrap(), "--as", "ida", "--offline", "--hold"])
            .args([
                "--trust-pod",
                &trust,
                "--database-url",
                &target.database,
                "--pod-url",
                target.url,
                "--state",
                &state,
            ])
            .args(["--uploads", "s3://killed"])
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while child.try_wait().unwrap().is_none() && s3.keys("killed").await.unwrap().len() < most {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let stored = bytes(s3, "killed").await;
        // What is there is whole.
        assert!(stored.iter().all(|(key, bytes)| files.get(key) == Some(bytes)), "{:?}", stored.keys());
        halfway += usize::from(stored.len() < files.len());
    }
    assert!(halfway > 1, "never in the middle");
    let done = import(&target, "s3://killed", &environment, &archive);
    assert_eq!(done["kinds"], report["kinds"]);
    assert!(bytes(s3, "killed").await == files);
    undo(&target, "s3://killed", &environment, &done);
    assert!(bytes(s3, "killed").await.is_empty());
}
