//! What the target's database cannot hold is known to the plan, and no import stops half-way for a value.

use std::path::PathBuf;

use crate::support::target::{TARGET_URL, Target};
use crate::support::{Pod, json, setting};
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::innocent::Choices;
use pappus_tests::schema::Pool;
use serde_json::{Value, json as value};

/// The databases that a target may be on.
pub(super) const DATABASES: [&str; 5] =
    ["sqlite", "postgresql", "utf8mb4_bin", "utf8mb4_general_ci", "utf8mb3_general_ci"];

/// An empty pod on one of them.
pub(super) async fn target_on(database: &str, name: &str) -> Target {
    let folder = tempfile::tempdir().unwrap();
    match database {
        "sqlite" => Target::sqlite().await,
        "postgresql" => {
            let url =
                shared_postgres().await.unwrap().create_database(&format!("{name}_holds")).await.unwrap();
            Target::on(folder, url).await
        }
        collation => {
            let cluster = shared_mariadb().await.unwrap();
            let url = cluster.create_database(&format!("{name}_{collation}")).await.unwrap();
            pappus_tests::schema::create_collated(&Pool::connect(&url).await.unwrap(), collation)
                .await
                .unwrap();
            std::fs::create_dir_all(folder.path().join("uploads/images")).unwrap();
            Target { folder, ..Target::at(url, TARGET_URL).await }
        }
    }
}

pub(super) fn ida(pod: &Pod) -> Value {
    pod.export(&["ida"], "out", &[]);
    json(&pod.archive("out", "ida"), "diaspora.json")
}

pub(super) fn write(target: &Target, document: &Value) -> String {
    let path = PathBuf::from(target.path("archive.json"));
    std::fs::write(&path, document.to_string()).unwrap();
    path.display().to_string()
}

fn post(guid: &str, text: &str) -> Value {
    value!({
        "entity_type": "status_message",
        "entity_data": {
            "author": "ida@closing.example", "guid": guid, "created_at": "2024-01-01T00:00:00Z", "public": true,
            "text": text, "photos": [],
        },
    })
}

/// Plans and imports; both have to say the same. Gives what they say; none if they refuse.
fn both(target: &Target, document: &Value, name: &str) -> Option<Value> {
    let path = write(target, document);
    let command = ["import", &path, "--as", name, "--offline", "--accept-unproven"];
    let run = |more: &str| {
        let ended = target.run(&[&command[..], &[more]].concat());
        assert!(matches!(ended.code, Some(0 | 1 | 10)), "{more}: {ended:?}");
        (ended.code == Some(1), serde_json::from_str::<Value>(&ended.stdout).unwrap())
    };
    let ((no, planned), (not, done)) = (run("--dry-run"), run("--hold"));
    assert_eq!((no, &planned["code"]), (not, &done["code"]), "{planned} {done}");
    assert_eq!(planned["kinds"], done["kinds"]);
    let [only_planned, only_done] = [(&planned, &done), (&done, &planned)].map(|(one, other)| {
        let other = other["findings"].as_array().cloned().unwrap_or_default();
        let mut one = one["findings"].as_array().cloned().unwrap_or_default();
        one.retain(|finding| !other.contains(finding));
        one
    });
    assert_eq!(only_planned, only_done);
    (!no).then_some(done)
}

fn codes(done: &Value) -> Vec<&str> {
    let mut codes: Vec<&str> =
        done["findings"].as_array().unwrap().iter().filter_map(|finding| finding["code"].as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// Values that some databases hold and others do not, in every kind of text.
fn full_of_odd_values(document: &mut Value) {
    let odd = "a🌼b\u{0}c";
    let user = &mut document["user"];
    user["profile"]["entity_data"]["bio"] = value!(odd.repeat(20_000));
    user["profile"]["entity_data"]["gender"] = value!(odd.repeat(200));
    user["profile"]["entity_data"]["tag_string"] = value!("#ga🌼rden #ga\u{0}te");
    user["profile"]["entity_data"]["image_url"] = value!(format!("https://cdn.example/{}", "a".repeat(300)));
    user["contact_groups"].as_array_mut().unwrap().extend([
        value!({"name": odd}),
        value!({"name": "Zoë"}),
        value!({"name": "ZOE"}),
        value!({"name": "zoë "}),
    ]);
    user["contacts"][0]["contact_groups_membership"] = value!([odd, "ZOE"]);
    user["followed_tags"]
        .as_array_mut()
        .unwrap()
        .extend(["ga\u{0}rden", "flo🌼wers", "ärger", "Arger"].map(Value::from));
    let mut with_all = post("0123456789abcdef0123456789abcdef", &format!("{odd} #ga🌼rden #ärger #arger"));
    let data = &mut with_all["entity_data"];
    data["provider_display_name"] = value!(odd.repeat(100));
    data["location"] = value!({
        "entity_type": "location", "entity_data": {"address": odd.repeat(100), "lat": "1.0", "lng": "2.0"},
    });
    data["poll"] = value!({"entity_type": "poll", "entity_data": {
        "guid": "1123456789abcdef0123456789abcdef", "question": odd.repeat(100),
        "poll_answers": [
            {"entity_type": "poll_answer", "entity_data": {"guid": "2123456789abcdef0123456789abcdef", "answer": odd}},
            {"entity_type": "poll_answer", "entity_data": {"guid": "3123456789abcdef0123456789abcdef", "answer": "b"}},
        ],
    }});
    data["photos"] = value!([{"entity_type": "photo", "entity_data": {
        "guid": "4123456789abcdef0123456789abcdef", "author": "ida@closing.example", "public": true,
        "created_at": "2024-01-01T00:00:00Z", "remote_photo_path": "https://closing.example/uploads/images/",
        "remote_photo_name": format!("{}.jpg", "n".repeat(300)), "status_message_guid": "0123456789abcdef0123456789abcdef",
        "text": odd, "height": 1, "width": 1,
    }}]);
    // One GUID in small and in capital letters: two to some databases, one to others.
    user["posts"].as_array_mut().unwrap().extend([
        with_all,
        post("abcdefabcdefabcdefabcdefabcdefab", "small"),
        post("ABCDEFABCDEFABCDEFABCDEFABCDEFAB", "capital"),
    ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_values_come_in_as_the_plan_says_on_every_database() {
    let source = Pod::sqlite().await;
    let mut document = ida(&source);
    full_of_odd_values(&mut document);
    for database in DATABASES {
        let target = target_on(database, "odd").await;
        target.introduce(&document).await;
        let done = both(&target, &document, "ida").unwrap();
        let user = target
            .pool
            .number("SELECT COUNT(*) FROM users WHERE serialized_private_key IS NOT NULL")
            .await
            .unwrap();
        assert_eq!(user, 1, "{database}: the account is complete");
        target.has_what_is_reported(&done, "ida").await;
        let count = |sql: &'static str| target.pool.number(sql);
        let two = count("SELECT COUNT(*) FROM posts WHERE LOWER(guid) = 'abcdefabcdefabcdefabcdefabcdefab'")
            .await
            .unwrap();
        let aspects = count("SELECT COUNT(*) FROM aspects WHERE LOWER(name) LIKE 'zo%'").await.unwrap();
        let emoji = count("SELECT COUNT(*) FROM posts WHERE text LIKE '%🌼%'").await.unwrap_or(0);
        let codes = codes(&done);
        match database {
            // Nothing has a limit there but the NUL, which ends what the program reads.
            "sqlite" => assert_eq!((two, aspects), (2, 3)),
            "postgresql" => {
                assert_eq!((two, aspects, emoji), (2, 3, 1));
                assert!(codes.contains(&"replaced"), "{codes:?}");
            }
            "utf8mb4_bin" => {
                assert_eq!((two, aspects), (2, 3));
                assert!(codes.contains(&"shortened") && codes.contains(&"cannot_hold"), "{codes:?}");
            }
            "utf8mb4_general_ci" => {
                assert_eq!((two, aspects), (1, 1));
                assert!(codes.contains(&"guid_taken") && codes.contains(&"duplicate"), "{codes:?}");
            }
            _ => {
                assert_eq!((two, aspects, emoji), (1, 1, 0));
                assert!(codes.contains(&"replaced"), "{codes:?}");
            }
        }
        // Whoever was in an aspect is, whatever the aspect is called here.
        let members = count("SELECT COUNT(*) FROM aspect_memberships").await.unwrap();
        assert!(members >= 2, "{database}: {members}");
    }
}

/// A second run, with an archive that is a newer one.
fn again(target: &Target, document: &Value, name: &str) -> Value {
    let mut newer = document.clone();
    newer["user"]["posts"].as_array_mut().unwrap().push(post("9123456789abcdef0123456789abcdef", "newer"));
    both(target, &newer, name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_are_the_same_wherever_they_are_read() {
    let source = Pod::sqlite().await;
    let mut document = ida(&source);
    let odd = "a\u{7}b\u{1b}[31m";
    let user = &mut document["user"];
    user["contact_groups"] = value!([{"name": odd}, {"name": "plain"}]);
    user["contacts"][0]["contact_groups_membership"] = value!([odd]);
    user["followed_tags"] = value!(["x\u{7}y", "ok"]);
    for name in ["first_name", "last_name", "bio", "gender", "location"] {
        user["profile"]["entity_data"][name] = value!(format!("{name}\u{8}\u{ffff}"));
    }
    user["posts"].as_array_mut().unwrap().push(post("8123456789abcdef0123456789abcdef", "ring \u{7}"));
    for database in DATABASES {
        let target = target_on(database, "control").await;
        target.introduce(&document).await;
        let done = both(&target, &document, "ida").unwrap();
        let replaced = done["findings"].as_array().unwrap().iter();
        let replaced: Vec<&Value> = replaced.filter(|finding| finding["code"] == "replaced").collect();
        for kind in ["aspects", "followed_tags", "profile", "status_messages"] {
            assert!(replaced.iter().any(|finding| finding["kind"] == kind), "{database} {kind}: {done}");
        }
        let members = "SELECT COUNT(*) FROM aspect_memberships m JOIN aspects a ON a.id = m.aspect_id \
                       WHERE a.name = 'a\u{FFFD}b\u{FFFD}[31m'";
        assert_eq!(target.pool.number(members).await.unwrap(), 1, "{database}");
        let second = again(&target, &document, "ida");
        assert_eq!(second["deleted_since"], 0, "{database}: {second}");
        let codes = codes(&second);
        assert!(!codes.contains(&"kept_as_here") && !codes.contains(&"gone_from_archive"), "{codes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_counted_as_the_database_tells_them_apart() {
    let source = Pod::sqlite().await;
    let mut document = ida(&source);
    let names = ["🐦", "🌳", "a", "ä", "straße", "strasse", "oe"];
    document["user"]["followed_tags"] = value!(names);
    for database in DATABASES {
        let target = target_on(database, "tags").await;
        target.introduce(&document).await;
        target.pool.execute("INSERT INTO tags (name) VALUES ('Öe')").await.unwrap();
        let done = both(&target, &document, "ida").unwrap();
        let tags = &done["kinds"]["followed_tags"];
        let rows = async || target.pool.number("SELECT COUNT(*) FROM tag_followings").await.unwrap();
        assert_eq!(tags["imported"].as_i64(), Some(rows().await), "{database}: {tags}");
        let merged = tags["left_out"]["duplicate"].as_i64().unwrap_or_default();
        // diaspora* takes no tags of pictures alone.
        assert_eq!(tags["left_out"]["unreadable"], 2, "{database}: {tags}");
        assert_eq!(rows().await + merged, 5, "{database}: {tags}");
        assert_eq!(merged > 0, database.ends_with("_ci"), "{database}: {tags}");
        let second = again(&target, &document, "ida");
        assert_eq!((&second["kinds"]["followed_tags"], &second["deleted_since"]), (tags, &value!(0)));
        let undone = target.run(&["undo", done["import"].as_str().unwrap()]);
        assert_eq!(undone.code, Some(0), "{database}: {undone:?}");
        assert_eq!(rows().await, 0, "{database}");
    }
}

/// Tags are read in batches of a thousand; the database compares all of them.
#[tokio::test(flavor = "multi_thread")]
async fn tags_are_told_apart_across_batches() {
    let source = Pod::sqlite().await;
    let mut document = ida(&source);
    let mut names: Vec<String> = ["arger", "same", "öl"].map(str::to_owned).into();
    names.extend((0..2100).map(|number| format!("tag{number}")));
    names.extend(["ärger", "same", "new", "ol"].map(str::to_owned));
    document["user"]["followed_tags"] = value!(names);
    for (database, duplicates) in
        [("sqlite", 1), ("postgresql", 1), ("utf8mb4_bin", 1), ("utf8mb4_general_ci", 3)]
    {
        let target = target_on(database, "batches").await;
        target.introduce(&document).await;
        let done = both(&target, &document, "ida").unwrap();
        let tags = &done["kinds"]["followed_tags"];
        let rows = target.pool.number("SELECT COUNT(*) FROM tag_followings").await.unwrap();
        assert_eq!(tags["left_out"], value!({ "duplicate": duplicates }), "{database}: {tags}");
        assert_eq!((tags["imported"].as_i64(), rows), (Some(rows), 2107 - duplicates), "{database}: {tags}");
        let second = again(&target, &document, "ida");
        assert_eq!(&second["kinds"]["followed_tags"], tags, "{database}");
        assert!(!codes(&second).contains(&"gone_from_archive"), "{database}: {second}");
    }
}

/// Puts an odd text into a random place that has a text.
fn make_odd(value: &mut Value, choices: &mut Choices) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let at = choices.below(fields.len());
            let (name, inner) = fields.iter_mut().nth(at).unwrap();
            // Who wrote it, and by what key, decides about the archive as a whole.
            if !matches!(
                name.as_str(),
                "author" | "entity_type" | "private_key" | "version" | "username" | "email"
            ) {
                make_odd(inner, choices);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            let at = choices.below(list.len());
            match choices.below(6) {
                0 => {
                    let again = list[at].to_string();
                    let again = if choices.below(2) == 0 {
                        again.to_lowercase()
                    } else {
                        again.replace("abc", "ABC")
                    };
                    list.extend(serde_json::from_str::<Value>(&again));
                }
                _ => make_odd(&mut list[at], choices),
            }
        }
        Value::String(text) => {
            *text = match choices.below(8) {
                0 => format!("{text}\u{0}"),
                1 => format!("🌼{text}"),
                2 => text.to_uppercase(),
                3 => "я".repeat(choices.below(70_000)),
                4 => "x".repeat(choices.below(70_000)),
                5 => format!("{text} é\u{202e}\u{feff} #tag🌼"),
                6 => String::new(),
                _ => text.to_lowercase(),
            };
        }
        other => {
            let odd = [value!(null), value!(-1), value!("x"), value!([]), value!(true)];
            *other = odd[choices.below(odd.len())].clone();
        }
    }
}

/// Brings generated documents to a pod, counts what came, and takes each back.
fn bring_generated(
    runtime: &tokio::runtime::Handle,
    target: &Target,
    document: &Value,
    database: &str,
    documents: u64,
) {
    let mut came = 0;
    for number in 0..documents {
        let mut odd = document.clone();
        let mut choices = Choices::new(number * 5 + 77);
        for _ in 0..40 {
            make_odd(&mut odd["user"], &mut choices);
            make_odd(&mut odd["others_data"], &mut choices);
        }
        let name = format!("ida{number}");
        let Some(done) = both(target, &odd, &name) else { continue };
        came += 1;
        // What plan and import say, and what the database has.
        runtime.block_on(target.has_what_is_reported(&done, &name));
        let import = done["import"].as_str().unwrap();
        let undone = target.run(&["undo", import]);
        assert_eq!(undone.code, Some(0), "{database}: document {number}: {undone:?}");
    }
    assert!(came * 2 > documents, "{database}: {came} of {documents} came in");
}

/// `PAPPUS_TEST_DOCUMENTS` says how many on each database, `PAPPUS_TEST_DATABASES` on which of them.
#[tokio::test(flavor = "multi_thread")]
async fn generated_documents_come_in_as_the_plan_says_on_every_database() {
    let source = Pod::sqlite().await;
    let document = ida(&source);
    let documents = setting("PAPPUS_TEST_DOCUMENTS", 20);
    let only = setting("PAPPUS_TEST_DATABASES", String::new());
    let mut targets = Vec::new();
    for database in DATABASES.into_iter().filter(|database| only.is_empty() || only.contains(database)) {
        let target = target_on(database, "generated").await;
        target.introduce(&document).await;
        targets.push((database, target));
    }
    let runtime = tokio::runtime::Handle::current();
    // Each mostly waits for its database.
    std::thread::scope(|scope| {
        for (database, target) in &targets {
            let thread = std::thread::Builder::new().name((*database).to_owned());
            let bring = || bring_generated(&runtime, target, &document, database, documents);
            thread.spawn_scoped(scope, bring).unwrap();
        }
    });
}

/// A database or table in a character set that holds a part of what people write is refused before anything is written.
#[tokio::test]
async fn other_character_sets_are_refused_by_the_plan() {
    let pod = Pod::sqlite().await;
    let ida = ida(&pod);
    let cluster = shared_postgres().await.unwrap();
    let server = Pool::connect(&cluster.url("postgres")).await.unwrap();
    let sql = "CREATE DATABASE holds_latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0";
    server.execute(sql).await.unwrap();
    let ascii = cluster.create_ascii_database("holds_ascii").await.unwrap();
    let folder = || tempfile::tempdir().unwrap();
    for (target, set) in [
        (Target::on(folder(), cluster.url("holds_latin1")).await, Some("LATIN1")),
        (Target::on(folder(), ascii).await, None),
        (target_on("latin2_general_ci", "holds").await, Some("latin2")),
        (target_on("cp1251_general_ci", "holds").await, Some("cp1251")),
        (target_on("latin1_swedish_ci", "holds").await, None),
    ] {
        let path = write(&target, &ida);
        for more in ["--dry-run", "--hold"] {
            let command = ["import", &path, "--as", "ida", "--offline", "--accept-unproven", more];
            let ended = target.run(&command);
            let words = format!("in the character set {}", set.unwrap_or_default());
            assert_eq!(ended.code == Some(1), set.is_some(), "{set:?} {more}: {ended:?}");
            assert_eq!(format!("{ended:?}").contains(&words), set.is_some(), "{set:?} {more}: {ended:?}");
        }
        let people = "INSERT INTO people (guid, diaspora_handle, serialized_public_key, created_at, updated_at) \
                      SELECT 'x', 'ida@haven.example', 'x', '2026-01-01', '2026-01-01'";
        // Nobody is there yet, or the account is.
        assert_eq!(target.pool.execute(people).await.is_ok(), set.is_some(), "{set:?}");
    }
}

/// diaspora* 0.7.0.0 wrote other people's posts into the archive; nobody imports them, and that is said.
#[tokio::test]
async fn posts_by_others_are_mentioned() {
    let (pod, target) = (Pod::sqlite().await, Target::sqlite().await);
    let mut document = ida(&pod);
    document["others_data"]["posts"] = value!([post("f1", "one"), post("f2", "two")]);
    let ended = pappus_tests::program::pappus(["verify", &write(&target, &document)]).unwrap();
    assert!(ended.stdout.contains("2 posts by others are not imported"), "{ended:?}");
}
