//! Accounts of the sample pod come to an empty pod on each of the three databases: what is written there, that
//! it comes out again the same, that doing it twice changes nothing, and that it can be taken back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::target::{Target, fingerprint, sums_agree};
use crate::support::{Pod, json, under_signers};
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::program::pappus;
use serde_json::Value;

const EVERYBODY: [&str; 6] = ["ida", "yasmin", "emil", "clara", "greta", "jonas"];

/// The parts of a document that must survive: by GUID, with the account's own name made the same.
fn records(archive: &Path, list: &str, name: &str) -> BTreeMap<String, String> {
    // Texts keep the old name: they may be signed, and links in them are for their readers.
    let owns = [format!("{name}@closing.example"), format!("{name}@haven.example")];
    let document = under_signers(archive);
    let list = list.split('.').fold(&document, |value, name| &value[name]);
    list.as_array()
        .unwrap()
        .iter()
        .map(|record| {
            let mut record = record.clone();
            let fields = record.as_object_mut().unwrap();
            for name in ["subscribed_pods_uris", "subscribed_users_ids", "sharing", "following"] {
                fields.remove(name);
            }
            if let Some(data) = record.get_mut("entity_data").and_then(Value::as_object_mut) {
                // Known only where the original is.
                data.remove("root_author");
                if let Some(photos) = data.get_mut("photos").and_then(Value::as_array_mut) {
                    for photo in photos {
                        photo["entity_data"].as_object_mut().unwrap().remove("remote_photo_path");
                    }
                }
            }
            let guid =
                record["entity_data"]["guid"].as_str().or(record["account_id"].as_str()).unwrap().to_owned();
            let text = owns.iter().fold(record.to_string(), |text, own| text.replace(own, "OWN"));
            (guid, text)
        })
        .collect()
}

async fn moves(target: &Target, source: &Pod, names: &[&str]) {
    let before = target.rows().await;
    source.export(names, "out", &[]);
    let mut imports = Vec::new();
    for name in names {
        let archive = source.archive("out", name);
        let trust = ["--trust-pod", &fingerprint(&archive)].map(str::to_owned);
        let trust: Vec<&str> = trust.iter().map(String::as_str).collect();
        let untouched = target.rows().await;
        let mut dry: Vec<&str> = trust.clone();
        dry.push("--dry-run");
        let planned = target.import(&archive, name, &dry);
        assert_eq!(target.rows().await, untouched, "{name}: a dry run writes nothing");
        let done = target.import(&archive, name, &trust);
        // The later ones may be contacts of the earlier ones, and known here since.
        let first = name == &names[0];
        assert!(done["proof"] == "pinned_pod_key" || !first && done["proof"] == "cached_person", "{name}");
        sums_agree(&done);
        imports.push(done["import"].as_str().unwrap().to_owned());
        if first {
            // Later ones meet people whom the plan could not tell apart before they were there.
            assert_eq!(planned["kinds"], done["kinds"], "{name}: the plan says what happens");
        }
        target.is_sound().await;
        let rows = target.rows().await;
        let again = target.import(&archive, name, &trust);
        assert_eq!(again["kinds"], done["kinds"], "{name}: twice is the same as once");
        assert_eq!(target.rows().await, rows, "{name}");
        comes_out_the_same(target, &archive, name, &done);
    }
    // The last one first: people whom one import introduced stay while another one needs them.
    for import in imports.iter().rev() {
        let ended = target.run(&["undo", import]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        target.is_sound().await;
    }
    let mut after = target.rows().await;
    // Words and lists of words that everybody shares stay.
    for lookup in ["tags", "signature_orders", "pods"] {
        after.insert(lookup, before[lookup]);
    }
    assert_eq!(after, before);
    assert!(crate::support::names(&target.folder.path().join("uploads/images")).is_empty());
}

fn comes_out_the_same(target: &Target, archive: &Path, name: &str, report: &Value) {
    let back = target.export(name);
    let left_out: BTreeSet<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| !matches!(finding["code"].as_str(), Some("shortened" | "file_missing")))
        .map(|finding| finding["record"].as_str().unwrap())
        .collect();
    for part in ["user.contacts", "user.posts", "user.relayables", "others_data.relayables"] {
        let mut original = records(archive, part, name);
        original.retain(|guid, _| !left_out.contains(guid.as_str()));
        let imported = records(&back, part, name);
        for (guid, record) in &original {
            assert_eq!(imported.get(guid), Some(record), "{name} {part} {guid}");
        }
        assert_eq!(imported.len(), original.len(), "{name} {part}");
    }
    let (before, after) = (json(archive, "extras.json"), json(&back, "extras.json"));
    assert_eq!(
        after["conversations"].as_array().unwrap().len(),
        before["conversations"].as_array().unwrap().len()
    );
    let verified = pappus(["verify", back.to_str().unwrap()]).unwrap();
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

#[tokio::test]
async fn on_sqlite() {
    let source = Pod::sqlite().await;
    moves(&Target::sqlite().await, &source, &EVERYBODY).await;
}

#[tokio::test]
async fn on_postgresql() {
    let database = shared_postgres().await.unwrap().create_database("import_target").await.unwrap();
    let source = Pod::sqlite().await;
    moves(&Target::on(tempfile::tempdir().unwrap(), database).await, &source, &EVERYBODY[..3]).await;
}

#[tokio::test]
async fn on_mariadb() {
    let database = shared_mariadb().await.unwrap().create_database("import_target").await.unwrap();
    let source = Pod::sqlite().await;
    moves(&Target::on(tempfile::tempdir().unwrap(), database).await, &source, &EVERYBODY[..3]).await;
}

#[tokio::test]
async fn texts_longer_than_mariadb_can_hold_are_cut() {
    let database = shared_mariadb().await.unwrap().create_database("import_long").await.unwrap();
    let source = Pod::sqlite().await;
    let target = Target::on(tempfile::tempdir().unwrap(), database).await;
    // 60,000 characters are fine for diaspora*, 120,000 bytes are not for this database.
    let long = "replace(hex(zeroblob(30000)), '00', 'жж')";
    for sql in [
        format!(
            "UPDATE posts SET text = {long} WHERE guid = (SELECT p.guid FROM posts p JOIN people a \
                 ON a.id = p.author_id WHERE a.diaspora_handle = 'ida@closing.example' AND p.text LIKE '%#%' LIMIT 1)"
        ),
        format!(
            "UPDATE messages SET text = {long} WHERE id = (SELECT MIN(m.id) FROM messages m JOIN \
                 conversation_visibilities v ON v.conversation_id = m.conversation_id JOIN people a ON a.id = v.person_id \
                 WHERE a.diaspora_handle = 'ida@closing.example')"
        ),
    ] {
        source.pool.execute(&sql).await.unwrap();
    }
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    let done = target.import(&archive, "ida", &["--trust-pod", &fingerprint(&archive)]);
    sums_agree(&done);
    let cut = done["findings"].as_array().unwrap().iter().filter(|finding| finding["code"] == "shortened");
    let mut kinds: Vec<&str> = cut.map(|finding| finding["kind"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["messages", "status_messages"], "{done}");
    for table in ["posts", "messages"] {
        let sql = format!("SELECT MAX(LENGTH(text)) FROM {table}");
        assert_eq!(target.pool.number(&sql).await.unwrap(), 65_534, "{table}: whole characters");
    }
    target.is_sound().await;
}
