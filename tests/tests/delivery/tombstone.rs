//! What is left of somebody who has moved here, under the old name: nothing but a closed account, on each of the three
//! databases, as diaspora* itself leaves it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, document};
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::rows::{Record, Rows};

const OLD: &str = "ida@closing.example";

/// What diaspora* 0.9.1 leaves of a profile (`Profile#tombstone!`), seen on real pods; times and numbers apart.
fn tombstone() -> BTreeMap<&'static str, String> {
    [("full_name", String::new()), ("searchable", "0".to_owned())].into()
}

fn old_person(rows: &Rows) -> (Record, Record, Vec<Record>) {
    let person = rows.by("people", "diaspora_handle")[OLD].clone();
    let mut profile = rows.by("profiles", "person_id")[person["id"].as_str()].clone();
    let tags = rows
        .of("taggings")
        .iter()
        .filter(|tagging| tagging["taggable_type"] == "Profile" && tagging["taggable_id"] == profile["id"]);
    let tags = tags.cloned().collect();
    for column in ["id", "person_id", "created_at", "updated_at"] {
        profile.remove(column);
    }
    (person, profile, tags)
}

/// The pod knows ida from before, with everything she has told, and the podmin has put her into the spotlight.
async fn introduce(target: &Target, key: &str) {
    let pool = &target.pool;
    let at = "'2020-01-01 00:00:00', '2020-01-01 00:00:00'";
    let ssl = pappus_tests::schema::quote(pool.dialect(), "ssl");
    for sql in [
        format!("INSERT INTO pods (host, port, {ssl}, created_at, updated_at) VALUES ('closing.example', -1, (1 = 1), {at})"),
        format!(
            "INSERT INTO people (guid, diaspora_handle, serialized_public_key, pod_id, closed_account, created_at, updated_at) \
             SELECT '0123456789abcdef', '{OLD}', '{key}', p.id, (1 = 0), {at} FROM pods p"
        ),
        format!(
            "INSERT INTO profiles (person_id, diaspora_handle, first_name, last_name, full_name, image_url, image_url_small, \
             image_url_medium, birthday, gender, bio, location, searchable, nsfw, public_details, created_at, updated_at) \
             SELECT p.id, '{OLD}', 'Ida', 'Brandt', 'ida brandt', 'https://closing.example/l.jpg', \
             'https://closing.example/s.jpg', 'https://closing.example/m.jpg', '1980-02-29', 'she', 'Long time', 'Zürich', \
             (1 = 1), (1 = 0), (1 = 1), {at} FROM people p WHERE p.diaspora_handle = '{OLD}'"
        ),
        "INSERT INTO tags (name, taggings_count) VALUES ('lighthouses', 1)".to_owned(),
        "INSERT INTO taggings (tag_id, taggable_id, taggable_type, context) SELECT t.id, f.id, 'Profile', 'tags' \
         FROM tags t, profiles f WHERE t.name = 'lighthouses'"
            .to_owned(),
        format!(
            "INSERT INTO roles (person_id, name, created_at, updated_at) SELECT p.id, 'spotlight', {at} FROM people p \
             WHERE p.diaspora_handle = '{OLD}'"
        ),
    ] {
        pool.execute(&sql).await.unwrap();
    }
}

fn public_key(archive: &Path) -> String {
    let manifest = crate::support::json(archive, "manifest.json");
    manifest["account"]["public_key"].as_str().unwrap().to_owned()
}

async fn is_emptied(target: &Target, archive: &Path) -> Rows {
    let path = archive.display().to_string();
    let announced = target.announce(&path, &[]);
    assert!(matches!(announced.code, Some(0 | 10)), "{announced:?}");
    let rows = Rows::read(&target.pool).await.unwrap();
    let (person, profile, tags) = old_person(&rows);
    assert_eq!(profile, tombstone());
    assert_eq!((tags, person["closed_account"].as_str()), (Vec::new(), "1"));
    target.is_sound().await;
    // Nothing is touched a second time.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    target.announce(&path, &[]);
    let again = Rows::read(&target.pool).await.unwrap();
    for table in ["people", "profiles", "taggings", "tags"] {
        assert_eq!(again.of(table), rows.of(table), "{table}");
    }
    rows
}

async fn moves(target: Target) {
    let source = Pod::sqlite().await;
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    introduce(&target, &public_key(&archive)).await;
    target.import(&archive, "ida", &["--trust-pod", &fingerprint(&archive)]);
    let before = Rows::read(&target.pool).await.unwrap();
    assert_eq!(old_person(&before).2.len(), 1);
    let rows = is_emptied(&target, &archive).await;
    let (was, is) = (old_person(&before).0, old_person(&rows).0);
    assert_ne!(was["updated_at"], is["updated_at"], "diaspora* saves the person");
    let count = |rows: &Rows| rows.by("tags", "name")["lighthouses"]["taggings_count"].clone();
    assert_eq!((count(&before), count(&rows)), ("1".to_owned(), "0".to_owned()));
    // The role is the new person's, as everything that names a person is.
    let new = rows.by("people", "diaspora_handle")["ida@haven.example"]["id"].clone();
    let roles: Vec<&str> = rows.of("roles").iter().map(|role| role["person_id"].as_str()).collect();
    assert_eq!(roles, [new.as_str()]);
}

#[tokio::test]
async fn who_was_known_is_emptied_on_sqlite() {
    moves(Target::sqlite().await).await;
}

#[tokio::test]
async fn who_was_known_is_emptied_on_postgresql() {
    let database = shared_postgres().await.unwrap().create_database("tombstone").await.unwrap();
    moves(Target::on(tempfile::tempdir().unwrap(), database).await).await;
}

#[tokio::test]
async fn who_was_known_is_emptied_on_mariadb() {
    let database = shared_mariadb().await.unwrap().create_database("tombstone").await.unwrap();
    moves(Target::on(tempfile::tempdir().unwrap(), database).await).await;
}

#[tokio::test]
async fn who_was_not_known_is_entered_empty() {
    let postgres = shared_postgres().await.unwrap().create_database("tombstone_new").await.unwrap();
    let mariadb = shared_mariadb().await.unwrap().create_database("tombstone_new").await.unwrap();
    let folder = || tempfile::tempdir().unwrap();
    let source = Pod::sqlite().await;
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    for target in
        [Target::sqlite().await, Target::on(folder(), postgres).await, Target::on(folder(), mariadb).await]
    {
        target.import(&archive, "ida", &["--trust-pod", &fingerprint(&archive)]);
        is_emptied(&target, &archive).await;
    }
}

#[tokio::test]
async fn who_was_only_closed_by_an_earlier_version_is_emptied_by_a_repair() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    introduce(&target, &public_key(&archive)).await;
    target.import(&archive, "ida", &["--trust-pod", &fingerprint(&archive)]);
    let told = Rows::read(&target.pool).await.unwrap();
    target.announce(&archive, &[]);
    let profile = format!("(SELECT id FROM people WHERE diaspora_handle = '{OLD}')");
    target
        .pool
        .execute(&format!(
            "UPDATE profiles SET first_name = 'Ida', searchable = 1 WHERE person_id = {profile}"
        ))
        .await
        .unwrap();
    let aged = Rows::read(&target.pool).await.unwrap();
    assert_ne!(old_person(&told).1, tombstone());

    let run = |more: &[&str]| {
        let ended = target.run(&[&["repair", "--allow-host", "127.0.0.1:1"], more].concat());
        document(&ended)["repairs"][1].clone()
    };
    let planned = run(&["--dry-run"]);
    assert_eq!((&planned["repair"], &planned["changed"]), (&"moved_people".into(), &1.into()), "{planned}");
    assert_eq!(planned["changes"][0]["person"], OLD);
    assert_eq!(Rows::read(&target.pool).await.unwrap(), aged);
    assert_eq!(run(&[])["changed"], 1);
    assert_eq!(old_person(&Rows::read(&target.pool).await.unwrap()).1, tombstone());
    assert_eq!(run(&[])["changed"], 0);
}
