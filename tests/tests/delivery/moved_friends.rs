//! A friend who moves as well, after the announcement, is back under another ID and from another pod.

use chrono::{DateTime, TimeDelta, Utc};
use pappus_engine::delivery::{Clock as _, Friends, Ledger, Options, Scope, deliver};
use pappus_tests::program::programs;
use pappus_tests::schema::Pool;
use pappus_tests::twin::pod::Software;
use pappus_tests::twin::scene::{FriendsPod, NAME, Scene};
use pappus_tests::twin::transport::TwinTransport;

use super::friendships::{announced, clock, never, open_store, target};

const FRIEND: &str = "friend0@solo.example";

/// The target pod hears of the friend's move: their contact leads to the new person, who shares.
async fn friend_moves(scene: &Scene, now: DateTime<Utc>) {
    let of = |id: &str| format!("(SELECT id FROM people WHERE diaspora_handle = '{id}')");
    let (old, new) = (of(FRIEND), of("friend0@elsewhere.example"));
    let statements = [
        format!(
            "INSERT INTO people (guid, diaspora_handle, serialized_public_key, created_at, updated_at) \
             SELECT '{}', 'friend0@elsewhere.example', serialized_public_key, created_at, updated_at FROM people \
             WHERE diaspora_handle = '{FRIEND}'",
            "e".repeat(32)
        ),
        format!("INSERT INTO account_migrations (old_person_id, new_person_id) VALUES ({old}, {new})"),
        format!(
            "UPDATE contacts SET person_id = {new}, sharing = 1, updated_at = '{}' \
             WHERE person_id = {old} AND user_id = (SELECT id FROM users WHERE username = '{NAME}')",
            now.format("%Y-%m-%d %H:%M:%S")
        ),
    ];
    let pool = Pool::connect(&scene.database).await.unwrap();
    for sql in &statements {
        pool.execute(sql).await.unwrap();
    }
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_friend_who_has_moved_since_is_back_and_says_nothing_of_their_former_pod() {
    let folder = tempfile::tempdir().unwrap();
    let pod = FriendsPod { host: "solo.example".to_owned(), software: Software::Diaspora, friends: 1 };
    let database = format!("sqlite:{}", folder.path().join("target.sqlite3").display());
    let (pappus, url) = (programs().join("pappus"), "https://haven.example/");
    let scene = Scene::build(&pappus, folder.path(), &database, url, &[pod]).await.unwrap();
    announced(&scene, &[]);
    // Its workers take the move much later.
    scene.world.inner().pods.get_mut("solo.example").unwrap().delays.urgent = 86_400_000;
    let clock = clock(&scene);
    let host = scene.host().to_owned();
    let transport = TwinTransport { world: &scene.world, home: &scene.home, home_host: &host, clock: &clock };
    let store = open_store(&scene).await;
    deliver(&store, &transport, Some(&target(&scene)), &clock, &Options::default(), never()).await.unwrap();
    clock.pass(TimeDelta::hours(3)).await;
    friend_moves(&scene, clock.now()).await;
    target(&scene).record_friends(&store, clock.now(), TimeDelta::zero()).await.unwrap();
    let friends = Ledger::new(&store).friends(Scope::All).await.unwrap();
    assert_eq!(friends, Friends { all: 1, back: 1 });
    let sql = "SELECT pod FROM pappus_move_pods WHERE pod = 'solo.example' AND confirmed_at IS NULL";
    let waiting = store.rows("reading pods", sql, &[]).await.unwrap();
    assert_eq!(waiting.len(), 1, "the former pod has not processed the move");
    store.close().await;
}
