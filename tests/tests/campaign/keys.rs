//! The keys of whole pods: made once, copied, restored and changed; what they open stays open.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::{TIME, document};
use pappus_engine::archive::encryption::{DecryptWith, EncryptTo};
use pappus_engine::depot::{CampaignKey, CampaignKeys, KeysError};
use pappus_engine::pod::config::PodUrl;
use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::{StateFolder, Store};
use pappus_tests::program::{Ended, pappus};
use serde_json::Value;

const POD: &str = "https://closing.example/";

async fn keys(state: &Path, store: Option<&str>) -> CampaignKeys {
    let url = PodUrl::parse(POD).unwrap();
    let folder = StateFolder::open(state, &url).unwrap();
    let database = store.map_or_else(|| folder.database(), DatabaseUrl::parse).unwrap();
    CampaignKeys::new(&folder, &Store::open(&database).await.unwrap(), &url)
}

async fn current(keys: &CampaignKeys) -> CampaignKey {
    keys.current(TIME.parse().unwrap()).await.unwrap()
}

fn lock(recipient: &str, text: &str) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    let mut locked = EncryptTo::recipients(&[recipient.to_owned()]).unwrap().wrap(&mut file).unwrap();
    locked.write_all(text.as_bytes()).unwrap();
    locked.finish().unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    file
}

fn opened(unlock: &DecryptWith, file: &std::fs::File) -> Option<String> {
    let mut file = file.try_clone().unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    unlock.open(file).ok().map(|mut reader| {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
        text
    })
}

fn run(state: &Path, action: &[&str]) -> Ended {
    let mut arguments = vec!["keys"];
    arguments.extend(action);
    arguments.extend(["--pod-url", POD, "--state", state.to_str().unwrap()]);
    pappus(arguments).unwrap()
}

fn file(state: &Path) -> std::path::PathBuf {
    state.join("pods/closing.example/campaign-keys.txt")
}

#[tokio::test]
async fn a_key_is_made_once() {
    let (state, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let postgres = pappus_tests::cluster::shared_postgres().await.unwrap();
    let store = postgres.create_database("keys_store").await.unwrap();
    let here = keys(state.path(), Some(&store)).await;
    assert!(here.list().await.unwrap().is_empty() && here.unlock().unwrap().is_none());
    // Several at once on one machine get the same.
    let all = futures_util::future::join_all((0..8).map(|_| current(&here))).await;
    assert!(all.iter().all(|key| *key == all[0]) && all[0].identity_here);
    assert_eq!(all[0].created_at.to_string(), TIME);
    let secret = std::fs::read_to_string(file(state.path())).unwrap();
    assert_eq!(secret.matches("AGE-SECRET-KEY-1").count(), 1);
    assert_eq!(std::fs::metadata(file(state.path())).unwrap().permissions().mode() & 0o777, 0o600);

    // A worker elsewhere encrypts to it and opens nothing.
    let worker = keys(elsewhere.path(), Some(&store)).await;
    let there = current(&worker).await;
    assert_eq!((&there.recipient, there.identity_here), (&all[0].recipient, false));
    assert!(worker.unlock().unwrap().is_none() && !file(elsewhere.path()).exists());
    let archive = lock(&there.recipient, "archive");
    assert_eq!(opened(&here.unlock().unwrap().unwrap(), &archive).unwrap(), "archive");

    // Only what may be known is in the store, and what is printed for programmers has no secret.
    let pool = sqlx::PgPool::connect(&store).await.unwrap();
    let rows: Vec<String> =
        sqlx::query_scalar("SELECT k::text FROM pappus_campaign_keys k").fetch_all(&pool).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert!(!rows[0].contains("SECRET") && !format!("{here:?} {all:?}").contains("SECRET"));

    // A store that is lost, with its list: the file has the key.
    let other = postgres.create_database("keys_again").await.unwrap();
    let again = current(&keys(state.path(), Some(&other)).await).await;
    assert_eq!(again.recipient, all[0].recipient);
    std::fs::set_permissions(file(state.path()), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(here.unlock(), Err(KeysError::Exposed(_))));
}

fn assert_refused(ended: &Ended, words: &str) {
    assert!(ended.code == Some(1) && ended.stderr.contains(words), "{words}: {ended:?}");
}

/// Copies the keys into a file in clear and into one under a passphrase; a copy is never overwritten.
fn make_copies(state: &Path, plain: &Path, locked: &Path, passphrase: &str) {
    for arguments in
        [vec!["backup", plain.to_str().unwrap()], vec!["backup", locked.to_str().unwrap(), passphrase]]
    {
        assert_eq!(run(state, &arguments).code, Some(0));
        assert_refused(&run(state, &arguments), "already exists");
    }
    for copy in [plain, locked] {
        assert_eq!(std::fs::metadata(copy).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// Restores the keys from a copy; returns how many of them were missing.
fn restore(state: &Path, copy: &Path, more: &[&str]) -> Value {
    let mut arguments = vec!["restore", copy.to_str().unwrap(), "--json"];
    arguments.extend(more);
    let ended = run(state, &arguments);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    document(&ended)["restored"].clone()
}

#[tokio::test]
async fn shown_copied_lost_and_restored() {
    let state = tempfile::tempdir().unwrap();
    let copies = tempfile::tempdir().unwrap();
    let ended = run(state.path(), &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("There is no key yet"));
    let (plain, locked) = (copies.path().join("plain"), copies.path().join("locked"));
    let none = run(state.path(), &["backup", plain.to_str().unwrap()]);
    assert_refused(&none, "nothing to copy");
    assert!(!plain.exists());

    let first = current(&keys(state.path(), None).await).await.recipient;
    let old = lock(&first, "old");
    let ended = run(state.path(), &["rotate", "--json"]);
    let second = document(&ended)["recipient"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    let own = keys(state.path(), None).await;
    assert_eq!(current(&own).await.recipient, second);
    let new = lock(&second, "new");
    let ended = run(state.path(), &[]);
    assert_eq!(ended.code, Some(0));
    let secret = std::fs::read_to_string(file(state.path())).unwrap();
    for word in [&first, &second, "2 (new archives)", "ARE LOST", file(state.path()).to_str().unwrap()] {
        assert!(ended.stdout.contains(word), "{word} is not in {}", ended.stdout);
    }
    assert!(!ended.stdout.contains("SECRET"));

    // Copies, one of them under a passphrase.
    let passphrase = copies.path().join("passphrase");
    std::fs::write(&passphrase, "correct horse\n").unwrap();
    let from_file = format!("--passphrase={}", passphrase.display());
    make_copies(state.path(), &plain, &locked, &from_file);
    assert_eq!(std::fs::read_to_string(&plain).unwrap(), secret);
    assert!(!String::from_utf8_lossy(&std::fs::read(&locked).unwrap()).contains("SECRET"));

    // Lost: it is said loudly, and nothing opens.
    std::fs::remove_file(file(state.path())).unwrap();
    let ended = run(state.path(), &[]);
    assert_eq!(ended.code, Some(10));
    assert!(
        ended.stdout.contains("NOTHING ON THIS MACHINE") && ended.stdout.contains("pappus keys restore"),
        "{ended:?}"
    );
    assert!(own.unlock().unwrap().is_none());
    // Taken back, from either copy.
    std::fs::write(&passphrase, "wrong\n").unwrap();
    let wrong = run(state.path(), &["restore", locked.to_str().unwrap(), &from_file]);
    assert_refused(&wrong, "does not open");
    std::fs::write(&passphrase, "correct horse\n").unwrap();
    assert_eq!(restore(state.path(), &locked, &[&from_file]), Value::from(2));
    assert_eq!(restore(state.path(), &plain, &[]), Value::from(0));
    assert_eq!(std::fs::read_to_string(file(state.path())).unwrap(), secret);
    let unlock = own.unlock().unwrap().unwrap();
    assert_eq!(
        [opened(&unlock, &old), opened(&unlock, &new)],
        [Some("old".to_owned()), Some("new".to_owned())]
    );
    assert!(own.list().await.unwrap().iter().all(|key| key.identity_here));
    let nothing = run(state.path(), &["restore", passphrase.to_str().unwrap()]);
    assert_refused(&nothing, "contains no age key");
}
