//! When the old pod, which still runs, gets the move: after the others, but not after those that are gone.

use chrono::TimeDelta;
use pappus_engine::delivery::{Clock as _, Options, deliver};
use pappus_tests::program::programs;
use pappus_tests::schema::Pool;
use pappus_tests::twin::pod::Software;
use pappus_tests::twin::scene::{FriendsPod, Scene};
use pappus_tests::twin::transport::TwinTransport;

use super::friendships::{announced, clock, never, open_store, target};

const GONE: &str = "gone.example";

/// Friends on two pods, one of which does not answer, and the old pod.
async fn scene(folder: &tempfile::TempDir) -> Scene {
    let pod = |host: &str| FriendsPod { host: host.to_owned(), software: Software::Diaspora, friends: 3 };
    let pods = [pod("large.example"), pod(GONE)];
    let database = format!("sqlite:{}", folder.path().join("target.sqlite3").display());
    let pappus = programs().join("pappus");
    let url = "https://haven.example/";
    let scene = Scene::build(&pappus, folder.path(), &database, url, &pods).await.unwrap();
    scene.add_old_pod().await.unwrap();
    scene.world.inner().pods.get_mut(GONE).unwrap().is_up = false;
    scene
}

/// Returns how long it takes until the old pod has closed the account.
async fn time_until_closed(scene: &Scene) -> TimeDelta {
    announced(scene, &[]);
    let clock = clock(scene);
    let start = clock.now();
    let host = scene.host().to_owned();
    let transport = TwinTransport { world: &scene.world, home: &scene.home, home_host: &host, clock: &clock };
    let (store, target) = (open_store(scene).await, target(scene));
    let is_closed = || !scene.world.inner().pods["closing.example"].performed.is_empty();
    while !is_closed() && clock.now() - start < TimeDelta::days(9) {
        deliver(&store, &transport, Some(&target), &clock, &Options::default(), never()).await.unwrap();
        clock.pass(TimeDelta::minutes(10)).await;
    }
    store.close().await;
    assert!(is_closed());
    let (kept, lost) = scene.kept();
    assert_eq!(
        (kept, lost.len()),
        (3, 3),
        "friends on the pod that runs, and on the one that is gone: {lost:?}"
    );
    clock.now() - start
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_waits_a_day_for_a_pod_that_does_not_answer() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    let took = time_until_closed(&scene).await;
    assert!(took > TimeDelta::days(1) && took < TimeDelta::hours(26), "{took}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_not_wait_for_a_pod_that_the_target_pod_has_not_reached_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    let pool = Pool::connect(&scene.database).await.unwrap();
    let sql = format!("UPDATE pods SET offline_since = datetime('now', '-30 days') WHERE host = '{GONE}'");
    pool.execute(&sql).await.unwrap();
    pool.close().await;
    let took = time_until_closed(&scene).await;
    assert!(took < TimeDelta::hours(1), "{took}");
}
