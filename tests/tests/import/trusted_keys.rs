//! A pod's key that proves an archive is asked for again when the move is announced.

use super::evidence::Scene;
use crate::support::json;
use crate::support::target::fingerprint;

#[tokio::test]
async fn nobody_is_moved_on_a_key_that_is_trusted_no_longer() {
    let scene = Scene::new().await;
    let pin = fingerprint(&scene.archive);
    scene.target.import(&scene.archive, "ida", &["--trust-pod", &pin]);
    let before = scene.target.rows().await;
    let key = pin.split_once('=').unwrap().1;
    let elsewhere = format!("other.example={key}");
    let other = format!("closing.example=SHA256:{}", "a".repeat(64));
    for more in [&[][..], &["--trust-pod", &elsewhere], &["--trust-pod", &other]] {
        let command = [&["announce", &scene.path, "--offline"][..], more].concat();
        let ended = scene.target.run(&command);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let says = "`pappus announce --trust-pod closing.example=SHA256:…`";
        assert!(ended.stderr.contains(says), "{ended:?}");
        assert_eq!(scene.target.rows().await, before, "{more:?}");
    }
    let ended = scene.target.run(&["announce", &scene.path, "--offline", "--trust-pod", &pin]);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    assert_eq!(scene.target.rows().await["account_migrations"], 1);
}

#[tokio::test]
async fn a_trusted_key_may_be_a_setting() {
    let scene = Scene::new().await;
    let pin = fingerprint(&scene.archive);
    for command in [&["import", "--as", "ida", "--hold"][..], &["announce"]] {
        let mut program = pappus_tests::program::program("pappus");
        program.args(command).args(["--offline", "--state", &scene.target.path("state")]).arg(&scene.path);
        program.args(["--database-url", &scene.target.database, "--pod-url", scene.target.url]);
        program.args(["--uploads", &scene.target.path("uploads")]);
        let ended = program
            .env("PAPPUS_TRUST_POD", format!("other.example=SHA256:{},{pin}", "a".repeat(64)))
            .output()
            .unwrap();
        assert!(matches!(ended.status.code(), Some(0 | 10)), "{ended:?}");
    }
    assert_eq!(scene.target.rows().await["account_migrations"], 1);
}

#[tokio::test]
async fn a_key_that_the_pod_knows_by_now_proves_as_well() {
    let scene = Scene::new().await;
    scene.target.import(&scene.archive, "ida", &["--trust-pod", &fingerprint(&scene.archive)]);
    scene.target.introduce(&json(&scene.archive, "diaspora.json")).await;
    let ended = scene.target.run(&["announce", &scene.path, "--offline"]);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
}
