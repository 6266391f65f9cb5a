//! Whoever could see a limited post knows its GUID, and can bring a reshare of it before the post itself comes.

use super::{import, stock, undo};
use crate::support::target::Target;
use serde_json::{Value, json as value};

const LIMITED: &str = "cccccccccccccccccccccccccccccccc";
const PUBLIC: &str = "dddddddddddddddddddddddddddddddd";
/// Mallory's reshare of the limited post.
const RESHARE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const CAROL: &str = "carol@dead.example";
const MALLORY: &str = "mallory@gone.example";

/// Reshares of two posts that are not here.
fn mallory() -> Value {
    let reshare = |guid: &str, root: &str| {
        value!({ "entity_type": "reshare", "subscribed_pods_uris": [], "entity_data": {
            "author": MALLORY, "guid": guid, "created_at": "2020-05-04T10:00:00Z", "root_author": CAROL,
            "root_guid": root,
        }})
    };
    stock(MALLORY, &value!([reshare(RESHARE, LIMITED), reshare("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", PUBLIC)]))
}

/// The two posts, one of them for friends.
fn carol() -> Value {
    let post = |guid: &str, public: bool| {
        value!({ "entity_type": "status_message", "subscribed_pods_uris": [], "entity_data": {
            "author": CAROL, "guid": guid, "created_at": "2019-05-04T10:00:00Z", "public": public,
            "text": "Hello", "photos": [],
        }})
    };
    stock(CAROL, &value!([post(LIMITED, false), post(PUBLIC, true)]))
}

/// The posts that reshares point at.
async fn roots(target: &Target) -> Vec<String> {
    let sql = "SELECT root_guid FROM posts WHERE root_guid IS NOT NULL ORDER BY root_guid";
    target.pool.texts(sql).await.unwrap()
}

async fn point_at(target: &Target, root: &str) {
    let sql = format!("UPDATE posts SET root_guid = '{root}' WHERE guid = '{RESHARE}'");
    target.pool.execute(&sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reshare_that_was_here_first_does_not_show_a_limited_post() {
    for target in Target::on_each("limited_roots").await {
        import(&target, &mallory(), &[]);
        assert_eq!(roots(&target).await, [LIMITED, PUBLIC]);
        import(&target, &carol(), &["--dry-run"]);
        assert_eq!(roots(&target).await, [LIMITED, PUBLIC], "a plan changes nothing");
        let done = import(&target, &carol(), &[]);
        assert_eq!(roots(&target).await, [PUBLIC]);
        let here = format!(
            "SELECT COUNT(*) FROM posts WHERE guid = '{LIMITED}' AND NOT public AND COALESCE(reshares_count, 0) = 0"
        );
        assert_eq!(target.pool.number(&here).await.unwrap(), 1);
        // No second run of either import points it there again.
        import(&target, &mallory(), &[]);
        import(&target, &carol(), &[]);
        assert_eq!(roots(&target).await, [PUBLIC]);
        undo(&target, &done);
        assert_eq!(roots(&target).await, [LIMITED, PUBLIC], "the reshares are as they were");
        import(&target, &carol(), &[]);
        assert_eq!(roots(&target).await, [PUBLIC]);
    }
}

#[tokio::test]
async fn a_second_run_hides_a_limited_post_that_an_earlier_version_has_brought() {
    let target = Target::sqlite().await;
    import(&target, &mallory(), &[]);
    import(&target, &carol(), &[]);
    point_at(&target, LIMITED).await;
    import(&target, &carol(), &[]);
    assert_eq!(roots(&target).await, [PUBLIC]);
}

#[tokio::test]
async fn an_undo_leaves_a_reshare_that_was_changed_since() {
    const OTHER: &str = "0ther000000000000000000000000000";
    let target = Target::sqlite().await;
    import(&target, &mallory(), &[]);
    let done = import(&target, &carol(), &[]);
    point_at(&target, OTHER).await;
    undo(&target, &done);
    assert_eq!(roots(&target).await, [OTHER, PUBLIC]);
}
