//! Friends whose pod was down during the import of an archive without keys: nothing knew them, so their contacts stayed
//! out. When their pod is back, the account shares with them again without anybody doing anything.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::TimeDelta;
use pappus_engine::delivery::{Clock as _, Ledger, Options, Scope, TargetPod, deliver};
use pappus_engine::domain::Timestamp;
use pappus_engine::import::ContactCompletion;
use pappus_engine::pod::config::PodUrl;
use pappus_engine::sql::DatabaseUrl;
use pappus_tests::program::programs;
use pappus_tests::schema::Pool;
use pappus_tests::twin::clock::TwinClock;
use pappus_tests::twin::pod::{Echo, Software};
use pappus_tests::twin::scene::{ASPECT, FriendsPod, NAME, Scene, TIMES};
use pappus_tests::twin::transport::TwinTransport;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::friendships::{URL, clock, never, open_store, target};
use crate::support::http_scene::{HttpScene, good};

/// The pod that is down during the import.
const LATE: &str = "late.example";
/// The contacts of the account with somebody on the target pod.
const CONTACTS: &str = "FROM contacts c JOIN people p ON p.id = c.person_id JOIN users u ON u.id = c.user_id \
                        WHERE u.username = 'ida' AND p.diaspora_handle LIKE";

/// Makes an archive without the keys of a pod's people, whom the target pod does not know either.
async fn archive_without_keys(scene: &Scene, host: &str) -> PathBuf {
    let of_host = format!("diaspora_handle LIKE '%@{host}'");
    execute(&scene.source(), &[format!("UPDATE people SET serialized_public_key = 'none' WHERE {of_host}")])
        .await;
    good(scene.export(NAME, TIMES[1]));
    let profiles = format!("DELETE FROM profiles WHERE person_id IN (SELECT id FROM people WHERE {of_host})");
    execute(&scene.database, &[profiles, format!("DELETE FROM people WHERE {of_host}")]).await;
    scene.archive_of(NAME, TIMES[1])
}

async fn execute(database: &str, statements: &[String]) {
    let pool = Pool::connect(database).await.unwrap();
    for sql in statements {
        pool.execute(sql).await.unwrap();
    }
    pool.close().await;
}

async fn number(scene: &Scene, sql: &str) -> i64 {
    let pool = Pool::connect(&scene.database).await.unwrap();
    let number = pool.number(sql).await.unwrap();
    pool.close().await;
    number
}

/// Contacts of the account on a pod: who share with it, with whom it shares, and who are in its aspect.
async fn contacts(scene: &Scene, host: &str) -> (i64, i64, i64) {
    let of_host = format!("{CONTACTS} '%@{host}'");
    let sharing = number(scene, &format!("SELECT COUNT(*) {of_host} AND c.sharing")).await;
    let receiving = number(scene, &format!("SELECT COUNT(*) {of_host} AND c.receiving")).await;
    let in_aspect = format!(
        "SELECT COUNT(*) {of_host} AND c.id IN (SELECT m.contact_id FROM aspect_memberships m \
         JOIN aspects a ON a.id = m.aspect_id WHERE a.name = 'Old friends')"
    );
    (sharing, receiving, number(scene, &in_aspect).await)
}

fn switch(scene: &Scene, host: &str, is_up: bool) {
    scene.world.inner().pods.get_mut(host).unwrap().is_up = is_up;
}

/// Somebody with three friends on one pod and two on another, imported while that one is down.
async fn imported(folder: &TempDir) -> (Scene, PathBuf) {
    let database = format!("sqlite:{}", folder.path().join("target.sqlite3").display());
    let pod =
        |host: &str, friends| FriendsPod { host: host.to_owned(), software: Software::Diaspora, friends };
    let pods = [pod("early.example", 3), pod(LATE, 2)];
    let pappus = programs().join("pappus");
    let scene = Scene::prepare(&pappus, folder.path(), &database, URL, &pods).await.unwrap();
    let archive = archive_without_keys(&scene, LATE).await;
    switch(&scene, LATE, false);
    good(scene.import_of(NAME, &archive).unwrap());
    scene.publish().await.unwrap();
    assert_eq!(contacts(&scene, LATE).await, (0, 0, 0));
    (scene, archive)
}

/// The target pod as programs use it, which here asks nobody: it learns of people when they share with the account.
fn completing(scene: &Scene) -> TargetPod {
    let (database, url) = (DatabaseUrl::parse(&scene.database).unwrap(), PodUrl::parse(URL).unwrap());
    let contacts = ContactCompletion::new(&database, &url, None);
    target(scene).with_missing_contacts(Arc::new(contacts))
}

async fn deliver_once(scene: &Scene, clock: &TwinClock, target: &TargetPod) {
    let (store, host) = (open_store(scene).await, scene.host().to_owned());
    let transport = TwinTransport { world: &scene.world, home: &scene.home, home_host: &host, clock };
    deliver(&store, &transport, Some(target), clock, &Options::default(), never()).await.unwrap();
    store.close().await;
}

/// Announces, while the pod is still down, and delivers until a day after it came back.
async fn friends_come_back(scene: &Scene, archive: &std::path::Path, target: &TargetPod) -> TwinClock {
    good(scene.announce_from(archive));
    let clock = clock(scene);
    deliver_once(scene, &clock, target).await;
    switch(scene, LATE, true);
    for _ in 0..48 {
        clock.pass(TimeDelta::minutes(30)).await;
        deliver_once(scene, &clock, target).await;
    }
    clock
}

/// Friends back, and all.
async fn friends(scene: &Scene) -> (i64, i64) {
    let store = open_store(scene).await;
    let friends = Ledger::new(&store).friends(Scope::All).await.unwrap();
    let by_pod = Ledger::new(&store).pods(Scope::All, "", 100).await.unwrap();
    let back: i64 = by_pod.iter().map(|pod| pod.friends.back).sum();
    assert_eq!(back, friends.back, "{by_pod:?}");
    store.close().await;
    (friends.back, friends.all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_friend_counts_as_back_when_the_account_shares_with_them_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let (scene, archive) = imported(&folder).await;
    let clock = friends_come_back(&scene, &archive, &target(&scene)).await;
    assert_eq!(contacts(&scene, LATE).await, (2, 0, 0), "they share, and the target pod knows them by now");
    assert_eq!(friends(&scene).await, (3, 5));
    deliver_once(&scene, &clock, &completing(&scene)).await;
    assert_eq!(contacts(&scene, LATE).await, (2, 2, 2));
    assert_eq!(friends(&scene).await, (5, 5));
    assert_eq!(scene.kept(), (5, Vec::new()));
    assert_eq!(scene.back().await.unwrap(), (5, 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_aspect_deleted_since_is_not_made_again_and_somebody_ignored_since_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (scene, archive) = imported(&folder).await;
    let clock = friends_come_back(&scene, &archive, &target(&scene)).await;
    execute(
        &scene.database,
        &[
            "DELETE FROM aspect_memberships WHERE aspect_id IN (SELECT id FROM aspects WHERE name = 'Old friends')"
                .to_owned(),
            "DELETE FROM aspects WHERE name = 'Old friends'".to_owned(),
            format!(
                "INSERT INTO blocks (user_id, person_id) SELECT u.id, p.id FROM users u, people p \
                 WHERE u.username = '{NAME}' AND p.diaspora_handle = 'friend0@{LATE}'"
            ),
        ],
    )
    .await;
    for _ in 0..2 {
        deliver_once(&scene, &clock, &completing(&scene)).await;
        assert_eq!(contacts(&scene, LATE).await, (2, 1, 0));
        let aspects = "SELECT COUNT(*) FROM aspects WHERE name = 'Old friends'";
        assert_eq!(number(&scene, aspects).await, 0);
        let ignored = format!("SELECT COUNT(*) {CONTACTS} 'friend0@{LATE}' AND c.receiving");
        assert_eq!(number(&scene, &ignored).await, 0);
    }
    // Nor after the block is lifted.
    execute(&scene.database, &["DELETE FROM blocks".to_owned()]).await;
    deliver_once(&scene, &clock, &completing(&scene)).await;
    assert_eq!(contacts(&scene, LATE).await, (2, 1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_completed_contact_that_was_removed_since_stays_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (scene, archive) = imported(&folder).await;
    let clock = friends_come_back(&scene, &archive, &completing(&scene)).await;
    assert_eq!(contacts(&scene, LATE).await, (2, 2, 2));
    let of = |friend: &str| format!("(SELECT c.id {CONTACTS} '{friend}@{LATE}')");
    execute(
        &scene.database,
        &[
            format!("DELETE FROM aspect_memberships WHERE contact_id IN {}", of("friend%")),
            // One still shares with the account, the other does not.
            format!("UPDATE contacts SET receiving = (1 = 0) WHERE id IN {}", of("friend0")),
            format!("DELETE FROM contacts WHERE id IN {}", of("friend1")),
        ],
    )
    .await;
    deliver_once(&scene, &clock, &completing(&scene)).await;
    assert_eq!(contacts(&scene, LATE).await, (1, 0, 0));
    good(scene.import_of(NAME, &archive).unwrap());
    deliver_once(&scene, &clock, &completing(&scene)).await;
    assert_eq!(contacts(&scene, LATE).await, (1, 0, 0), "also after the same import again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_runs_again_brings_the_contacts_once() {
    let folder = tempfile::tempdir().unwrap();
    let (scene, archive) = imported(&folder).await;
    let clock = friends_come_back(&scene, &archive, &target(&scene)).await;
    good(scene.import_of(NAME, &archive).unwrap());
    assert_eq!(contacts(&scene, LATE).await, (2, 2, 2));
    assert_eq!(friends(&scene).await, (5, 5), "without a further look");
    let removed =
        format!("UPDATE contacts SET receiving = (1 = 0) WHERE id IN (SELECT c.id {CONTACTS} '%@{LATE}')");
    execute(&scene.database, &[removed]).await;
    deliver_once(&scene, &clock, &completing(&scene)).await;
    assert_eq!(contacts(&scene, LATE).await.1, 0, "nothing was left to complete");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_can_still_be_undone_is_not_completed_and_undoing_it_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (scene, archive) = imported(&folder).await;
    let late =
        scene.world.inner().pods[LATE].users.values().next().map(|user| (user.id.clone(), user.guid.clone()));
    let (author, guid) = late.unwrap();
    let echo = Echo { author: author.to_string(), guid, recipient: scene.new_id(), sharing: true };
    let clock_before = clock(&scene);
    scene.home.take(&[echo], Timestamp::from(clock_before.now())).await.unwrap();
    deliver_once(&scene, &clock_before, &completing(&scene)).await;
    assert_eq!(contacts(&scene, LATE).await, (1, 0, 0), "somebody has added the account by hand");

    let imports = good(scene.command(&["imports"]));
    let imports: Value = serde_json::from_slice(&imports.stdout).unwrap();
    good(scene.command(&["undo", imports["imports"][0]["import"].as_str().unwrap()]));
    deliver_once(&scene, &clock_before, &completing(&scene)).await;
    assert_eq!(number(&scene, "SELECT COUNT(*) FROM contacts").await, 0);

    // The next import of the same archive starts anew: only one of them is known by now.
    good(scene.import_of(NAME, &archive).unwrap());
    assert_eq!(contacts(&scene, LATE).await, (0, 1, 1));
    friends_come_back(&scene, &archive, &completing(&scene)).await;
    assert_eq!(contacts(&scene, LATE).await, (2, 2, 2));
    assert_eq!(friends(&scene).await, (5, 5));
}

/// Delivers once by the program itself.
async fn deliver_by_itself(scene: &Scene) {
    let store = open_store(scene).await;
    // The time passes in which a pod is not tried again.
    let sql = "UPDATE pappus_delivery_pods SET retry_at = 1 WHERE retry_at IS NOT NULL";
    store.execute("letting time pass", sql, &[]).await.unwrap();
    store.close().await;
    good(scene.command(&["deliver", "--settle", "1"]));
}

/// Delivers by the program itself until nothing is left.
async fn deliver_until_idle(scene: &Scene, host: &str) {
    for _ in 0..100 {
        deliver_by_itself(scene).await;
        let store = open_store(scene).await;
        let all = Ledger::new(&store).counts(Scope::All).await.unwrap();
        store.close().await;
        let is_complete = contacts(scene, host).await == (1, 2, 2);
        if is_complete && all.queued + all.sending == 0 && scene.world.is_idle() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
}

/// Somebody with whom the account shares does not share with it.
async fn shares_no_more(scene: &Scene, host: &str, followed: &str) {
    let person = format!("person_id IN (SELECT id FROM people WHERE diaspora_handle = '{followed}')");
    execute(&scene.source(), &[format!("UPDATE contacts SET sharing = (1 = 0) WHERE {person}")]).await;
    for user in scene.world.inner().pods.get_mut(host).unwrap().users.values_mut() {
        if user.id.as_str() == followed {
            let relation = user.relations.get_mut(&scene.old_id()).unwrap();
            relation.receiving = false;
            relation.aspects.clear();
        }
    }
}

/// Nobody but the program: it looks up whom the target pod does not meet by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_of_a_pod_that_was_down_are_looked_up_when_it_has_taken_the_move() {
    let folder = TempDir::new().unwrap();
    let http = HttpScene::prepared(&folder).await;
    let (scene, host) = (&http.scene, http.hosts()[3].to_owned());
    let followed = format!("friend1@{host}");
    shares_no_more(scene, &host, &followed).await;
    let archive = archive_without_keys(scene, &host).await;
    switch(scene, &host, false);
    let key = scene.trusted().unwrap();
    let mut import = scene.command(&["import", "--as", NAME, "--settle", "1", "--trust-pod", &key]);
    import.arg(&archive);
    let moved = good(import);
    let moved: Value = serde_json::from_slice(&moved.stdout).unwrap();
    assert_eq!(moved["announcement"]["state"], "announced", "{moved}");
    assert_eq!(contacts(scene, &host).await, (0, 0, 0));

    switch(scene, &host, true);
    deliver_by_itself(scene).await;
    assert_eq!(contacts(scene, &host).await.1, 2, "at once, since the pod answers");
    deliver_until_idle(scene, &host).await;
    assert_eq!(contacts(scene, &host).await, (1, 2, 2));
    let report = good(scene.command(&["deliveries"]));
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    let (friends, on_hubzilla) = (http.friends - 1, http.friends_on(Software::Hubzilla));
    assert_eq!(report["friends"], json!({ "all": friends, "back": friends - on_hubzilla }), "{report}");

    let (new, inner) = (scene.new_id(), scene.world.inner());
    for user in inner.pods[&host].users.values() {
        let relation = &user.relations[&new];
        let is_friend = user.id.as_str() != followed;
        let seen = (relation.sharing, relation.receiving, relation.aspects.contains(ASPECT));
        assert_eq!(seen, (true, is_friend, is_friend), "{}", user.id);
    }
}
