//! What proves an archive is stored with the import, and asked for again when the move is announced.

use serde_json::{Value, json as value};
use sqlx::SqlitePool;

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

/// The keys that the import relied on, as the store has them.
async fn stored_evidence(target: &Target) -> Value {
    let store = format!("sqlite:{}", target.path("state/pods/haven.example/pappus.sqlite3"));
    let store = SqlitePool::connect(&store).await.unwrap();
    let text: String =
        sqlx::query_scalar("SELECT evidence FROM pappus_imports").fetch_one(&store).await.unwrap();
    store.close().await;
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn what_an_import_relied_on_is_stored_with_it() {
    let scene = Scene::new().await;
    let pin = fingerprint(&scene.archive);
    scene.target.import(&scene.archive, "ida", &["--trust-pod", &pin]);
    let key = pin.split_once('=').unwrap().1;
    let own = json(&scene.archive, "manifest.json")["account"]["key_fingerprint"].clone();
    let relied_on = value!({
        "account": "ida@closing.example", "archive": own, "known": null, "published": null,
        "signed_by": key, "pinned": [key],
    });
    assert_eq!(stored_evidence(&scene.target).await, relied_on);
    // The announcement makes the account known: that is not what the import relied on.
    let command = ["announce", &scene.path, "--offline", "--trust-pod", &pin];
    assert!(matches!(scene.target.run(&command).code, Some(0 | 10)));
    scene.target.import(&scene.archive, "ida", &["--trust-pod", &pin]);
    assert_eq!(stored_evidence(&scene.target).await, relied_on);
}

#[tokio::test]
async fn nobody_is_moved_on_a_key_that_the_pod_has_lost_since() {
    let scene = Scene::new().await;
    scene.target.introduce(&json(&scene.archive, "diaspora.json")).await;
    assert_eq!(scene.target.import(&scene.archive, "ida", &[])["proof"], "cached_person");
    let person = "WHERE diaspora_handle = 'ida@closing.example'";
    let known = format!("SELECT serialized_public_key FROM people {person}");
    let known = scene.target.pool.texts(&known).await.unwrap().pop().unwrap();
    let set_key = async |key: &str| {
        let sql = format!("UPDATE people SET serialized_public_key = '{key}' {person}");
        scene.target.pool.execute(&sql).await.unwrap();
    };
    set_key("").await;
    let before = scene.target.rows().await;
    let ended = scene.target.run(&["announce", &scene.path, "--offline"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for says in ["at the import this pod knew the account's key, now it does not", "--accept-unproven"] {
        assert!(ended.stderr.contains(says), "{says}: {ended:?}");
    }
    assert_eq!(scene.target.rows().await, before);
    set_key(&known).await;
    let ended = scene.target.run(&["announce", &scene.path, "--offline"]);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
}

#[tokio::test]
async fn the_podmins_word_is_for_the_key_that_was_imported() {
    let scene = Scene::new().await;
    // The archive as somebody has it who left the key out.
    let mut keyless = json(&scene.archive, "diaspora.json");
    keyless["user"]["private_key"] = value!("");
    let path = scene.target.path("keyless.json");
    std::fs::write(&path, keyless.to_string()).unwrap();
    let import = |path: &str| {
        scene.target.run(&["import", path, "--as", "ida", "--offline", "--hold", "--accept-unproven"])
    };
    let done = import(&path);
    assert_eq!(done.code, Some(10), "{done:?}");
    assert_eq!(stored_evidence(&scene.target).await["archive"], Value::Null);
    let ended = scene.target.run(&["announce", &scene.path, "--offline"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("the archive that was imported did not show it"), "{ended:?}");
    // The podmin's word for this one.
    let done = import(&scene.path);
    assert_eq!(done.code, Some(10), "{done:?}");
    let ended = scene.target.run(&["announce", &scene.path, "--offline"]);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_pod_that_is_gone_since_takes_nothing_back() {
    let (pods, target) = (LivingPods::start().await, Target::sqlite().await);
    let path = pods.export("ida").display().to_string();
    let hosts = ["--allow-host", &pods.closing, "--allow-host", &pods.contacts];
    let ended = target.run(&[&["import", &path, "--as", "ida", "--hold"][..], &hosts].concat());
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    let evidence = stored_evidence(&target).await;
    assert_eq!(evidence["published"], evidence["archive"], "{evidence}");
    let forget = "UPDATE people SET serialized_public_key = '' WHERE diaspora_handle LIKE 'ida@127.0.0.1%'";
    target.pool.execute(forget).await.unwrap();
    let ended = target.run(&["announce", &path, "--offline"]);
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
