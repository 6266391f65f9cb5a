//! A depot at the root of a disk: the folders of the disk itself are passed over.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::TryStreamExt as _;
use pappus_engine::clock::{Clock as _, SystemClock};
use pappus_engine::depot::{Depot, DepotError, Listed};

use super::depot::parse;

#[tokio::test]
async fn folders_of_the_disk_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("out");
    let depot = Depot::open(&parse(root.to_str().unwrap(), 0)).await.unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "bytes").unwrap();
    depot.put("june/a.zip", &file).await.unwrap();
    // Tests may run as root, who may read everything: one folder is recognized by its name.
    for (name, mode) in [("lost+found", 0o700), ("others", 0o000)] {
        let path = root.join(name);
        std::fs::create_dir(&path).unwrap();
        if name == "lost+found" {
            std::fs::write(path.join("b.zip"), "recovered").unwrap();
        }
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }
    let listed: Vec<_> = depot.list().try_collect().await.unwrap();
    assert_eq!(listed, [Listed { name: "june/a.zip".to_owned(), bytes: 5 }]);
    assert_eq!(depot.sweep(Duration::ZERO, UNIX_EPOCH).await.unwrap(), 0);
    std::fs::set_permissions(root.join("others"), Permissions::from_mode(0o700)).unwrap();
}

/// Unmounted, the bare mount point is somebody else's folder: nothing is removed there.
#[tokio::test]
async fn a_bare_mount_point_is_not_swept() {
    let folder = tempfile::tempdir().unwrap();
    let (root, away) = (folder.path().join("out"), folder.path().join("away"));
    let depot = Depot::open(&parse(root.to_str().unwrap(), 0)).await.unwrap();
    let depot = depot.bound_to(&depot.identity().await.unwrap().unwrap());
    std::fs::rename(&root, &away).unwrap();
    std::fs::create_dir(&root).unwrap();
    for path in [&root, &away] {
        std::fs::write(path.join(".a.zip.0123.part"), "half").unwrap();
    }
    let now = SystemClock.now().into();
    let error = depot.sweep(Duration::ZERO, now).await.unwrap_err();
    assert!(matches!(error, DepotError::WrongFolder { .. }), "{error}");
    assert!(root.join(".a.zip.0123.part").exists());
    std::fs::remove_dir_all(&root).unwrap();
    std::fs::rename(&away, &root).unwrap();
    assert_eq!(depot.sweep(Duration::ZERO, now).await.unwrap(), 1);
    assert!(!root.join(".a.zip.0123.part").exists());
}
