//! The pod's photos go away while a campaign is at work: they are waited for, and no archive is without them.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::scene::{Scene, ended_well};
use crate::support::{names, omissions};

fn words(scene: &Scene) -> String {
    std::fs::read_to_string(scene.path("stderr")).unwrap()
}

async fn until(child: &mut Child, so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_mins(2);
    while !so() {
        assert!(Instant::now() < end && child.try_wait().unwrap().is_none(), "it was too late");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Photos that are missing in any archive.
fn missing(scene: &Scene) -> usize {
    let archives = names(&scene.out()).into_iter().filter(|name| name.contains(".zip"));
    let all = archives.flat_map(|name| omissions(&scene.out().join(name)));
    all.filter(|(code, _)| code == "missing_file" || code == "unreadable_file").count()
}

#[tokio::test]
async fn moved_away_then_a_bare_folder_then_back() {
    let scene = Scene::sample(None).await;
    ended_well(&scene.run(&["--plain", "--name", "before"]));
    let before = missing(&scene);
    std::fs::remove_dir_all(scene.out()).unwrap();
    std::fs::remove_dir_all(scene.path("state")).unwrap();
    crate::support::put_key(&scene.path("state"));

    let (images, away) = (scene.path("uploads/images"), scene.path("away"));
    let error = std::fs::File::create(scene.path("stderr")).unwrap();
    // The pauses between accounts leave time to move the folder.
    let mut command = scene.command(scene.export(&["--plain", "--name", "away", "--gentle"]));
    let mut child = command.stdout(Stdio::null()).stderr(error).spawn().unwrap();
    let begun = || scene.out().exists() && names(&scene.out()).iter().any(|name| name.contains(".zip"));
    until(&mut child, begun).await;
    std::fs::rename(&images, &away).unwrap();
    until(&mut child, || words(&scene).contains("Waiting: the uploads folder")).await;
    // The mount point.
    std::fs::create_dir(&images).unwrap();
    until(&mut child, || words(&scene).contains("is not the folder it was")).await;
    std::fs::remove_dir(&images).unwrap();
    std::fs::rename(&away, &images).unwrap();
    assert!(matches!(child.wait().unwrap().code(), Some(0 | 10)), "{}", words(&scene));
    let lines = scene.accounts("away").await;
    assert!(lines.iter().all(|line| line.state == "done"), "{lines:?}");
    assert_eq!(missing(&scene), before);
}
