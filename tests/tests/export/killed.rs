//! Killed at any moment, an export leaves no file with a final name that is not whole, and the next run
//! succeeds.

use std::time::Duration;

use crate::support::names;
use pappus_tests::cluster::shared_postgres;
use pappus_tests::heavy::{HeavyAccount, heavy_account};
use pappus_tests::program::{pappus, program};

/// Moments at which the export is killed, spread over the time it takes.
const KILLS: u32 = 40;

#[tokio::test]
async fn at_many_moments() {
    let folder = tempfile::tempdir().unwrap();
    let (uploads, out) = (folder.path().join("uploads"), folder.path().join("out"));
    let url = shared_postgres().await.unwrap().create_database("kill").await.unwrap();
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    let size = HeavyAccount { posts: 400, relayables: 1200, photos: 12, ..HeavyAccount::default() };
    heavy_account(&pool, Some(&uploads), &size).await.unwrap();
    let arguments = |time: &str| -> Vec<String> {
        let text = |path: &std::path::Path| path.display().to_string();
        let state = text(&folder.path().join("state"));
        let (uploads, out) = (text(&uploads), text(&out));
        [
            "export",
            "alice",
            "--database-url",
            &url,
            "--pod-url",
            "https://closing.example/",
            "--uploads",
            &uploads,
            "--out",
            &out,
            "--state",
            &state,
            "--created-at",
            time,
        ]
        .map(str::to_owned)
        .into()
    };
    // Once for the archive key and the remembered signatures, once for the time it takes.
    assert!(matches!(pappus(arguments("2026-01-01T00:00:00Z")).unwrap().code, Some(0 | 10)));
    let started = std::time::Instant::now();
    assert!(matches!(pappus(arguments("2026-01-01T00:00:01Z")).unwrap().code, Some(0 | 10)));
    let whole = started.elapsed();
    let mut unfinished = 0;
    for kill in 0..KILLS {
        let time = format!("2026-02-01T00:00:{kill:02}Z");
        let mut child =
            program("pappus").args(arguments(&time)).stdout(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole * kill / (KILLS - 5) + Duration::from_millis(1));
        child.kill().unwrap();
        child.wait().unwrap();
        unfinished +=
            u32::from(!names(&out).iter().any(|name| name.contains(&format!("20260201T0000{kill:02}Z"))));
    }
    assert!(unfinished > KILLS / 3, "only {unfinished} of {KILLS} were killed in time");
    assert!(matches!(pappus(arguments("2026-03-01T00:00:00Z")).unwrap().code, Some(0 | 10)));
    let archives = names(&out);
    assert!(archives.iter().all(|name| !name.contains(".part")), "{archives:?}");
    for name in archives {
        let ended = pappus(["verify", out.join(&name).to_str().unwrap()]).unwrap();
        assert!(matches!(ended.code, Some(0 | 10)), "{name}: {ended:?}");
    }
}
