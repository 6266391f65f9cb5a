//! Pods are old and rows break: each defect is exported around, and listed where something was left out.

use crate::support::{Pod, json, omissions};
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::program::pappus;
use pappus_tests::sample::{Damage, SampleError, damage, guid};
use serde_json::Value;

/// What an archive must list for a defect; nothing where the export can keep everything.
fn expected(kind: Damage) -> Option<(&'static str, &'static str)> {
    match kind {
        Damage::PrivateKey | Damage::NoPrivateKey => Some(("unreadable_key", "account")),
        Damage::PublicKey => Some(("unreadable_key", "person")),
        Damage::PhotoFile => Some(("missing_file", "photo_file")),
        Damage::CommentWithoutPost => Some(("missing_parent", "comment")),
        Damage::LikesWithoutTarget => Some(("missing_parent", "like")),
        Damage::OrderGone => Some(("no_signature_order", "comment")),
        Damage::BrokenYaml => Some(("unreadable_additional_data", "comment")),
        Damage::AbsurdTime => Some(("unreadable_time", "post")),
        Damage::ReshareWithoutRoot => Some(("stock_limit", "post")),
        Damage::NulInText
        | Damage::InvalidUtf8
        | Damage::UnknownOrder
        | Damage::PersonWithoutProfile
        | Damage::NoProfile
        | Damage::UnknownMigration => None,
    }
}

fn account(kind: Damage) -> &'static str {
    if kind == Damage::BrokenYaml { "oskar_1" } else { "ida" }
}

async fn check(pod: &Pod, kind: Damage) {
    let name = account(kind);
    pod.export(&[name], "before", &[]);
    let before = omissions(&pod.archive("before", name));
    match damage(&pod.pool, kind).await {
        Err(SampleError::Impossible { .. }) => return,
        other => other.unwrap(),
    }
    if kind == Damage::PhotoFile {
        // Under its other name the file would be found all the same.
        remove_file_of(
            &pod.path("uploads/images"),
            &json(&pod.archive("before", name), "diaspora.json"),
            "lake-1",
        );
    }
    let ended = pod.export(&[name], "after", &[]);
    if kind == Damage::UnknownMigration {
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(
            ended.stderr.contains("newer than any that this version of Pappus supports"),
            "{}",
            ended.stderr
        );
        return;
    }
    assert!(matches!(ended.code, Some(0 | 10)), "{kind:?}: {ended:?}");
    let archive = pod.archive("after", name);
    let mut fresh = omissions(&archive);
    for omission in &before {
        if let Some(known) = fresh.iter().position(|found| found == omission) {
            fresh.remove(known);
        }
    }
    let fresh: Vec<(&str, &str)> = fresh.iter().map(|(code, kind)| (code.as_str(), kind.as_str())).collect();
    match expected(kind) {
        Some(omission) => assert!(fresh.contains(&omission), "{kind:?}: {fresh:?}"),
        None => assert!(fresh.is_empty(), "{kind:?}: {fresh:?}"),
    }
    assert_eq!(ended.code == Some(10), !omissions(&archive).is_empty());
    // Whatever was broken, what is there is whole.
    let ended = pappus(["verify", archive.to_str().unwrap()]).unwrap();
    assert!(matches!(ended.code, Some(0 | 10)), "{kind:?}: {ended:?}");
    look_closer(kind, &json(&archive, "diaspora.json"));
}

fn remove_file_of(images: &std::path::Path, document: &Value, photo: &str) {
    let posts = document["user"]["posts"].as_array().unwrap().iter();
    let mut photos =
        posts.flat_map(|post| post["entity_data"]["photos"].as_array().cloned().unwrap_or_default());
    let photo = photos.find(|found| found["entity_data"]["guid"] == guid("photo", photo)).unwrap();
    std::fs::remove_file(images.join(photo["entity_data"]["remote_photo_name"].as_str().unwrap())).unwrap();
}

/// Defects that leave nothing out leave their mark in the document.
fn look_closer(kind: Damage, document: &Value) {
    let text = document.to_string();
    match kind {
        Damage::NulInText | Damage::InvalidUtf8 => {
            let comments = document["user"]["relayables"].as_array().unwrap();
            let broken = comments
                .iter()
                .find(|c| c["entity_data"]["guid"] == guid("comment", "ida-on-hello"))
                .unwrap();
            assert!(broken["entity_data"]["text"].as_str().unwrap().contains('\u{FFFD}'));
        }
        Damage::ReshareWithoutRoot => {
            let posts = document["user"]["posts"].as_array().unwrap();
            let reshare = posts
                .iter()
                .find(|p| p["entity_data"]["guid"] == guid("post", "ida-reshares-paula"))
                .unwrap();
            assert!(reshare["entity_data"].get("root_author").is_none(), "{reshare}");
        }
        Damage::UnknownOrder => {
            let others = document["others_data"]["relayables"].as_array().unwrap();
            let odd = others
                .iter()
                .find(|c| c["entity_data"]["guid"] == guid("comment", "quentin-on-poll"))
                .unwrap();
            assert!(odd["entity_data"].as_object().unwrap().values().any(Value::is_null), "{odd}");
        }
        Damage::PrivateKey | Damage::NoPrivateKey => assert_eq!(document["user"]["private_key"], ""),
        Damage::NoProfile => {
            assert_eq!(document["user"]["profile"]["entity_data"]["author"], "ida@closing.example");
        }
        _ => assert!(text.len() > 1000),
    }
}

#[tokio::test]
async fn on_sqlite() {
    for kind in Damage::ALL {
        check(&Pod::sqlite().await, kind).await;
    }
}

#[tokio::test]
async fn on_postgresql() {
    let cluster = shared_postgres().await.unwrap();
    for kind in Damage::ALL {
        let name = format!("damage_{kind:?}").to_lowercase();
        // Only a database that does not check can hold invalid UTF-8.
        let url = if kind == Damage::InvalidUtf8 {
            cluster.create_ascii_database(&name).await
        } else {
            cluster.create_database(&name).await
        };
        check(&Pod::on(tempfile::tempdir().unwrap(), url.unwrap()).await, kind).await;
    }
}

#[tokio::test]
async fn on_mariadb() {
    let cluster = shared_mariadb().await.unwrap();
    // The kinds whose values a database itself could refuse or hide.
    for kind in [Damage::NulInText, Damage::AbsurdTime, Damage::PrivateKey, Damage::CommentWithoutPost] {
        let url = cluster.create_database(&format!("damage_{kind:?}").to_lowercase()).await.unwrap();
        check(&Pod::on(tempfile::tempdir().unwrap(), url).await, kind).await;
    }
}
