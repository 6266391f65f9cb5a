//! `pappus resend` says what is due now, and what waits until when.

use chrono::{DateTime, TimeDelta, Utc};
use pappus_tests::program::programs;
use pappus_tests::twin::http;
use pappus_tests::twin::pod::{Delays, Software};
use pappus_tests::twin::scene::{FriendsPod, Scene};
use serde_json::Value;

use super::friendships::announced;

fn json(scene: &Scene, command: &[&str]) -> Value {
    let ended = scene.command(command).output().unwrap();
    assert!(matches!(ended.status.code(), Some(0 | 10)), "{}", String::from_utf8_lossy(&ended.stderr));
    serde_json::from_slice(&ended.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_pod_is_not_called_due() {
    let folder = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let pod = |number: usize| FriendsPod {
        host: format!("127.9.2.{number}:{port}"),
        software: Software::Diaspora,
        friends: 2,
    };
    let home = format!("127.9.2.100:{port}");
    let database = format!("sqlite:{}", folder.path().join("target.sqlite3").display());
    let (pappus, url) = (programs().join("pappus"), format!("http://{home}/"));
    let scene = Scene::build(&pappus, folder.path(), &database, &url, &[pod(1), pod(2)]).await.unwrap();
    for pod in scene.world.inner().pods.values_mut() {
        pod.delays = Delays { urgent: 0, high: 86_400_000, race: false };
    }
    http::serve(listener, &scene.world, &scene.home, &home).unwrap();
    announced(&scene, &[]);
    let sent = json(&scene, &["deliver"]);
    assert_eq!(sent["sent"]["delivered"], 2, "the moves: {sent}");

    // A Contact and a profile for each of four friends, and the old pod's move.
    let again = json(&scene, &["resend"]);
    assert_eq!(
        (&again["queued"], &again["due"], &again["waiting"]["count"]),
        (&9.into(), &0.into(), &9.into())
    );
    let until: DateTime<Utc> = again["waiting"]["until"].as_str().unwrap().parse().unwrap();
    let told: DateTime<Utc> =
        json(&scene, &["deliveries"])["pods"][0]["told_at"].as_str().unwrap().parse().unwrap();
    let wait = until - told;
    assert!((TimeDelta::hours(23)..TimeDelta::hours(25)).contains(&wait), "two graces: {wait}");
    // The moves as well: what follows them waits until the pods have taken them again.
    let again = json(&scene, &["resend", "--delivered"]);
    assert_eq!((&again["queued"], &again["due"]), (&11.into(), &2.into()), "{again}");
    assert_eq!(json(&scene, &["deliver"])["sent"]["delivered"], 2);
    let report = json(&scene, &["deliveries"]);
    let of_pods = report["pods"].as_array().unwrap().iter().filter(|pod| pod["told_at"].is_string());
    for pod in of_pods {
        let until: DateTime<Utc> = pod["waits_until"].as_str().unwrap().parse().unwrap();
        assert!(pod["repeats_at"].is_string() && until > told + TimeDelta::hours(23), "{pod}");
    }
}
