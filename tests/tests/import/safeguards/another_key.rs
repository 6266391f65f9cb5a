//! An import goes on only with archives that have the key of the first one.

use super::{import, path, stock};
use crate::import::strangers::guid;
use crate::support::target::Target;
use serde_json::{Value, json as value};

const OLD: &str = "ida@dead.example";

fn ida(posts: &[char]) -> Value {
    let post = |letter: &char| {
        value!({ "entity_type": "status_message", "subscribed_pods_uris": [], "entity_data": {
            "author": OLD, "guid": guid(*letter), "created_at": "2019-05-04T10:00:00Z", "public": true,
            "text": "Hello", "photos": [],
        }})
    };
    stock(OLD, &posts.iter().map(post).collect())
}

#[tokio::test]
async fn an_archive_with_another_key_does_not_get_into_an_import() {
    let target = Target::sqlite().await;
    let first = import(&target, &ida(&['a']), &[]);
    let path = path(&target);
    for key in [include_str!("../../../fixtures/keys/2048-01.private.pem"), ""] {
        let mut other = ida(&['a', 'b']);
        other["user"]["private_key"] = key.into();
        std::fs::write(&path, other.to_string()).unwrap();
        let command = ["import", &path, "--as", "ida", "--offline", "--accept-unproven"];
        target.refuses(&command, "imported_before").await;
        assert!(target.run(&command).stderr.contains("from an archive with the key SHA256:"));
    }
    let newer = import(&target, &ida(&['a', 'b', 'c']), &[]);
    assert_eq!(newer["import"], first["import"], "the same key goes on");
    assert_eq!(target.rows().await["posts"], 3);
}

#[tokio::test]
async fn an_archive_with_a_key_gets_into_an_import_without_one() {
    let target = Target::sqlite().await;
    let mut keyless = ida(&['a']);
    keyless["user"]["private_key"] = "".into();
    let first = import(&target, &keyless, &[]);
    let newer = import(&target, &ida(&['a', 'b']), &[]);
    assert_eq!(newer["import"], first["import"], "there is no key to compare");
}
