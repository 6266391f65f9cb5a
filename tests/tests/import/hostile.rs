//! Archives that claim what is not theirs.

use std::io::Write as _;
use std::path::PathBuf;

use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, json};
use pappus_tests::program::Ended;
use serde_json::{Value, json as value};

/// A target that knows everybody, since yasmin has come there, and ida's archive as a stock pod would write it.
struct Scene {
    target: Target,
    source: Pod,
    document: Value,
}

impl Scene {
    async fn new() -> Self {
        let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
        source.export(&["ida", "yasmin"], "out", &[]);
        let yasmin = source.archive("out", "yasmin");
        target.import(&yasmin, "yasmin", &["--trust-pod", &fingerprint(&yasmin)]);
        let ida = source.archive("out", "ida");
        // Everybody in ida's archive is known afterwards.
        let known = target.import(&ida, "ida0", &["--trust-pod", &fingerprint(&ida)]);
        let document = json(&ida, "diaspora.json");
        let scene = Self { target, source, document };
        let people = scene.target.pool.number("SELECT COUNT(*) FROM people").await.unwrap();
        assert!(people > 5);
        let taken_back = scene.target.run(&["undo", known["import"].as_str().unwrap()]);
        assert_eq!(taken_back.code, Some(0), "{taken_back:?}");
        // They stay known, as after a look-up.
        scene.introduce().await;
        scene
    }

    /// Writes ida's contacts into the target's people again.
    async fn introduce(&self) {
        let mut people: Vec<Value> = self.document["user"]["contacts"].as_array().unwrap().clone();
        people
            .extend(self.document["others_data"]["non_contact_authors"].as_array().unwrap().iter().cloned());
        let own: pappus_engine::domain::PrivateKey =
            serde_json::from_value(self.document["user"]["private_key"].clone()).unwrap();
        let own = own.signing_key().unwrap().public_key().unwrap();
        people.push(value!({
            "account_id": "ida@closing.example", "person_guid": "0123456789abcdef0123456789abcdef",
            "public_key": own.as_pem(),
        }));
        for person in people {
            let text = |name: &str| person[name].as_str().unwrap_or_default().replace('\'', "''");
            let guid = if person["guid"].is_string() { text("guid") } else { text("person_guid") };
            let sql = format!(
                "INSERT INTO people (guid, diaspora_handle, serialized_public_key, pod_id, created_at, updated_at) \
                 SELECT '{guid}', '{}', '{}', (SELECT MIN(id) FROM pods), '2026-01-01', '2026-01-01' WHERE NOT EXISTS \
                 (SELECT 1 FROM people WHERE diaspora_handle = '{}')",
                text("account_id"),
                text("public_key"),
                text("account_id")
            );
            self.target.pool.execute(&sql).await.unwrap();
        }
        let profiles = "INSERT INTO profiles (person_id, created_at, updated_at) SELECT id, '2026-01-01', '2026-01-01' \
                        FROM people WHERE id NOT IN (SELECT person_id FROM profiles)";
        self.target.pool.execute(profiles).await.unwrap();
    }

    fn write(&self, document: &Value) -> PathBuf {
        let path = PathBuf::from(self.target.path("archive.json"));
        std::fs::write(&path, document.to_string()).unwrap();
        path
    }

    fn try_import(&self, document: &Value, name: &str) -> Ended {
        let path = self.write(document).display().to_string();
        self.target.run(&["import", &path, "--as", name, "--offline", "--hold"])
    }

    /// Refused with this code, and nothing written.
    async fn refused(&self, document: &Value, name: &str, code: &str) {
        let before = self.target.rows().await;
        let ended = self.try_import(document, name);
        assert_eq!(ended.code, Some(1), "{code}: {ended:?}");
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(report["code"], code, "{ended:?}");
        assert_eq!(self.target.rows().await, before, "{code}");
    }
}

fn left_out(report: &Value, code: &str) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["code"] == code)
        .map(|finding| finding["record"].as_str().unwrap().to_owned())
        .collect()
}

async fn names_and_addresses_of_others_are_refused(scene: &Scene) {
    for (name, code) in [
        ("yasmin", "username_not_possible"),
        ("admin", "username_not_possible"),
        ("Ida!", "username_not_possible"),
    ] {
        scene.refused(&scene.document, name, code).await;
    }
    let mut document = scene.document.clone();
    let sql = "UPDATE users SET email = 'yasmin@mail.example' WHERE username = 'yasmin'";
    scene.target.pool.execute(sql).await.unwrap();
    // Hers, or read as hers by mail programs.
    for email in [
        "yasmin@mail.example",
        "<yasmin@mail.example>",
        "ida<yasmin@mail.example",
        "yasmin(ida)@mail.example",
        "\"yasmin\"@mail.example",
        "ida@mail.example,mail",
    ] {
        document["user"]["email"] = email.into();
        scene.refused(&document, "ida", "email_not_possible").await;
    }
}

/// Puts words into somebody else's comment, whose signature is wrong then; returns its GUID.
fn forge_comment(document: &mut Value) -> String {
    let mut relayables = document["others_data"]["relayables"].as_array_mut().unwrap().iter_mut();
    let comment = relayables.find(|relayable| {
        relayable["entity_type"] == "comment" && relayable["entity_data"]["author"] != "ida@closing.example"
    });
    let comment = comment.unwrap();
    comment["entity_data"]["text"] = "I never said this".into();
    comment["entity_data"]["guid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_not_the_accounts_stays_out() {
    let scene = Scene::new().await;
    names_and_addresses_of_others_are_refused(&scene).await;

    let mut document = scene.document.clone();
    let key = include_str!("../../fixtures/keys/4096-0.private.pem");
    document["user"]["private_key"] = key.into();
    scene.refused(&document, "ida", "wrong_key").await;

    let mut document = scene.document.clone();
    let author = &mut document["user"]["profile"]["entity_data"]["author"];
    assert_eq!(*author, "ida@closing.example");
    *author = "ida@haven.example".into();
    scene.refused(&document, "ida", "onto_itself").await;

    // A forged comment, a post with somebody else's GUID, a comment on a stranger's limited post.
    let mut document = scene.document.clone();
    let forged = forge_comment(&mut document);
    let yasmins = json(&scene.source.archive("out", "yasmin"), "diaspora.json");
    let taken = yasmins["user"]["posts"][0]["entity_data"]["guid"].as_str().unwrap().to_owned();
    document["user"]["posts"][0]["entity_data"]["guid"] = taken.clone().into();
    let ended = scene.try_import(&document, "ida");
    assert_eq!(ended.code, Some(10), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["proof"], "cached_person");
    // The document alone does not say under which ID those who have moved signed; extras.json does.
    let movers = json(&scene.source.archive("out", "ida"), "extras.json")["signed_as"].to_string();
    let mut bad = left_out(&report, "signature_bad");
    bad.retain(|guid| !movers.contains(guid.as_str()));
    assert_eq!(bad, [forged]);
    assert!(left_out(&report, "guid_taken").contains(&taken));
    let count =
        scene.target.pool.number("SELECT COUNT(*) FROM comments WHERE text = 'I never said this'").await;
    assert_eq!(count.unwrap(), 0);
    let owner = format!(
        "SELECT COUNT(*) FROM posts p JOIN people a ON a.id = p.author_id WHERE p.guid = '{taken}' \
         AND a.diaspora_handle = 'yasmin@haven.example'"
    );
    assert_eq!(scene.target.pool.number(&owner).await.unwrap(), 1);
    // The scene puts everybody on one pod.
    scene.target.is_sound_but("of another pod").await;
    scene.refused(&scene.document, "ida2", "imported_before").await;
}

#[tokio::test]
async fn nobody_vouches_for_an_archive_of_a_pod_that_nobody_knows() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["emil"], "out", &[]);
    let archive = source.archive("out", "emil").display().to_string();
    let before = target.rows().await;
    let ended = target.run(&["import", &archive, "--as", "emil", "--offline"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("--accept-unproven"), "{ended:?}");
    assert_eq!(target.rows().await, before);
    let ended = target.run(&["import", &archive, "--as", "emil", "--offline", "--accept-unproven"]);
    assert_eq!(ended.code, Some(10), "{ended:?}");
    // What nothing proves is not announced by itself: that cannot be undone.
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["announcement"], serde_json::json!({ "state": "held", "reason": "unproven" }));
    // His key must not become the one that this pod believes.
    let people = "SELECT COUNT(*) FROM people WHERE diaspora_handle = 'emil@closing.example'";
    assert!(matches!(target.announce(&archive, &[]).code, Some(0 | 10)));
    assert_eq!(target.pool.number(people).await.unwrap(), 0);
}

#[tokio::test]
async fn photos_that_are_none_stay_out() {
    let scene = Scene::new().await;
    let mut names = Vec::new();
    for post in scene.document["user"]["posts"].as_array().unwrap() {
        for photo in post["entity_data"]["photos"].as_array().into_iter().flatten() {
            names.push(photo["entity_data"]["remote_photo_name"].as_str().unwrap().to_owned());
        }
    }
    let photos = scene.target.path("photos.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&photos).unwrap());
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file(names[0].as_str(), stored).unwrap();
    zip.write_all(b"#!/bin/sh\necho no picture\n").unwrap();
    // A PNG of 60,000 by 60,000 pixels: ten gigabytes.
    zip.start_file(names[1].as_str(), stored).unwrap();
    let mut bomb = image::RgbaImage::new(1, 1);
    bomb.put_pixel(0, 0, image::Rgba([1, 2, 3, 255]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    bomb.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    let mut bytes = bytes.into_inner();
    bytes[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
    zip.write_all(&bytes).unwrap();
    zip.finish().unwrap();
    let archive = scene.write(&scene.document).display().to_string();
    let command = ["import", &archive, "--photos", &photos, "--as", "ida", "--offline", "--hold"];
    let ended = scene.target.run(&command);
    assert_eq!(ended.code, Some(10), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let mut refused = left_out(&report, "not_a_picture");
    refused.sort();
    let mut expected = names[..2].to_vec();
    expected.sort();
    assert_eq!(refused, expected);
    let images = scene.target.folder.path().join("uploads/images");
    assert!(
        !crate::support::names(&images)
            .iter()
            .any(|name| expected.iter().any(|bad| name.ends_with(bad.as_str())))
    );
}

#[tokio::test]
async fn parts_that_diaspora_would_not_take_stay_out_one_by_one() {
    let scene = Scene::new().await;
    let mut document = scene.document.clone();
    let posts = document["user"]["posts"].as_array_mut().unwrap().iter_mut();
    let mut polls: Vec<&mut Value> = posts
        .filter_map(|post| post["entity_data"].get_mut("poll"))
        .map(|poll| &mut poll["entity_data"])
        .collect();
    assert_eq!(polls.len(), 2);
    let guids: Vec<Value> = polls.iter().map(|poll| poll["guid"].clone()).collect();
    let first = polls[0]["poll_answers"][0]["entity_data"]["guid"].clone();
    polls[0]["poll_answers"][1]["entity_data"]["guid"] = first;
    polls[1]["poll_answers"].as_array_mut().unwrap().truncate(1);
    // A photo that is yasmin's.
    let yasmins: Value = json(&scene.source.archive("out", "yasmin"), "diaspora.json");
    let photo_of = |document: &mut Value| {
        let posts = document["user"]["posts"].as_array_mut().unwrap().iter_mut();
        let mut photos = posts.filter_map(|post| post["entity_data"]["photos"].as_array_mut()?.first_mut());
        photos.next().unwrap()["entity_data"]["guid"].take()
    };
    let photo = photo_of(&mut yasmins.clone());
    for post in document["user"]["posts"].as_array_mut().unwrap() {
        if let Some(first) = post["entity_data"]["photos"].as_array_mut().and_then(|list| list.first_mut()) {
            first["entity_data"]["guid"] = photo.clone();
            break;
        }
    }
    let long = "x".repeat(256);
    document["user"]["contact_groups"].as_array_mut().unwrap().push(value!({ "name": long }));
    document["user"]["contacts"][0]["contact_groups_membership"] = value!([long]);
    let ended = scene.try_import(&document, "ida");
    assert_eq!(ended.code, Some(10), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(left_out(&report, "guid_taken").contains(&guids[0].as_str().unwrap().to_owned()), "{report}");
    assert!(left_out(&report, "unreadable").contains(&guids[1].as_str().unwrap().to_owned()), "{report}");
    assert!(left_out(&report, "guid_taken").contains(&photo.as_str().unwrap().to_owned()), "{report}");
    assert!(left_out(&report, "shortened").contains(&long), "{report}");
    let sql = "SELECT COUNT(*) FROM aspect_memberships m JOIN aspects a ON a.id = m.aspect_id WHERE a.name = 'xxxxxxxxxxxxxxxxxxxx'";
    assert_eq!(scene.target.pool.number(sql).await.unwrap(), 1, "its members come along");
    // Whoever runs it once more reads the same.
    let again: Value = serde_json::from_str(&scene.try_import(&document, "ida").stdout).unwrap();
    assert_eq!(again["kinds"], report["kinds"]);
    let sorted = |report: &Value| {
        let findings = report["findings"].as_array().unwrap().iter();
        let mut findings: Vec<String> = findings.map(ToString::to_string).collect();
        findings.sort();
        findings
    };
    assert_eq!(sorted(&again), sorted(&report));
    assert_eq!(scene.target.pool.number("SELECT COUNT(*) FROM polls").await.unwrap(), 0);
    scene.target.is_sound_but("of another pod").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_address_ends_the_attribute_it_is_printed_in() {
    let source = Pod::sqlite().await;
    source.export(&["ida"], "out", &[]);
    let mut document = json(&source.archive("out", "ida"), "diaspora.json");
    let profile = &mut document["user"]["profile"]["entity_data"];
    profile["image_url"] = "http://x.example/\" onerror=\"alert(1)".into();
    profile["image_url_medium"] = "http://x\"y.example/a.png".into();
    profile["image_url_small"] = "https://x.example/?<'`>#\"'".into();
    let posts = document["user"]["posts"].as_array_mut().unwrap().iter_mut();
    let photos = posts.filter_map(|post| post["entity_data"]["photos"].as_array_mut()).flatten();
    let evil = [
        ("https://x.example/\" onerror=\"alert(1)/", "a.png"),
        ("https://x.example/", "a.png\" onerror=\"alert(1)"),
        ("https://x.example/", "../a.png"),
    ];
    for (photo, (address, name)) in photos.zip(evil) {
        photo["entity_data"]["remote_photo_path"] = address.into();
        photo["entity_data"]["remote_photo_name"] = name.into();
    }
    for target in Target::on_each("attributes").await {
        target.introduce(&document).await;
        let path = target.path("archive.json");
        std::fs::write(&path, document.to_string()).unwrap();
        let ended = target.run(&["import", &path, "--as", "ida", "--offline", "--hold"]);
        assert_eq!(ended.code, Some(10), "{ended:?}");
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        let mut stored = Vec::new();
        for (table, column) in [
            ("profiles", "image_url"),
            ("profiles", "image_url_medium"),
            ("profiles", "image_url_small"),
            ("photos", "remote_photo_path"),
            ("photos", "remote_photo_name"),
        ] {
            let sql = format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL");
            stored.extend(target.pool.texts(&sql).await.unwrap());
        }
        let ends = |text: &&String| text.contains(['"', '\'', '<', '>', '`', ' ']);
        assert_eq!(stored.iter().find(ends), None);
        assert!(stored.iter().any(|text| text == "http://x.example/%22%20onerror=%22alert(1)"), "{stored:?}");
        assert!(
            stored.iter().any(|text| text == "https://x.example/%22%20onerror=%22alert(1)/"),
            "{stored:?}"
        );
        // The avatar whose host is none, and the photos whose names are none.
        assert_eq!(left_out(&report, "no_web_address").len(), 3, "{report}");
    }
}
