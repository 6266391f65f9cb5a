//! Two campaigns in one place: neither takes the other's files for its own.

use std::collections::BTreeSet;
use std::process::Stdio;

use pappus_tests::cluster::shared_s3;
use serde_json::Value;

use super::scene::Scene;
use crate::support::{document, names, put_key};

/// Two programs that know nothing of each other, of one pod: at the same second, with the same name, into one place.
async fn at_the_same_second(mut scene: Scene, bucket: bool) {
    put_key(&scene.path("other"));
    if bucket {
        let s3 = shared_s3().await.unwrap();
        s3.create_bucket("campaign-owners").await.unwrap();
        scene.environment = s3.environment("AKIA", "secret");
        scene.bucket = Some("s3://campaign-owners/pod".to_owned());
    }
    let options = ["--name", "closing", "--workers", "2"];
    let mut programs: Vec<_> = ["state", "other"]
        .iter()
        .map(|state| {
            let mut command = scene.command(scene.export_from(state, &options));
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for program in &mut programs {
        assert!(matches!(program.wait().unwrap().code(), Some(0 | 10)));
    }
    let mut lists = BTreeSet::new();
    for state in ["state", "other"] {
        let mut arguments: Vec<String> =
            ["campaign", "verify", "closing", "--json"].map(str::to_owned).to_vec();
        arguments.extend(scene.places(state));
        let ended = pappus_tests::program::pappus_in(&scene.environment, arguments).unwrap();
        let found = document(&ended);
        let problems: Vec<&Value> = found["problems"]
            .as_array()
            .unwrap()
            .iter()
            // The store of the one does not know the other; its list does, when it can be read.
            .filter(|problem| problem["kind"] != "surplus")
            .collect();
        assert!(problems.is_empty(), "{state}: {problems:?}");
        assert_eq!(
            (&found["lists"][0]["totals"]["done"], &found["lists"][0]["verified"]),
            (&13.into(), &13.into())
        );
        lists.insert(found["lists"][0]["file"].as_str().unwrap().to_owned());
    }
    assert_eq!(lists.len(), 2, "both have one list: {lists:?}");
    if !bucket {
        let archives = names(&scene.out()).iter().filter(|name| name.ends_with(".zip.age")).count();
        assert_eq!(archives, 26);
    }
}

#[tokio::test]
async fn at_the_same_second_in_a_folder() {
    at_the_same_second(Scene::sample(None).await, false).await;
}

#[tokio::test]
async fn at_the_same_second_in_a_bucket() {
    at_the_same_second(Scene::sample(None).await, true).await;
}

/// With another key, and with a time that was chosen: what the first has stored stays byte for byte.
#[tokio::test]
async fn the_second_leaves_the_first_alone() {
    let scene = Scene::sample(None).await;
    let time = ["--created-at", "2026-01-02T03:04:05Z"];
    let ended = scene.run(&[&["--name", "first"][..], &time[..]].concat());
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    let read = |name: &String| (name.clone(), std::fs::read(scene.out().join(name)).unwrap());
    let stored = |name: &&String| name.contains(".zip.age") || name.starts_with("campaign.");
    let before: Vec<_> = names(&scene.out()).iter().filter(stored).map(read).collect();
    assert_eq!(before.len(), 13 + 3);
    assert_eq!(scene.pappus("keys", &["rotate"]).code, Some(0));
    let ended = scene.run(&[&["--name", "second"][..], &time[..]].concat());
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    for (name, bytes) in &before {
        assert!(std::fs::read(scene.out().join(name)).unwrap() == *bytes, "{name}");
    }
    for name in ["first", "second"] {
        let ended = scene.pappus("campaign", &["verify", name]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
}
