//! People whom an import brings along, on each of the three databases: they are entered as their pods tell them, and what
//! earlier versions entered is repaired.

use std::collections::BTreeMap;

use crate::support::living_pods::LivingPods;
use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, document, json};
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::program::Ended;
use pappus_tests::rows::{Record, Rows};
use serde_json::Value;

/// What the pod keeps of somebody: the columns of their person and their profile.
type Kept = BTreeMap<&'static str, Option<String>>;

const COLUMNS: [&str; 8] = [
    "serialized_public_key",
    "first_name",
    "last_name",
    "full_name",
    "image_url",
    "image_url_medium",
    "image_url_small",
    "searchable",
];

async fn targets(name: &str) -> [Target; 3] {
    let postgres = shared_postgres().await.unwrap().create_database(name).await.unwrap();
    let mariadb = shared_mariadb().await.unwrap().create_database(name).await.unwrap();
    let folder = || tempfile::tempdir().unwrap();
    [Target::sqlite().await, Target::on(folder(), postgres).await, Target::on(folder(), mariadb).await]
}

/// The sample pod with people who want to be found and people who do not, with photos and without; and ida's archive.
async fn pods() -> (LivingPods, String) {
    let pods = LivingPods::start().await;
    let photo = "/uploads/images/thumb";
    for (set, name) in [
        ("searchable = 0", "quentin"),
        ("searchable = 0, first_name = '', last_name = 'Ødegård <b>'", "theo"),
        (
            &*format!(
                "image_url = '{photo}_large_0.webp', image_url_medium = '{photo}_medium_0.webp', \
                 image_url_small = '{photo}_small_0.webp'"
            ),
            "stefan",
        ),
        ("first_name = 'ΑΝΝΑ-ΣΟΦΙΑΣ', last_name = 'ÇELİK & Söhne'", "jonas"),
    ] {
        let sql = format!(
            "UPDATE profiles SET {set} WHERE person_id = (SELECT id FROM people WHERE diaspora_handle LIKE '{name}@%')"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&pods.database).await.unwrap();
    }
    let archive = pods.export("ida").display().to_string();
    (pods, archive)
}

fn import((pods, archive): &(LivingPods, String), target: &Target) -> Ended {
    let (one, other) = (["--allow-host", &pods.closing], ["--allow-host", &pods.contacts]);
    target.run(&[&["import", archive, "--as", "ida", "--hold"][..], &one, &other].concat())
}

fn repair(pods: &LivingPods, target: &Target, more: &[&str]) -> Value {
    let (one, other) = (["--allow-host", &pods.closing], ["--allow-host", &pods.contacts]);
    let ended = target.run(&[&["repair"][..], &one, &other, more].concat());
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    let mut report = document(&ended);
    report["exit"] = ended.code.into();
    report
}

fn kept(rows: &Rows) -> BTreeMap<String, Kept> {
    let profiles = rows.by("profiles", "person_id");
    let remote = rows.of("people").iter().filter(|person| !person.contains_key("owner_id"));
    remote
        .map(|person| {
            let profile = profiles[person["id"].as_str()];
            let value = |column| profile.get(column).or(person.get(column)).cloned();
            (person["diaspora_handle"].clone(), COLUMNS.map(|column| (column, value(column))).into())
        })
        .collect()
}

/// The same people as their own pods have them.
async fn as_told(pods: &LivingPods, people: &BTreeMap<String, Kept>) -> BTreeMap<String, Kept> {
    let database = format!("sqlite:{}", pods.folder.path().join("db.sqlite3").display());
    let pool = pappus_tests::schema::Pool::connect(&database).await.unwrap();
    let rows = Rows::read(&pool).await.unwrap();
    let (profiles, persons) = (rows.by("profiles", "person_id"), rows.by("people", "diaspora_handle"));
    let told = |id: &String| {
        let person: &Record = persons[id.as_str()];
        let profile: &Record = profiles[person["id"].as_str()];
        // Mentions end at a semicolon, so diaspora* takes none.
        let name = |column| {
            profile.get(column).filter(|name: &&String| !name.is_empty()).map(|name| name.replace(';', ""))
        };
        let text = |column| name(column).unwrap_or_default();
        // Ruby makes each letter small by itself: there is no final sigma.
        let full = format!("{} {}", text("first_name"), text("last_name"));
        let full: String = full.trim().chars().flat_map(char::to_lowercase).collect();
        let host = id.split_once('@').unwrap().1;
        let photo = |column| {
            let address: String = profile.get(column)?.clone();
            Some(if address.starts_with('/') { format!("http://{host}{address}") } else { address })
        };
        let kept = [
            ("serialized_public_key", person.get("serialized_public_key").cloned()),
            ("first_name", name("first_name")),
            ("last_name", name("last_name")),
            ("full_name", Some(full)),
            ("image_url", photo("image_url")),
            ("image_url_medium", photo("image_url_medium")),
            ("image_url_small", photo("image_url_small")),
            ("searchable", profile.get("searchable").cloned()),
        ];
        (id.clone(), kept.into())
    };
    people.keys().map(told).collect()
}

fn same(found: &BTreeMap<String, Kept>, expected: &BTreeMap<String, Kept>) {
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (id, kept) in found {
        assert_eq!(kept, &expected[id], "{id}");
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A whole name as earlier versions cut it: into the first name, and from the last space that fits into the last one.
fn cut(name: &str) -> (&str, &str) {
    let fits = |place: &usize| name[..*place].chars().count() <= 32;
    match name.match_indices(' ').map(|(place, _)| place).rfind(fits) {
        Some(place) if name.chars().count() > 32 => (&name[..place], name[place..].trim()),
        _ => (name, ""),
    }
}

/// Makes everybody as earlier versions entered them: the whole name in the first one, no photos, searchable, the key
/// without its last line break.
async fn age(target: &Target) {
    for (id, kept) in kept(&Rows::read(&target.pool).await.unwrap()) {
        let text = |column| kept[column].clone().unwrap_or_default();
        let name = format!("{} {}", text("first_name"), text("last_name")).trim().to_owned();
        let (first, last) = cut(&name);
        let person = format!("(SELECT id FROM people WHERE diaspora_handle = {})", quoted(&id));
        for sql in [
            format!(
                "UPDATE profiles SET first_name = {}, last_name = {}, full_name = {}, image_url = NULL, \
                 image_url_medium = NULL, image_url_small = NULL, searchable = (1 = 1), updated_at = created_at \
                 WHERE person_id = {person}",
                quoted(first),
                quoted(last),
                quoted(&name.to_lowercase())
            ),
            format!(
                "UPDATE people SET serialized_public_key = {} WHERE diaspora_handle = {}",
                quoted(text("serialized_public_key").trim_end()),
                quoted(&id)
            ),
        ] {
            target.pool.execute(&sql).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_entered_as_their_pods_tell_them() {
    let pods = pods().await;
    for target in targets("people_told").await {
        let ended = import(&pods, &target);
        let pods = &pods.0;
        assert_eq!(ended.code, Some(10), "{ended:?}");
        let people = kept(&Rows::read(&target.pool).await.unwrap());
        same(&people, &as_told(pods, &people).await);
        let hidden = people.values().filter(|kept| kept["searchable"].as_deref() == Some("0")).count();
        let with_photo = people.values().filter(|kept| kept["image_url"].is_some()).count();
        let apart = people.values().filter(|kept| kept["last_name"].is_some()).count();
        assert!(hidden >= 2 && with_photo >= 2 && apart >= 4, "{people:#?}");
        assert!(
            people.values().all(|kept| kept["serialized_public_key"].as_ref().unwrap().ends_with("-----\n"))
        );
        target.is_sound().await;
    }
}

#[tokio::test]
async fn people_known_from_an_archive_alone_are_not_searchable() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    // As on a pod where an earlier version has entered somebody.
    let sql = "UPDATE people SET serialized_public_key = RTRIM(serialized_public_key, char(10)) \
               WHERE diaspora_handle LIKE 'paula@%'";
    source.pool.execute(sql).await.unwrap();
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    target.import(&archive, "ida", &["--trust-pod", &fingerprint(&archive)]);
    let people = kept(&Rows::read(&target.pool).await.unwrap());
    assert!(people.len() > 5, "{people:?}");
    for (id, kept) in &people {
        assert_eq!(kept["searchable"].as_deref(), Some("0"), "{id}");
        assert!(kept["serialized_public_key"].as_ref().unwrap().ends_with("-----\n"), "{id}");
    }
    let names = json(&archive, "diaspora.json")["user"]["contacts"].as_array().unwrap().clone();
    let paula = names.iter().find(|contact| contact["account_id"] == "paula@contacts.example").unwrap();
    assert_eq!(people["paula@contacts.example"]["first_name"].as_deref(), paula["person_name"].as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_earlier_versions_entered_is_repaired() {
    let pods = pods().await;
    for target in targets("people_repaired").await {
        import(&pods, &target);
        let pods = &pods.0;
        let mut expected = kept(&Rows::read(&target.pool).await.unwrap());
        age(&target).await;
        // The pod has heard of two of them since: one has changed their profile, one is only tagged.
        let stefan = format!("stefan@{}", pods.contacts);
        let paula = format!("paula@{}", pods.contacts);
        let profile = |id: &str| {
            format!(
                "(SELECT f.id FROM profiles f JOIN people p ON p.id = f.person_id WHERE p.diaspora_handle = '{id}')"
            )
        };
        target
            .pool
            .execute(&format!(
                "UPDATE profiles SET bio = 'New here', updated_at = '2031-01-01 00:00:00' \
                 WHERE person_id = (SELECT id FROM people WHERE diaspora_handle = '{stefan}')"
            ))
            .await
            .unwrap();
        target
            .pool
            .execute(&format!(
                "INSERT INTO taggings (tag_id, taggable_id, taggable_type, context) \
                 SELECT MIN(t.id), {}, 'Profile', 'tags' FROM tags t",
                profile(&paula)
            ))
            .await
            .unwrap();
        let before = Rows::read(&target.pool).await.unwrap();
        let old = kept(&before);
        for id in [&stefan, &paula] {
            for column in COLUMNS.iter().filter(|column| **column != "serialized_public_key") {
                expected.get_mut(id).unwrap().insert(column, old[id][column].clone());
            }
        }

        let planned = repair(pods, &target, &["--dry-run"]);
        assert_eq!(Rows::read(&target.pool).await.unwrap(), before, "a dry run writes nothing");
        let done = repair(pods, &target, &[]);
        let changed = |report: &Value| report["repairs"][0]["changes"].clone();
        assert_eq!(changed(&planned), changed(&done));
        assert_eq!((&done["repairs"][0]["repair"], &done["exit"]), (&"people".into(), &0.into()));
        assert_eq!(done["repairs"][0]["changed"], old.len(), "every key, if nothing else: {done}");
        let now = Rows::read(&target.pool).await.unwrap();
        let mut found = kept(&now);
        // An empty text and nothing are one.
        for value in found.values_mut().chain(expected.values_mut()).flat_map(BTreeMap::values_mut) {
            value.take_if(|value| value.is_empty());
        }
        same(&found, &expected);
        let others = |rows: &Rows| rows.clone().without("people").without("profiles");
        assert_eq!(others(&now), others(&before));

        let again = repair(pods, &target, &[]);
        assert_eq!(again["repairs"][0]["changes"], Value::Array(Vec::new()), "{again}");
        assert_eq!(Rows::read(&target.pool).await.unwrap(), now);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_asked_or_is_somebody_else_now_stays() {
    let (pods, target) = (pods().await, Target::sqlite().await);
    import(&pods, &target);
    let pods = &pods.0;
    age(&target).await;
    let guid_of = |rows: &Rows, id: &str| rows.by("people", "diaspora_handle")[id]["guid"].clone();
    let rows = Rows::read(&target.pool).await.unwrap();
    let (theo, paula) = (format!("theo@{}", pods.contacts), format!("paula@{}", pods.contacts));
    // Somebody has the domain now and says that they are theo; paula's account is closed.
    let key = include_str!("../../fixtures/keys/4096-0.public.pem");
    let card = format!(
        "<b class=uid>{0}</b><b class=fn>Theo</b><b class=given_name>New</b><b class=searchable>true</b>\
         <pre class=key>{key}</pre>",
        guid_of(&rows, &theo)
    );
    pods.lies.lock().unwrap().insert(format!("/hcard/users/{}", guid_of(&rows, &theo)), card);
    sqlx::query("UPDATE people SET closed_account = 1 WHERE diaspora_handle = ?")
        .bind(&paula)
        .execute(&pods.database)
        .await
        .unwrap();
    let done = repair(pods, &target, &[]);
    assert_eq!(done["exit"], 10);
    let skipped: BTreeMap<&str, &str> = done["repairs"][0]["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["person"].as_str().unwrap(), one["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(skipped.len(), 2, "{done}");
    assert!(skipped[theo.as_str()].contains("another key"), "{done}");
    assert!(skipped[paula.as_str()].contains("no such account"), "{done}");
    let now = Rows::read(&target.pool).await.unwrap();
    for id in [&theo, &paula] {
        assert_eq!(kept(&now)[id], kept(&rows)[id], "{id}");
    }

    // With the whole pod gone, nobody there is looked for twice, and nothing is changed.
    age(&target).await;
    let before = Rows::read(&target.pool).await.unwrap();
    let ended = target.run(&["repair", "--allow-host", "127.0.0.1:1"]);
    assert_eq!(ended.code, Some(10), "{ended:?}");
    assert_eq!(document(&ended)["repairs"][0]["changed"], 0);
    assert_eq!(Rows::read(&target.pool).await.unwrap(), before);
}
