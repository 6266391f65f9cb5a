//! `diaspora.json` is for stock pods: people who have moved are named as diaspora* names them, and what its importer stops
//! at is not there. `extras.json` has the rest, and whoever reads an archive of ours puts it back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, document, entry, json, omissions, under_signers};
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::program::pappus;
use pappus_tests::rows::Rows;
use serde_json::{Value, json as value};

/// Who has moved in the sample pod: rosa between other pods, so what she said came with a signature.
const ROSA: [&str; 2] = ["rosa@contacts.example", "rosa@target.example"];
/// Moritz lived here, and moved away: what he said is signed when it is exported, with his old key.
const MORITZ: [&str; 2] = ["moritz@closing.example", "moritz.neu@target.example"];

fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    let found = path.split('.').fold(value, |value, name| &value[name]);
    found.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Under which ID each relayable was signed, where that is not the one it has.
fn signed_as(archive: &Path) -> BTreeMap<String, String> {
    let extras = json(archive, "extras.json");
    let all = list(&extras, "signed_as").iter();
    all.map(|record| (text(&record["guid"]), text(&record["signed_as"]))).collect()
}

fn authors(records: &[Value]) -> BTreeMap<String, String> {
    let data = records.iter().map(|record| &record["entity_data"]);
    data.map(|data| (text(&data["guid"]), text(&data["author"]))).collect()
}

/// How many signatures are good, and how many are not.
fn signatures(archive: &Path) -> (u64, u64) {
    let ended = pappus(["verify", archive.to_str().unwrap(), "--json"]).unwrap();
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    let report = document(&ended)["relayable_signatures"].clone();
    let count = |name: &str| report[name].as_u64().unwrap();
    (count("good"), count("bad") + count("unknown_key") + count("unsigned"))
}

#[tokio::test]
async fn who_has_moved_is_named_as_diaspora_does() {
    let pod = Pod::sqlite().await;
    pod.export(&["ida", "greta"], "out", &[]);
    for name in ["ida", "greta"] {
        let archive = pod.archive("out", name);
        let (document, extras) = (json(&archive, "diaspora.json"), json(&archive, "extras.json"));
        let others = list(&document, "others_data.relayables");
        let authors = authors(&[others, list(&extras, "likes_on_comments")].concat());
        let signed_as = signed_as(&archive);
        // diaspora* has the new name beside the old signature, and the old name where it makes the signature itself.
        assert!(
            !authors.values().any(|author| author == ROSA[0] || author == MORITZ[1]),
            "{name}: {authors:?}"
        );
        assert!(signed_as.values().all(|id| id == ROSA[0]), "{name}: {signed_as:?}");
        assert!(signed_as.keys().all(|guid| authors[guid] == ROSA[1]), "{name}: {signed_as:?}");
        assert!(signed_as.keys().all(|guid| authors.contains_key(guid)), "{name}: {signed_as:?}");
        assert_eq!(signatures(&archive).1, 0, "{name}");
        // The keys of both names come along.
        let keys = list(&document, "others_data.non_contact_authors").iter();
        let keys: BTreeSet<String> =
            keys.chain(list(&document, "user.contacts")).map(|key| text(&key["account_id"])).collect();
        for (guid, old) in &signed_as {
            assert!(keys.contains(old) && keys.contains(&authors[guid]), "{name} {old}: {keys:?}");
        }
        if name == "ida" {
            assert!(signed_as.len() >= 3, "a comment, a like, a vote: {signed_as:?}");
            let count = |id: &str| authors.values().filter(|author| *author == id).count();
            assert_eq!(count(ROSA[1]), signed_as.len() + 1, "she has spoken under both names");
            assert!(count(MORITZ[0]) >= 3, "{authors:?}");
        } else {
            // A like of a comment, which diaspora.json has no place for.
            assert_eq!(signed_as.len(), 1);
        }
        // Without what extras.json says, those alone cannot be checked: as with a stock pod's own archive.
        let alone = pod.path(&format!("{name}.json"));
        std::fs::write(&alone, document.to_string()).unwrap();
        let lost =
            signed_as.keys().filter(|guid| others.iter().any(|one| one["entity_data"]["guid"] == **guid));
        assert_eq!(signatures(&alone).1, lost.count() as u64, "{name}");
    }
}

/// Everybody of the sample pod is known, and where they have moved.
async fn introduce_everybody(source: &Pod, target: &Target) {
    let rows = Rows::read(&source.pool).await.unwrap();
    let at = "'2026-01-01', '2026-01-01'";
    let mut statements = Vec::new();
    for person in rows.of("people") {
        let (id, host) = (&person["diaspora_handle"], person["diaspora_handle"].split_once('@').unwrap().1);
        let closed = person.get("closed_account").map_or("0", String::as_str);
        let handle = format!("(SELECT id FROM people WHERE diaspora_handle = '{id}')");
        statements.extend([
            format!(
                "INSERT INTO pods (host, port, ssl, created_at, updated_at) SELECT '{host}', -1, 1, {at} \
                 WHERE NOT EXISTS (SELECT 1 FROM pods WHERE host = '{host}')"
            ),
            format!(
                "INSERT INTO people (guid, diaspora_handle, serialized_public_key, pod_id, closed_account, created_at, \
                 updated_at) SELECT '{}', '{id}', '{}', (SELECT id FROM pods WHERE host = '{host}'), {closed}, {at}",
                person["guid"], person["serialized_public_key"]
            ),
            format!("INSERT INTO profiles (person_id, full_name, created_at, updated_at) SELECT {handle}, '', {at}"),
        ]);
    }
    for [old, new] in [ROSA, MORITZ] {
        statements.push(format!(
            "INSERT INTO account_migrations (old_person_id, new_person_id, completed_at) SELECT o.id, n.id, '2026-01-01' \
             FROM people o, people n WHERE o.diaspora_handle = '{old}' AND n.diaspora_handle = '{new}'"
        ));
    }
    for sql in statements {
        target.pool.execute(&sql).await.unwrap();
    }
}

/// Records of others under the account's posts, with who they are by and what signature they have.
fn said(rows: &Rows) -> BTreeMap<String, (String, Option<String>)> {
    let people = rows.by("people", "id");
    let mut said = BTreeMap::new();
    for (table, signatures, key) in [
        ("comments", "comment_signatures", "comment_id"),
        ("likes", "like_signatures", "like_id"),
        ("poll_participations", "poll_participation_signatures", "poll_participation_id"),
    ] {
        let signatures = rows.by(signatures, key);
        for record in rows.of(table) {
            let author = people[record["author_id"].as_str()]["diaspora_handle"].clone();
            let signature = signatures.get(record["id"].as_str());
            let signature = signature.map(|signature| signature["author_signature"].clone());
            said.insert(record["guid"].clone(), (author, signature));
        }
    }
    said
}

#[tokio::test]
async fn both_forms_bring_the_same_and_it_can_be_carried_on() {
    let source = Pod::sqlite().await;
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    let signed_as = signed_as(&archive);
    let earlier = source.path("earlier.json");
    std::fs::write(&earlier, under_signers(&archive).to_string()).unwrap();
    let stock = source.path("stock.json");
    std::fs::write(&stock, json(&archive, "diaspora.json").to_string()).unwrap();

    let mut brought = Vec::new();
    for archive in [&archive, &earlier, &stock] {
        let target = Target::sqlite().await;
        introduce_everybody(&source, &target).await;
        let done = target.import(archive, "ida", &[]);
        assert_eq!(done["proof"], "cached_person");
        let others = ["others_comments", "others_likes", "others_poll_participations"]
            .map(|kind| done["kinds"][kind].clone());
        let rows = Rows::read(&target.pool).await.unwrap();
        target.is_sound().await;
        brought.push((others, said(&rows), target));
    }
    let (ours, before) = (&brought[0], &brought[1]);
    assert_eq!(ours.0, before.0);
    // Likes of comments are in archives of ours alone.
    for (guid, record) in &before.1 {
        assert_eq!(ours.1.get(guid), Some(record), "{guid}");
    }
    assert_eq!(brought[2].1, before.1, "and as a stock pod writes it");
    let comments = list(&json(&archive, "diaspora.json"), "others_data.relayables").to_vec();
    let by_movers = authors(&comments);
    for guid in signed_as.keys().filter(|guid| by_movers.contains_key(*guid)) {
        let (author, signature) = &ours.1[guid];
        assert_eq!((author, signature.is_some()), (&by_movers[guid], true), "{guid}");
    }
    // From here it goes on in the same form, with every signature as good as before.
    let back = ours.2.export("ida");
    assert_eq!(signatures(&back).1, 0);
    // Moritz's words came with a signature here, and have his new name beside it from now on.
    let mut expected = signed_as.clone();
    let by_moritz = by_movers.iter().filter(|(_, author)| *author == MORITZ[0]);
    expected.extend(by_moritz.map(|(guid, author)| (guid.clone(), author.clone())));
    assert_eq!(self::signed_as(&back), expected);
}

#[tokio::test]
async fn nobody_speaks_under_a_name_that_did_not_sign() {
    // The archive says of somebody's words that somebody else has signed them, or is who they are by now.
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    introduce_everybody(&source, &target).await;
    // On this pod rosa has moved nowhere: her words stay hers, whatever the archive calls her.
    target.pool.execute("DELETE FROM account_migrations WHERE new_person_id IN (SELECT id FROM people WHERE diaspora_handle = 'rosa@target.example')").await.unwrap();
    target.import(&archive, "ida", &[]);
    let rows = Rows::read(&target.pool).await.unwrap();
    let said = said(&rows);
    for (guid, signer) in signed_as(&archive).iter().filter(|(_, id)| id.starts_with("rosa@")) {
        let Some((author, _)) = said.get(guid) else { continue };
        assert_eq!(author, signer, "{guid}");
    }
    assert!(said.values().any(|(author, _)| author == "rosa@contacts.example"), "{said:?}");
}

/// Rows that diaspora*'s models do not allow and old databases have.
async fn damage(pod: &Pod, long: &str) {
    let polls = "SELECT p.id FROM polls p JOIN posts s ON s.id = p.status_message_id";
    for sql in [
        "UPDATE locations SET lat = NULL".to_owned(),
        format!("UPDATE posts SET text = '{long}' WHERE text LIKE 'Three pictures%'"),
        "DELETE FROM poll_participations".to_owned(),
        format!("DELETE FROM poll_answers WHERE poll_id IN ({polls} WHERE s.text LIKE 'A question%')"),
        format!("UPDATE poll_answers SET answer = '' WHERE poll_id IN ({polls} WHERE s.text LIKE 'Only for%')"),
        "UPDATE posts SET root_guid = 'fedcba9876543210' WHERE type = 'Reshare' AND root_guid IS NOT NULL AND author_id = \
         (SELECT id FROM people WHERE diaspora_handle = 'ida@closing.example') AND root_guid IN (SELECT guid FROM \
         (SELECT MIN(o.guid) AS guid FROM posts o JOIN posts r ON r.root_guid = o.guid JOIN people a ON a.id = r.author_id \
         WHERE a.diaspora_handle = 'ida@closing.example') one)"
            .to_owned(),
        // Nobody can write such a comment.
        "UPDATE comments SET text = '' WHERE text = 'Where is this?'".to_owned(),
    ] {
        pod.pool.execute(&sql).await.unwrap();
    }
}

/// What diaspora*'s own importer does not survive (`lib/diaspora_federation/validators`, `Reshare`).
fn stops(document: &Value) -> Vec<String> {
    let mut stops = Vec::new();
    let fits = |text: &Value, most: usize| {
        text.as_str().is_some_and(|text| !text.is_empty() && text.chars().count() <= most)
    };
    for post in list(document, "user.posts") {
        let data = &post["entity_data"];
        let (place, poll) = (&data["location"]["entity_data"], &data["poll"]["entity_data"]);
        let answers = list(poll, "poll_answers");
        let no_place = !(place.is_null() || fits(&place["lat"], 255) && fits(&place["lng"], 255));
        let no_poll = !poll.is_null() && (!fits(&poll["question"], 255) || answers.len() < 2);
        let bad = no_place
            || no_poll
            || answers.iter().any(|answer| !fits(&answer["entity_data"]["answer"], 255))
            || data["text"].as_str().is_some_and(|text| text.chars().count() > 65_535)
            || data["root_guid"].is_null() != data["root_author"].is_null();
        if bad {
            stops.push(text(&data["guid"]));
        }
    }
    let relayables = [list(document, "user.relayables"), list(document, "others_data.relayables")].concat();
    let comments = relayables.iter().filter(|record| record["entity_type"] == "comment");
    stops.extend(
        comments.filter(|record| !fits(&record["entity_data"]["text"], 65_535)).map(Value::to_string),
    );
    stops
}

/// What ida's posts have: places, polls with their answers, texts, originals.
fn parts(rows: &Rows, handle: &str) -> BTreeMap<String, Value> {
    let author = rows.by("people", "diaspora_handle")[handle]["id"].clone();
    let (places, polls) = (rows.by("locations", "status_message_id"), rows.by("polls", "status_message_id"));
    let part = |post: &pappus_tests::rows::Record| {
        let id = post["id"].as_str();
        let place = places.get(id).map(|place| {
            ["address", "lat", "lng"].map(|column| place.get(column).cloned().unwrap_or_default())
        });
        let poll = polls.get(id).map(|poll| {
            let answers = rows.of("poll_answers").iter().filter(|answer| answer["poll_id"] == poll["id"]);
            let answers: Vec<&String> = answers.map(|answer| &answer["answer"]).collect();
            value!({ "guid": poll["guid"], "question": poll["question"], "answers": answers })
        });
        value!({ "place": place, "poll": poll, "text": post.get("text"), "root": post.get("root_guid") })
    };
    let own = rows.of("posts").iter().filter(|post| post["author_id"] == author);
    own.map(|post| (post["guid"].clone(), part(post))).collect()
}

fn export(pod: &Pod, time: &str) -> PathBuf {
    let ended = pod.export(&["ida"], time, &["--json"]);
    assert_eq!(ended.code, Some(10), "{ended:?}");
    pod.archive(time, "ida")
}

async fn what_stock_pods_stop_at(pod: Pod, target: Target, long: &str) {
    damage(&pod, long).await;
    let archive = export(&pod, "out");
    assert_eq!(stops(&json(&archive, "diaspora.json")), Vec::<String>::new());
    assert_eq!(signatures(&archive).1, 0);
    all_of_it_is_in_the_extras(&archive, long);
    people_see_all_of_it(&archive);
    // The stock pod gets that document, and a pod with Pappus all of it.
    let stock = pod.path("stock").display().to_string();
    let ended = pappus(["convert", archive.to_str().unwrap(), "--to", "diaspora", "--out", &stock]).unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let converted = crate::support::reference::document(&pod.path("stock/ida.json.gz"));
    assert_eq!(converted, json(&archive, "diaspora.json"));
    all_of_it_comes_in(&pod, &target, &archive).await;
    // Put together with itself it is the same again.
    let again = export(&pod, "later");
    let out = pod.path("merged").display().to_string();
    let ended = pappus([
        "merge",
        archive.to_str().unwrap(),
        again.to_str().unwrap(),
        "--out",
        &out,
        "--json",
        "--created-at",
        "2026-11-23T10:00:00Z",
    ])
    .unwrap();
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    let merged = PathBuf::from(text(&document(&ended)["archive"]));
    for name in ["diaspora.json", "extras.json"] {
        assert_eq!(json(&merged, name), json(&again, name), "{name}");
    }
    assert_eq!(signatures(&merged), signatures(&archive));
    people_see_all_of_it(&merged);
}

fn all_of_it_is_in_the_extras(archive: &Path, long: &str) {
    let extras = json(archive, "extras.json");
    let omissions = omissions(archive);
    let count = |code: &str, kind: &str| {
        omissions.iter().filter(|omission| **omission == (code.to_owned(), kind.to_owned())).count()
    };
    let remainders = list(&extras, "post_remainders");
    let have = |field: &str| remainders.iter().filter(|one| !one[field].is_null()).count();
    assert_eq!((have("poll"), count("stock_limit", "poll")), (2, 2), "{omissions:?}");
    assert_eq!((have("location"), have("root_guid")), (1, 1), "{extras}");
    assert_eq!(have("text"), usize::from(long.chars().count() > 65_535));
    assert_eq!(count("stock_limit", "post"), have("location") + have("root_guid") + have("text"));
    assert_eq!(count("missing_value", "comment"), 1);
}

fn people_see_all_of_it(archive: &Path) {
    let extras = json(archive, "extras.json");
    let pages = names(archive).into_iter().filter(|name| name.contains(".html"));
    let pages: String = pages.map(|page| String::from_utf8(entry(archive, &page)).unwrap()).collect();
    for remainder in list(&extras, "post_remainders") {
        let (place, poll) = (&remainder["location"]["entity_data"], &remainder["poll"]["entity_data"]);
        for part in [&place["address"], &poll["question"]] {
            let part = part.as_str().unwrap_or_default().replace('"', "&#34;").replace('\'', "&#39;");
            assert!(pages.contains(&part), "{part:?}");
        }
    }
}

async fn all_of_it_comes_in(pod: &Pod, target: &Target, archive: &Path) {
    let report = target.import(archive, "ida", &["--trust-pod", &fingerprint(archive)]);
    let (before, after) = (Rows::read(&pod.pool).await.unwrap(), Rows::read(&target.pool).await.unwrap());
    let (before, mut after) = (parts(&before, "ida@closing.example"), parts(&after, "ida@haven.example"));
    // A pod that does not know the original has no reshare of it.
    assert!(after.len() >= before.len() - 3, "{} of {}", after.len(), before.len());
    for (guid, is) in &mut after {
        let mut was = before[guid].clone();
        // diaspora* takes no poll with fewer than two answers from anybody; the report says so.
        if was["poll"]["answers"].as_array().is_some_and(|answers| answers.len() < 2) {
            let poll = was["poll"].take();
            assert!(report["findings"].to_string().contains(poll["guid"].as_str().unwrap()), "{report}");
        }
        for field in ["place", "poll", "root"] {
            assert_eq!(is[field], was[field], "{guid} {field}");
        }
        let whole = |part: &Value| text(&part["text"]);
        assert_eq!(whole(is), whole(&was), "{guid}");
    }
    let polls = after.values().filter(|part| !part["poll"].is_null()).count();
    let places = after.values().filter(|part| !part["place"].is_null()).count();
    assert_eq!((polls, places), (1, 1));
}

fn names(archive: &Path) -> BTreeSet<String> {
    let manifest = json(archive, "manifest.json");
    list(&manifest, "entries").iter().map(|entry| text(&entry["path"])).collect()
}

#[tokio::test]
async fn what_stock_pods_stop_at_is_not_there_on_sqlite() {
    what_stock_pods_stop_at(Pod::sqlite().await, Target::sqlite().await, &"ü ".repeat(40_000)).await;
}

#[tokio::test]
async fn what_stock_pods_stop_at_is_not_there_on_postgresql() {
    let cluster = shared_postgres().await.unwrap();
    let (one, other) =
        (cluster.create_database("stock_form").await, cluster.create_database("stock_form_to").await);
    let folder = || tempfile::tempdir().unwrap();
    let target = Target::on(folder(), other.unwrap()).await;
    what_stock_pods_stop_at(Pod::on(folder(), one.unwrap()).await, target, &"ü ".repeat(40_000)).await;
}

#[tokio::test]
async fn what_stock_pods_stop_at_is_not_there_on_mariadb() {
    let cluster = shared_mariadb().await.unwrap();
    let (one, other) =
        (cluster.create_database("stock_form").await, cluster.create_database("stock_form_to").await);
    let folder = || tempfile::tempdir().unwrap();
    let target = Target::on(folder(), other.unwrap()).await;
    // Its texts have 65,535 bytes.
    what_stock_pods_stop_at(Pod::on(folder(), one.unwrap()).await, target, "Short").await;
}
