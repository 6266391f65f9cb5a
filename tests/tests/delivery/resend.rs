//! `pappus resend` says what is due now, and what waits until when.

use chrono::{DateTime, TimeDelta, Utc};
use pappus_tests::program::programs;
use pappus_tests::schema::Pool;
use pappus_tests::twin::http;
use pappus_tests::twin::pod::{Delays, Software};
use pappus_tests::twin::scene::{FriendsPod, Scene};
use serde_json::Value;

use super::friendships::announced;
use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, document};

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

/// With a pod and an account, what goes to that pod for that account is due again, and nothing else.
#[tokio::test]
async fn a_pod_and_an_account_together() {
    const POD: &str = "closing.example";
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida", "jonas"], "out", &[]);
    for name in ["ida", "jonas"] {
        let archive = source.archive("out", name);
        target.import(&archive, name, &["--trust-pod", &fingerprint(&archive)]);
        let announced = target.announce(&archive, &["--offline"]);
        assert!(matches!(announced.code, Some(0 | 10)), "{name}: {announced:?}");
    }
    let url = format!("sqlite:{}", target.path("state/pods/haven.example/pappus.sqlite3"));
    let store = Pool::connect(&url).await.unwrap();
    let number = async |condition: &str| {
        let sql = format!("SELECT COUNT(*) FROM pappus_deliveries WHERE {condition}");
        store.number(&sql).await.unwrap()
    };
    let (ida, jonas) = ("account = 'ida@closing.example'", "account = 'jonas@closing.example'");
    let there = format!("pod = '{POD}'");
    let both = number(&format!("{there} AND {ida}")).await;
    assert!(both > 0 && number(&format!("{there} AND {jonas}")).await > 0);
    assert!(number(&format!("{ida} AND NOT {there}")).await > 0);
    for (options, expected) in [
        (&["--to", POD, "--account", "ida@closing.example"][..], format!("{there} AND {ida}")),
        (&["--to", POD], there.clone()),
        (&["--account", "ida@closing.example"], ida.to_owned()),
        (&["--to", POD, "--account", "nobody@closing.example"], "1 = 0".to_owned()),
    ] {
        for sql in [
            "UPDATE pappus_deliveries SET state = 'dead', attempts = 9",
            "DELETE FROM pappus_delivery_pods",
            "INSERT INTO pappus_delivery_pods (pod, failures) SELECT DISTINCT pod, 5 FROM pappus_deliveries",
        ] {
            store.execute(sql).await.unwrap();
        }
        let ended = target.run(&[&["resend"][..], options].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let queued = number("state = 'queued' AND attempts = 0").await;
        assert_eq!(document(&ended)["queued"], queued, "{options:?}: {ended:?}");
        assert_eq!(queued, number(&expected).await, "{options:?}");
        assert_eq!(number(&format!("state = 'queued' AND NOT ({expected})")).await, 0, "{options:?}");
        // The pods that are tried again at once are those of these deliveries.
        let others = "pod IN (SELECT p.pod FROM pappus_delivery_pods p WHERE p.failures = 0) AND pod NOT IN \
                      (SELECT d.pod FROM pappus_deliveries d WHERE d.state = 'queued')";
        assert_eq!(number(others).await, 0, "{options:?}");
        assert!(
            queued == 0
                || number("pod IN (SELECT pod FROM pappus_delivery_pods WHERE failures = 0)").await > 0
        );
    }
    store.close().await;
}
