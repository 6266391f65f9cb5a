//! What the writer writes the reader takes: conversations, omissions, texts and repetitions beyond what one record, one
//! manifest or one entry may hold.

use std::path::{Path, PathBuf};

use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, document, json, omissions};
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::program::pappus;
use pappus_tests::schema::Pool;
use serde_json::Value;

/// Exports ida, and has the archive verified, shown and converted.
fn archive(pod: &Pod) -> PathBuf {
    let ended = pod.export(&["ida"], "out", &[]);
    // One of her photos has no file.
    assert_eq!(ended.code, Some(10), "{ended:?}");
    let archive = pod.archive("out", "ida");
    let path = archive.display().to_string();
    for command in ["verify", "show"] {
        let ended = pappus([command, &path, "--json"]).unwrap();
        assert!(matches!(ended.code, Some(0 | 10)), "{command}: {ended:?}");
    }
    archive
}

fn converted(pod: &Pod, archive: &Path) -> PathBuf {
    let out = pod.path("stock");
    std::fs::create_dir(&out).unwrap();
    let ended =
        pappus(["convert", archive.to_str().unwrap(), "--to", "diaspora", "--out", out.to_str().unwrap()])
            .unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    out.join("ida.json.gz")
}

fn manifest_count(archive: &Path, kind: &str) -> u64 {
    json(archive, "manifest.json")["counts"][kind].as_u64().unwrap_or(0)
}

/// Lengthens one of ida's conversations.
async fn long_conversation(pool: &Pool, messages: usize, bytes: usize) {
    let text = "A long letter, as people write them over the years. ".repeat(bytes / 50);
    let conversation = pool.number("SELECT MIN(conversation_id) FROM messages").await.unwrap();
    for from in (0..messages).step_by(500) {
        let rows: Vec<String> = (from..messages.min(from + 500))
            .map(|number| {
                let at =
                    format!("2015-01-01 {:02}:{:02}:{:02}", number / 3600, number / 60 % 60, number % 60);
                format!(
                    "({conversation}, (SELECT author_id FROM conversations WHERE id = {conversation}), \
                     'message{number:025}', '{text}', '{at}', '{at}')"
                )
            })
            .collect();
        let sql =
            "INSERT INTO messages (conversation_id, author_id, guid, text, created_at, updated_at) VALUES ";
        pool.execute(&format!("{sql}{}", rows.join(", "))).await.unwrap();
    }
}

#[tokio::test]
async fn a_long_conversation_goes_the_whole_way() {
    let pod = Pod::sqlite().await;
    long_conversation(&pod.pool, 6000, 3000).await;
    let ida = archive(&pod);
    let extras = json(&ida, "extras.json");
    let pieces: Vec<&Value> = extras["conversations"].as_array().unwrap().iter().collect();
    let continued = pieces.iter().filter(|piece| piece["continued"] == true).count();
    assert!(continued >= 5, "{continued} pieces");
    assert_eq!(manifest_count(&ida, "conversations"), (pieces.len() - continued) as u64);
    let messages: usize = pieces.iter().map(|piece| piece["messages"].as_array().unwrap().len()).sum();
    assert_eq!(manifest_count(&ida, "messages"), messages as u64);
    assert!(messages > 6000);

    let postgres = shared_postgres().await.unwrap().create_database("long_talk").await.unwrap();
    let mariadb = shared_mariadb().await.unwrap().create_database("long_talk").await.unwrap();
    let trust = fingerprint(&ida);
    for database in [None, Some(postgres), Some(mariadb)] {
        let target = match database {
            None => Target::sqlite().await,
            Some(url) => Target::on(tempfile::tempdir().unwrap(), url).await,
        };
        let plan = target.import(&ida, "ida", &["--trust-pod", &trust, "--dry-run"]);
        let done = target.import(&ida, "ida", &["--trust-pod", &trust]);
        assert_eq!(plan["kinds"], done["kinds"]);
        assert_eq!(done["kinds"]["messages"]["in_archive"], messages as u64);
        let number = async |sql: &str| target.pool.number(sql).await.unwrap();
        assert_eq!(number("SELECT COUNT(*) FROM messages WHERE guid LIKE 'message0%'").await, 6000);
        let guid = pieces.iter().find(|piece| piece["continued"] == true).unwrap()["guid"].as_str().unwrap();
        let of = format!("FROM conversations c WHERE c.guid = '{guid}'");
        assert_eq!(number(&format!("SELECT COUNT(*) {of}")).await, 1);
        // diaspora* sorts conversations by their last message.
        let last = "(SELECT MAX(m.created_at) FROM messages m WHERE m.conversation_id = c.id)";
        assert_eq!(number(&format!("SELECT COUNT(*) {of} AND c.updated_at = {last}")).await, 1);
        target.is_sound().await;
        let rows = target.rows().await;
        let again = target.import(&ida, "ida", &["--trust-pod", &trust]);
        assert_eq!(again["kinds"], done["kinds"]);
        assert_eq!(target.rows().await, rows);
    }
}

#[tokio::test]
async fn merging_keeps_a_long_conversation_whole() {
    let pod = Pod::sqlite().await;
    long_conversation(&pod.pool, 3000, 3000).await;
    let export = |out: &str, time: &str| {
        let (out, state) = (pod.path(out).display().to_string(), crate::support::shared_state());
        let mut command = vec!["export".to_owned(), "ida".to_owned()];
        command.extend(pod.arguments());
        command.extend(["--out", &out, "--state", &state, "--created-at", time, "--json"].map(str::to_owned));
        let ended = pappus(command).unwrap();
        assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
        document(&ended)["exported"][0]["archive"].as_str().unwrap().to_owned()
    };
    let old = export("old", "2026-11-20T10:00:00Z");
    pod.pool.execute("DELETE FROM messages WHERE guid LIKE 'message0%1'").await.unwrap();
    let new = export("new", "2026-11-22T10:00:00Z");
    let out = pod.path("merged").display().to_string();
    std::fs::create_dir(&out).unwrap();
    let ended = pappus(["merge", &old, &new, "--out", &out, "--json"]).unwrap();
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    let merged = PathBuf::from(document(&ended)["archive"].as_str().unwrap());
    let extras = json(&merged, "extras.json");
    let messages = extras["conversations"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|piece| piece["messages"].as_array().unwrap());
    let guids: std::collections::BTreeSet<&str> =
        messages.clone().map(|message| message["guid"].as_str().unwrap()).collect();
    assert_eq!(guids.iter().filter(|guid| guid.starts_with("message0")).count(), 3000);
    assert_eq!(guids.len(), messages.count(), "each once");
    let ended = pappus(["verify", merged.to_str().unwrap()]).unwrap();
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
}

#[tokio::test]
async fn omissions_beyond_what_a_manifest_holds_are_counted() {
    const LIKES: u64 = 60_000;
    let pod = Pod::sqlite().await;
    let ida = "(SELECT p.id FROM people p JOIN users u ON u.id = p.owner_id WHERE u.username = 'ida')";
    for from in (0..LIKES).step_by(500) {
        let rows: Vec<String> = (from..from + 500)
            .map(|number| {
                format!(
                    "(1, {}, {ida}, 'like{number:028}', '2015-01-01', '2015-01-01', 'Post')",
                    9_000_000 + number
                )
            })
            .collect();
        let sql = "INSERT INTO likes (positive, target_id, author_id, guid, created_at, updated_at, target_type) VALUES ";
        pod.pool.execute(&format!("{sql}{}", rows.join(", "))).await.unwrap();
    }
    let ended = pod.export(&["ida"], "out", &["--json"]);
    assert_eq!(ended.code, Some(10), "{ended:?}");
    let ida = pod.archive("out", "ida");
    let verified = pappus(["verify", ida.to_str().unwrap()]).unwrap();
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let manifest = json(&ida, "manifest.json");
    let listed = manifest["omissions"].as_array().unwrap().len() as u64;
    let more = manifest["more_omissions"]["missing_parent"].as_u64().unwrap();
    assert!(listed > 1000 && more > 1000, "{listed} and {more}");
    let report = document(&ended);
    assert_eq!(report["exported"][0]["more_omissions"]["missing_parent"], more);
    assert!(listed + more >= LIKES, "{listed} and {more}");
    let shown = pappus(["show", ida.to_str().unwrap()]).unwrap();
    assert!(shown.stdout.contains("more of missing_parent, counted in the manifest"), "{}", shown.stdout);
    converted(&pod, &ida);
}

#[tokio::test]
async fn a_text_that_no_reader_takes_is_left_out_alone() {
    let pod = Pod::sqlite().await;
    let before = archive(&pod);
    let (posts, comments) =
        (manifest_count(&before, "status_messages"), manifest_count(&before, "own_comments"));
    std::fs::remove_file(&before).unwrap();
    let ida = "(SELECT p.id FROM people p JOIN users u ON u.id = p.owner_id WHERE u.username = 'ida')";
    // SQLite makes the text: 18 MB are too long for a statement of some databases.
    let long = "replace(hex(zeroblob(9000000)), '00', 'ab')";
    for sql in [
        format!(
            "UPDATE posts SET text = {long} WHERE id = (SELECT MAX(id) FROM posts WHERE author_id = {ida} AND type = 'StatusMessage' AND public)"
        ),
        format!(
            "UPDATE comments SET text = {long} WHERE id = (SELECT MIN(id) FROM comments WHERE author_id = {ida})"
        ),
        format!("UPDATE messages SET text = {long} WHERE id = (SELECT MIN(id) FROM messages)"),
        format!("UPDATE profiles SET bio = {long} WHERE person_id = {ida}"),
    ] {
        pod.pool.execute(&sql).await.unwrap();
    }
    let after = archive(&pod);
    assert_eq!(manifest_count(&after, "status_messages"), posts, "the post keeps its beginning");
    assert_eq!(manifest_count(&after, "own_comments"), comments - 1);
    let mut left_out: Vec<String> =
        omissions(&after).into_iter().filter(|(code, _)| code == "too_large").map(|(_, kind)| kind).collect();
    left_out.sort();
    assert_eq!(left_out, ["account", "comment", "message", "post"]);
    converted(&pod, &after);
}

#[tokio::test]
async fn what_shrinks_too_much_is_stored() {
    let pod = Pod::sqlite().await;
    let ida = "(SELECT p.id FROM people p JOIN users u ON u.id = p.owner_id WHERE u.username = 'ida')";
    // Posts are cut at 65,535 characters, comments are not.
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 45) \
         INSERT INTO comments (commentable_id, commentable_type, author_id, created_at, updated_at, guid, text) SELECT \
         (SELECT MIN(id) FROM posts WHERE author_id = {ida}), 'Post', {ida}, '2015-01-01 10:00:00', \
         '2015-01-01 10:00:00', 'comment' || substr('0000000000000000000000000' || i, -25), \
         replace(hex(zeroblob(500000)), '00', 'aa') FROM n"
    );
    pod.pool.execute(&sql).await.unwrap();
    let ida = archive(&pod);
    let size = |file: &Path| std::fs::metadata(file).unwrap().len();
    assert!(size(&ida) > 40_000_000, "{}", size(&ida));
    let stock = converted(&pod, &ida);
    assert!(size(&stock) > 40_000_000, "{}", size(&stock));
    let ended = pappus(["verify", stock.to_str().unwrap()]).unwrap();
    assert_eq!(ended.code, Some(10), "an unsigned archive: {ended:?}");
}
