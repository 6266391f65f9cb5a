//! What the account said about other people's posts comes along with those posts, fetched from living pods.

use std::collections::BTreeSet;

use crate::support::json;
use crate::support::living_pods::LivingPods;
use crate::support::target::Target;
use serde_json::Value;

fn import(pods: &LivingPods, target: &Target, archive: &str, more: &[&str]) -> Value {
    let (closing, contacts) = (pods.closing.as_str(), pods.contacts.as_str());
    let mut command =
        vec!["import", archive, "--as", "ida", "--hold", "--allow-host", closing, "--allow-host", contacts];
    command.extend(more);
    let ended = target.run(&command);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

fn left_out(report: &Value, kind: &str, code: &str) -> u64 {
    report["kinds"][kind]["left_out"][code].as_u64().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_of_others_are_fetched_with_their_authors() {
    let (pods, target) = (LivingPods::start().await, Target::sqlite().await);
    let archive = pods.export("ida");
    let path = archive.display().to_string();
    let empty = target.rows().await;

    let planned = import(&pods, &target, &path, &["--dry-run"]);
    assert_eq!(target.rows().await, empty, "a dry run writes nothing");
    let done = import(&pods, &target, &path, &[]);
    assert_eq!(done["proof"], "hcard", "the old pod lives and says whose key it is");
    assert_eq!(planned["kinds"], done["kinds"]);
    assert_eq!(planned["fetched_posts"], done["fetched_posts"]);
    target.is_sound().await;

    let document = json(&archive, "diaspora.json");
    public_parents_are_here(&pods, &target, &document).await;
    // With its place here, a record is here.
    let came_in = |report: &Value| {
        let kinds = ["own_comments", "own_likes", "own_poll_participations", "subscriptions"];
        kinds.map(|kind| report["kinds"][kind]["imported"].as_u64().unwrap())
    };
    let lonely = Target::sqlite().await;
    let offline = came_in(&import(&pods, &lonely, &path, &["--offline", "--accept-unproven"]));
    let online = came_in(&done);
    assert!(
        online[0] > offline[0] && online[1] > offline[1] && online[3] > offline[3],
        "{online:?} {offline:?}"
    );
    let comments = document["user"]["relayables"].as_array().unwrap().iter();
    let comments: Vec<&Value> = comments.filter(|record| record["entity_type"] == "comment").collect();
    let mut placed = 0;
    for comment in comments {
        let parent = comment["entity_data"]["parent_guid"].as_str().unwrap();
        let sql = format!("SELECT COUNT(*) FROM posts WHERE guid = '{parent}'");
        placed += target.pool.number(&sql).await.unwrap().unsigned_abs();
    }
    assert_eq!(online[0], placed);
    assert_eq!(left_out(&done, "own_comments", "parent_missing"), 9 - placed);
    assert!(done["fetched_posts"].as_u64().unwrap() >= 4, "{done}");

    as_the_authors_wrote_it(&target).await;

    // Nobody is asked twice for what came, and a second run changes nothing.
    let rows = target.rows().await;
    let asked = pods.asked_for("/fetch/").len();
    let again = import(&pods, &target, &path, &[]);
    assert_eq!(again["kinds"], done["kinds"]);
    assert_eq!(again["fetched_posts"], done["fetched_posts"]);
    assert_eq!(target.rows().await, rows);
    assert!(pods.asked_for("/fetch/").len() - asked < asked, "what is here is not fetched again");

    // What it brought along goes with it.
    let undone = target.run(&["undo", done["import"].as_str().unwrap()]);
    assert_eq!(undone.code, Some(0), "{undone:?}");
    target.is_sound().await;
    let mut after = target.rows().await;
    for lookup in ["tags", "signature_orders", "pods"] {
        after.insert(lookup, empty[lookup]);
    }
    assert_eq!(after, empty);
}

/// Everything that ida has said about public posts is here.
async fn public_parents_are_here(pods: &LivingPods, target: &Target, document: &Value) {
    let mut parents = BTreeSet::new();
    for record in document["user"]["relayables"].as_array().unwrap() {
        let data = &record["entity_data"];
        if data["parent_type"] != "Comment" {
            parents.insert(data["parent_guid"].as_str().unwrap().to_owned());
        }
    }
    let mut missing = 0;
    for parent in &parents {
        let sql = format!(
            "SELECT (SELECT COUNT(*) FROM posts WHERE guid = '{parent}') + (SELECT COUNT(*) FROM polls WHERE guid = '{parent}')"
        );
        let here = target.pool.number(&sql).await.unwrap();
        let sql = "SELECT COUNT(*) FROM posts p JOIN people a ON a.id = p.author_id \
                   LEFT JOIN polls q ON q.status_message_id = p.id \
                   WHERE p.public AND a.diaspora_handle LIKE '%@127.0.0.1:%' AND (p.guid = ? OR q.guid = ?)";
        let public: i64 =
            sqlx::query_scalar(sql).bind(parent).bind(parent).fetch_one(&pods.database).await.unwrap();
        assert_eq!(
            here, public,
            "{parent}: what everybody may see and whose pod lives was fetched, and nothing else"
        );
        missing += 1 - here;
    }
    assert!(missing > 0 && missing < i64::try_from(parents.len()).unwrap(), "both kinds are there");
}

/// With pictures, polls, tags and people.
async fn as_the_authors_wrote_it(target: &Target) {
    for (expected, sql) in [
        (
            1,
            "SELECT COUNT(*) FROM posts p JOIN people a ON a.id = p.author_id JOIN polls q ON q.status_message_id = p.id \
             WHERE q.question = 'Remote poll?' AND a.diaspora_handle LIKE 'paula@127.0.0.1:%' AND p.type = 'StatusMessage'",
        ),
        (
            2,
            "SELECT COUNT(*) FROM poll_answers a JOIN polls q ON q.id = a.poll_id WHERE q.question = 'Remote poll?'",
        ),
        (
            0,
            "SELECT COUNT(*) FROM photos f JOIN people p ON p.id = f.author_id WHERE p.owner_id IS NULL AND \
             (f.random_string IS NOT NULL OR f.remote_photo_path LIKE 'https://haven.example%')",
        ),
    ] {
        assert_eq!(target.pool.number(sql).await.unwrap(), expected, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_what_was_asked_for_stays_out() {
    let (pods, target) = (LivingPods::start().await, Target::sqlite().await);
    let path = pods.export("ida").display().to_string();
    let honest = Target::sqlite().await;
    let expected = import(&pods, &honest, &path, &[])["fetched_posts"].as_u64().unwrap();
    let sql = "SELECT p.guid, a.diaspora_handle FROM posts p JOIN people a ON a.id = p.author_id \
               WHERE p.author_id <> ? AND p.type = 'StatusMessage' \
               AND p.id NOT IN (SELECT status_message_id FROM polls) ORDER BY p.guid";
    let own: i64 = honest.pool.number("SELECT id FROM people WHERE owner_id IS NOT NULL").await.unwrap();
    let url = honest.database.as_str();
    let rows: Vec<(String, String)> = sqlx::query_as(sql)
        .bind(own)
        .fetch_all(&sqlx::SqlitePool::connect(url).await.unwrap())
        .await
        .unwrap();
    let paths: Vec<(String, &str)> = rows
        .iter()
        .map(|(guid, id)| (format!("/fetch/post/{guid}"), id.split_once('@').unwrap().1))
        .collect();
    assert!(paths.len() >= 3, "{paths:?}");
    // Another post with a good signature; a post that was changed on its way; no envelope at all.
    let other = body(&paths[1].0, paths[1].1).await;
    let changed = other.replacen("PHN0", "PHN1", 1);
    assert_ne!(other, changed);
    {
        let mut lies = pods.lies.lock().unwrap();
        lies.insert(paths[0].0.clone(), other);
        lies.insert(paths[1].0.clone(), changed);
        lies.insert(paths[2].0.clone(), "<html>nothing here</html>".to_owned());
    }
    let done = import(&pods, &target, &path, &[]);
    assert_eq!(done["fetched_posts"].as_u64().unwrap(), expected - 3, "{done}");
    target.is_sound().await;
    for (path, _) in &paths[..3] {
        let guid = path.rsplit('/').next().unwrap();
        let sql = format!("SELECT COUNT(*) FROM posts WHERE guid = '{guid}'");
        assert_eq!(target.pool.number(&sql).await.unwrap(), 0, "{path}");
    }
}

/// The body of one answer.
async fn body(path: &str, host: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}
