//! `make demo`, from a relative folder as people call it, and from wherever Cargo builds.

use std::path::Path;
use std::process::Command;

use pappus_tests::program::{pappus, programs};
use pappus_tests::sample::{OTP_SECRET, PASSWORD};
use pappus_tests::schema::Pool;

/// Runs a script of this folder.
fn script(name: &str, folder: &Path, arguments: &[&str], build: Option<&Path>) -> (bool, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let mut command = Command::new(path);
    command.args(arguments).current_dir(folder).env_remove("CARGO_TARGET_DIR");
    if let Some(build) = build {
        command.env("CARGO_TARGET_DIR", build);
    }
    let output = command.output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_runs_to_its_end_wherever_it_is_built() {
    let folder = tempfile::tempdir().unwrap();
    // A build folder elsewhere, with the programs in it; the demo's own folder is named by nobody.
    let build = folder.path().join("build");
    std::fs::create_dir(&build).unwrap();
    std::os::unix::fs::symlink(programs(), build.join("debug")).unwrap();
    let (worked, said) = script("demo.sh", folder.path(), &[], Some(&build));
    assert!(worked, "{said}");
    let demo = build.join("demo");
    for word in ["12. Both pods", "the pod that takes people in", "Done. Look around"] {
        assert!(said.contains(word), "{word}: {said}");
    }

    // The number that counts comes last: friends are back.
    let (_, friends) = said.rsplit_once("Friends back: ").unwrap();
    let (back, all) = friends.split_once(" of ").unwrap();
    let (back, all) = (back.parse::<u32>().unwrap(), all.split_once('.').unwrap().0.parse::<u32>().unwrap());
    assert!(back > 0 && back <= all, "{back} of {all}: {said}");

    // Everybody can sign in, jonas with the code that is printed, whatever the date.
    assert!(said.contains(&format!("jonas needs a code too: put the secret {OTP_SECRET}")), "{said}");
    let pod = Pool::connect(&format!("sqlite:{}", demo.join("pod/db.sqlite3").display())).await.unwrap();
    let used = pod.number("SELECT consumed_timestep FROM users WHERE username = 'jonas'").await.unwrap();
    // In steps of thirty seconds; before September 2020, and so before any day on which this runs.
    assert!(used < 1_600_000_000 / 30, "codes of years to come are spent: {used}");

    // The target trusts the key that the archives name as their pod's, and has a podmin.
    let archive = std::fs::read_dir(demo.join("exports")).unwrap().next().unwrap().unwrap().path();
    let verified = pappus(["verify", archive.to_str().unwrap(), "--json"]).unwrap();
    let verified: serde_json::Value = serde_json::from_str(&verified.stdout).unwrap();
    let key = verified["origin"]["pod"]["signed_by"].as_str().unwrap();
    let configuration = std::fs::read_to_string(demo.join("target.toml")).unwrap();
    assert!(
        configuration.contains(&format!("trusted_pods = [\"closing.example={key}\"]")),
        "{key}: {configuration}"
    );
    let target =
        Pool::connect(&format!("sqlite:{}", demo.join("target/db.sqlite3").display())).await.unwrap();
    let podmins = "SELECT COUNT(*) FROM users u JOIN people p ON p.owner_id = u.id JOIN roles r ON r.person_id = p.id \
                   WHERE u.username = 'hanna' AND r.name = 'admin'";
    assert_eq!(target.number(podmins).await.unwrap(), 1);
    assert!(said.contains(&format!("its podmin: hanna, password {PASSWORD}")), "{said}");
}

#[test]
fn the_demo_takes_relative_and_absolute_folders() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(programs(), folder.path().join("programs")).unwrap();
    let (worked, said) = script("demo.sh", folder.path(), &["programs", "some/where"], None);
    assert!(worked, "{said}");
    assert!(folder.path().join("some/where/target/state").exists());
    assert!(folder.path().join("some/where/unpacked/index.html").exists());
}
