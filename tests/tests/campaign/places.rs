//! The place of the archives goes away while a campaign is at work: it is waited for, and nothing is written elsewhere.

use std::time::Duration;

use super::postgres_pod;
use super::scene::{Scene, ended_well, until};
use crate::support::names;

const ACCOUNTS: usize = 300;

fn archives(scene: &Scene) -> usize {
    names(&scene.out()).iter().filter(|name| name.contains(".zip")).count()
}

/// Moved away; then an empty folder is at its path, as when a disk is not mounted; then it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moved_and_a_bare_folder_in_its_place() {
    let pod = postgres_pod("campaign_moved", ACCOUNTS).await;
    let scene = Scene::of(tempfile::tempdir().unwrap(), pod).await;
    let (out, away) = (scene.out(), scene.path("away"));
    let mut child =
        scene.start(scene.export(&["--plain", "--name", "moved", "--workers", "1", "--lease", "5"]));
    for round in 0..3 {
        let before = archives(&scene);
        until(&mut child, async || archives(&scene) > before + 5).await;
        std::fs::rename(&out, &away).unwrap();
        let waits = |text: &str| text.matches("Waiting: ").count() > round;
        until(&mut child, async || waits(&scene.words())).await;
        assert!(!out.exists(), "it was made anew: {:?}", names(&out));
        // The mount point.
        std::fs::create_dir(&out).unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(names(&out), Vec::<String>::new());
        std::fs::remove_dir(&out).unwrap();
        std::fs::rename(&away, &out).unwrap();
    }
    assert!(matches!(child.wait().unwrap().code(), Some(0 | 10)), "{}", scene.words());
    let lines = scene.accounts("moved").await;
    assert!(lines.iter().all(|line| line.state == "done"), "{lines:?}");
    scene.is_whole("moved", ACCOUNTS as u64);
    assert!(scene.words().contains("is not the folder it was: is its disk mounted?"), "{}", scene.words());
}

/// Going on while the place is away makes nothing, and says what it waits for; so does another campaign there, and a
/// check does not say that everything is lost.
#[tokio::test]
async fn away_from_the_beginning() {
    let scene = Scene::sample(None).await;
    ended_well(&scene.run(&["--plain", "--name", "first"]));
    let (out, away) = (scene.out(), scene.path("away"));
    std::fs::rename(&out, &away).unwrap();
    for bare in [false, true] {
        if bare {
            std::fs::create_dir(&out).unwrap();
        }
        for name in ["first", "second"] {
            let ended = scene.run(&["--plain", "--name", name, "--patience", "1"]);
            assert!(ended.code == Some(1) && ended.stderr.contains("Waiting: "), "{ended:?}");
            assert!(ended.stderr.contains("run the same command again to continue"), "{ended:?}");
        }
        let ended = scene.pappus("campaign", &["verify", "first"]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(!ended.stdout.contains("missing"), "{ended:?}");
        assert_eq!((out.exists(), names(&out)), (bare, Vec::new()));
    }
    std::fs::remove_dir(&out).unwrap();
    std::fs::rename(&away, &out).unwrap();
    for name in ["first", "second"] {
        ended_well(&scene.run(&["--plain", "--name", name]));
        scene.is_whole(name, 13);
    }
}

/// A file system of its own is unmounted under the campaign, and mounted again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unmounted() {
    let pod = postgres_pod("campaign_unmounted", ACCOUNTS).await;
    let scene = Scene::of(tempfile::tempdir().unwrap(), pod).await;
    let (out, disk, words) = (scene.out(), scene.path("disk"), scene.path("words"));
    std::fs::create_dir(&out).unwrap();
    std::fs::create_dir(&disk).unwrap();
    let mut arguments = scene.export(&["--plain", "--name", "disk", "--workers", "2"]);
    arguments.insert(0, super::programs("pappus"));
    let script = "out=$0; disk=$1; words=$2; shift 2
        mount --bind \"$disk\" \"$out\" || exit 77
        \"$@\" 2>\"$words\" & child=$!
        while test \"$(ls \"$disk\" | grep -c zip)\" -lt 20; do kill -0 $child || exit 3; sleep 0.02; done
        umount -l \"$out\" || exit 4
        until grep -q Waiting: \"$words\"; do kill -0 $child || exit 5; sleep 0.05; done
        sleep 2
        test -z \"$(ls -A \"$out\")\" || exit 6
        mount --bind \"$disk\" \"$out\" || exit 7
        wait $child";
    let ended = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .args([&out, &disk, &words])
        .args(&arguments)
        .env("SOURCE_DATE_EPOCH", "1795687200")
        .output()
        .unwrap();
    if ended.status.code() == Some(77) || String::from_utf8_lossy(&ended.stderr).starts_with("unshare: ") {
        eprintln!("skipped: this machine lets nobody make a file system of their own");
        return;
    }
    let said = std::fs::read_to_string(&words).unwrap();
    assert!(matches!(ended.status.code(), Some(0 | 10)), "{ended:?} {said}");
    let lines = scene.accounts("disk").await;
    assert!(lines.iter().all(|line| line.state == "done"), "{lines:?}");
    std::fs::remove_dir(&out).unwrap();
    std::fs::rename(&disk, &out).unwrap();
    scene.is_whole("disk", ACCOUNTS as u64);
}

/// A folder that was moved is the same place at its new path, by its identity; another folder is not.
#[tokio::test]
async fn a_moved_folder_is_taken_at_its_new_path() {
    let scene = Scene::sample(None).await;
    ended_well(&scene.run(&["--plain", "--name", "first"]));
    let (out, moved, other) = (scene.out(), scene.path("moved"), scene.path("other"));
    std::fs::create_dir(&other).unwrap();
    std::fs::rename(&out, &moved).unwrap();
    let run = |out: &std::path::Path| {
        pappus_tests::program::pappus(scene.export_to(out, &["--plain", "--name", "first"])).unwrap()
    };
    let ended = run(&other);
    assert!(ended.code == Some(1) && ended.stderr.contains("place for its archives"), "{ended:?}");
    ended_well(&run(&moved));
    let ended = scene.pappus("campaign", &["verify", "first", "--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(scene.status("first")["campaign"]["out"], moved.display().to_string());
    assert!(!out.exists());
}
