//! Limited posts of an archive come to people of the pod with whom the account shares, before and after the
//! announcement, which re-points their contacts to the new account.

use super::{import, path, stock};
use crate::import::strangers::{guid, insert_person};
use crate::support::target::Target;
use serde_json::{Value, json as value};

const OLD: &str = "ida@dead.example";
const NEW: &str = "ida@haven.example";
/// A friend of the old account.
const BOB: &str = "bob@haven.example";
/// Added the new account by hand.
const CAROL: &str = "carol@haven.example";
/// The new account shares with him by hand, as the old one never did.
const DAVE: &str = "dave@haven.example";
const KEY: &str = include_str!("../../../fixtures/keys/2048-01.public.pem");

/// An archive with these limited posts, each shown to these people.
fn ida(posts: &[(char, &[&str])]) -> Value {
    let post = |(letter, readers): &(char, &[&str])| {
        value!({
            "entity_type": "status_message", "subscribed_pods_uris": [], "subscribed_users_ids": readers,
            "entity_data": {
                "author": OLD, "guid": guid(*letter), "created_at": "2019-05-04T10:00:00Z", "public": false,
                "text": "For friends", "photos": [],
            },
        })
    };
    let mut archive = stock(OLD, &posts.iter().map(post).collect());
    archive["user"]["contacts"] = value!([{
        "sharing": true, "receiving": true, "following": true, "followed": true, "person_name": "Bob",
        "person_guid": guid('b'), "account_id": BOB, "public_key": KEY, "contact_groups_membership": [],
    }]);
    archive
}

/// Gives somebody of this pod a contact.
async fn add_contact(target: &Target, id: &str, person: &str, sharing: bool, receiving: bool) {
    let [sharing, receiving] = [sharing, receiving].map(u8::from);
    let sql = format!(
        "INSERT INTO contacts (user_id, person_id, sharing, receiving, created_at, updated_at) SELECT o.owner_id, p.id, \
         (1 = {sharing}), (1 = {receiving}), '2026-01-01', '2026-01-01' FROM people o, people p \
         WHERE o.diaspora_handle = '{id}' AND p.diaspora_handle = '{person}'"
    );
    target.pool.execute(&sql).await.unwrap();
}

/// The people of this pod who can see a limited post.
async fn readers(target: &Target, letter: char) -> Vec<String> {
    let sql = format!(
        "SELECT u.username FROM share_visibilities s JOIN posts p ON p.id = s.shareable_id \
         JOIN users u ON u.id = s.user_id WHERE s.shareable_type = 'Post' AND p.guid = '{}' ORDER BY u.username",
        guid(letter)
    );
    target.pool.texts(&sql).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn friends_here_see_the_limited_posts_of_a_newer_archive() {
    for target in Target::on_each("readers_after_the_move").await {
        target.introduce(&stock(OLD, &value!([]))).await;
        for (id, letter) in [(BOB, 'b'), (CAROL, 'c'), (DAVE, 'd')] {
            insert_person(&target, id, &guid(letter), KEY).await;
            target.settle(id).await;
        }
        add_contact(&target, BOB, OLD, true, true).await;
        let everybody = [BOB, CAROL, DAVE];
        let first: (char, &[&str]) = ('1', &everybody);
        import(&target, &ida(&[first]), &[]);
        assert_eq!(readers(&target, '1').await, ["bob"]);

        // Until the announcement nothing says that the new account is the old one.
        add_contact(&target, CAROL, NEW, false, true).await;
        add_contact(&target, DAVE, NEW, true, false).await;
        let second: (char, &[&str]) = ('2', &everybody);
        import(&target, &ida(&[first, second]), &[]);
        assert_eq!(readers(&target, '2').await, ["bob"]);

        let announced = target.announce(path(&target), &["--offline"]);
        assert!(matches!(announced.code, Some(0 | 10)), "{announced:?}");
        let third: (char, &[&str]) = ('3', &[BOB, CAROL]);
        let newer = ida(&[first, second, third]);
        import(&target, &newer, &["--dry-run"]);
        import(&target, &newer, &[]);
        assert_eq!(readers(&target, '3').await, ["bob"]);
    }
}
