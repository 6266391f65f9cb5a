//! The announcement follows an import by itself. What holds it back says what that costs.

use std::path::Path;

use crate::support::living_pods::LivingPods;
use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, document, json};
use pappus_tests::program::{Ended, pappus};
use pappus_tests::schema::Pool;
use serde_json::{Value, json as value};

/// What `pappus` says to people.
fn spoken(target: &Target, command: &[&str]) -> Ended {
    let (uploads, state) = (target.path("uploads"), target.path("state"));
    let mut arguments = command.to_vec();
    arguments.extend(["--database-url", &target.database, "--pod-url", target.url]);
    arguments.extend(["--uploads", &uploads, "--state", &state]);
    pappus(arguments).unwrap()
}

/// How often the target knows that the old account has become the new one, and is closed.
async fn moves(target: &Target) -> i64 {
    let sql = "SELECT COUNT(*) FROM account_migrations m JOIN people o ON o.id = m.old_person_id \
               JOIN people n ON n.id = m.new_person_id WHERE o.diaspora_handle LIKE 'ida@%' AND o.closed_account \
               AND n.diaspora_handle = 'ida@haven.example' AND NOT n.closed_account";
    target.pool.number(sql).await.unwrap()
}

/// What points to somebody's old account.
async fn left_behind(target: &Target, id: &str) -> i64 {
    let mut left = 0;
    for (table, column) in [
        ("posts", "author_id"),
        ("comments", "author_id"),
        ("likes", "author_id"),
        ("contacts", "person_id"),
        ("participations", "author_id"),
        ("conversation_visibilities", "person_id"),
    ] {
        let sql = format!(
            "SELECT COUNT(*) FROM {table} t JOIN people p ON p.id = t.{column} WHERE p.diaspora_handle = '{id}'"
        );
        left += target.pool.number(&sql).await.unwrap();
    }
    left
}

fn in_ledger(target: &Target) -> u64 {
    let counts = document(&target.run(&["deliveries"]))["counts"].clone();
    counts.as_object().unwrap().values().filter_map(Value::as_u64).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_announced_and_sent_by_itself() {
    let (pods, target) = (LivingPods::start().await, Target::sqlite().await);
    let archive = pods.export("ida");
    let path = archive.display().to_string();
    let old = format!("ida@{}", pods.closing);
    let hosts = ["--assume-reachable", "--allow-host", &pods.closing, "--allow-host", &pods.contacts];
    let command = [&["import", path.as_str(), "--as", "ida"][..], &hosts].concat();

    let plan = document(&target.run(&[&command[..], &["--dry-run"]].concat()));
    assert_eq!(plan["announcement"], value!({ "state": "planned", "reason": null }));
    assert_eq!((in_ledger(&target), pods.received.lock().unwrap().len()), (0, 0));

    let ended = target.run(&command);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    let done = document(&ended);
    assert_eq!((&done["proof"], &done["announcement"]["state"]), (&value!("hcard"), &value!("announced")));
    let announced = &done["announcement"]["announced"];
    assert_eq!(announced["queued"], in_ledger(&target), "{done}");
    assert!(
        announced["queued"].as_u64() > announced["pods"].as_u64(),
        "people get messages of their own: {done}"
    );
    assert_eq!(moves(&target).await, 1, "the old person is closed");
    assert_eq!(left_behind(&target, &old).await, 0, "everything points to the new person");
    target.is_sound().await;
    let told = |path: &str| {
        let received = pods.received.lock().unwrap();
        received.iter().filter(|(place, _)| place == path).count()
    };
    let (public, old_pod) =
        (format!("{}/receive/public", pods.contacts), format!("{}/receive/public", pods.closing));
    // The old pod comes last: nobody on the other one is back yet.
    assert_eq!((told(&public), told(&old_pod)), (1, 0));
    assert_eq!(done["announcement"]["sent"]["sent"]["delivered"], 1, "{done}");

    // The same again announces again, and that harms nobody.
    let (rows, queued) = (target.rows().await, in_ledger(&target));
    let again = document(&target.run(&command));
    assert_eq!(again["announcement"]["announced"]["queued"], 0, "{again}");
    assert_eq!((target.rows().await, in_ledger(&target)), (rows, queued));
    assert_eq!((told(&public), told(&old_pod)), (1, 0));
    let undo = target.run(&["undo", done["import"].as_str().unwrap()]);
    assert_eq!(undo.code, Some(1), "{undo:?}");
    assert_eq!(moves(&target).await, 1);
}

#[tokio::test]
async fn holding_back_says_what_is_lost_and_can_be_undone() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    let (path, trust) = (archive.display().to_string(), fingerprint(&archive));
    let command = ["import", &path, "--as", "ida", "--offline", "--trust-pod", &trust];
    let empty = target.rows().await["posts"];
    let held = spoken(&target, &[&command[..], &["--hold"]].concat());
    assert!(matches!(held.code, Some(0 | 10)), "{held:?}");
    for says in ["lost for good", "`pappus undo ", &format!("`pappus announce {path}`")] {
        assert!(held.stdout.contains(says), "{says}: {held:?}");
    }
    assert_eq!((in_ledger(&target), moves(&target).await), (0, 0), "nobody is told");
    let imports = document(&target.run(&["imports"]));
    let undone = target.run(&["undo", imports["imports"][0]["import"].as_str().unwrap()]);
    assert_eq!(undone.code, Some(0), "{undone:?}");
    assert_eq!(target.rows().await["posts"], empty);

    // Without contact to any other pod it is announced here, and nothing is sent.
    let moved = spoken(&target, &command);
    assert!(matches!(moved.code, Some(0 | 10)), "{moved:?}");
    for says in ["cannot be undone", "`pappus deliver --wait`", "--offline"] {
        assert!(moved.stdout.contains(says), "{says}: {moved:?}");
    }
    assert!(!moved.stdout.contains("pappus undo"), "{moved:?}");
    let report = document(&target.run(&["deliveries"]));
    assert!(report["counts"]["queued"].as_u64() > Some(0) && moves(&target).await == 1, "{report}");
    assert_eq!(report["counts"]["queued"].as_u64(), Some(in_ledger(&target)), "nothing was tried: {report}");

    // Too late to hold anything back.
    let late = spoken(&target, &[&command[..], &["--hold"]].concat());
    assert!(late.stdout.contains("announced before"), "{late:?}");
    assert!(!late.stdout.contains("pappus undo") && !late.stdout.contains("lost for good"), "{late:?}");
}

#[tokio::test]
async fn a_key_under_a_passphrase_is_tried_before_anything_is_written() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    let file = |name: &str, passphrase: &str| {
        let path = source.path(name);
        std::fs::write(&path, passphrase).unwrap();
        format!("--key-passphrase={}", path.display())
    };
    let (right, wrong) = (file("right", "a key to a key\n"), file("wrong", "another key\n"));
    source.export(&["ida"], "out", &[&right]);
    let archive = source.archive("out", "ida");
    let (path, trust) = (archive.display().to_string(), fingerprint(&archive));
    let command = ["import", &path, "--as", "ida", "--offline", "--trust-pod", &trust];
    let with = |more: &[&str]| target.run(&[&command[..], more].concat());
    let before = target.rows().await;

    for more in [&[wrong.as_str()][..], &[wrong.as_str(), "--dry-run"]] {
        let refused = with(more);
        assert_eq!(
            (refused.code, &document(&refused)["code"]),
            (Some(1), &value!("key_passphrase")),
            "{refused:?}"
        );
        assert_eq!(target.rows().await, before);
    }
    let plan = document(&with(&["--dry-run"]));
    assert_eq!(plan["announcement"], value!({ "state": "held", "reason": "key_passphrase" }));
    // Nobody is there to ask.
    let held = with(&[]);
    assert_eq!(held.code, Some(10), "{held:?}");
    assert_eq!(document(&held)["announcement"], value!({ "state": "held", "reason": "key_passphrase" }));
    assert_eq!((in_ledger(&target), moves(&target).await), (0, 0));
    // The same command with the passphrase goes on from there.
    let moved = document(&with(&[&right]));
    assert_eq!(moved["announcement"]["state"], "announced", "{moved}");
    assert!(in_ledger(&target) > 0 && moves(&target).await == 1);
}

#[tokio::test]
async fn what_cannot_be_announced_comes_all_the_same() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let mut stock = json(&source.archive("out", "ida"), "diaspora.json");
    stock["user"]["private_key"] = value!("");
    let path = target.path("ida.json");
    std::fs::write(Path::new(&path), stock.to_string()).unwrap();
    let command = ["import", &path, "--as", "ida", "--offline", "--accept-unproven"];
    let plan = target.run(&[&command[..], &["--dry-run"]].concat());
    assert_eq!(plan.code, Some(10), "{plan:?}");
    assert_eq!(document(&plan)["announcement"], value!({ "state": "held", "reason": "no_key" }));
    let held = spoken(&target, &command);
    assert_eq!(held.code, Some(10), "{held:?}");
    for says in ["no usable private key", "lost for good", "`pappus undo "] {
        assert!(held.stdout.contains(says), "{says}: {held:?}");
    }
    assert_eq!(in_ledger(&target), 0);
    target.is_sound().await;
}

/// Whoever's software does not carry friendships along is named, below what to do there.
#[tokio::test]
async fn friends_elsewhere_are_listed_with_what_to_do_on_their_system() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    target.import(&archive, "ida", &["--trust-pod", &fingerprint(&archive)]);
    let announced = target.announce(&archive, &["--offline"]);
    assert!(matches!(announced.code, Some(0 | 10)), "{announced:?}");
    let before = spoken(&target, &["deliveries"]);
    assert!(before.stdout.contains("Friends back: 0 of 7."), "{before:?}");
    assert!(!before.stdout.contains("must act themselves"), "nobody knows what they run: {before:?}");

    // As their pods say of themselves.
    let store = format!("sqlite:{}", target.path("state/pods/haven.example/pappus.sqlite3"));
    let store = Pool::connect(&store).await.unwrap();
    for (pod, system) in
        [("contacts.example", "hubzilla"), ("target.example", "friendica"), ("gone.example", "socialhome")]
    {
        let sql = format!(
            "INSERT INTO pappus_delivery_pods (pod, system) VALUES ('{pod}', '{system}') \
             ON CONFLICT (pod) DO UPDATE SET system = excluded.system"
        );
        store.execute(&sql).await.unwrap();
    }
    store.close().await;
    let said = spoken(&target, &["deliveries"]);
    let lines: Vec<&str> = said.stdout.lines().collect();
    for (advice, friends) in [
        (
            "Friendica: approve the new follower request as a mutual friend; until then posts are lost.",
            &["moritz.neu@target.example"][..],
        ),
        (
            "Hubzilla: approve the new connection request and do not delete it; whoever hears nothing opens the \
             connection and saves it once.",
            &["paula@contacts.example", "quentin@contacts.example"],
        ),
        ("Socialhome: follow the new address by hand.", &["xenia@gone.example"]),
    ] {
        let heading = format!("Friends of ida@closing.example who must act themselves. {advice}");
        let at =
            lines.iter().position(|line| *line == heading).unwrap_or_else(|| panic!("{heading}: {said:?}"));
        let below: Vec<&str> = lines[at + 1..].iter().map_while(|line| line.strip_prefix("    ")).collect();
        assert_eq!(below, friends, "{advice}");
    }
}
