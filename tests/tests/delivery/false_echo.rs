//! A friend who adds the new account by hand while their pod still has to process the move: that is no echo.

use chrono::TimeDelta;
use pappus_engine::delivery::{Options, deliver};
use pappus_tests::schema::Pool;
use pappus_tests::twin::pod::Delays;
use pappus_tests::twin::transport::TwinTransport;

use super::friendships::{
    announced, clock, deliver_all, everybody_is_a_friend, never, open_store, scene, target,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_friend_who_adds_the_new_account_by_hand_ends_no_friendship() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    let two_hours = Delays { urgent: 1_000, high: 2 * 3_600_000, race: false };
    scene.world.inner().pods.get_mut("large.example").unwrap().delays = two_hours;
    announced(&scene, &[]);
    let clock = clock(&scene);
    let host = scene.host().to_owned();
    let transport = TwinTransport { world: &scene.world, home: &scene.home, home_host: &host, clock: &clock };
    let store = open_store(&scene).await;
    let target = target(&scene);
    // Every pod takes the move; large.example processes it in two hours.
    deliver(&store, &transport, Some(&target), &clock, &Options::default(), never()).await.unwrap();
    clock.pass(TimeDelta::minutes(5)).await;
    let pool = Pool::connect(&scene.database).await.unwrap();
    let by_hand = "UPDATE contacts SET sharing = 1, updated_at = '2026-12-01 00:05:00' WHERE person_id = \
                   (SELECT min(id) FROM people WHERE diaspora_handle LIKE '%@large.example')";
    pool.execute(by_hand).await.unwrap();
    pool.close().await;
    store.close().await;
    deliver_all(&scene, &clock).await;
    everybody_is_a_friend(&scene).await;
}
