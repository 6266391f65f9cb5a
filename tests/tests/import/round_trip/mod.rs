//! Any account that moves is the same account afterwards: what comes out of the new pod equals what came out of
//! the old one, but for what the report of the import lists and what `compare` explains. Importing twice is
//! importing once, and taking it back leaves no trace.
//!
//! The accounts are generated. `PROPTEST_CASES` says how many on each database, `PROPTEST_RNG_SEED` which.

mod compare;
mod known;
mod lives;
use std::path::Path;

use crate::support::TIME;
use crate::support::target::{TARGET_URL, Target, fingerprint};
use compare::{Contents, Findings};
use pappus_engine::domain::NEW_KEY_BITS;
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::generated_account::{Life, NAME};
use pappus_tests::integrity::{Place, problems_of};
use pappus_tests::program::pappus;
use pappus_tests::rows::Rows;
use pappus_tests::sample::POD_URL;
use pappus_tests::schema::Pool;
use proptest::prelude::ProptestConfig;
use proptest::test_runner::{RngSeed, TestCaseError, TestRunner};

/// What went wrong, in lines.
type Outcome = Result<(), String>;

fn all_of(what: &str, lines: &[String]) -> Outcome {
    if lines.is_empty() { Ok(()) } else { Err(format!("{what}:\n{}", lines.join("\n"))) }
}

/// Exports the life from a pod of its own.
async fn leave(life: &Life, folder: &Path) -> Result<std::path::PathBuf, String> {
    let database = format!("sqlite:{}", folder.join("source.sqlite3").display());
    let uploads = folder.join("uploads");
    let pool = Pool::connect(&database).await.unwrap();
    life.write(&pool, &uploads).await.unwrap();
    pool.close().await;
    let (out, uploads) = (folder.join("out").display().to_string(), uploads.display().to_string());
    let state = crate::support::shared_state();
    let ended = pappus([
        "export",
        NAME,
        "--database-url",
        &database,
        "--pod-url",
        POD_URL,
        "--uploads",
        &uploads,
        "--out",
        &out,
        "--state",
        &state,
        "--created-at",
        TIME,
    ])
    .unwrap();
    if !matches!(ended.code, Some(0 | 10)) {
        return Err(format!("the export failed: {ended:?}"));
    }
    Ok(folder.join("out").join(format!("{NAME}@closing.example-20261122T100000Z.zip")))
}

/// Rows of a pod, without the words that everybody shares.
async fn rows(target: &Target) -> Rows {
    Rows::read(&target.pool).await.unwrap()
}

fn sound(target: &Target, rows: &Rows, when: &str) -> Outcome {
    let uploads = target.folder.path().join("uploads");
    let place = Place { url: TARGET_URL, uploads: &uploads, bits: NEW_KEY_BITS };
    all_of(&format!("the rows are not sound {when}"), &problems_of(rows, place))
}

/// One life moves into an empty pod.
async fn moves(life: &Life, target: Target) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let archive = leave(life, folder.path()).await?;
    let print = fingerprint(&archive);
    let before = rows(&target).await;
    let trust = ["--trust-pod", print.as_str()];
    let path = archive.display().to_string();
    let ended = target.run(&["import", &path, "--as", NAME, "--offline", "--hold", trust[0], trust[1]]);
    if !matches!(ended.code, Some(0 | 10)) {
        return Err(format!("the import failed: {ended:?}"));
    }
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let there = rows(&target).await;
    sound(&target, &there, "after the import")?;

    let again = target.import(&archive, NAME, &trust);
    if again["kinds"] != report["kinds"] {
        return Err(format!("twice is not once: {} became {}", report["kinds"], again["kinds"]));
    }
    all_of("importing again changed rows", &there.differences(&rows(&target).await))?;

    let back = target.export(NAME);
    let verified = pappus(["verify", back.to_str().unwrap()]).unwrap();
    if verified.code != Some(0) {
        return Err(format!("what came back does not verify: {verified:?}"));
    }
    let findings = Findings::of(&report);
    let original = Contents::read(&archive, &format!("{NAME}@closing.example"), POD_URL).arrived(&findings);
    let returned = Contents::read(&back, &format!("{NAME}@haven.example"), TARGET_URL);
    all_of("the account is another one", &original.differences(returned, &findings))?;

    let undone = target.run(&["undo", report["import"].as_str().unwrap()]);
    if undone.code != Some(0) {
        return Err(format!("undo failed: {undone:?}"));
    }
    let after = rows(&target).await;
    sound(&target, &after, "after undo")?;
    // Words and lists of words that everybody shares stay.
    let known =
        |rows: Rows| ["tags", "signature_orders", "pods"].iter().fold(rows, |rows, name| rows.without(name));
    all_of("undo left traces", &known(before).differences(&known(after)))?;
    all_of("undo left files", &crate::support::names(&target.folder.path().join("uploads/images")))
}

/// How many lives, unless the environment says otherwise.
fn runner(cases: u32) -> TestRunner {
    let mut config =
        ProptestConfig { max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(20_261_122);
    }
    TestRunner::new(config)
}

/// Lives move to a new database each.
fn all_move(cases: u32, database: &impl AsyncFn(usize, &Path) -> String) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let serial = std::cell::Cell::new(0);
    let done = runner(cases).run(&lives::life(), |life| {
        serial.set(serial.get() + 1);
        let outcome = runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let database = database(serial.get(), folder.path()).await;
            moves(&life, Target::on(folder, database).await).await
        });
        outcome.map_err(TestCaseError::fail)
    });
    if let Err(failure) = done {
        panic!("{failure}");
    }
}

#[tokio::test]
async fn lives_that_came_out_different() {
    for (what, life) in known::lives() {
        if let Err(problem) = moves(&life, Target::sqlite().await).await {
            panic!("{what}: {problem}");
        }
    }
}

#[test]
fn on_sqlite() {
    all_move(8, &async |_, folder| format!("sqlite:{}", folder.join("db.sqlite3").display()));
}

#[test]
fn on_postgresql() {
    all_move(3, &async |serial, _| {
        shared_postgres().await.unwrap().create_database(&format!("life_{serial}")).await.unwrap()
    });
}

#[test]
fn on_mariadb() {
    all_move(3, &async |serial, _| {
        shared_mariadb().await.unwrap().create_database(&format!("life_{serial}")).await.unwrap()
    });
}
