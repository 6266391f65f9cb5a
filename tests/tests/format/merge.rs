//! Archives of one account become one: every record of any of them, each in its newest form, signed and importable.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, document, entry, json, names};
use pappus_tests::program::{Ended, pappus};
use pappus_tests::sample::POD_URL;
use serde_json::Value;

const OLD: &str = "2026-11-20T10:00:00Z";
const NEW: &str = "2026-11-22T10:00:00Z";
const MERGED: &str = "2026-11-23T10:00:00Z";

const EVERYBODY: [&str; 13] = [
    "berta", "clara", "emil", "greta", "ida", "jonas", "lotte", "moritz", "nils", "oskar_1", "ruth",
    "viktor", "yasmin",
];

fn export(pod: &Pod, name: &str, time: &str, more: &[&str]) -> PathBuf {
    let (state, uploads) = (crate::support::shared_state(), pod.path("uploads").display().to_string());
    let out = pod.path(&format!("out-{}", &time[8..10])).display().to_string();
    let mut command = vec!["export", name, "--database-url", &pod.database, "--pod-url", POD_URL, "--json"];
    command.extend(["--uploads", &uploads, "--out", &out, "--state", &state, "--created-at", time]);
    command.extend(more);
    let ended = pappus(command).unwrap();
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    document(&ended)["exported"][0]["archive"].as_str().unwrap().into()
}

fn merge(archives: &[&Path], out: &Path, more: &[&str]) -> Ended {
    let mut command: Vec<String> = vec!["merge".to_owned()];
    command.extend(archives.iter().map(|path| path.display().to_string()));
    command.extend(["--out", out.to_str().unwrap(), "--created-at", MERGED, "--json"].map(str::to_owned));
    command.extend(more.iter().map(ToString::to_string));
    pappus(command).unwrap()
}

fn merged(archives: &[&Path], out: &Path, more: &[&str]) -> (PathBuf, Value) {
    let ended = merge(archives, out, more);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    let report = document(&ended);
    (report["archive"].as_str().unwrap().into(), report)
}

fn verifies(archive: &Path) {
    let ended = pappus(["verify", archive.to_str().unwrap(), "--json"]).unwrap();
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    assert_eq!(document(&ended)["relayable_signatures"]["bad"], 0);
}

fn refused(ended: &Ended, word: &str) {
    assert!(ended.code == Some(1) && ended.stderr.contains(word), "{word}: {ended:?}");
}

fn guids(list: &Value) -> BTreeSet<String> {
    let guid = |record: &Value| {
        let inside = record.get("entity_data").unwrap_or(record);
        inside["guid"].as_str().or(inside["account_id"].as_str()).unwrap().to_owned()
    };
    list.as_array().unwrap().iter().map(guid).collect()
}

/// A line of a page without the display names before IDs.
fn without_names(line: &str) -> String {
    let mut parts = line.split("<bdi lang=\"\">");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let split = part.split_once("</bdi> ");
        match split.filter(|(name, rest)| !name.contains('<') && rest.starts_with("<code>")) {
            Some((_, rest)) => out.push_str(rest),
            None => out.extend(["<bdi lang=\"\">", part]),
        }
    }
    out
}

/// The paths of the entries that a manifest lists, in its order.
fn entry_paths(manifest: &Value) -> Vec<String> {
    let entries = manifest["entries"].as_array().unwrap().iter();
    entries.map(|entry| entry["path"].as_str().unwrap().to_owned()).collect()
}

fn photo_paths(manifest: &Value) -> BTreeSet<String> {
    entry_paths(manifest).into_iter().filter(|path| path.starts_with("photos/")).collect()
}

/// The pages of an archive by their paths, with the day of the newer export in place of the other days.
fn pages(archive: &Path) -> Vec<(String, String)> {
    let paths = entry_paths(&json(archive, "manifest.json")).into_iter();
    let pages = paths.filter(|path| !path.starts_with("photos/") && path.contains(".html"));
    pages
        .map(|path| {
            let text = String::from_utf8(entry(archive, &path)).unwrap();
            (path, text.replace("23", "22").replace("20 November", "22 November").replace("23", "22"))
        })
        .collect()
}

/// Checks that the pages of a merged archive show the same as those of the newest one, at another time. Returns how
/// many comments under posts have their author's name in both.
fn compare_pages(name: &str, archive: &Path, newest: &Path) -> usize {
    let mut named = 0;
    for ((path, one), (other_path, other)) in pages(archive).into_iter().zip(pages(newest)) {
        assert_eq!(path, other_path);
        // Names of people who are no contacts, and that somebody has moved, are in no archive.
        assert_eq!(one.lines().count(), other.lines().count());
        for (one, other) in one.lines().zip(other.lines()) {
            let said = |line: &str| line.split_once("<time").map(|(_, said)| said.to_owned());
            let (one, other) = (without_names(one), without_names(other));
            if one == other {
                named += usize::from(one.starts_with("<li><p class=\"by\">"));
            } else {
                assert!(one.starts_with("<li><p class=\"by\">"), "{name} {path} {one} {other}");
                assert_eq!(said(&one), said(&other), "{name} {path}");
            }
        }
    }
    named
}

#[tokio::test]
async fn the_same_twice_is_the_newest() {
    let pod = Pod::sqlite().await;
    let state = crate::support::shared_state();
    let mut named = 0;
    for name in EVERYBODY {
        let (old, new) = (export(&pod, name, OLD, &[]), export(&pod, name, NEW, &[]));
        let signed = ["--pod-url", POD_URL, "--state", &state];
        let (archive, report) = merged(&[&new, &old], &pod.path("merged"), &signed);
        verifies(&archive);
        for part in ["diaspora.json", "extras.json"] {
            assert_eq!(json(&archive, part), json(&new, part), "{name} {part}");
        }
        let (merged, newest) = (json(&archive, "manifest.json"), json(&new, "manifest.json"));
        for field in ["account", "pod", "counts", "omissions"] {
            assert_eq!(merged[field], newest[field], "{name} {field}");
        }
        let from = |path: &Path, time: &str| serde_json::json!({ "sha256": pappus_engine::archive::sha256_of_file(path).unwrap(), "created_at": time });
        assert_eq!(merged["merged_from"], serde_json::json!([from(&old, OLD), from(&new, NEW)]));
        assert_eq!(report["signed_by_pod"], true);
        assert_eq!(photo_paths(&merged), photo_paths(&newest), "{name}");
        named += compare_pages(name, &archive, &new);
    }
    assert!(named > 10, "only {named} comments under posts have the names of those who wrote them");
    assert_eq!(names(&pod.path("merged")).len(), EVERYBODY.len(), "nothing else is left");
}

/// What happens between two archives: something goes, something comes, something changes.
async fn life_goes_on(pod: &Pod) -> String {
    let ida = "(SELECT p.id FROM people p JOIN users u ON u.id = p.owner_id WHERE u.username = 'ida')";
    let photo = "a505f296688ef6ffc286.jpg";
    let images = pod.path("uploads/images");
    let other = names(&images).into_iter().find(|name| name.contains(".jpg") && !name.contains('_')).unwrap();
    std::fs::copy(images.join(other), images.join(photo)).unwrap();
    for sql in [
        format!(
            "DELETE FROM posts WHERE id = (SELECT MIN(id) FROM posts WHERE author_id = {ida} AND type = 'StatusMessage')"
        ),
        format!(
            "UPDATE posts SET text = 'changed later' WHERE id = \
             (SELECT MAX(id) FROM posts WHERE author_id = {ida} AND type = 'StatusMessage')"
        ),
        format!("UPDATE profiles SET first_name = 'Later' WHERE person_id = {ida}"),
        "UPDATE aspects SET name = 'renamed' WHERE id = (SELECT MIN(id) FROM aspects WHERE user_id = \
         (SELECT id FROM users WHERE username = 'ida'))"
            .to_owned(),
        "DELETE FROM messages WHERE id = (SELECT MIN(m.id) FROM messages m JOIN conversation_visibilities v \
         ON v.conversation_id = m.conversation_id JOIN people p ON p.id = v.person_id \
         JOIN users u ON u.id = p.owner_id WHERE u.username = 'ida')"
            .to_owned(),
    ] {
        pod.pool.execute(&sql).await.unwrap();
    }
    photo.to_owned()
}

/// Of both archives, in the order in which they were written; gives the merged `extras.json`.
fn every_message_is_there(archive: &Path, old: &Path, new: &Path) -> Value {
    let messages = |archive: &Path| -> BTreeSet<String> {
        let extras = json(archive, "extras.json");
        let all = extras["conversations"].as_array().unwrap().iter();
        all.flat_map(|conversation| guids(&conversation["messages"])).collect()
    };
    assert_eq!(messages(archive), messages(old));
    assert_eq!(messages(archive).len(), messages(new).len() + 1);
    let extras = json(archive, "extras.json");
    for conversation in extras["conversations"].as_array().unwrap() {
        let times: Vec<_> =
            conversation["messages"].as_array().unwrap().iter().map(|m| m["created_at"].as_str()).collect();
        assert!(times.is_sorted(), "{times:?}");
    }
    extras
}

/// Checks that a merged document has all records of both documents, and the newer form of what both have.
fn every_record_is_there(all: &Value, before: &Value, after: &Value) {
    for list in ["posts", "relayables", "contacts"] {
        let (before, after) = (guids(&before["user"][list]), guids(&after["user"][list]));
        assert_eq!(guids(&all["user"][list]), before.union(&after).cloned().collect(), "{list}");
    }
    assert!(guids(&all["user"]["posts"]).len() > guids(&after["user"]["posts"]).len());
    let others = |document: &Value| guids(&document["others_data"]["relayables"]);
    assert_eq!(others(all), others(before).union(&others(after)).cloned().collect());
    assert!(others(all).len() > others(after).len(), "the comments on what was deleted");
    assert_eq!(all["user"]["profile"], after["user"]["profile"]);
    assert_eq!(all["user"]["profile"]["entity_data"]["first_name"], "Later");
    let text = all["user"].to_string();
    assert!(text.contains("changed later"));
    let changed = after["user"]["posts"].as_array().unwrap().iter();
    let changed = changed.into_iter().find(|post| post["entity_data"]["text"] == "changed later").unwrap();
    let guid = &changed["entity_data"]["guid"];
    let mut kept =
        all["user"]["posts"].as_array().unwrap().iter().filter(|post| post["entity_data"]["guid"] == *guid);
    assert_eq!((kept.next(), kept.next()), (Some(changed), None));
    let aspects = |document: &Value| -> Vec<String> {
        let all = document["user"]["contact_groups"].as_array().unwrap().iter();
        all.map(|aspect| aspect["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(aspects(all), [aspects(after), vec![aspects(before)[0].clone()]].concat());
}

/// Checks that a merged archive has the photo that only the older archive has, and the one that only the newer has.
fn every_photo_is_there(archive: &Path, (old, gone): (&Path, &str), (new, photo): (&Path, &str)) {
    let lost = |archive: &Path| -> BTreeSet<String> {
        let manifest = json(archive, "manifest.json");
        let omissions = manifest["omissions"].as_array().unwrap().iter();
        let files = omissions.filter(|omission| omission["code"] == "missing_file");
        files.map(|omission| omission["record"]["name"].as_str().unwrap().to_owned()).collect()
    };
    assert!(lost(old).contains(photo) && lost(new).contains(gone));
    assert!(lost(archive).is_empty(), "{:?}", lost(archive));
    for (file, from) in [(photo, new), (gone, old)] {
        let path = format!("photos/{file}");
        assert!(entry(archive, &path) == entry(from, &path));
    }
}

#[tokio::test]
async fn nothing_that_any_of_them_has_is_lost() {
    let pod = Pod::sqlite().await;
    let old = export(&pod, "ida", OLD, &[]);
    let photo = life_goes_on(&pod).await;
    // This photo is there in the old archive only, that one in the new one.
    let paths = entry_paths(&json(&old, "manifest.json"));
    let gone = paths.iter().find_map(|path| path.strip_prefix("photos/")).unwrap();
    std::fs::remove_file(pod.path("uploads/images").join(gone)).unwrap();
    let new = export(&pod, "ida", NEW, &[]);
    let (archive, report) = merged(&[&old, &new], &pod.path("merged"), &[]);
    verifies(&archive);

    let [before, after, all] = [&old, &new, &archive].map(|archive| json(archive, "diaspora.json"));
    every_record_is_there(&all, &before, &after);
    let signed_as = |archive: &Path| guids(&json(archive, "extras.json")["signed_as"]);
    assert_eq!(signed_as(&archive), signed_as(&old).union(&signed_as(&new)).cloned().collect());
    assert!(signed_as(&archive).len() > signed_as(&new).len(), "some were signed before their authors moved");

    let extras = every_message_is_there(&archive, &old, &new);
    every_photo_is_there(&archive, (&old, gone), (&new, &photo));

    // Who put them together has signed, and nobody else.
    assert_eq!(report["signed_by_pod"], false);
    let manifest = json(&archive, "manifest.json");
    assert_eq!(manifest["account"]["public_key"], manifest["pod"]["archive_key"]);

    // What was merged goes into another merge as what its newest part is.
    let (again, _) = merged(&[&archive, &new], &pod.path("again"), &[]);
    assert_eq!(json(&again, "diaspora.json"), all);
    assert_eq!(json(&again, "extras.json"), extras);
    let target = Target::sqlite().await;
    let report = target.import(&archive, "ida", &["--trust-pod", &fingerprint(&archive)]);
    let posts = guids(&all["user"]["posts"]).len();
    let kinds = &report["kinds"];
    let number = |kind: &str| kinds[kind]["imported"].as_u64().unwrap_or(0);
    assert!(number("status_messages") + number("reshares") + 2 >= posts as u64, "{kinds}");
    assert!(number("status_messages") > 8, "{kinds}");
    target.is_sound().await;
}

#[tokio::test]
async fn what_is_not_of_one_account_stays_apart() {
    let pod = Pod::sqlite().await;
    let state = crate::support::shared_state();
    let (ida, berta) = (export(&pod, "ida", OLD, &[]), export(&pod, "berta", OLD, &[]));
    let out = pod.path("merged");
    refused(&merge(&[&ida, &berta], &out, &[]), "is the archive of");
    let swapped = "UPDATE users SET serialized_private_key = \
                   (SELECT serialized_private_key FROM users WHERE username = 'greta') WHERE username = 'ida'";
    let ida_new = export(&pod, "ida", NEW, &[]);
    pod.pool.execute(swapped).await.unwrap();
    let other_key = export(&pod, "ida", "2026-11-21T10:00:00Z", &[]);
    refused(&merge(&[&ida, &other_key], &out, &[]), "another key");

    // Another pod's archive key does not vouch, and none is made.
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().to_str().unwrap();
    let none = merge(&[&ida, &ida_new], &out, &["--pod-url", POD_URL, "--state", elsewhere]);
    refused(&none, "there is no archive key");
    let key = include_str!("../../fixtures/keys/4096-1.private.pem");
    let path = folder.path().join("pods/closing.example/archive-key.pem");
    std::fs::write(&path, key).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let other = merge(&[&ida, &ida_new], &out, &["--pod-url", POD_URL, "--state", elsewhere]);
    refused(&other, "and this pod's is");

    // What stock pods write, and damaged archives.
    let stock = pod.path("ida.json");
    std::fs::write(&stock, entry(&ida, "diaspora.json")).unwrap();
    refused(&merge(&[&ida, &stock], &out, &[]), "stock pod");
    let damaged = pod.path("damaged.zip");
    let mut bytes = std::fs::read(&ida_new).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 1;
    std::fs::write(&damaged, bytes).unwrap();
    refused(&merge(&[&ida, &damaged], &out, &[]), "is refused");
    assert_eq!(
        pappus(["merge", ida.to_str().unwrap(), "--out", out.to_str().unwrap()]).unwrap().code,
        Some(2)
    );

    let (made, _) = merged(&[&ida, &ida_new], &out, &["--pod-url", POD_URL, "--state", &state]);
    let before = std::fs::read(&made).unwrap();
    refused(&merge(&[&ida, &ida_new], &out, &[]), "already exists");
    assert!(std::fs::read(&made).unwrap() == before);
    assert_eq!(names(&out).len(), 1, "nothing is left behind");
    // The same again is the same bytes.
    let (again, _) =
        merged(&[&ida_new, &ida], &pod.path("again"), &["--pod-url", POD_URL, "--state", &state]);
    assert!(std::fs::read(&again).unwrap() == before);
}

#[tokio::test]
async fn locked_archives_and_keys() {
    let pod = Pod::sqlite().await;
    let passphrase = pod.path("passphrase").display().to_string();
    std::fs::write(&passphrase, "correct horse\n").unwrap();
    let identity = age::x25519::Identity::generate();
    let (recipient, key_file) = (identity.to_public().to_string(), pod.path("identity"));
    std::fs::write(&key_file, age::secrecy::ExposeSecret::expose_secret(&identity.to_string())).unwrap();
    let locked_key = format!("--key-passphrase={passphrase}");
    let more = ["--encrypt-to", &recipient, &locked_key];
    let (old, new) = (export(&pod, "berta", OLD, &more), export(&pod, "berta", NEW, &more));
    let (out, identity) = (pod.path("merged"), ["--identity", key_file.to_str().unwrap()]);
    refused(&merge(&[&old, &new], &out, &[]), "encrypted");
    refused(&merge(&[&old, &new], &out, &identity), "--key-passphrase");
    let open = [&identity[..], &[locked_key.as_str()]].concat();
    let (plain, _) = merged(&[&old, &new], &out, &open);
    verifies(&plain);
    let key = json(&plain, "diaspora.json")["user"]["private_key"].as_str().unwrap().to_owned();
    assert!(key.contains("BEGIN ENCRYPTED PRIVATE KEY"));
    assert_eq!(json(&plain, "manifest.json")["account"]["private_key"], "encrypted");
    let (locked, _) = merged(&[&old, &new], &out, &[&open[..], &["--encrypt-to", &recipient]].concat());
    assert!(locked.to_str().unwrap().ends_with(".zip.age"));
    assert!(std::fs::read(&locked).unwrap().starts_with(b"age-encryption.org/"));
    let ended = pappus(["verify", locked.to_str().unwrap(), identity[0], identity[1], "--json"]).unwrap();
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    for archive in [&plain, &locked] {
        let access =
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(archive).unwrap().permissions());
        assert_eq!(access & 0o777, 0o600);
    }
    let text = pappus([
        "merge",
        old.to_str().unwrap(),
        new.to_str().unwrap(),
        "--out",
        &pod.path("text").display().to_string(),
        identity[0],
        identity[1],
        &locked_key,
    ])
    .unwrap();
    assert!(text.stdout.contains("NOT ENCRYPTED"), "{text:?}");
}

/// What was deleted between two archives is back, and the command says what.
#[tokio::test]
async fn what_comes_back_is_said() {
    let pod = Pod::sqlite().await;
    let old = export(&pod, "greta", OLD, &[]);
    let gone = "DELETE FROM tag_followings WHERE user_id = (SELECT id FROM users WHERE username = 'ida')";
    let old_ida = export(&pod, "ida", OLD, &[]);
    let tags = json(&old_ida, "diaspora.json")["user"]["followed_tags"].as_array().unwrap().len();
    pod.pool.execute(gone).await.unwrap();
    let (greta, ida) = (export(&pod, "greta", NEW, &[]), export(&pod, "ida", NEW, &[]));
    let (_, report) = merged(&[&old, &greta], &pod.path("merged-greta"), &[]);
    assert_eq!(report["only_in_older"], serde_json::json!({}));
    let (archive, report) = merged(&[&old_ida, &ida], &pod.path("merged-ida"), &[]);
    assert!(tags > 0);
    assert_eq!(report["only_in_older"], serde_json::json!({ "followed_tags": tags }));
    assert_eq!(json(&archive, "diaspora.json")["user"]["followed_tags"].as_array().unwrap().len(), tags);
}
