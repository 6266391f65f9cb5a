//! Random sequences of what podmins, programs and people do around a move, from the first import to the last friend:
//! nothing that was deleted returns, no identity changes its key, every friend is a friend, and reports count what the
//! databases hold. `PAPPUS_TEST_SEQUENCES=100` tries more of them, `PAPPUS_TEST_SEED=7` others. Sequences that have failed are
//! kept below.

mod checks;
mod run;
mod steps;

use crate::support::setting;
use proptest::collection::vec;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use run::Run;
use steps::{Record, Step, step};

/// Takes the steps, and brings the move to its end; returns what is deleted then.
fn run(steps: &[Step]) -> Vec<Record> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut run = Run::begin().await;
        for step in steps {
            run.take(*step).await;
        }
        run.end().await;
        run.deleted.iter().map(|(record, _)| *record).collect()
    })
}

/// The same sequences each time, unless others are asked for.
fn rng() -> TestRng {
    match setting("PAPPUS_TEST_SEED", 0_u64) {
        0 => TestRng::deterministic_rng(RngAlgorithm::ChaCha),
        seed => {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&seed.to_le_bytes());
            TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
        }
    }
}

#[test]
fn nothing_deleted_returns_and_every_friend_stays() {
    let cases = setting("PAPPUS_TEST_SEQUENCES", 4);
    let config = Config { cases, max_shrink_iters: 20, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, rng());
    let result = runner.run(&vec(step(), 4..12), |steps| {
        std::panic::catch_unwind(|| run(&steps)).map(drop).map_err(|panic| {
            let reason = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            TestCaseError::fail(reason)
        })
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// What people do most: come, look around, go back, come again, delete, and move.
#[test]
fn undone_and_come_again_with_deletions() {
    run(&[
        Step::Import,
        Step::Comment,
        Step::Undo,
        Step::Import,
        Step::Delete(Record::Post),
        Step::Delete(Record::Comment),
        Step::Import,
        Step::ImportOther,
        Step::Announce,
        Step::Delete(Record::Like),
        Step::Import,
        Step::NewerArchive,
        Step::Deliver,
        Step::Import,
        Step::Delete(Record::Tag),
        Step::Import,
    ]);
}

#[test]
fn whatever_is_deleted_stays_deleted_also_when_somebody_else_moves() {
    let deletions = Record::ALL.map(Step::Delete);
    let others = [
        Step::Import,
        Step::ImportOther,
        Step::AnnounceOther,
        Step::Import,
        Step::Announce,
        Step::Deliver,
        Step::NewerArchive,
        Step::Import,
        Step::UndoOther,
        Step::KilledImport(900),
        Step::Import,
    ];
    let steps = [&[Step::Import][..], &deletions, &others].concat();
    assert_eq!(run(&steps), Record::ALL);
}

#[test]
fn what_is_deleted_after_the_move_stays_deleted() {
    let moved =
        [Step::ImportOther, Step::AnnounceOther, Step::Import, Step::Announce, Step::Deliver, Step::Deliver];
    let deletions = Record::ALL.map(Step::Delete);
    let again = [Step::Import, Step::NewerArchive, Step::Import, Step::Announce, Step::Import];
    assert_eq!(run(&[&moved[..], &deletions, &again].concat()), Record::ALL);
}

/// Who adds the new account by hand before their pod has processed the move, after it, and before an undo.
#[test]
fn friends_who_share_by_hand_are_friends() {
    run(&[
        Step::Import,
        Step::Share(0),
        Step::Undo,
        Step::Import,
        Step::Share(1),
        Step::Share(5),
        Step::Announce,
        Step::Deliver,
        Step::Deliver,
        Step::Unshare(2),
        Step::Share(3),
        Step::Share(2),
        Step::Deliver,
        Step::Unshare(4),
    ]);
}
