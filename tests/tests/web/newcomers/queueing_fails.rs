//! An announcement whose messages could not be queued goes on by itself once the store works again.

use std::time::{Duration, Instant};

use super::pause::store;
use super::{Scene, announce, begin_by_program, choose_by_program, hand_in_by_program, state};
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_that_the_store_interrupts_goes_on_by_itself() {
    let scene = Scene::new().await;
    let section = format!("admission = \"open\"\nundo_minutes = 1000\n{}", scene.trusted());
    let service = scene.serve(None, &section);
    let mut ida = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut ida, &scene.archive).await;
    state(&mut ida, "checked").await;
    choose_by_program(&mut ida, "ida").await;
    state(&mut ida, "imported").await;
    scene.pods_are_near().await;

    let store = store(&scene).await;
    let broken = "CREATE TRIGGER broken BEFORE INSERT ON pappus_deliveries \
                  BEGIN SELECT RAISE(ABORT, 'broken off here'); END";
    store.execute("a test", broken, &[]).await.unwrap();
    assert_eq!(announce(&mut ida).await, StatusCode::ACCEPTED);
    let tried = "SELECT COUNT(*) AS found FROM pappus_newcomers WHERE state = 'announcing' \
                 AND reason LIKE '%broken off here%'";
    let begun = Instant::now();
    while store.first("a test", tried, &[]).await.unwrap().unwrap().get::<i64>("found").unwrap() == 0 {
        assert!(begun.elapsed() < Duration::from_mins(1), "{}", ida.now().await.unwrap());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // The pod has moved the account, so nothing leads back.
    assert_eq!(scene.target.rows().await["account_migrations"], 1);

    store.execute("a test", "DROP TRIGGER broken", &[]).await.unwrap();
    state(&mut ida, "announced").await;
    let queued = "SELECT COUNT(*) AS found FROM pappus_deliveries WHERE kind = 'account_migration'";
    let queued = store.first("a test", queued, &[]).await.unwrap().unwrap().get::<i64>("found").unwrap();
    assert!(queued > 1, "{queued}");
    store.close().await;
}
