//! Whoever moves by the service keeps their friends: pods that process late, Hubzilla, and an old pod that still runs.

use std::time::{Duration, Instant};

use pappus_tests::service::Service;
use pappus_tests::twin::pod::Software;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tempfile::TempDir;

use super::by_program::call;
use super::{announce, begin_by_program, choose_by_program, hand_in_by_program, state};
use crate::support::closing::document;
use crate::support::http_scene::HttpScene;

/// The service for the target pod, which looks the new account up from outside as for everybody.
fn serve(http: &HttpScene, folder: &TempDir) -> Service {
    let scene = &http.scene;
    let sections = format!(
        "[pod]\ndatabase_url = {:?}\nurl = {:?}\nuploads = {:?}\npodmin_email = \"podmin@haven.example\"\n\
         [store]\nstate = \"state\"\n[newcomers]\nenabled = true\nadmission = \"open\"\nask_pods = false\n\
         keep_free_megabytes = 1\nallow_hosts = {:?}\nsettle_seconds = 1\ntrusted_pods = [{:?}]\n",
        scene.database,
        scene.url,
        scene.folder.join("there").display().to_string(),
        http.hosts(),
        scene.trusted().unwrap(),
    );
    Service::start(folder.path(), &sections).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_friend_is_kept_also_when_the_service_is_killed() {
    let (folder, of_service) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let http = HttpScene::prepared(&folder).await;
    let mut service = serve(&http, &of_service);
    let mut ida = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut ida, &http.scene.archive()).await;
    state(&mut ida, "checked").await;
    choose_by_program(&mut ida, "ida").await;
    state(&mut ida, "imported").await;
    assert_eq!(http.scene.world.inner().posts.len(), 0, "nobody is told before the pause is over");
    assert_eq!(announce(&mut ida).await, StatusCode::ACCEPTED);
    state(&mut ida, "announced").await;
    service.kill_and_start().unwrap();

    let (back, begun) = (http.friends - http.friends_on(Software::Hubzilla), Instant::now());
    let deliveries = loop {
        let deliveries = document(&call(&mut ida, Method::GET, "/deliveries", None).await);
        let is_over = deliveries["all"]["waiting"] == 0 && http.scene.world.is_idle();
        if is_over && deliveries["friends"]["back"] == back {
            break deliveries;
        }
        assert!(begun.elapsed() < Duration::from_mins(4), "{deliveries}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    http.everybody_is_a_friend();
    assert_eq!(http.scene.back().await.unwrap().0, i64::try_from(back).unwrap(), "on the target pod");
    assert_eq!(deliveries["friends"]["all"], http.friends, "{deliveries}");
}
