//! The program itself, over HTTP and by the real clock, with the old pod still running: every friend is kept, also when the
//! program is killed with SIGKILL again and again while the pods work.

use std::time::{Duration, Instant};

use pappus_engine::delivery::{Ledger, Scope};
use pappus_tests::twin::pod::Software;
use pappus_tests::watched::watch as watch_program;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::friendships::{announced, open_store, random};
use crate::support::http_scene::{HttpScene, good};

const ARGUMENTS: [&str; 3] = ["deliver", "--settle", "1"];
/// Points at which the program is killed.
const KILLS: usize = 50;
/// Longest time, in milliseconds, after which a program is killed, if it has not sent what it was to send first.
const LONGEST: i64 = 400;

/// Delivers until nothing is left, and the pods have done their work.
async fn deliver_all(http: &HttpScene) {
    let store = open_store(&http.scene).await;
    let ledger = Ledger::new(&store);
    for _ in 0..100 {
        good(http.scene.command(&ARGUMENTS));
        let all = ledger.counts(Scope::All).await.unwrap();
        if all.queued + all.sending == 0 && http.scene.world.is_idle() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let all = ledger.counts(Scope::All).await.unwrap();
    assert_eq!(all.queued + all.sending, 0, "{all:?}");
    store.close().await;
}

/// Everybody is a friend on both sides, and the old pod has closed the account.
async fn everybody_is_a_friend(http: &HttpScene) {
    http.everybody_is_a_friend();
    let report = good(http.scene.command(&["deliveries"]));
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    let on_hubzilla = http.friends_on(Software::Hubzilla);
    let back = http.friends - on_hubzilla;
    assert_eq!(report["friends"], json!({ "all": http.friends, "back": back }), "{report}");
    assert_eq!(http.scene.back().await.unwrap().0, i64::try_from(back).unwrap(), "on the target pod");
    let elsewhere = report["elsewhere"].as_array().unwrap();
    assert_eq!(elsewhere.len(), on_hubzilla, "friends on Hubzilla: {report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_friend_is_kept_when_the_program_is_killed() {
    let folder = TempDir::new().unwrap();
    let http = HttpScene::imported(&folder).await;
    announced(&http.scene, &[]);
    let store = open_store(&http.scene).await;
    let (mut kills, mut longest) = (0, LONGEST);
    // One that ends first was not killed: the next one gets less time.
    for attempt in 0..u64::try_from(KILLS).unwrap() * 10 {
        if kills == KILLS {
            break;
        }
        let posts = http.scene.world.inner().posts.len();
        let wanted = posts + usize::try_from(random(attempt, 6)).unwrap();
        let world = http.scene.world.clone();
        let started = Instant::now();
        // Also at moments when nothing is sent.
        let moment = Duration::from_millis(random(1000 + attempt, longest).unsigned_abs());
        let kill = || world.inner().posts.len() > wanted || started.elapsed() > moment;
        let ended = watch_program(http.scene.command(&ARGUMENTS), folder.path(), kill).unwrap();
        assert!(ended.killed || matches!(ended.code, Some(0 | 10)), "{ended:?}");
        kills += usize::from(ended.killed);
        longest = if ended.killed { LONGEST } else { (longest / 2).max(20) };
        // A minute later its pods would be free.
        let sql = "UPDATE pappus_delivery_pods SET lease_until = 1";
        store.execute("letting a minute pass", sql, &[]).await.unwrap();
    }
    assert_eq!(kills, KILLS);
    store.close().await;
    deliver_all(&http).await;
    everybody_is_a_friend(&http).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_announces_and_delivers_by_itself_keeps_every_friend() {
    let folder = TempDir::new().unwrap();
    let http = HttpScene::prepared(&folder).await;
    let moved = good(http.scene.move_here().unwrap());
    let moved: Value = serde_json::from_slice(&moved.stdout).unwrap();
    assert_eq!(moved["announcement"]["state"], "announced", "{moved}");
    assert_eq!(moved["announcement"]["announced"]["friends"], http.friends, "{moved}");
    assert!(moved["announcement"]["sent"]["sent"]["delivered"].as_u64() > Some(0), "{moved}");
    deliver_all(&http).await;
    everybody_is_a_friend(&http).await;
    // The same again harms nobody.
    let again = good(http.scene.move_here().unwrap());
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again["announcement"]["announced"]["queued"], 0, "{again}");
    everybody_is_a_friend(&http).await;
}
