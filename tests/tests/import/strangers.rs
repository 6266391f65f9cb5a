//! Archives of strangers that claim GUIDs, names and tags of others: neither the import nor its undo touches anybody
//! else.

use std::io::Write as _;

use crate::support::living_pods::LivingPods;
use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, document, json, names};
use serde_json::{Value, json as value};

/// A stock pod's archive of an account with these posts.
pub(super) fn stock(id: &str, posts: &Value) -> Value {
    let name = id.split_once('@').unwrap().0;
    let profile =
        value!({ "author": id, "first_name": name, "searchable": true, "public": false, "nsfw": false });
    value!({
        "version": "2.0",
        "user": {
            "username": name, "email": format!("{name}@mail.example"), "language": "en",
            "private_key": include_str!("../../fixtures/keys/2048-00.private.pem"),
            "disable_mail": false, "show_community_spotlight_in_stream": true, "auto_follow_back": false,
            "auto_follow_back_aspect": null, "blocks": [], "contact_groups": [], "contacts": [],
            "profile": { "entity_type": "profile", "entity_data": profile },
            "posts": posts, "followed_tags": [], "post_subscriptions": [], "relayables": [],
        },
        "others_data": { "relayables": [], "non_contact_authors": [] },
    })
}

pub(super) fn guid(letter: char) -> String {
    letter.to_string().repeat(32)
}

fn post(id: &str, letter: char, photos: &Value) -> Value {
    value!({ "entity_type": "status_message", "subscribed_pods_uris": [], "entity_data": {
        "author": id, "guid": guid(letter), "created_at": "2019-05-04T10:00:00Z", "public": true,
        "text": format!("by {id}"), "photos": photos,
    }})
}

fn photo(id: &str, letter: char, of: char) -> Value {
    value!({ "entity_type": "photo", "entity_data": {
        "guid": guid(letter), "author": id, "public": true, "created_at": "2019-05-04T10:00:00Z",
        "remote_photo_path": "https://gone.example/uploads/images/", "remote_photo_name": PICTURE,
        "status_message_guid": guid(of), "height": 40, "width": 60,
    }})
}

fn reshare(id: &str, letter: char, root: char) -> Value {
    value!({ "entity_type": "reshare", "subscribed_pods_uris": [], "entity_data": {
        "author": id, "guid": guid(letter), "created_at": "2026-11-20T10:00:00Z", "root_author": id,
        "root_guid": guid(root),
    }})
}

const PICTURE: &str = "0123456789abcdef0123.png";

fn import(target: &Target, archive: &Value, more: &[&str]) -> Value {
    let path = target.path("archive.json");
    std::fs::write(&path, archive.to_string()).unwrap();
    let name = archive["user"]["username"].as_str().unwrap().to_owned();
    let command = ["import", &path, "--as", &name, "--offline", "--hold", "--accept-unproven"];
    let ended = target.run(&[&command[..], more].concat());
    assert!(matches!(ended.code, Some(0 | 10)), "{name}: {ended:?}");
    document(&ended)
}

fn undo(target: &Target, import: &Value) {
    let ended = target.run(&["undo", import["import"].as_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

fn found(report: &Value, code: &str) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let mut records: Vec<String> = findings
        .filter(|finding| finding["code"] == code)
        .map(|finding| finding["record"].as_str().unwrap().to_owned())
        .collect();
    records.sort();
    records
}

/// A ZIP with one picture.
fn pictures(target: &Target, shade: u8) -> String {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbaImage::from_pixel(60, 40, image::Rgba([shade, 0, 0, 255]));
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    let path = target.path("photos.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    zip.start_file(PICTURE, zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(&bytes.into_inner()).unwrap();
    zip.finish().unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_leaves_what_belongs_to_others_by_now() {
    let archive = |id: &str| {
        let mut archive =
            stock(id, &value!([post(id, 'a', &value!([photo(id, 'b', 'a')])), post(id, 'c', &value!([]))]));
        archive["user"]["relayables"] = value!([{ "entity_type": "comment", "entity_data": {
            "author": id, "guid": guid('d'), "parent_guid": guid('a'), "text": "mine",
            "created_at": "2019-05-05T10:00:00Z",
        }, "property_order": ["author", "guid", "parent_guid", "text", "created_at"] }]);
        archive
    };
    for target in Target::on_each("undo_of_others").await {
        let stranger = import(&target, &archive("squat@gone.example"), &["--photos", &pictures(&target, 1)]);
        for table in ["comments", "photos", "posts"] {
            target.pool.execute(&format!("DELETE FROM {table}")).await.unwrap();
        }
        let images = target.folder.path().join("uploads/images");
        std::fs::remove_dir_all(&images).unwrap();
        std::fs::create_dir(&images).unwrap();
        let honest = import(&target, &archive("honest@dead.example"), &["--photos", &pictures(&target, 2)]);
        assert_eq!(honest["kinds"]["photo_files"]["imported"], 1, "{honest}");
        let files = names(&images);
        assert!(files.contains(&PICTURE.to_owned()), "{files:?}");
        undo(&target, &stranger);
        let mut rows = target.rows().await;
        rows.retain(|table, _| ["posts", "photos", "comments", "users"].contains(table));
        let all: Vec<i64> = rows.into_values().collect();
        assert_eq!(all, [1, 1, 2, 1], "comments, photos, posts and users of the honest account");
        assert_eq!(names(&images), files);
        undo(&target, &honest);
        assert_eq!(target.rows().await["posts"], 0);
        assert_eq!(names(&images), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_a_neighbours_photo_is_left_to_them() {
    for target in Target::on_each("names_of_neighbours").await {
        // Whoever claims the name on a pod of their own takes it from nobody.
        for (id, letter) in [("victim@gone.example", '1'), ("evil@fake.example", '2')] {
            insert_person(&target, id, &guid(letter), "").await;
            let sql = format!(
                "INSERT INTO photos (author_id, public, guid, pending, remote_photo_path, remote_photo_name, created_at, \
                 updated_at) SELECT id, (1 = 1), '{}', (1 = 0), 'https://gone.example/uploads/images/', '{PICTURE}', \
                 '2026-01-01', '2026-01-01' FROM people WHERE diaspora_handle = '{id}'",
                guid(letter)
            );
            target.pool.execute(&sql).await.unwrap();
        }
        let images = target.folder.path().join("uploads/images");
        for (id, [of, letter], keeps_name) in
            [("squat@gone.example", ['a', 'b'], false), ("victim@gone.example", ['c', 'd'], true)]
        {
            let archive = stock(id, &value!([post(id, of, &value!([photo(id, letter, of)]))]));
            let pictures = pictures(&target, u8::from(keeps_name));
            let done = import(&target, &archive, &["--photos", &pictures]);
            assert_eq!(done["kinds"]["photo_files"]["imported"], 1, "{id}: {done}");
            let sql = format!("SELECT remote_photo_name FROM photos WHERE guid = '{}'", guid(letter));
            let name = target.pool.texts(&sql).await.unwrap().remove(0);
            assert_eq!(name == PICTURE, keeps_name, "{id}: {name}");
            assert!(images.join(&name).is_file(), "{id}: {name}");
        }
    }
}

#[tokio::test]
async fn a_photo_stays_in_its_own_post() {
    let target = Target::sqlite().await;
    let id = "pho@gone.example";
    import(&target, &stock(id, &value!([post(id, 'a', &value!([photo(id, 'b', 'f')]))])), &[]);
    let of = target.pool.texts("SELECT status_message_guid FROM photos").await.unwrap();
    assert_eq!(of, [guid('a')]);
}

#[tokio::test]
async fn a_photo_without_a_post_comes_into_none() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    // Its post was deleted on the old pod; in the archive it names a post that somebody else has.
    let named = guid('f');
    let of_ida = "author_id = (SELECT id FROM people WHERE diaspora_handle = 'ida@closing.example')";
    let photo =
        format!("SELECT guid FROM photos WHERE {of_ida} AND status_message_guid IS NULL ORDER BY id LIMIT 1");
    let photo = source.pool.texts(&photo).await.unwrap().remove(0);
    let sql = format!("UPDATE photos SET status_message_guid = '{named}' WHERE guid = '{photo}'");
    source.pool.execute(&sql).await.unwrap();
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    let extras = json(&archive, "extras.json").to_string();
    assert!(extras.contains(&photo) && extras.contains(&named), "{extras}");
    target.introduce(&json(&archive, "diaspora.json")).await;
    target.post("jonas@closing.example", &named, true).await;
    target.import(&archive, "ida", &[]);
    let count = |of: &str| format!("SELECT COUNT(*) FROM photos WHERE {of}");
    let here = count(&format!("guid = '{photo}' AND status_message_guid IS NULL"));
    assert_eq!(target.pool.number(&here).await.unwrap(), 1);
    let theirs = count(&format!("status_message_guid = '{named}'"));
    assert_eq!(target.pool.number(&theirs).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_named_as_diaspora_names_them() {
    let id = "tagger@gone.example";
    let mut archive = stock(id, &value!([]));
    archive["user"]["followed_tags"] =
        value!(["gar<img src=x onerror=alert(1)>", "#Garden", "<3", "&;", "two words", "GARDEN"]);
    for target in Target::on_each("tag_names").await {
        let planned = import(&target, &archive, &["--dry-run"]);
        let done = import(&target, &archive, &[]);
        assert_eq!(planned["kinds"], done["kinds"]);
        let mut tags = target.pool.texts("SELECT name FROM tags").await.unwrap();
        tags.sort();
        assert_eq!(tags, ["<3", "garden", "garimgsrcxonerroralert1", "twowords"]);
        assert_eq!(target.rows().await["tag_followings"], 4);
        assert_eq!(found(&done, "unreadable"), ["&;"]);
        assert_eq!(found(&done, "duplicate").len(), 1);
        let again = import(&target, &archive, &[]);
        assert_eq!(again["kinds"], done["kinds"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reshare_leads_back_to_itself() {
    let (one, other) = ("loop@gone.example", "other@dead.example");
    let looped = stock(
        one,
        &value!([
            reshare(one, 'a', 'a'),
            reshare(one, 'b', 'c'),
            reshare(one, 'c', 'b'),
            reshare(one, 'd', 'e')
        ]),
    );
    // Ends the other account's chain at its own reshare.
    let closing = stock(other, &value!([reshare(other, 'e', 'd'), reshare(other, 'f', 'd')]));
    for target in Target::on_each("reshare_loops").await {
        let planned = import(&target, &looped, &["--dry-run"]);
        let done = import(&target, &looped, &[]);
        assert_eq!(planned["kinds"], done["kinds"]);
        assert_eq!(found(&done, "reshare_loop"), [guid('a'), guid('b'), guid('c')]);
        let done = import(&target, &closing, &[]);
        // The second one leads into the loop that the first would close.
        assert_eq!(found(&done, "reshare_loop"), [guid('e'), guid('f')]);
        let there = target.pool.texts("SELECT guid FROM posts").await.unwrap();
        assert_eq!(there, [guid('d')]);
    }
}

#[tokio::test]
async fn nothing_comes_from_the_future() {
    let target = Target::sqlite().await;
    let id = "ahead@gone.example";
    let mut ahead = post(id, 'a', &value!([]));
    ahead["entity_data"]["created_at"] = "2099-01-01T00:00:00Z".into();
    let mut archive = stock(id, &value!([ahead, post(id, 'b', &value!([]))]));
    archive["user"]["relayables"] = value!([{ "entity_type": "comment", "entity_data": {
        "author": id, "guid": guid('c'), "parent_guid": guid('b'), "text": "later",
        "created_at": "2099-01-01T00:00:00Z",
    }, "property_order": ["author", "guid", "parent_guid", "text", "created_at"] }]);
    let done = import(&target, &archive, &[]);
    assert_eq!(found(&done, "in_the_future"), [guid('a'), guid('c')]);
    let sql = "SELECT (SELECT COUNT(*) FROM posts WHERE created_at > '2090-01-01') + \
               (SELECT COUNT(*) FROM comments WHERE created_at > '2090-01-01')";
    assert_eq!(target.pool.number(sql).await.unwrap(), 0);
    assert_eq!(target.rows().await["comments"], 1);
}

/// ida's archive, imported into an empty pod with its pod's key pinned.
async fn ida() -> (Target, String, Value) {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    let path = target.path("ida.zip");
    std::fs::copy(&archive, &path).unwrap();
    let done = target.import(&archive, "ida", &["--trust-pod", &fingerprint(&archive)]);
    (target, path, done)
}

pub(super) async fn insert_person(target: &Target, id: &str, guid: &str, key: &str) {
    let sql = format!(
        "INSERT INTO people (guid, diaspora_handle, serialized_public_key, created_at, updated_at) \
         VALUES ('{guid}', '{id}', '{key}', '2026-01-01', '2026-01-01')"
    );
    target.pool.execute(&sql).await.unwrap();
}

#[tokio::test]
async fn an_old_guid_that_somebody_else_has_does_not_hinder_the_move() {
    let (target, archive, _) = ida().await;
    let account = json(std::path::Path::new(&archive), "manifest.json")["account"].clone();
    let taken = account["guid"].as_str().unwrap();
    insert_person(&target, "evil@fake.example", taken, "a key").await;
    let announced = target.announce(&archive, &["--offline"]);
    assert!(matches!(announced.code, Some(0 | 10)), "{announced:?}");
    let guids = "SELECT guid FROM people WHERE diaspora_handle = 'ida@closing.example'";
    let guids = target.pool.texts(guids).await.unwrap();
    assert!(guids.len() == 1 && guids[0] != taken, "{guids:?}");
}

#[tokio::test]
async fn a_move_that_cannot_be_announced_can_be_undone() {
    let (target, archive, done) = ida().await;
    let account = json(std::path::Path::new(&archive), "manifest.json")["account"].clone();
    insert_person(&target, "ida@closing.example", &guid('a'), account["public_key"].as_str().unwrap()).await;
    insert_person(&target, "ida@elsewhere.example", &guid('b'), "a key").await;
    let sql = "INSERT INTO account_migrations (old_person_id, new_person_id) SELECT o.id, n.id FROM people o, people n \
               WHERE o.diaspora_handle = 'ida@closing.example' AND n.diaspora_handle = 'ida@elsewhere.example'";
    target.pool.execute(sql).await.unwrap();
    let announced = target.announce(&archive, &["--offline"]);
    assert!(announced.stderr.contains("already moved to ida@elsewhere.example"), "{announced:?}");
    undo(&target, &done);
}

#[tokio::test]
async fn an_archive_does_not_say_what_a_pod_runs() {
    let target = Target::sqlite().await;
    let mut archive = stock("hub@gone.example", &value!([]));
    // As Hubzilla's people look.
    archive["user"]["contacts"] = value!([{
        "sharing": true, "receiving": true, "following": true, "followed": true, "person_name": "V",
        "person_guid": "abcdefabcdef0123victimexample", "account_id": "nobody@victim.example",
        "public_key": PKCS_1, "contact_groups_membership": [],
    }]);
    import(&target, &archive, &[]);
    let announced = target.announce(target.path("archive.json"), &["--offline"]);
    assert!(matches!(announced.code, Some(0 | 10)), "{announced:?}");
    assert_eq!(document(&announced)["unknown"], 1);
    let store = format!("sqlite:{}", target.path("state/pods/haven.example/pappus.sqlite3"));
    let store = pappus_tests::schema::Pool::connect(&store).await.unwrap();
    let queued = "SELECT COUNT(*) FROM pappus_deliveries WHERE recipient = 'nobody@victim.example'";
    assert!(store.number(queued).await.unwrap() > 0, "there is something to send");
    let known = "SELECT COUNT(*) FROM pappus_delivery_pods WHERE system IS NOT NULL";
    assert_eq!(store.number(known).await.unwrap(), 0, "the pod has to be asked");
}

const PKCS_1: &str = "-----BEGIN RSA PUBLIC KEY-----
MIGJAoGBAJWVQvr59pTOEEsTJ/ziJNy3/GfqzEku/c8hXt9MK1OabVzByestlnDd
NlcjH8jG8rw83L8OokE0xsJL+B8lsMboDUJMvUB3UH4DCjGTLetBluhqyj3rQKLC
kIuOw57dzta3NI+rljq7mOEaJoW8MdoTUT0HlMeJ0YmGVVkvB/cNAgMBAAE=
-----END RSA PUBLIC KEY-----
";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_whose_guid_a_pod_claims_is_not_forgotten() {
    let (pods, target) = (LivingPods::start().await, Target::sqlite().await);
    insert_person(&target, "wanda@shut.example", &guid('f'), "a key").await;
    let sql = format!("UPDATE people SET guid = '{}' WHERE diaspora_handle LIKE 'paula@%'", guid('f'));
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&pods.database).await.unwrap();
    let archive = pods.export("ida").display().to_string();
    let hosts = ["--allow-host", &pods.closing, "--allow-host", &pods.contacts];
    let command = [&["import", &archive, "--as", "ida", "--hold"][..], &hosts].concat();
    let planned = target.run(&[&command[..], &["--dry-run"]].concat());
    let done = target.run(&command);
    assert!(matches!(done.code, Some(0 | 10)), "{done:?}");
    let done = document(&done);
    assert_eq!(document(&planned)["kinds"], done["kinds"]);
    let people = |id: &str| format!("SELECT COUNT(*) FROM people WHERE diaspora_handle LIKE '{id}@%'");
    assert_eq!(target.pool.number(&people("paula")).await.unwrap(), 0);
    undo(&target, &done);
    assert_eq!(target.pool.number(&people("wanda")).await.unwrap(), 1);
}

#[tokio::test]
async fn tags_with_markup_of_earlier_imports_are_repaired() {
    let target = Target::sqlite().await;
    let mut archive = stock("tagger@gone.example", &value!([]));
    archive["user"]["followed_tags"] = value!(["one", "two", "three"]);
    import(&target, &archive, &[]);
    let store = format!("sqlite:{}", target.path("state/pods/haven.example/pappus.sqlite3"));
    let store = pappus_tests::schema::Pool::connect(&store).await.unwrap();
    for (name, before) in [("one", "One<b>"), ("two", "three<>")] {
        for (pool, table, column) in [(&target.pool, "tags", "name"), (&store, "pappus_import_rows", "guid")]
        {
            let sql = format!("UPDATE {table} SET {column} = '{before}' WHERE {column} = '{name}'");
            pool.execute(&sql).await.unwrap();
        }
    }
    for (more, left) in [(&["--dry-run"][..], 3), (&[], 2)] {
        let ended = target.run(&[&["repair"][..], more].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(document(&ended)["repairs"][2]["changed"], 2, "{ended:?}");
        assert_eq!(target.rows().await["tag_followings"], left);
    }
    let mut tags = target.pool.texts("SELECT name FROM tags").await.unwrap();
    tags.sort();
    assert_eq!(tags, ["oneb", "three"]);
}
