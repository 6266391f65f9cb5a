//! The pod's photos go away while a campaign is at work: they are waited for, and no archive is without them.

use super::scene::{Scene, ended_well, until};
use crate::support::{names, omissions};

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
    // The pauses between accounts leave time to move the folder.
    let mut child = scene.start(scene.export(&["--plain", "--name", "away", "--gentle"]));
    let begun = async || scene.out().exists() && names(&scene.out()).iter().any(|name| name.contains(".zip"));
    until(&mut child, begun).await;
    std::fs::rename(&images, &away).unwrap();
    until(&mut child, async || scene.words().contains("Waiting: the uploads folder")).await;
    // The mount point.
    std::fs::create_dir(&images).unwrap();
    until(&mut child, async || scene.words().contains("is not the folder it was")).await;
    std::fs::remove_dir(&images).unwrap();
    std::fs::rename(&away, &images).unwrap();
    assert!(matches!(child.wait().unwrap().code(), Some(0 | 10)), "{}", scene.words());
    let lines = scene.accounts("away").await;
    assert!(lines.iter().all(|line| line.state == "done"), "{lines:?}");
    assert_eq!(missing(&scene), before);
}
