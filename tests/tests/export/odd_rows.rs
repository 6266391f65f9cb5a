//! Rows whose time nobody can write, empty files, accounts with odd names: `check` foresees what archives list, and nothing
//! stops.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::{Pod, document, json, names, shared_state};
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::program::{Ended, pappus};
use pappus_tests::schema::Dialect;
use serde_json::Value;

type Counts = BTreeMap<(String, String), u64>;

/// Columns with a time or a date that archives have.
const COLUMNS: [(&str, &str); 7] = [
    ("posts", "created_at"),
    ("comments", "created_at"),
    ("photos", "created_at"),
    ("conversations", "created_at"),
    ("messages", "created_at"),
    ("profiles", "updated_at"),
    ("profiles", "birthday"),
];

/// What a database takes for a time and nobody else does.
fn odd_times(dialect: Dialect) -> (&'static str, &'static [&'static str]) {
    match dialect {
        Dialect::Postgres => (
            "",
            &[
                "infinity",
                "-infinity",
                "0044-03-15 BC",
                "12020-01-01",
                "294276-12-31",
                "0001-12-31 BC",
                "4713-01-01 BC",
            ],
        ),
        Dialect::MySql => (
            "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'; ",
            &["0000-00-00", "2020-00-00", "2019-07-00", "2020-02-31", "0000-05-05"],
        ),
        Dialect::Sqlite => (
            "",
            &[
                "some time in May",
                "0000-00-00 00:00:00",
                "2020-13-45",
                "",
                "2019-07-00 10:00",
                "+12020-01-01 00:00:00",
                "x",
            ],
        ),
    }
}

async fn spoil(pod: &Pod) {
    let (before, values) = odd_times(pod.pool.dialect());
    for (table, column) in COLUMNS {
        for (turn, value) in values.iter().enumerate() {
            // Some rows stay as they were.
            let (turns, sql) = (values.len() + 2, format!("UPDATE {table} SET {column} = '{value}'"));
            let sql = format!("{before}{sql} WHERE id % {turns} = {turn}");
            pod.pool.execute(&sql).await.unwrap();
        }
    }
    let long = "l".repeat(200);
    for (who, username, handle) in [
        ("nils", "Nils.The.1st", "Nils.The.1st@closing.example"),
        ("emil", "emil", "emma@closing.example"),
        ("greta", "GRETA", "greta@closing.example"),
        ("lotte", &long, &format!("{long}@closing.example")),
        ("ruth", "ruth müller", "ruth müller@closing.example"),
        ("yasmin", "..", "..@closing.example"),
    ] {
        let person = format!(
            "UPDATE people SET diaspora_handle = '{handle}' WHERE diaspora_handle = '{who}@closing.example'"
        );
        pod.pool.execute(&person).await.unwrap();
        let user = format!("UPDATE users SET username = '{username}' WHERE username = '{who}'");
        pod.pool.execute(&user).await.unwrap();
    }
    let images = pod.path("uploads/images");
    let originals =
        names(&images).into_iter().filter(|name| !name.contains("thumb_") && !name.contains("scaled_"));
    for (turn, name) in originals.enumerate() {
        match turn % 4 {
            0 => std::fs::write(images.join(name), b"").unwrap(),
            1 => std::fs::remove_file(images.join(name)).unwrap(),
            _ => {}
        }
    }
}

fn run(pod: &Pod, command: &[&str]) -> Ended {
    let mut arguments: Vec<String> = command.iter().map(ToString::to_string).collect();
    arguments.extend(pod.arguments());
    pappus(arguments).unwrap()
}

fn foreseen(report: &Value) -> Counts {
    let list = report["forecast"]["omissions"].as_array().unwrap().iter();
    list.map(|one| {
        let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
        ((text("code"), text("record")), one["count"].as_u64().unwrap())
    })
    .collect()
}

fn listed<'a>(archives: impl IntoIterator<Item = &'a PathBuf>) -> Counts {
    let mut counts = Counts::new();
    for archive in archives {
        for omission in crate::support::omissions(archive) {
            *counts.entry(omission).or_default() += 1;
        }
    }
    counts
}

fn archives(folder: &Path) -> Vec<PathBuf> {
    names(folder).into_iter().filter(|name| name.contains(".zip")).map(|name| folder.join(name)).collect()
}

async fn is_exported_as_foreseen(pod: &Pod) {
    let before: Value = document(&run(pod, &["check", "--json"]));
    let posts =
        "SELECT COUNT(*) FROM posts r JOIN people p ON p.id = r.author_id WHERE p.owner_id IS NOT NULL";
    let posts = pod.pool.number(posts).await.unwrap();
    spoil(pod).await;
    let checked = run(pod, &["check", "--json", "--accounts"]);
    assert_eq!(checked.code, Some(10), "{checked:?}");
    let report = document(&checked);
    let foreseen = foreseen(&report);
    let accounts = report["accounts"].as_array().unwrap();
    let usernames: Vec<&str> = accounts.iter().map(|account| account["username"].as_str().unwrap()).collect();
    let ended = pod.export(&usernames, "out", &[]);
    assert_eq!(ended.code, Some(10), "{ended:?}");
    let single = archives(&pod.path("out"));
    assert_eq!(single.len(), usernames.len());
    assert_eq!(foreseen, listed(&single), "{foreseen:?}");
    let (code, new) = (|code: &str| foreseen.iter().filter(|((one, _), _)| one == code).count(), 6);
    assert_eq!(code("unreadable_time"), new, "{foreseen:?}");
    assert!(code("empty_file") == 1 && code("missing_file") == 1, "{foreseen:?}");
    assert_eq!(foreseen[&("invalid_identifier".to_owned(), "account".to_owned())], 4, "{foreseen:?}");
    assert!(!before["forecast"]["omissions"].to_string().contains("unreadable_time"), "{before}");
    // Nobody is missing, and no post for its time.
    let mut all_posts = 0;
    for archive in &single {
        let ended = pappus(["verify", archive.to_str().unwrap()]).unwrap();
        assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
        let counts = &json(archive, "manifest.json")["counts"];
        all_posts +=
            ["status_messages", "reshares"].iter().filter_map(|kind| counts[*kind].as_i64()).sum::<i64>();
    }
    assert_eq!(all_posts, posts);
    for account in accounts {
        let name = account["username"].as_str().unwrap();
        let of_account = pod.export(&[name], "again", &["--json"]);
        let exported = &document(&of_account)["exported"][0];
        assert_eq!(exported["omissions"].as_array().unwrap().len() as u64, account["omissions"], "{name}");
    }
    as_a_campaign(pod, &foreseen);
}

/// Accounts that are read together list the same.
fn as_a_campaign(pod: &Pod, foreseen: &Counts) {
    let (out, state) = (pod.path("whole").display().to_string(), shared_state());
    let store = format!("sqlite:{}", pod.path("store.sqlite3").display());
    let ended =
        run(pod, &["export", "--all", "--plain", "--out", &out, "--state", &state, "--store", &store]);
    assert_eq!(ended.code, Some(10), "{ended:?}");
    assert_eq!(&listed(&archives(&pod.path("whole"))), foreseen);
}

#[tokio::test]
async fn on_sqlite() {
    is_exported_as_foreseen(&Pod::sqlite().await).await;
}

#[tokio::test]
async fn on_postgresql() {
    let url = shared_postgres().await.unwrap().create_database("odd_rows").await.unwrap();
    is_exported_as_foreseen(&Pod::on(tempfile::tempdir().unwrap(), url).await).await;
}

#[tokio::test]
async fn on_mariadb() {
    let url = shared_mariadb().await.unwrap().create_database("odd_rows").await.unwrap();
    is_exported_as_foreseen(&Pod::on(tempfile::tempdir().unwrap(), url).await).await;
}

#[tokio::test]
async fn a_stand_in_is_the_nearest_that_is_known_and_says_what_was_there() {
    let pod = Pod::sqlite().await;
    let ida = "(SELECT p.id FROM people p WHERE p.diaspora_handle = 'ida@closing.example')";
    for sql in [
        format!("UPDATE posts SET created_at = '2019-07-00 10:00:00' WHERE author_id = {ida}"),
        format!("UPDATE profiles SET birthday = '1980-00-00' WHERE person_id = {ida}"),
    ] {
        pod.pool.execute(&sql).await.unwrap();
    }
    pod.export(&["ida"], "out", &[]);
    let archive = pod.archive("out", "ida");
    let (whole, manifest) = (json(&archive, "diaspora.json"), json(&archive, "manifest.json"));
    for post in whole["user"]["posts"].as_array().unwrap() {
        assert_eq!(post["entity_data"]["created_at"], "2019-07-01T00:00:00Z", "{post}");
    }
    assert!(whole["user"]["profile"]["entity_data"].get("birthday").is_none());
    let reasons: Vec<&str> =
        manifest["omissions"].as_array().unwrap().iter().filter_map(|one| one["reason"].as_str()).collect();
    let says = |words: &str| reasons.iter().any(|reason| reason.contains(words));
    assert!(says(
        "its time is \"2019-07-00 10:00:00\" in the pod's database; 2019-07-01T00:00:00Z replaces it"
    ));
    assert!(says("its birthday is \"1980-00-00\" in the pod's database and is left out"), "{reasons:?}");
}

/// Somebody whose row in `people` is gone, or belongs to nobody.
async fn an_account_without_a_person(pod: &Pod) {
    for sql in [
        "UPDATE people SET owner_id = NULL WHERE diaspora_handle = 'ida@closing.example'",
        "UPDATE people SET owner_id = NULL WHERE diaspora_handle = 'greta@closing.example'",
    ] {
        pod.pool.execute(sql).await.unwrap();
    }
    let report = document(&run(pod, &["check", "--json"]));
    assert_eq!(report["forecast"]["broken_accounts"], serde_json::json!({}), "{report}");
    let foreseen = foreseen(&report);
    assert_eq!(foreseen[&("missing_person".to_owned(), "account".to_owned())], 2, "{foreseen:?}");
    let ended = pod.export(&["ida", "greta@closing.example"], "out", &[]);
    assert_eq!(ended.code, Some(10), "{ended:?}");
    let archive = pod.archive("out", "ida");
    let verified = pappus(["verify", archive.to_str().unwrap()]).unwrap();
    assert!(matches!(verified.code, Some(0 | 10)), "{verified:?}");
    let (whole, manifest) = (json(&archive, "diaspora.json"), json(&archive, "manifest.json"));
    let user = &whole["user"];
    assert!(user["private_key"].as_str().unwrap().contains("PRIVATE KEY"), "{user}");
    assert!(!user["contacts"].as_array().unwrap().is_empty() && user["posts"] == serde_json::json!([]));
    assert_eq!(user["profile"]["entity_data"]["author"], "ida@closing.example");
    let other = json(&pod.archive("out", "greta"), "manifest.json");
    assert_ne!(manifest["account"]["guid"], other["account"]["guid"]);
    // It is the same each time, and in a campaign.
    pod.export(&["ida"], "again", &[]);
    let again = std::fs::read(pod.archive("again", "ida")).unwrap();
    assert_eq!(std::fs::read(&archive).unwrap(), again);
    as_a_campaign(pod, &foreseen);
    comes_in_elsewhere(&archive).await;
}

#[tokio::test]
async fn who_has_no_person_has_an_archive() {
    an_account_without_a_person(&Pod::sqlite().await).await;
}

#[tokio::test]
async fn who_has_no_person_has_an_archive_from_postgresql_and_mariadb() {
    let url = shared_postgres().await.unwrap().create_database("no_person").await.unwrap();
    an_account_without_a_person(&Pod::on(tempfile::tempdir().unwrap(), url).await).await;
    let url = shared_mariadb().await.unwrap().create_database("no_person").await.unwrap();
    an_account_without_a_person(&Pod::on(tempfile::tempdir().unwrap(), url).await).await;
}

/// Asserts that an archive of ida comes into another pod.
async fn comes_in_elsewhere(archive: &std::path::Path) {
    let target = crate::support::target::Target::sqlite().await;
    let trust = crate::support::target::fingerprint(archive);
    let done = target.import(archive, "ida", &["--trust-pod", &trust]);
    assert_eq!(done["new"], "ida@haven.example", "{done}");
    target.is_sound().await;
}

/// People whose own GUID the network does not allow.
async fn accounts_without_a_guid(pod: &Pod) {
    let check = || document(&run(pod, &["check", "--json"]));
    let invalid = |report: &Value| {
        let counted = foreseen(report).get(&("invalid_identifier".to_owned(), "account".to_owned())).copied();
        counted.unwrap_or_default()
    };
    let before = invalid(&check());
    let long = "g".repeat(255) + "-";
    for (name, guid) in
        [("ida", ""), ("greta", "short"), ("nils", "words and not a GUID"), ("emil", &long[1..])]
    {
        let sql =
            format!("UPDATE people SET guid = '{guid}' WHERE diaspora_handle = '{name}@closing.example'");
        pod.pool.execute(&sql).await.unwrap();
    }
    let ended = run(pod, &["check"]);
    assert_eq!(ended.code, Some(10), "{ended:?}");
    let report = check();
    assert_eq!(report["forecast"]["broken_accounts"], serde_json::json!({}), "{report}");
    assert_eq!(invalid(&report), before + 4, "{report}");
    let ended = pod.export(&["ida", "greta", "nils", "emil"], "out", &[]);
    assert_eq!(ended.code, Some(10), "{ended:?}");
    let mut guids = std::collections::BTreeSet::new();
    for (name, shown) in [("ida", "\"\""), ("greta", "\"short\""), ("nils", "\"words"), ("emil", "\"ggg")] {
        let archive = pod.archive("out", name);
        let verified = pappus(["verify", archive.to_str().unwrap()]).unwrap();
        assert!(matches!(verified.code, Some(0 | 10)), "{verified:?}");
        let manifest = json(&archive, "manifest.json");
        let guid = manifest["account"]["guid"].as_str().unwrap().to_owned();
        let mut reasons =
            manifest["omissions"].as_array().unwrap().iter().filter_map(|one| one["reason"].as_str());
        let says = format!("its GUID is {shown}");
        assert!(reasons.any(|reason| reason.starts_with(&says) && reason.contains(&guid)), "{manifest}");
        guids.insert(guid);
    }
    assert_eq!(guids.len(), 4, "{guids:?}");
    // It is the same each time, and in a campaign.
    pod.export(&["ida"], "again", &[]);
    let [first, again] = ["out", "again"].map(|out| std::fs::read(pod.archive(out, "ida")).unwrap());
    assert!(first == again);
    as_a_campaign(pod, &foreseen(&report));
    let archive = pod.archive("out", "ida");
    comes_in_elsewhere(&archive).await;
}

#[tokio::test]
async fn who_has_no_valid_guid_has_an_archive() {
    accounts_without_a_guid(&Pod::sqlite().await).await;
}

#[tokio::test]
async fn who_has_no_valid_guid_has_an_archive_from_postgresql_and_mariadb() {
    let url = shared_postgres().await.unwrap().create_database("no_guid").await.unwrap();
    accounts_without_a_guid(&Pod::on(tempfile::tempdir().unwrap(), url).await).await;
    let url = shared_mariadb().await.unwrap().create_database("no_guid").await.unwrap();
    accounts_without_a_guid(&Pod::on(tempfile::tempdir().unwrap(), url).await).await;
}

#[tokio::test]
async fn names_find_the_account_that_they_name() {
    let pod = Pod::sqlite().await;
    for sql in [
        "UPDATE people SET diaspora_handle = 'nils@closing.example-' WHERE diaspora_handle = 'nils@closing.example'",
        "UPDATE people SET diaspora_handle = 'nils@closing.example' WHERE diaspora_handle = 'emil@closing.example'",
        "UPDATE people SET diaspora_handle = 'emil@closing.example' WHERE diaspora_handle = 'nils@closing.example-'",
        "UPDATE users SET username = 'IDA' WHERE username = 'greta'",
    ] {
        pod.pool.execute(sql).await.unwrap();
    }
    let row = |username: &str| format!("SELECT id FROM users WHERE username = '{username}'");
    for (asked, username, id) in [
        ("nils", "nils", "emil@closing.example"),
        ("nils@closing.example", "emil", "nils@closing.example"),
        ("NILS@closing.example", "emil", "nils@closing.example"),
        ("ida", "ida", "ida@closing.example"),
        ("IDA", "IDA", "greta@closing.example"),
        ("Viktor", "viktor", "viktor@closing.example"),
    ] {
        let ended = pod.export(&[asked], &format!("out-{asked}"), &["--json"]);
        let exported = document(&ended)["exported"][0].clone();
        assert_eq!(exported["account"], id, "{asked}: {ended:?}");
        let email =
            json(Path::new(exported["archive"].as_str().unwrap()), "diaspora.json")["user"]["email"].clone();
        let sql = format!("SELECT email FROM users WHERE id = ({})", row(username));
        assert_eq!(email.as_str().unwrap(), pod.pool.texts(&sql).await.unwrap()[0], "{asked}");
    }
}

#[tokio::test]
async fn a_whole_pod_is_clean_and_a_quick_check_looks_for_nothing() {
    let pod = Pod::sqlite().await;
    let clean = [
        "DELETE FROM posts",
        "DELETE FROM photos",
        "DELETE FROM comments",
        "DELETE FROM likes",
        "DELETE FROM participations",
    ];
    for sql in clean {
        pod.pool.execute(sql).await.unwrap();
    }
    let broken = "UPDATE users SET serialized_private_key = NULL WHERE username = 'ida'";
    let report = |ended: &Ended| document(ended)["forecast"].clone();
    let ended = run(&pod, &["check"]);
    let before = report(&run(&pod, &["check", "--json"]));
    assert_eq!(
        ended.code == Some(0),
        before["omissions"].as_array().unwrap().is_empty(),
        "{ended:?} {before}"
    );
    pod.pool.execute(broken).await.unwrap();
    let ended = run(&pod, &["check"]);
    assert_eq!(ended.code, Some(10), "{ended:?}");
    assert!(ended.stdout.contains("1 account whose key is missing or broken"), "{ended:?}");
    let ended = run(&pod, &["check", "--quick"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("were not examined"), "{ended:?}");
}
