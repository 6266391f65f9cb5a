//! Profiles wait for hours: when the person edits theirs meanwhile, friends keep the new one.

use chrono::TimeDelta;
use pappus_engine::delivery::{Clock as _, Ledger, Options, Scope, deliver};
use pappus_engine::domain::Profile;
use pappus_tests::program::programs;
use pappus_tests::schema::Pool;
use pappus_tests::twin::clock::TwinClock;
use pappus_tests::twin::pod::Software;
use pappus_tests::twin::scene::{FriendsPod, NAME, Scene};
use pappus_tests::twin::transport::TwinTransport;

use super::friendships::{announced, clock, deliver_all, killed_after, never, open_store, target};

const HOSTS: [&str; 3] = ["hub.example", "large.example", "solo.example"];
/// Friends on all of them.
const FRIENDS: usize = 6;

async fn scene(folder: &tempfile::TempDir) -> Scene {
    let pod = |host: &str, software, friends| FriendsPod { host: host.to_owned(), software, friends };
    let pods = [
        pod("large.example", Software::Diaspora, 3),
        pod("solo.example", Software::Diaspora, 1),
        pod("hub.example", Software::Hubzilla, 2),
    ];
    let database = format!("sqlite:{}", folder.path().join("target.sqlite3").display());
    let pappus = programs().join("pappus");
    Scene::build(&pappus, folder.path(), &database, "https://haven.example/", &pods).await.unwrap()
}

async fn execute(scene: &Scene, statements: &[String]) {
    let pool = Pool::connect(&scene.database).await.unwrap();
    for sql in statements {
        pool.execute(sql).await.unwrap();
    }
    pool.close().await;
}

fn profile_id(scene: &Scene) -> String {
    format!(
        "(SELECT f.id FROM profiles f JOIN people p ON p.id = f.person_id WHERE p.diaspora_handle = '{}')",
        scene.new_id()
    )
}

/// The person writes something else about themselves, with one tag.
async fn edit(scene: &Scene, bio: &str, tag: &str) {
    let profile = profile_id(scene);
    let statements = [
        format!("UPDATE profiles SET bio = '{bio}' WHERE id = {profile}"),
        format!("DELETE FROM taggings WHERE taggable_type = 'Profile' AND taggable_id = {profile}"),
        format!("INSERT INTO tags (name) VALUES ('{tag}')"),
        format!(
            "INSERT INTO taggings (tag_id, taggable_id, taggable_type, context) \
             SELECT id, {profile}, 'Profile', 'tags' FROM tags WHERE name = '{tag}'"
        ),
    ];
    execute(scene, &statements).await;
}

/// diaspora* itself sends the edited profile to the pods that are up.
fn federate(scene: &Scene, bio: &str, tag: &str) {
    let (mut inner, new) = (scene.world.inner(), scene.new_id());
    let queued = inner.pods["large.example"].profiles[&new].clone();
    let edited = Profile { bio: Some(bio.to_owned()), tag_string: Some(format!("#{tag}")), ..queued };
    for pod in inner.pods.values_mut().filter(|pod| pod.is_up) {
        pod.profiles.insert(new.clone(), edited.clone());
    }
}

/// Every pod of friends shows this profile of the new account.
fn everybody_sees(scene: &Scene, bio: &str, tag: &str) {
    let (inner, new) = (scene.world.inner(), scene.new_id());
    for host in HOSTS {
        let profile = &inner.pods[host].profiles[&new];
        let (shown, tags) = (profile.bio.as_deref(), profile.tag_string.clone());
        assert_eq!((shown, tags), (Some(bio), Some(format!("#{tag}"))), "{host}");
    }
}

fn set_up(scene: &Scene, host: &str, is_up: bool) {
    scene.world.inner().pods.get_mut(host).unwrap().is_up = is_up;
}

/// `deliver` without waiting.
async fn deliver_once(scene: &Scene, clock: &TwinClock) {
    let (store, host) = (open_store(scene).await, scene.host().to_owned());
    let transport = TwinTransport { world: &scene.world, home: &scene.home, home_host: &host, clock };
    deliver(&store, &transport, Some(&target(scene)), clock, &Options::default(), never()).await.unwrap();
    store.close().await;
}

async fn change_store(scene: &Scene, sql: &str) {
    let store = open_store(scene).await;
    store.execute("changing the ledger", sql, &[]).await.unwrap();
    store.close().await;
}

/// The Profiles that wait, byte for byte.
async fn waiting(scene: &Scene) -> Vec<(i64, Vec<u8>)> {
    let store = open_store(scene).await;
    let sql =
        "SELECT id, body FROM pappus_deliveries WHERE kind = 'profile' AND state = 'queued' ORDER BY id";
    let rows = store.rows("reading Profiles", sql, &[]).await.unwrap();
    let bodies = rows.iter().map(|row| (row.get("id").unwrap(), row.get("body").unwrap())).collect();
    store.close().await;
    bodies
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_that_is_edited_while_the_announced_one_waits_stays() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    announced(&scene, &[]);
    set_up(&scene, "hub.example", false);
    // This pod takes the move, with the profile in it, after the edited profile.
    scene.world.inner().pods.get_mut("solo.example").unwrap().delays.urgent = 7_200_000;
    let clock = clock(&scene);
    deliver_once(&scene, &clock).await;
    clock.pass(TimeDelta::seconds(30)).await;
    assert_eq!(waiting(&scene).await.len(), FRIENDS);
    // A program was killed when it had just claimed one.
    let sql = "UPDATE pappus_deliveries SET state = 'sending' WHERE kind = 'profile' \
               AND recipient = 'friend0@large.example'";
    change_store(&scene, sql).await;
    edit(&scene, "At home now", "haven").await;
    federate(&scene, "At home now", "haven");
    set_up(&scene, "hub.example", true);
    deliver_all(&scene, &clock).await;
    assert_eq!(waiting(&scene).await, []);
    everybody_sees(&scene, "At home now", "haven");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_has_been_edited_is_sealed_anew() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    announced(&scene, &[]);
    set_up(&scene, "hub.example", false);
    let clock = clock(&scene);
    let queued = waiting(&scene).await;
    assert_eq!(queued.len(), FRIENDS);
    // Saved without a change.
    let touched =
        format!("UPDATE profiles SET updated_at = '2027-01-01 00:00:00' WHERE id = {}", profile_id(&scene));
    execute(&scene, &[touched]).await;
    deliver_once(&scene, &clock).await;
    assert_eq!(waiting(&scene).await, queued);

    // Nothing is signed for an account that is closed.
    let close = |closed: u8| {
        format!("UPDATE people SET closed_account = {closed} WHERE diaspora_handle = '{}'", scene.new_id())
    };
    edit(&scene, "At home now", "haven").await;
    execute(&scene, &[close(1)]).await;
    deliver_once(&scene, &clock).await;
    assert_eq!(waiting(&scene).await, queued);

    execute(&scene, &[close(0)]).await;
    deliver_once(&scene, &clock).await;
    let anew = waiting(&scene).await;
    assert_eq!(anew.len(), FRIENDS);
    assert!(anew.iter().zip(&queued).all(|(new, old)| new.0 == old.0 && new.1 != old.1), "each of them");
    deliver_once(&scene, &clock).await;
    assert_eq!(waiting(&scene).await, anew, "once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_earlier_versions_and_to_people_from_the_archive_are_current() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    let solo = "(SELECT id FROM people WHERE diaspora_handle = 'friend0@solo.example')";
    let user = format!("user_id = (SELECT id FROM users WHERE username = '{NAME}')");
    // The target pod could not look this friend up.
    let statements = [
        format!(
            "DELETE FROM aspect_memberships WHERE contact_id IN \
             (SELECT id FROM contacts WHERE {user} AND person_id = {solo})"
        ),
        format!("DELETE FROM contacts WHERE {user} AND person_id = {solo}"),
        "UPDATE people SET diaspora_handle = 'x0@solo.example' WHERE diaspora_handle = 'friend0@solo.example'"
            .to_owned(),
    ];
    execute(&scene, &statements).await;
    let report = announced(&scene, &[]);
    assert_eq!(report["unknown"], 1, "{report}");
    change_store(&scene, "UPDATE pappus_deliveries SET profile_digest = NULL").await;
    let clock = clock(&scene);
    edit(&scene, "At home now", "haven").await;
    deliver_all(&scene, &clock).await;
    everybody_sees(&scene, "At home now", "haven");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_that_is_sent_again_is_the_present_one() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    announced(&scene, &[]);
    let clock = clock(&scene);
    deliver_all(&scene, &clock).await;
    edit(&scene, "At home now", "haven").await;
    federate(&scene, "At home now", "haven");
    let store = open_store(&scene).await;
    assert!(Ledger::new(&store).resend(Scope::All, true, clock.now()).await.unwrap() > 0);
    // A program that is sending just now must not be quicker than the look at the target pod.
    let host = scene.host().to_owned();
    let transport = TwinTransport { world: &scene.world, home: &scene.home, home_host: &host, clock: &clock };
    deliver(&store, &transport, None, &clock, &Options::default(), never()).await.unwrap();
    store.close().await;
    assert_eq!(waiting(&scene).await.len(), FRIENDS);
    deliver_all(&scene, &clock).await;
    everybody_sees(&scene, "At home now", "haven");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn profiles_are_current_wherever_a_program_is_killed_and_however_many_run() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    announced(&scene, &[]);
    let (clock, target) = (clock(&scene), target(&scene));
    edit(&scene, "On my way", "way").await;
    let mut kills = 0;
    loop {
        let store = open_store(&scene).await;
        let renewed = killed_after(kills, Box::pin(target.renew_profiles(&store, clock.now()))).await;
        store.close().await;
        match renewed {
            Some(renewed) => break renewed.unwrap(),
            None => kills += 1,
        }
    }
    assert!(kills > 5, "killed {kills} times");
    edit(&scene, "At home now", "haven").await;
    let (one, two) = (open_store(&scene).await, open_store(&scene).await);
    let looks =
        tokio::join!(target.renew_profiles(&one, clock.now()), target.renew_profiles(&two, clock.now()));
    looks.0.and(looks.1).unwrap();
    let outdated = "SELECT d.id FROM pappus_deliveries d JOIN pappus_moves v ON v.import_id = d.import_id \
                    WHERE d.kind = 'profile' AND d.profile_digest <> v.profile_digest";
    assert_eq!(one.rows("looking for outdated Profiles", outdated, &[]).await.unwrap().len(), 0);
    one.close().await;
    two.close().await;
    deliver_all(&scene, &clock).await;
    everybody_sees(&scene, "At home now", "haven");
}
