//! A friend who adds the new account by hand before their pod has processed the move: that is no echo, and the move
//! leaves them with a contact that the account does not share with until it is told.

use chrono::TimeDelta;
use pappus_engine::delivery::{Clock as _, Options, deliver};
use pappus_tests::program::programs;
use pappus_tests::twin::clock::TwinClock;
use pappus_tests::twin::pod::{Delays, Software};
use pappus_tests::twin::scene::{ASPECT, FriendsPod, Scene};
use pappus_tests::twin::transport::TwinTransport;

use super::friendships::{
    URL, announced, clock, deliver_all, everybody_is_a_friend, never, open_store, scene, target,
};

/// A pod that processes messages at once, and moves in two hours.
async fn scene_of_a_slow_pod(folder: &tempfile::TempDir) -> Scene {
    let scene = scene(folder).await;
    make_slow(&scene);
    scene
}

fn make_slow(scene: &Scene) {
    let two_hours = Delays { urgent: 1_000, high: 2 * 3_600_000, race: false };
    scene.world.inner().pods.get_mut("large.example").unwrap().delays = two_hours;
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

/// Delivers once: the slow pod gets the move, and answers.
async fn deliver_once(scene: &Scene, clock: &TwinClock) {
    let host = scene.host().to_owned();
    let transport = TwinTransport { world: &scene.world, home: &scene.home, home_host: &host, clock };
    let store = open_store(scene).await;
    deliver(&store, &transport, Some(&target(scene)), clock, &Options::default(), never()).await.unwrap();
    store.close().await;
}

/// Only the slow pod takes the move: the others' echoes would hide who is back.
async fn deliver_to_the_slow_pod(scene: &Scene, clock: &TwinClock) {
    for (name, pod) in &mut scene.world.inner().pods {
        pod.is_up = name == "large.example";
    }
    deliver_once(scene, clock).await;
    for pod in scene.world.inner().pods.values_mut() {
        pod.is_up = true;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_friend_who_adds_the_new_account_by_hand_ends_no_friendship() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene_of_a_slow_pod(&folder).await;
    announced(&scene, &[]);
    let clock = clock(&scene);
    deliver_to_the_slow_pod(&scene, &clock).await;
    add_by_hand(&scene, &clock).await;
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

/// No program runs while the friend adds the account, and until long after the pod has processed the move.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_friend_who_added_the_new_account_is_told_also_when_all_are_seen_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene_of_a_slow_pod(&folder).await;
    announced(&scene, &[]);
    let clock = clock(&scene);
    deliver_to_the_slow_pod(&scene, &clock).await;
    add_by_hand(&scene, &clock).await;
    while !scene.world.is_idle() {
        clock.pass(TimeDelta::minutes(30)).await;
    }
    assert_eq!(scene.back().await.unwrap().0, 53, "the pod has processed the move");
    deliver_all(&scene, &clock).await;
    everybody_is_a_friend(&scene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_friend_on_a_pod_who_added_the_new_account_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("target.sqlite3").display());
    let pod = FriendsPod { host: "large.example".to_owned(), software: Software::Diaspora, friends: 1 };
    let scene =
        Scene::build(&programs().join("pappus"), folder.path(), &database, URL, &[pod]).await.unwrap();
    make_slow(&scene);
    announced(&scene, &[]);
    let clock = clock(&scene);
    deliver_once(&scene, &clock).await;
    add_by_hand(&scene, &clock).await;
    deliver_all(&scene, &clock).await;
    assert_eq!(scene.kept(), (1, Vec::new()));
    assert_eq!(scene.back().await.unwrap(), (1, 1));
}
