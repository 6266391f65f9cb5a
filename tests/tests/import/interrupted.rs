//! Imports that are killed and resumed, and imports that run at the same time.

use std::time::Duration;

use crate::support::Pod;
use crate::support::target::{TARGET_URL, Target, fingerprint};
use pappus_tests::program::program;

#[tokio::test]
async fn killed_anywhere_it_goes_on() {
    let source = Pod::sqlite().await;
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    let trust = fingerprint(&archive);
    let whole = Target::sqlite().await;
    let report = whole.import(&archive, "ida", &["--trust-pod", &trust]);
    let rows = whole.rows().await;
    let target = Target::sqlite().await;
    let (uploads, state) = (target.path("uploads"), target.path("state"));
    let (mut killed, mut closed) = (0, 0);
    for step in 0..25 {
        let mut child = program("pappus")
            .args(["import", archive.to_str().unwrap(), "--as", "ida", "--offline", "--hold"])
            .args(["--trust-pod", &trust, "--database-url", &target.database, "--pod-url", TARGET_URL])
            .args(["--uploads", &uploads, "--state", &state])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(30 + step * 60));
        child.kill().unwrap();
        if !child.wait().unwrap().success() {
            killed += 1;
        }
        // Nobody meets an account that is not complete: it is closed as long as it has no key.
        let sql = "SELECT COUNT(*) FROM people WHERE serialized_public_key = '' AND closed_account = ";
        assert_eq!(target.pool.number(&format!("{sql} 0")).await.unwrap(), 0, "after kill {step}");
        closed += target.pool.number(&format!("{sql} 1")).await.unwrap();
    }
    assert!(killed > 3, "only {killed} were killed in time");
    assert!(closed > 0, "no kill came between the account's first row and its key");
    let resumed = target.import(&archive, "ida", &["--trust-pod", &trust]);
    assert_eq!(resumed["kinds"], report["kinds"]);
    assert_eq!(target.rows().await, rows);
    target.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once() {
    let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
    source.export(&["ida", "yasmin"], "out", &[]);
    let start = |account: &str, name: &str| {
        let archive = source.archive("out", account);
        program("pappus")
            .args(["import", archive.to_str().unwrap(), "--as", name, "--offline", "--hold"])
            .args(["--trust-pod", &fingerprint(&archive), "--database-url", &target.database])
            .args([
                "--pod-url",
                TARGET_URL,
                "--uploads",
                &target.path("uploads"),
                "--state",
                &target.path("state"),
            ])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let (one, other) = (start("ida", "ida"), start("yasmin", "yasmin"));
    for child in [one, other] {
        let ended = child.wait_with_output().unwrap();
        assert!(matches!(ended.status.code(), Some(0 | 10)), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    target.is_sound().await;
    let second = start("ida", "ida_again").wait_with_output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("was imported here before"));
}
