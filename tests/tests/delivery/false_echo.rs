//! A friend who adds the new account by hand before their pod has processed the move: that is no echo, and the move
//! leaves them with a contact that the account does not share with until it is told.

use chrono::TimeDelta;
use pappus_engine::delivery::{Clock as _, Options, deliver};
use pappus_tests::twin::clock::TwinClock;
use pappus_tests::twin::pod::Delays;
use pappus_tests::twin::scene::{ASPECT, Scene};
use pappus_tests::twin::transport::TwinTransport;

use super::friendships::{
    announced, clock, deliver_all, everybody_is_a_friend, never, open_store, scene, target,
};

/// A pod that processes messages at once, and moves in two hours.
async fn scene_of_a_slow_pod(folder: &tempfile::TempDir) -> Scene {
    let scene = scene(folder).await;
    let two_hours = Delays { urgent: 1_000, high: 2 * 3_600_000, race: false };
    scene.world.inner().pods.get_mut("large.example").unwrap().delays = two_hours;
    scene
}

/// Somebody there adds the new account by hand, and the target pod hears of it.
async fn add_by_hand(scene: &Scene, clock: &TwinClock) {
    let new = scene.new_id();
    {
        let mut world = scene.world.inner();
        let pod = world.pods.get_mut("large.example").unwrap();
        let user = pod.users.values().next().unwrap().id.to_string();
        pod.add_by_hand(&user, &new, ASPECT, clock.now().timestamp_millis());
    }
    clock.pass(TimeDelta::minutes(5)).await;
    assert_eq!(scene.back().await.unwrap().0, 1, "the target pod knows that they share");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_friend_who_adds_the_new_account_by_hand_ends_no_friendship() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene_of_a_slow_pod(&folder).await;
    announced(&scene, &[]);
    let clock = clock(&scene);
    let host = scene.host().to_owned();
    let transport = TwinTransport { world: &scene.world, home: &scene.home, home_host: &host, clock: &clock };
    let store = open_store(&scene).await;
    // Only this pod takes the move now: the others' echoes would hide who is back.
    for (name, pod) in &mut scene.world.inner().pods {
        pod.is_up = name == "large.example";
    }
    deliver(&store, &transport, Some(&target(&scene)), &clock, &Options::default(), never()).await.unwrap();
    for pod in scene.world.inner().pods.values_mut() {
        pod.is_up = true;
    }
    add_by_hand(&scene, &clock).await;
    store.close().await;
    deliver_all(&scene, &clock).await;
    everybody_is_a_friend(&scene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_friend_who_added_the_new_account_before_the_move_is_told_that_it_shares() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene_of_a_slow_pod(&folder).await;
    let clock = clock(&scene);
    add_by_hand(&scene, &clock).await;
    announced(&scene, &[]);
    deliver_all(&scene, &clock).await;
    everybody_is_a_friend(&scene).await;
}
