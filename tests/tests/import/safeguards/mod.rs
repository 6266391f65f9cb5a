//! What an import protects the people of the target pod from: posts shown to more people than before, accounts that they
//! ignore, somebody else's archive in an account, and times that are still to come.

mod another_key;
mod future_times;
mod ignored_accounts;
mod readers_after_the_move;
mod reshared_limited_posts;

use crate::support::document;
use crate::support::target::Target;
use serde_json::{Value, json as value};

/// A stock pod's archive of an account with these posts.
fn stock(id: &str, posts: &Value) -> Value {
    let name = id.split_once('@').unwrap().0;
    let profile =
        value!({ "author": id, "first_name": name, "searchable": true, "public": false, "nsfw": false });
    value!({
        "version": "2.0",
        "user": {
            "username": name, "email": format!("{name}@mail.example"), "language": "en",
            "private_key": include_str!("../../../fixtures/keys/2048-00.private.pem"),
            "disable_mail": false, "show_community_spotlight_in_stream": true, "auto_follow_back": false,
            "auto_follow_back_aspect": null, "blocks": [], "contact_groups": [], "contacts": [],
            "profile": { "entity_type": "profile", "entity_data": profile },
            "posts": posts, "followed_tags": [], "post_subscriptions": [], "relayables": [],
        },
        "others_data": { "relayables": [], "non_contact_authors": [] },
    })
}

/// The archive that was imported last.
fn path(target: &Target) -> String {
    target.path("archive.json")
}

/// Imports an archive under the account's name.
fn import(target: &Target, archive: &Value, more: &[&str]) -> Value {
    let path = path(target);
    std::fs::write(&path, archive.to_string()).unwrap();
    let name = archive["user"]["username"].as_str().unwrap().to_owned();
    let command = ["import", &path, "--as", &name, "--offline", "--hold", "--accept-unproven"];
    let ended = target.run(&[&command[..], more].concat());
    assert!(matches!(ended.code, Some(0 | 10)), "{name}: {ended:?}");
    document(&ended)
}

fn undo(target: &Target, import: &Value) {
    let ended = target.run(&["undo", import["import"].as_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
