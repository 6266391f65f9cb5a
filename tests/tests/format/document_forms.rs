//! One document in many forms gives one plan; odd values cost themselves and are reported.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::PathBuf;

use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, json};
use pappus_tests::innocent::{Choices, reordered, varied};
use pappus_tests::program::pappus;
use serde_json::{Value, json as value};

/// Puts names into an order.
type Order = Box<dyn FnMut(&mut Vec<String>)>;
/// Makes a document an odd one.
type Change = fn(&mut Value);

/// A pod that knows everybody, and ida's archive as a stock pod would write it.
struct Scene {
    target: Target,
    source: Pod,
    document: Value,
}

impl Scene {
    async fn new() -> Self {
        let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
        source.export(&["ida"], "out", &[]);
        let archive = source.archive("out", "ida");
        let out = source.path("stock");
        std::fs::create_dir(&out).unwrap();
        let ended = pappus([
            "convert",
            archive.to_str().unwrap(),
            "--to",
            "diaspora",
            "--out",
            out.to_str().unwrap(),
        ])
        .unwrap();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let mut text = String::new();
        let file = std::fs::File::open(out.join("ida.json.gz")).unwrap();
        flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        target.introduce(&document).await;
        Self { target, source, document }
    }

    fn file(&self, text: &str) -> PathBuf {
        let path = PathBuf::from(self.target.path("archive.json"));
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The plan for a document, without what differs each time.
    fn plan(&self, text: &str) -> Value {
        self.import(text, "ida", &["--dry-run"])
    }

    fn import(&self, text: &str, name: &str, more: &[&str]) -> Value {
        let photos = self.source.path("stock/ida_photos.zip").display().to_string();
        let more = [&["--accept-unproven", "--photos", &photos], more].concat();
        let report = self.target.import(&self.file(text), name, &more);
        let mut findings: Vec<String> =
            report["findings"].as_array().unwrap().iter().map(ToString::to_string).collect();
        findings.sort();
        value!({"kinds": report["kinds"], "findings": findings, "old": report["old_account"]})
    }

    fn changed(&self, change: impl FnOnce(&mut Value)) -> Value {
        let mut document = self.document.clone();
        change(&mut document);
        self.plan(&document.to_string())
    }
}

fn count(plan: &Value, kind: &str, what: &str) -> u64 {
    plan["kinds"][kind][what].as_u64().unwrap_or(0)
}

#[tokio::test]
async fn the_order_of_fields_has_no_meaning() {
    let scene = Scene::new().await;
    let expected = scene.plan(&scene.document.to_string());
    assert!(count(&expected, "others_comments", "imported") > 0, "{expected}");
    assert!(count(&expected, "own_comments", "imported") > 0, "{expected}");
    let mut choices = Choices::new(7);
    let mut orders: Vec<(&str, Order)> = vec![
        ("sorted", Box::new(|names| names.sort())),
        ("backwards", Box::new(|names| names.reverse())),
        // As PostgreSQL keeps jsonb.
        ("by length", Box::new(|names| names.sort_by_key(|name| (name.len(), name.clone())))),
        (
            "relayables first",
            Box::new(|names| names.sort_by_key(|name| name != "others_data" && name != "relayables")),
        ),
        (
            "contacts last",
            Box::new(|names| names.sort_by_key(|name| name == "contacts" || name == "private_key")),
        ),
    ];
    for _ in 0..3 {
        let seed = choices.below(1000);
        let mut own = Choices::new(u64::try_from(seed).unwrap());
        orders.push((
            "shuffled",
            Box::new(move |names| {
                (1..names.len()).rev().for_each(|last| names.swap(last, own.below(last + 1)));
            }),
        ));
    }
    for (what, mut order) in orders {
        let text = reordered(&scene.document, &mut *order).to_string();
        assert_eq!(scene.plan(&text), expected, "{what}");
    }
    // And for good: what the plan says comes in.
    let sorted = reordered(&scene.document, &mut |names| names.sort()).to_string();
    assert_eq!(scene.import(&sorted, "ida", &[]), expected);
    scene.target.is_sound().await;
}

#[tokio::test]
async fn innocent_changes_give_the_same_plan() {
    let scene = Scene::new().await;
    let expected = scene.plan(&scene.document.to_string());
    for seed in 1..=25 {
        let text = varied(&scene.document, &mut Choices::new(seed));
        assert_eq!(scene.plan(&text), expected, "seed {seed}");
    }
    assert_eq!(scene.import(&varied(&scene.document, &mut Choices::new(99)), "ida", &[]), expected);
    scene.target.is_sound().await;
}

/// Notes the names of fields that are null, and of unknown fields.
fn note_fields(value: &Value, nulls: &mut BTreeSet<String>, unknown: &mut BTreeSet<String>, parent: &str) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("x_unknown" | "embed", _) => _ = unknown.insert(format!("{name} in {parent}")),
                    (_, Value::Null) => _ = nulls.insert(name.clone()),
                    _ => note_fields(value, nulls, unknown, name),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| note_fields(value, nulls, unknown, parent)),
        _ => {}
    }
}

/// A change that is never made proves nothing.
#[tokio::test]
async fn every_kind_of_innocent_change_is_made() {
    let mut document = Scene::new().await.document;
    // What is absent may be null.
    document["user"].as_object_mut().unwrap().remove("auto_follow_back_aspect");
    let profile = document["user"]["profile"]["entity_data"].as_object_mut().unwrap();
    let optional =
        ["full_name", "first_name", "last_name", "gender", "bio", "birthday", "location", "image_url"];
    for name in optional {
        profile.remove(name);
    }
    let (mut texts, mut orders) = (String::new(), BTreeSet::new());
    let (mut ids, mut nulls, mut unknown) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for seed in 1..=25 {
        let text = varied(&document, &mut Choices::new(seed));
        let read: Value = serde_json::from_str(&text).unwrap();
        for object in [&read, &read["user"], &read["user"]["posts"][0], &read["user"]["contacts"][0]] {
            orders.insert(object.as_object().unwrap().keys().cloned().collect::<Vec<_>>());
        }
        for id in [
            &read["user"]["username"],
            &read["user"]["profile"]["entity_data"]["author"],
            &read["user"]["contacts"][0]["account_id"],
            &read["others_data"]["relayables"][0]["entity_data"]["author"],
        ] {
            ids.insert(id.as_str().unwrap().to_owned());
        }
        note_fields(&read, &mut nulls, &mut unknown, "document");
        texts.push_str(&text);
    }
    assert!(orders.len() > 50, "{orders:?}");
    for form in ["\t\r\n", "\n", "  ", "0E-1", ".0", "\\/", "\\u00", " UTC", "+0000", ".123Z"] {
        // Characters of times may be written as escapes, but not always.
        assert!(texts.contains(form), "{form:?}");
    }
    assert!(ids.iter().filter(|id| id.contains('@') && id.to_lowercase() != **id).count() > 20, "{ids:?}");
    assert!(ids.iter().any(|id| id.ends_with(' ')), "{ids:?}");
    for name in optional.iter().chain(&["auto_follow_back_aspect", "photos", "poll"]) {
        assert!(nulls.contains(*name), "{name}: {nulls:?}");
    }
    for place in ["x_unknown in document", "x_unknown in user", "x_unknown in posts", "embed in entity_data"]
    {
        assert!(unknown.contains(place), "{place}: {unknown:?}");
    }
}

/// The first of the posts that has something there.
fn post_with<'a>(document: &'a mut Value, part: &str) -> &'a mut Value {
    let posts = document["user"]["posts"].as_array_mut().unwrap();
    let filled = |value: &Value| value.is_object() || value.as_array().is_some_and(|list| !list.is_empty());
    let post = posts.iter_mut().find(|post| filled(&post["entity_data"][part]));
    &mut post.unwrap()["entity_data"]
}

#[expect(clippy::too_many_lines, reason = "a table")]
#[tokio::test]
async fn an_odd_value_leaves_what_is_around_it() {
    let scene = Scene::new().await;
    let expected = scene.plan(&scene.document.to_string());
    let findings = |plan: &Value| {
        let known: Vec<Value> = expected["findings"].as_array().unwrap().clone();
        let all = plan["findings"].as_array().unwrap().iter();
        all.filter(|finding| !known.contains(finding))
            .map(|f| f.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    // The value, how it is changed, and what has to be left out.
    let changes: [(&str, Change, &str); 11] = [
        (
            "a photo's height",
            |d| post_with(d, "photos")["photos"][0]["entity_data"]["height"] = value!("tall"),
            "height",
        ),
        (
            "a photo's time",
            |d| post_with(d, "photos")["photos"][0]["entity_data"]["created_at"] = value!([]),
            "created_at",
        ),
        ("a place", |d| post_with(d, "location")["location"]["entity_data"] = value!("Yard"), "location"),
        (
            "a post's client",
            |d| d["user"]["posts"][0]["entity_data"]["provider_display_name"] = value!({}),
            "provider_display_name",
        ),
        (
            "a post's time",
            |d| d["user"]["posts"][0]["entity_data"]["created_at"] = value!("once"),
            "created_at",
        ),
        (
            "the profile's time",
            |d| d["user"]["profile"]["entity_data"]["edited_at"] = value!("once"),
            "edited_at",
        ),
        ("a birthday", |d| d["user"]["profile"]["entity_data"]["birthday"] = value!("in spring"), "birthday"),
        ("a setting", |d| d["user"]["auto_follow_back"] = value!("perhaps"), "auto_follow_back"),
        ("a contact's name", |d| d["user"]["contacts"][0]["person_name"] = value!([]), "person_name"),
        ("a contact's GUID", |d| d["user"]["contacts"][0]["person_guid"] = value!("short"), "person_guid"),
        (
            "a contact's aspect",
            |d| d["user"]["contacts"][0]["contact_groups_membership"] = value!([{}]),
            "contact_groups_membership[0]",
        ),
    ];
    for (what, change, lost) in changes {
        let plan = scene.changed(change);
        assert_eq!(plan["kinds"], expected["kinds"], "{what}");
        let new = findings(&plan);
        assert_eq!(new.len(), 1, "{what}: {new:?}");
        assert!(
            new[0].contains("value_left_out") && new[0].contains(&format!("{lost}\"")),
            "{what}: {new:?}"
        );
    }
    // What is lost as a whole is counted.
    for (kind, list, odd) in [
        ("aspects", "contact_groups", value!({"name": null})),
        ("blocks", "blocks", value!("nobody")),
        ("contacts", "contacts", value!({"account_id": "nobody"})),
        ("followed_tags", "followed_tags", value!(null)),
        ("own_comments", "relayables", value!({"entity_type": "comment"})),
        ("subscriptions", "post_subscriptions", value!("short")),
    ] {
        let plan = scene.changed(|document| document["user"][list].as_array_mut().unwrap().push(odd.clone()));
        assert_eq!(count(&plan, kind, "in_archive"), count(&expected, kind, "in_archive") + 1, "{list}");
        assert_eq!(plan["kinds"][kind]["left_out"]["unreadable"], 1, "{list}: {plan}");
        assert_eq!(
            count(&plan, "status_messages", "imported"),
            count(&expected, "status_messages", "imported")
        );
    }
}

#[tokio::test]
async fn verify_lists_what_is_left_out() {
    let scene = Scene::new().await;
    let mut document = scene.document.clone();
    document["user"]["posts"][0]["entity_data"]["provider_display_name"] = value!({});
    document["user"]["blocks"] = value!(["Lotte@Closing.example", 7]);
    document["user"]["profile"]["entity_data"]["edited_at"] = value!("2020-01-01 00:00:00 UTC");
    let path = scene.file(&document.to_string());
    let ended = pappus(["verify", path.to_str().unwrap(), "--json"]).unwrap();
    assert_eq!(ended.code, Some(10), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["account"], "ida@closing.example");
    let found: Vec<(&str, &str)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| (finding["code"].as_str().unwrap(), finding["place"].as_str().unwrap()))
        .filter(|(code, _)| *code != "unsigned")
        .collect();
    let expected =
        [("unreadable_record", "user.blocks[1]"), ("value_left_out", "user.posts[0].provider_display_name")];
    assert_eq!(found, expected);
}

/// The lists of a stock document.
const LISTS: [(&str, &str); 9] = [
    ("user", "blocks"),
    ("user", "contact_groups"),
    ("user", "contacts"),
    ("user", "followed_tags"),
    ("user", "post_subscriptions"),
    ("user", "posts"),
    ("user", "relayables"),
    ("others_data", "non_contact_authors"),
    ("others_data", "relayables"),
];

#[tokio::test]
async fn a_list_of_another_type_is_read_or_said() {
    let scene = Scene::new().await;
    let expected = scene.plan(&scene.document.to_string());
    let objects = scene.changed(|document| {
        for (section, list) in LISTS {
            let elements = document[section][list].take();
            let elements = elements.as_array().unwrap().iter().enumerate();
            document[section][list] =
                elements.map(|(at, element)| (at.to_string(), element.clone())).collect();
        }
    });
    assert_eq!(objects, expected);
    let said = |plan: &Value, place: &str| {
        let findings = plan["findings"].as_array().unwrap().iter().filter_map(Value::as_str);
        let of_place = findings.filter(|finding| finding.contains(&format!("\"{place}\"")));
        of_place.filter(|finding| finding.contains("value_left_out")).count()
    };
    for (section, list) in LISTS {
        let place = format!("{section}.{list}");
        for odd in [value!("[]"), value!(7), value!(false)] {
            let plan = scene.changed(|document| document[section][list] = odd.clone());
            assert_eq!(said(&plan, &place), 1, "{place} {odd}: {plan}");
        }
        let plan = scene.changed(|document| document[section][list] = value!(null));
        assert_eq!(said(&plan, &place), 0, "{place}: {plan}");
    }
    for odd in [value!("{}"), value!([{}, {}]), value!(1)] {
        let plan = scene.changed(|document| document["others_data"] = odd.clone());
        assert_eq!(said(&plan, "others_data"), 1, "{odd}: {plan}");
    }
    let plan = scene.changed(|document| document["user"]["language"] = value!(["de"]));
    assert_eq!(said(&plan, "user.language"), 1, "{plan}");
}

#[tokio::test]
async fn an_odd_kind_leaves_what_it_is_the_kind_of() {
    let scene = Scene::new().await;
    let expected = scene.plan(&scene.document.to_string());
    let without_orders = scene.changed(|d| {
        let relayables = d["others_data"]["relayables"].as_array_mut().unwrap().iter_mut();
        relayables.for_each(|record| drop(record.as_object_mut().unwrap().remove("property_order")));
    });
    let changes: [(&str, Change); 4] = [
        ("orders", |d| {
            let relayables = d["others_data"]["relayables"].as_array_mut().unwrap().iter_mut();
            relayables.for_each(|record| record["property_order"] = value!(null));
        }),
        ("class names", |d| {
            for post in d["user"]["posts"].as_array_mut().unwrap() {
                let is_reshare = post["entity_type"] == "reshare";
                post["entity_type"] = value!(if is_reshare { "Reshare" } else { "StatusMessage" });
            }
        }),
        ("a profile", |d| d["user"]["profile"]["entity_type"] = value!("person")),
        ("likes", |d| {
            for record in d["user"]["relayables"].as_array_mut().unwrap() {
                if let Some(class) = record["entity_data"].get_mut("parent_type") {
                    *class = value!("post");
                }
            }
        }),
    ];
    for (what, change) in changes {
        let plan = scene.changed(change);
        // Whoever wrote no order signed in the usual one; a few here have signed in another.
        let right = if what == "orders" { &without_orders } else { &expected };
        assert_eq!(plan["kinds"], right["kinds"], "{what}");
    }
}

/// What an archive says does not act on the terminal of whoever reads it.
#[tokio::test]
async fn nothing_in_an_archive_acts_on_a_terminal() {
    let scene = Scene::new().await;
    let mut document = scene.document.clone();
    document["user"]["followed_tags"] = value!(["x\u{1b}]0;title\u{7}", "y\u{202e}z\u{7f}\u{9b}31m"]);
    document["user"]["contact_groups"][0]["name"] = value!("a\u{1b}[2Jb");
    let archive = scene.file(&document.to_string()).display().to_string();
    let (uploads, state) = (scene.target.path("uploads"), scene.target.path("state"));
    let command = ["import", &archive, "--as", "ida", "--offline", "--accept-unproven", "--dry-run"];
    let pod = ["--database-url", &scene.target.database, "--pod-url", scene.target.url];
    let ended = pappus([&command[..], &pod, &["--uploads", &uploads, "--state", &state]].concat()).unwrap();
    assert_eq!(ended.code, Some(10), "{ended:?}");
    assert!(ended.stdout.contains(r"a\u{1b}[2Jb"), "{}", ended.stdout);
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
    }
}

/// A signed archive is as Pappus wrote it: there, an odd value is a sign of tampering.
#[tokio::test]
async fn signed_archives_stay_strict() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    let plan = target.import(&archive, "ida", &["--trust-pod", &fingerprint(&archive), "--dry-run"]);
    assert!(count(&plan, "conversations", "imported") > 0, "{plan}");
    assert_eq!(json(&archive, "extras.json")["conversations"][0].get("continued"), None);
}
