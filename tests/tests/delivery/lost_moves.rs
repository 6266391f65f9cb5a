//! Pods that accept a move and lose it: their workers are killed before the move is stored.

use chrono::TimeDelta;
use pappus_engine::delivery::{Clock as _, Options, deliver};
use pappus_tests::twin::scene::Scene;
use pappus_tests::twin::transport::TwinTransport;

use super::friendships::{
    all, announced, clock, deliver_all, killed_after, never, open_store, pods, random, scene, target,
};

/// Moves that a pod has got.
fn moves_to(scene: &Scene, host: &str) -> usize {
    let inner = scene.world.inner();
    inner.posts.iter().filter(|(pod, path, _)| pod == host && path == "/receive/public").count()
}

/// Pods whose workers are killed after they have answered: by host, how many moves each of them loses.
const KILLED: [(&str, u32); 4] =
    [("large.example", 1), ("pod0.example", 1), ("pod1.example", 1), ("pod2.example", 2)];

fn lose_moves(scene: &Scene) {
    for (host, loses) in KILLED {
        scene.world.inner().pods.get_mut(host).unwrap().loses = loses;
    }
}

/// Whoever lost the move once has every friend; whoever lost it twice has none, and was not asked a third time.
async fn lost_moves_are_made_up_for(scene: &Scene) {
    let (kept, lost) = scene.kept();
    assert_eq!((kept, lost.len()), (all() - 3, 3), "{lost:?}");
    assert!(lost.iter().all(|friend| friend.contains("on pod2.example")), "{lost:?}");
    assert_eq!(scene.back().await.unwrap().0, i64::try_from(all() - 6 - 3).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_killed_workers_lost_is_sent_once_more() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    lose_moves(&scene);
    announced(&scene, &[]);
    let clock = clock(&scene);
    let start = clock.now();
    deliver_all(&scene, &clock).await;
    lost_moves_are_made_up_for(&scene).await;
    for pod in pods() {
        let expected = if KILLED.iter().any(|(host, _)| *host == pod.host) { 2 } else { 1 };
        assert_eq!(moves_to(&scene, &pod.host), expected, "{}", pod.host);
    }
    // The rest waited for the end of the second grace where nobody came back.
    let posts = scene.world.inner().posts.clone();
    let rest: Vec<i64> = posts
        .iter()
        .filter(|(host, path, _)| host == "pod2.example" && path.starts_with("/receive/users/"))
        .map(|(.., at)| at - start.timestamp_millis())
        .collect();
    assert_eq!(rest.len(), 6, "a Contact and a profile for each of three");
    let day = TimeDelta::days(1).num_milliseconds();
    assert!(rest.iter().all(|at| (day..day + 3_600_000).contains(at)), "{rest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_move_is_sent_once_more_however_often_the_program_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    lose_moves(&scene);
    announced(&scene, &[]);
    let clock = clock(&scene);
    let host = scene.host().to_owned();
    let transport = TwinTransport { world: &scene.world, home: &scene.home, home_host: &host, clock: &clock };
    let (mut kills, options) = (0, Options::default());
    // The first moves; when their time is over; when that of the second ones is over.
    for round in 0..3 {
        for kill in 0..20 {
            let store = open_store(&scene).await;
            let target = target(&scene);
            let work = deliver(&store, &transport, Some(&target), &clock, &options, never());
            let polls = usize::try_from(5 + random(100 * round + kill, 120)).unwrap();
            kills += usize::from(killed_after(polls, work).await.is_none());
            store.close().await;
            clock.pass(TimeDelta::seconds(61)).await;
        }
        clock.pass(TimeDelta::hours(12)).await;
    }
    assert!(kills >= 20, "{kills} of 60 were killed before the end");
    deliver_all(&scene, &clock).await;
    lost_moves_are_made_up_for(&scene).await;
    // What is on its way when a program is killed can come twice.
    let all: usize = pods().iter().map(|pod| moves_to(&scene, &pod.host)).sum();
    assert!((104 + KILLED.len()..104 + KILLED.len() + kills * options.per_pod).contains(&all), "{all}");
}
