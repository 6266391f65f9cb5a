//! What an import protects the people of the target pod from: posts shown to more people than before, accounts that they
//! ignore, somebody else's archive in an account, and times that are still to come.

mod another_key;
mod future_times;
mod ignored_accounts;
mod readers_after_the_move;
mod reshared_limited_posts;

use super::strangers::stock;
use crate::support::document;
use crate::support::target::Target;
use serde_json::Value;

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
