//! An announcement whose messages could not be queued goes on by itself once the store works again.

use std::time::{Duration, Instant};

use super::pause::store;
use super::{Scene, announce, imported_by_program, state};
use crate::support::number;
use reqwest::StatusCode;

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_that_the_store_interrupts_goes_on_by_itself() {
    let scene = Scene::new().await;
    let section = format!("admission = \"open\"\nundo_minutes = 1000\n{}", scene.trusted());
    let service = scene.serve(None, &section);
    let mut ida = imported_by_program(&service, &scene.archive, "ida").await;
    scene.pods_are_near().await;

    let store = store(&scene).await;
    let broken = "CREATE TRIGGER broken BEFORE INSERT ON pappus_deliveries \
                  BEGIN SELECT RAISE(ABORT, 'broken off here'); END";
    store.execute("a test", broken, &[]).await.unwrap();
    assert_eq!(announce(&mut ida).await, StatusCode::ACCEPTED);
    let tried = "SELECT COUNT(*) FROM pappus_newcomers WHERE state = 'announcing' \
                 AND reason LIKE '%broken off here%'";
    let begun = Instant::now();
    while number(&store, tried).await == 0 {
        assert!(begun.elapsed() < Duration::from_mins(1), "{}", ida.now().await.unwrap());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // The pod has moved the account, so nothing leads back.
    assert_eq!(scene.target.rows().await["account_migrations"], 1);

    store.execute("a test", "DROP TRIGGER broken", &[]).await.unwrap();
    state(&mut ida, "announced").await;
    let queued =
        number(&store, "SELECT COUNT(*) FROM pappus_deliveries WHERE kind = 'account_migration'").await;
    assert!(queued > 1, "{queued}");
    store.close().await;
}
