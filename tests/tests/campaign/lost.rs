//! What is lost after it was stored is found, and made again.

use std::fs;

use serde_json::Value;

use super::scene::{Line, Scene, ended_well};
use crate::support::{document, names};

/// Removes one archive, cuts another, and changes a byte of a third; whose they were.
fn lose(scene: &Scene, lines: &[Line]) -> Vec<String> {
    let path = |line: &Line| scene.out().join(line.file.as_ref().unwrap());
    fs::remove_file(path(&lines[1])).unwrap();
    let cut = fs::read(path(&lines[4])).unwrap();
    fs::write(path(&lines[4]), &cut[..cut.len() / 2]).unwrap();
    let mut changed = fs::read(path(&lines[7])).unwrap();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(path(&lines[7]), changed).unwrap();
    [1, 4, 7].map(|line: usize| lines[line].account.clone()).to_vec()
}

fn kinds(found: &Value) -> Vec<&str> {
    found["problems"].as_array().unwrap().iter().map(|problem| problem["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn archives() {
    for (command, more) in [("retry", "--damaged"), ("verify", "--repair")] {
        let scene = Scene::sample(None).await;
        ended_well(&scene.run(&["--name", "kept"]));
        let lines = scene.accounts("kept").await;
        let lost = lose(&scene, &lines);
        let ended = scene.pappus("campaign", &["verify", "kept", "--json"]);
        assert_eq!((ended.code, kinds(&document(&ended)).len()), (Some(10), 3), "{ended:?}");
        let ended = scene.pappus("campaign", &[command, "kept", more]);
        assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
        ended_well(&scene.run(&["--name", "kept"]));
        scene.is_whole("kept", 13);
        for (before, after) in lines.iter().zip(scene.accounts("kept").await) {
            assert_eq!(before.file != after.file, lost.contains(&after.account), "{before:?} {after:?}");
        }
    }
}

/// What has not changed is made again when its archive is lost; what is there is not.
#[tokio::test]
async fn archives_that_a_later_campaign_builds_upon() {
    let scene = Scene::sample(None).await;
    ended_well(&scene.run(&["--plain", "--name", "first"]));
    ended_well(&scene.run(&["--plain", "--name", "second", "--since", "first"]));
    let lines = scene.accounts("first").await;
    let mut lost = lose(&scene, &lines);
    lost.sort();
    // Straight, and by way of one that has nothing of its own.
    for (name, since) in [("third", "first"), ("fourth", "second")] {
        let ended = scene.run(&["--plain", "--name", name, "--since", since]);
        ended_well(&ended);
        assert!(
            ended.stdout.contains("that are missing or damaged, and will be exported again: 3."),
            "{ended:?}"
        );
        let done: Vec<String> = scene
            .accounts(name)
            .await
            .into_iter()
            .filter(|line| line.state == "done")
            .map(|line| line.account)
            .collect();
        assert_eq!(done, lost);
    }
    // A place that is away is no place whose archives are lost.
    fs::rename(scene.out(), scene.path("away")).unwrap();
    let mut arguments = scene.export_to(
        &scene.path("new"),
        &["--plain", "--name", "fifth", "--since", "first", "--patience", "1"],
    );
    arguments.insert(0, String::new());
    let ended = pappus_tests::program::pappus(&arguments[1..]).unwrap();
    assert!(ended.code == Some(1) && ended.stderr.contains("Waiting: "), "{ended:?}");
}

/// By the word of the store a check works whatever the list's state, and the list can be written anew.
#[tokio::test]
async fn lists() {
    let scene = Scene::sample(None).await;
    ended_well(&scene.run(&["--plain", "--name", "listed"]));
    let list = scene.out().join("campaign.json");
    let whole = fs::read_to_string(&list).unwrap();
    let swapped = whole.replacen("\"state\":\"done\"", "\"state\":\"skipped\"", 1);
    let cases: [(&str, Option<String>); 5] = [
        ("cut", Some(whole[..whole.len() / 2].to_owned())),
        ("empty", Some(String::new())),
        ("no list", Some("[1, 2]".to_owned())),
        ("another word", Some(swapped)),
        ("gone", None),
    ];
    for (case, text) in cases {
        match &text {
            Some(text) => fs::write(&list, text).unwrap(),
            None => fs::remove_file(&list).unwrap(),
        }
        let ended = scene.pappus("campaign", &["verify", "listed", "--json"]);
        let found = document(&ended);
        assert_eq!(ended.code, Some(10), "{case}: {ended:?}");
        assert_eq!(found["lists"][0]["verified"], 13, "{case}: {ended:?}");
        let kinds = kinds(&found);
        assert!(kinds.contains(&"list") || kinds.contains(&"signature"), "{case}: {kinds:?}");
        assert!(kinds.iter().all(|kind| ["list", "signature"].contains(kind)), "{case}: {kinds:?}");
        let ended = scene.pappus("campaign", &["verify", "listed", "--repair"]);
        assert!(ended.stdout.contains("The list campaign.json was rewritten"), "{case}: {ended:?}");
        scene.is_whole("listed", 13);
        // The campaign itself does the same, and says so.
        match &text {
            Some(text) => fs::write(&list, text).unwrap(),
            None => fs::remove_file(&list).unwrap(),
        }
        let ended = scene.run(&["--plain", "--name", "listed"]);
        ended_well(&ended);
        if ["cut", "empty", "no list"].contains(&case) {
            assert!(
                ended.stderr.contains("campaign.json was damaged and has been rewritten"),
                "{case}: {ended:?}"
            );
        }
        scene.is_whole("listed", 13);
    }
    // Another's broken list is nobody's: it stays.
    fs::write(scene.out().join("campaign-strange.json"), "{").unwrap();
    ended_well(&scene.run(&["--plain", "--name", "strange"]));
    assert_eq!(fs::read_to_string(scene.out().join("campaign-strange.json")).unwrap(), "{");
    assert!(names(&scene.out()).iter().any(|name| name.starts_with("campaign-strange-")));
}
