//! Contacts wait for hours: whoever has stopped sharing meanwhile, or has begun to ignore a friend, does not share with
//! them again by a Contact that was queued before.

use pappus_engine::delivery::{Ledger, Options, Scope, deliver};
use pappus_tests::schema::Pool;
use pappus_tests::twin::scene::{NAME, Scene};
use pappus_tests::twin::transport::TwinTransport;

use super::friendships::{announced, clock, never, open_store, scene, target};

/// Changes the account's contacts on the target pod.
async fn change(scene: &Scene, statements: &[String]) {
    let pool = Pool::connect(&scene.database).await.unwrap();
    for sql in statements {
        pool.execute(sql).await.unwrap();
    }
    pool.close().await;
}

/// The states of the Contacts to the friends on large.example, by friend.
async fn states(scene: &Scene) -> Vec<(String, String)> {
    let store = open_store(scene).await;
    let sql = "SELECT recipient, state FROM pappus_deliveries WHERE kind = 'contact' AND pod = 'large.example' \
               ORDER BY recipient";
    let rows = store.rows("reading Contacts", sql, &[]).await.unwrap();
    let states = rows.iter().map(|row| (row.get("recipient").unwrap(), row.get("state").unwrap())).collect();
    store.close().await;
    states
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_stopped_sharing_does_not_share_again() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(&folder).await;
    announced(&scene, &[]);
    // Weeks may pass before this pod is back.
    scene.world.inner().pods.get_mut("large.example").unwrap().is_up = false;
    let user = format!("user_id = (SELECT id FROM users WHERE username = '{NAME}')");
    let friend = |number: usize| {
        format!("(SELECT id FROM people WHERE diaspora_handle = 'friend{number}@large.example')")
    };
    let memberships = |number: usize| {
        let contacts = format!("SELECT id FROM contacts WHERE {user} AND person_id = {}", friend(number));
        format!("DELETE FROM aspect_memberships WHERE contact_id IN ({contacts})")
    };
    let person = "diaspora_handle = 'friend4@large.example'";
    change(
        &scene,
        &[
            // Stopped sharing with one who shares, and with one who does not.
            memberships(1),
            format!(
                "UPDATE contacts SET receiving = 0, sharing = 1 WHERE {user} AND person_id = {}",
                friend(1)
            ),
            memberships(2),
            format!("DELETE FROM contacts WHERE {user} AND person_id = {}", friend(2)),
            // Ignores one, whatever the contact says.
            format!(
                "INSERT INTO blocks (user_id, person_id) SELECT id, {} FROM users WHERE username = '{NAME}'",
                friend(3)
            ),
            // Nobody here has ever heard of two others: one stays unknown, one is met later.
            memberships(4),
            memberships(5),
            format!("DELETE FROM contacts WHERE {user} AND person_id IN ({}, {})", friend(4), friend(5)),
            format!("UPDATE people SET diaspora_handle = 'x4@large.example' WHERE {person}"),
        ],
    )
    .await;
    let store = open_store(&scene).await;
    // As if the import had not known these two.
    let sql = "DELETE FROM pappus_import_rows WHERE kind = 'contacts' \
               AND guid IN ('friend4@large.example', 'friend5@large.example')";
    store.execute("forgetting", sql, &[]).await.unwrap();
    let clock = clock(&scene);
    let host = scene.host().to_owned();
    let transport = TwinTransport { world: &scene.world, home: &scene.home, home_host: &host, clock: &clock };
    deliver(&store, &transport, Some(&target(&scene)), &clock, &Options::default(), never()).await.unwrap();
    let counts = Ledger::new(&store).counts(Scope::Pod("large.example")).await.unwrap();
    assert_eq!(counts.confirmed, 3, "{counts:?}");
    store.close().await;
    for (friend, state) in states(&scene).await {
        let ended = ["friend1@", "friend2@", "friend3@"].iter().any(|name| friend.starts_with(name));
        assert_eq!(state, if ended { "confirmed" } else { "queued" }, "{friend}");
    }
}
