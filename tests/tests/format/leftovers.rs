//! Killed or interrupted, `convert` and `merge` leave nothing that anybody could take for an archive, and the next run
//! takes away what is left.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pappus_tests::cluster::shared_postgres;
use pappus_tests::heavy::{HeavyAccount, heavy_account};
use pappus_tests::program::{pappus, program};

use crate::support::names;

/// Moments at which programs are ended.
const MOMENTS: u32 = 12;

/// Bytes of a photo.
const LARGE: usize = 12 << 20;

/// Two archives of one account, and a folder for everything.
struct Scene {
    folder: tempfile::TempDir,
    archives: Vec<PathBuf>,
}

impl Scene {
    async fn new(database: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = |name: &str| folder.path().join(name).display().to_string();
        let url = shared_postgres().await.unwrap().create_database(database).await.unwrap();
        let pool = sqlx::PgPool::connect(&url).await.unwrap();
        let size = HeavyAccount { posts: 300, relayables: 900, photos: 8, ..HeavyAccount::default() };
        heavy_account(&pool, Some(&folder.path().join("uploads")), &size).await.unwrap();
        // Large ones, so that there is time to end programs in.
        let mut seed = 1_u64;
        for photo in std::fs::read_dir(folder.path().join("uploads/images")).unwrap() {
            let mut noise = || {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (seed >> 56) as u8
            };
            let bytes: Vec<u8> = std::iter::repeat_with(&mut noise).take(LARGE).collect();
            std::fs::write(photo.unwrap().path(), bytes).unwrap();
        }
        let (uploads, state, out) = (text("uploads"), text("state"), text("archives"));
        for time in ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"] {
            let mut arguments = vec!["export", "alice", "--database-url", &url, "--created-at", time];
            arguments.extend(["--pod-url", "https://closing.example/", "--uploads", &uploads]);
            arguments.extend(["--out", &out, "--state", &state]);
            let ended = pappus(arguments).unwrap();
            assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
        }
        let path = folder.path().join("archives");
        // Private keys are in there.
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        let archives = names(&path).iter().map(|name| path.join(name)).collect();
        Self { folder, archives }
    }

    fn command(&self, what: &str, out: &Path) -> Command {
        let mut command = program("pappus");
        command.arg(what);
        match what {
            "convert" => command.args(["--to", "diaspora"]).arg(&self.archives[0]),
            _ => command.args(&self.archives).args(["--created-at", "2026-01-03T00:00:00Z"]),
        };
        command.arg("--out").arg(out).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

fn signal(child: &Child, name: &str) {
    // It may have ended just now.
    _ = Command::new("kill").args([name, &child.id().to_string()]).output().unwrap();
}

/// Files under a folder, with those in folders.
fn everything(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.flat_map(|path| if path.is_dir() { everything(&path) } else { vec![path] }).collect()
}

/// Waits until a program has something of so many bytes in the making, or has ended.
async fn at_work(child: &mut Child, out: &Path, bytes: u64) {
    let end = Instant::now() + Duration::from_mins(1);
    let is_large = |path: &PathBuf| path.metadata().is_ok_and(|file| file.len() >= bytes);
    while !everything(&out.join(".pappus-work")).iter().any(is_large) && Instant::now() < end {
        if child.try_wait().unwrap().is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn ended_at_many_moments(what: &str, database: &str) {
    let scene = Scene::new(database).await;
    let results = if what == "convert" { 2 } else { 1 };
    let out = |name: &str| scene.folder.path().join(name);
    let started = Instant::now();
    assert!(scene.command(what, &out("once")).status().unwrap().success());
    let whole = started.elapsed();
    assert_eq!((names(&out("once")).len(), everything(&out("once")).len()), (results, results));
    assert_eq!(std::fs::metadata(out("once")).unwrap().permissions().mode() & 0o777, 0o700);

    // Interrupted, it takes everything with it.
    let mut interrupted = 0;
    for moment in 1..=MOMENTS {
        let out = out(&format!("int{moment}"));
        let mut child = scene.command(what, &out).spawn().unwrap();
        at_work(&mut child, &out, 0).await;
        tokio::time::sleep(whole * moment / (MOMENTS * 8)).await;
        signal(&child, "-INT");
        let code = child.wait().unwrap().code();
        if code == Some(130) && out.exists() {
            interrupted += 1;
            assert_eq!(names(&out), Vec::<String>::new(), "moment {moment}");
        }
    }
    assert!(interrupted > 2, "only {interrupted} were interrupted in time");

    // Killed, it leaves what has no archive's name, and that goes the next time.
    let (out, mut left) = (out("killed"), 0);
    for moment in 1..=MOMENTS {
        let mut child = scene.command(what, &out).spawn().unwrap();
        at_work(&mut child, &out, 1).await;
        tokio::time::sleep(whole * moment / (MOMENTS * 50)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let visible = names(&out);
        if visible.iter().all(|name| name == ".pappus-work") && !visible.is_empty() {
            let inside = everything(&out);
            left += usize::from(inside.iter().any(|path| path.metadata().is_ok_and(|file| file.len() > 0)));
            assert!(inside.iter().all(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                !name.contains("zip") && !name.contains("json")
            }));
        } else {
            // It was done before.
            assert!(visible.is_empty() || visible.len() >= results, "{visible:?}");
            _ = std::fs::remove_dir_all(&out);
        }
    }
    assert!(left > 0, "none of {MOMENTS} had anything to leave");
    if !names(&out).iter().any(|name| name == ".pappus-work") {
        std::fs::create_dir_all(out.join(".pappus-work/dead")).unwrap();
    }
    assert!(scene.command(what, &out).status().unwrap().success());
    assert_eq!((names(&out).len(), everything(&out).len()), (results, results), "{:?}", everything(&out));
}

#[tokio::test]
async fn of_convert() {
    ended_at_many_moments("convert", "leftovers_convert").await;
}

#[tokio::test]
async fn of_merge() {
    ended_at_many_moments("merge", "leftovers_merge").await;
}
