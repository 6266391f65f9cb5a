//! Photos on S3, both ways: a pod whose photos are in a bucket exports what one with a folder does, and takes
//! people in as one with a folder does.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, TIME, json, names, omissions};
use pappus_engine::domain::PrivateKey;
use pappus_engine::federation::{MagicEnvelope, ReceivedEntity};
use pappus_tests::cluster::{S3Double, shared_s3};
use pappus_tests::heavy::{HeavyAccount, heavy_account};
use pappus_tests::program::{Ended, pappus_in, program};
use serde_json::Value;

const EVERYBODY: [&str; 13] = [
    "berta", "clara", "emil", "greta", "ida", "jonas", "lotte", "moritz", "nils", "oskar_1", "ruth",
    "viktor", "yasmin",
];

type Variables = Vec<(&'static str, String)>;

/// The shared server with a new bucket in it, and how programs get there.
async fn bucket(name: &str) -> (&'static S3Double, Variables) {
    let s3 = shared_s3().await.unwrap();
    s3.create_bucket(name).await.unwrap();
    (s3, s3.environment("AKIA", "secret"))
}

/// Runs a command on a pod whose photos are elsewhere.
fn on_s3(database: &str, url: &str, uploads: &str, environment: &Variables, command: &[&str]) -> Ended {
    let place = ["--database-url", database, "--pod-url", url, "--uploads", uploads];
    pappus_in(environment, command.iter().chain(&place)).unwrap()
}

fn export(pod: &Pod, uploads: &str, environment: &Variables, names: &[&str], out: &str) -> Ended {
    let (out, state) = (pod.path(out).display().to_string(), crate::support::shared_state());
    let mut command = vec!["export", "--out", &out, "--state", &state, "--created-at", TIME];
    command.extend(names);
    on_s3(&pod.database, pappus_tests::sample::POD_URL, uploads, environment, &command)
}

fn assert_refused(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let sentence = ended.stderr.trim_end();
    assert_eq!(sentence.lines().count(), 1, "{sentence}");
    for word in words {
        assert!(sentence.contains(word), "{word:?} is not in: {sentence}");
    }
    assert!(!sentence.contains("secret7"), "{sentence}");
}

#[tokio::test]
async fn a_bucket_exports_as_a_folder_does() {
    let (s3, environment) = bucket("export").await;
    let pod = Pod::sqlite().await;
    s3.put_folder("export", "uploads/images/", &pod.path("uploads/images")).await.unwrap();
    assert!(matches!(pod.export(&EVERYBODY, "folder", &[]).code, Some(0 | 10)));
    let ended = export(&pod, "s3://export", &environment, &EVERYBODY, "bucket");
    assert_eq!(ended.code, Some(10), "{ended:?}");
    let mut photos = 0;
    for name in EVERYBODY {
        let read = |out| std::fs::read(pod.archive(out, name)).unwrap();
        assert!(read("folder") == read("bucket"), "{name}");
        photos +=
            json(&pod.archive("bucket", name), "manifest.json")["counts"]["photo_files"].as_u64().unwrap();
    }
    assert_eq!(photos, 11);

    // The same under a prefix, without one of the photos, here and there.
    let lost = names(&pod.path("uploads/images")).into_iter().find(|name| !name.contains('_')).unwrap();
    std::fs::remove_file(pod.path("uploads/images").join(&lost)).unwrap();
    s3.put_folder("export", "old/pod/images/", &pod.path("uploads/images")).await.unwrap();
    pod.export(&EVERYBODY, "folder2", &[]);
    let ended = export(&pod, "s3://export/old/pod/", &environment, &EVERYBODY, "bucket2");
    assert_eq!(ended.code, Some(10), "{ended:?}");
    let missing = |out| {
        let all = EVERYBODY.iter().flat_map(|name| omissions(&pod.archive(out, name)));
        all.filter(|(code, _)| code == "missing_file").count()
    };
    assert_eq!((missing("bucket"), missing("bucket2")), (missing("folder"), missing("folder") + 1));
    for name in EVERYBODY {
        let read = |out| std::fs::read(pod.archive(out, name)).unwrap();
        assert!(read("folder2") == read("bucket2"), "{name}");
    }
}

#[tokio::test]
async fn many_and_large_photos_come_in_order() {
    let (s3, environment) = bucket("many").await;
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("db.sqlite3").display());
    let pod = Pod::on(folder, database).await;
    let postgres = pappus_tests::cluster::shared_postgres().await.unwrap();
    let url = postgres.create_database("s3_many").await.unwrap();
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    let size = HeavyAccount {
        posts: 60,
        relayables: 20,
        photos: 50,
        photo_bytes: 40_000,
        ..HeavyAccount::default()
    };
    let uploads = pod.path("heavy");
    heavy_account(&pool, Some(&uploads), &size).await.unwrap();
    // Some larger than what is fetched ahead.
    for name in names(&uploads.join("images")).iter().step_by(7) {
        let path = uploads.join("images").join(name);
        let bytes = std::fs::read(&path).unwrap().repeat(40);
        std::fs::write(&path, bytes).unwrap();
    }
    s3.put_folder("many", "uploads/images/", &uploads.join("images")).await.unwrap();
    let heavy = Pod { database: url, folder: pod.folder, pool: pod.pool };
    let from = |uploads: &str, out: &str| {
        let ended = export(&heavy, uploads, &environment, &["alice"], out);
        assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
        std::fs::read(heavy.archive(out, "alice")).unwrap()
    };
    let (folder, bucket) = (from(&uploads.display().to_string(), "folder"), from("s3://many", "bucket"));
    assert!(folder.len() > 10_000_000);
    assert!(folder == bucket);
}

#[tokio::test]
async fn a_pods_own_settings_are_enough() {
    let (s3, environment) = bucket("pictures").await;
    let folder = tempfile::tempdir().unwrap();
    let pod = folder.path().join("pod");
    assert!(program("sample-pod").arg(&pod).output().unwrap().status.success());
    let images = pod.join("public/uploads/images");
    s3.put_folder("pictures", "uploads/images/", &images).await.unwrap();
    std::fs::remove_dir_all(&images).unwrap();
    let settings = pod.join("config/diaspora.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let enabled =
        "enable = true\nkey = \"AKIA\"\nsecret = \"secret7\"\nbucket = \"pictures\"\nregion = \"eu-west-1\"";
    assert!(text.contains("#enable = true"));
    std::fs::write(&settings, text.replace("#enable = true", enabled)).unwrap();
    let server: Variables = environment.into_iter().take(2).collect();
    let pod = pod.to_str().unwrap();
    let check = |more: &[&str], variables: &Variables| {
        let mut arguments = vec!["check", "--pod", pod];
        arguments.extend(more);
        pappus_in(variables, arguments).unwrap()
    };
    let ended = check(&[], &server);
    assert_eq!(ended.code, Some(10), "{ended:?}");
    assert!(
        ended.stdout.contains("Its photos can be read: s3://pictures/uploads/images at http://127"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("  1 photo whose file is missing."), "{ended:?}");
    let report: Value = serde_json::from_str(&check(&["--json"], &server).stdout).unwrap();
    assert_eq!((&report["ready"], &report["survey"]["missing_files"]), (&true.into(), &1.into()));
    let mut other = server.clone();
    other.push(("ENVIRONMENT_S3_BUCKET", "elsewhere".to_owned()));
    let ended = check(&[], &other);
    assert_refused(&ended, &["s3://elsewhere", "no such bucket"]);
    assert!(ended.stdout.contains("Its photos cannot be read"), "{ended:?}");
}

#[tokio::test]
async fn only_the_right_key_gets_in() {
    let (s3, pod) = (S3Double::start().await.unwrap(), Pod::sqlite().await);
    s3.create_bucket("pictures").await.unwrap();
    s3.put_folder("pictures", "uploads/images/", &pod.path("uploads/images")).await.unwrap();
    let (key, secret) = s3.lock().await.unwrap();
    let right = s3.environment(&key, &secret);
    let ended = export(&pod, "s3://pictures", &right, &["ida"], "out");
    assert_eq!(ended.code, Some(10), "{ended:?}");
    let archive = pod.archive("out", "ida");
    let target = Target::sqlite().await;
    // What is stored is signed with the access it gets.
    let done = import(&target, "s3://pictures/new", &right, &archive);
    assert_eq!(done["kinds"]["photo_files"]["left_out"], serde_json::json!({}), "{done}");

    std::fs::remove_file(&archive).unwrap();
    let wrong = [
        (s3.environment(&key, "secret7"), "secret of the access key is wrong"),
        (s3.environment("AKIASECRET7", "secret7"), "does not know the access key"),
    ];
    for (environment, words) in wrong {
        for command in [&["check"] as &[&str], &["export", "ida", "--out", &target.path("none")]] {
            let url = pappus_tests::sample::POD_URL;
            let ended = on_s3(&pod.database, url, "s3://pictures", &environment, command);
            assert_refused(&ended, &["s3://pictures/uploads/images", words]);
        }
    }
    let none = s3.environment(&key, "");
    assert_refused(&export(&pod, "s3://pictures", &none, &["ida"], "out"), &["AWS_SECRET_ACCESS_KEY"]);
    assert!(names(&pod.path("out")).is_empty() && !Path::new(&target.path("none")).exists());
}

#[tokio::test]
async fn what_cannot_be_reached_is_said() {
    let (s3, environment) = bucket("reach").await;
    let pod = Pod::sqlite().await;
    let try_export = |uploads: &str, environment: &Variables| {
        let ended = export(&pod, uploads, environment, &["ida"], "out");
        assert!(names(&pod.path("out")).is_empty(), "nothing is left");
        ended
    };
    assert_refused(&try_export("s3://nobody", &environment), &["s3://nobody", "no such bucket"]);
    let mut plain = environment.clone();
    plain.retain(|(name, _)| *name != "AWS_ALLOW_HTTP");
    assert_refused(&try_export("s3://reach", &plain), &["AWS_ALLOW_HTTP"]);
    assert_refused(&try_export("s3://", &environment), &["s3://BUCKET"]);
    let elsewhere = |port: u16| {
        let mut elsewhere = environment.clone();
        elsewhere[0].1 = format!("http://127.0.0.1:{port}");
        elsewhere
    };
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_refused(&try_export("s3://reach", &elsewhere(closed)), &["did not answer", "refused"]);

    // The names can be listed, and every photo breaks off in the middle.
    s3.put_folder("reach", "uploads/images/", &pod.path("uploads/images")).await.unwrap();
    let cut = cutting_proxy(s3.port(), 3000);
    assert_refused(&try_export("s3://reach", &elsewhere(cut)), &["ida was not exported", "cannot be read"]);
    // Through one that only breaks off now and then it works: what is missing is asked for again.
    let cut = cutting_proxy(s3.port(), 200_000);
    let ended = export(&pod, "s3://reach", &elsewhere(cut), &["ida"], "out");
    assert_eq!(ended.code, Some(10), "{ended:?}");
}

/// Hands connections on to a port, and breaks each off after so many bytes of its answers.
fn cutting_proxy(to: u16, most: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(mut client), Ok(mut server)) = (client, TcpStream::connect(("127.0.0.1", to))) else {
                return;
            };
            let (mut from, mut onward) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut onward));
            std::thread::spawn(move || {
                let (mut buffer, mut left) = (vec![0; 1000], most);
                while let Ok(length @ 1..) = server.read(&mut buffer) {
                    let sent = length.min(left);
                    if client.write_all(&buffer[..sent]).is_err() || sent < length {
                        break;
                    }
                    left -= sent;
                }
                _ = client.shutdown(std::net::Shutdown::Both);
                _ = server.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    port
}

fn import(target: &Target, uploads: &str, environment: &Variables, archive: &Path) -> Value {
    let (state, trust) = (target.path("state"), fingerprint(archive));
    let command = [
        "import",
        archive.to_str().unwrap(),
        "--as",
        "ida",
        "--offline",
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
    assert_eq!(done["kinds"]["photo_files"]["left_out"], serde_json::json!({ "file_taken": 1 }));
    let stored = bytes(s3, "taken").await;
    assert_eq!(stored[name], b"somebody else's");
    assert_eq!(stored.len(), files.len() - 4);
    the_announcement_names_the_bucket(&target, &archive, s3).await;
}

/// Other pods hear where the photos are now.
async fn the_announcement_names_the_bucket(target: &Target, archive: &Path, s3: &S3Double) {
    let announced = target.run(&["announce", archive.to_str().unwrap()]);
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
    let here = format!("{}/taken/uploads/images/", s3.endpoint());
    assert_eq!(migration.remote_photo_path, Some(here));
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
            .args(["import", archive.to_str().unwrap(), "--as", "ida", "--offline", "--trust-pod", &trust])
            .args(["--database-url", &target.database, "--pod-url", target.url, "--state", &state])
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
