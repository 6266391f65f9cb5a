//! A pod's key that proves an archive is asked for again when the move is announced.

use super::evidence::Scene;
use super::strangers::{guid, insert_person};
use crate::support::living_pods::LivingPods;
use crate::support::target::{Target, fingerprint};
use crate::support::{document, json};

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

/// After the announcement nothing takes it back, and nobody is told to try.
#[tokio::test]
async fn an_announced_move_is_not_said_to_be_undone_when_the_key_differs() {
    let scene = Scene::new().await;
    let known = json(&scene.archive, "diaspora.json");
    scene.target.introduce(&known).await;
    let command = ["import", &scene.path, "--as", "ida", "--offline", "--hold"];
    let done = scene.target.run(&command);
    assert!(matches!(done.code, Some(0 | 10)), "{done:?}");
    let announced = scene.target.announce(&scene.path, &["--offline"]);
    assert!(matches!(announced.code, Some(0 | 10)), "{announced:?}");
    let contacts = known["user"]["contacts"].as_array().unwrap();
    let other = contacts.iter().find_map(|contact| contact["public_key"].as_str()).unwrap();
    let sql = format!(
        "UPDATE people SET serialized_public_key = '{other}' WHERE diaspora_handle = 'ida@closing.example'"
    );
    scene.target.pool.execute(&sql).await.unwrap();
    let ended = scene.target.announce(&scene.path, &["--offline"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("has been announced already and cannot be undone"), "{ended:?}");
    assert!(!ended.stderr.contains("pappus undo"), "{ended:?}");
    let undone = scene.target.run(&["undo", document(&done)["import"].as_str().unwrap()]);
    assert_eq!(undone.code, Some(1), "{undone:?}");
}

/// The exit code says that there are findings, and so does their list.
#[tokio::test]
async fn what_is_taken_on_the_podmins_word_is_a_finding() {
    let scene = Scene::new().await;
    let command = ["import", &scene.path, "--as", "ida", "--offline", "--hold", "--accept-unproven"];
    // What proves the archive takes the finding away.
    let pin = fingerprint(&scene.archive);
    let plan = scene.target.run(&[&command[..], &["--dry-run", "--trust-pod", &pin]].concat());
    assert!(!document(&plan)["findings"].to_string().contains("\"unproven\""), "{plan:?}");
    for more in [&["--dry-run"][..], &[]] {
        let ended = scene.target.run(&[&command[..], more].concat());
        assert_eq!(ended.code, Some(10), "{ended:?}");
        let report = document(&ended);
        let findings = report["findings"].as_array().unwrap();
        let unproven: Vec<_> = findings.iter().filter(|finding| finding["code"] == "unproven").collect();
        assert_eq!(unproven.len(), 1, "{report}");
        assert!(unproven[0].to_string().contains("ida@closing.example"), "{report}");
    }
}

/// A pinned pod lists the keys of people of other pods: they count only where nobody else says anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_pod_gives_nobody_another_key() {
    let (pods, target) = (LivingPods::start().await, Target::sqlite().await);
    let archive = pods.export("ida");
    let (known, published) = (
        include_str!("../../fixtures/keys/4096-0.public.pem"),
        include_str!("../../fixtures/keys/4096-1.public.pem"),
    );
    let contacts = json(&archive, "diaspora.json")["user"]["contacts"].as_array().unwrap().clone();
    let named = |name: &str| {
        let mut ids = contacts.iter().map(|contact| contact["account_id"].as_str().unwrap());
        ids.find(|id| id.starts_with(name)).unwrap().to_owned()
    };
    let [paula, quentin, stefan] = ["paula@", "quentin@", "stefan@"].map(named);
    insert_person(&target, &paula, &guid('a'), known).await;
    insert_person(&target, "wanda@shut.example", &guid('f'), known).await;
    for sql in [
        format!(
            "UPDATE people SET serialized_public_key = '{published}' WHERE diaspora_handle = '{quentin}'"
        ),
        // Somebody else's GUID: whoever that pod speaks of is not the one in the archive.
        format!("UPDATE people SET guid = '{}' WHERE diaspora_handle = '{stefan}'", guid('f')),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&pods.database).await.unwrap();
    }
    let (path, pin) = (archive.display().to_string(), fingerprint(&archive));
    let hosts = ["--allow-host", &pods.closing, "--allow-host", &pods.contacts, "--trust-pod", &pin];
    let ended = target.run(&[&["import", &path, "--as", "ida", "--hold"][..], &hosts].concat());
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    let keys = async |id: &str| {
        let sql = format!("SELECT serialized_public_key FROM people WHERE diaspora_handle = '{id}'");
        target.pool.texts(&sql).await.unwrap()
    };
    assert_eq!(keys(&paula).await, [known]);
    assert_eq!(keys(&quentin).await, [published]);
    assert!(keys(&stefan).await.is_empty());
    // Of pods that do not answer the pinned pod's list has keys.
    let others = "SELECT COUNT(*) FROM people WHERE diaspora_handle NOT LIKE '%@127.0.0.1:%' \
                  AND diaspora_handle NOT LIKE '%@haven.example' AND diaspora_handle NOT LIKE 'wanda@%'";
    assert!(target.pool.number(others).await.unwrap() > 0);
}
