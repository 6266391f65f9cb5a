//! Photos on S3, both ways: a pod whose photos are in a bucket exports what one with a folder does, and takes
//! people in as one with a folder does.

mod imports;
mod refusals;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use crate::support::target::Target;
use crate::support::{Pod, TIME, json, names, omissions};
use imports::import;
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
    let missing = report["forecast"]["omissions"].as_array().unwrap().iter();
    let missing = missing.filter(|one| one["code"] == "missing_file").map(|one| one["count"].clone());
    assert_eq!((&report["ready"], missing.collect::<Vec<_>>()), (&true.into(), vec![1.into()]));
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
