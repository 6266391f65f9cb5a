//! A pod that knew an account by federation, and to which the account then comes.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use super::target::{Target, fingerprint};
use super::{Pod, json};

/// Rows that were here before have these numbers.
pub const KNOWN: i64 = 9000;

/// Ida, her archive, and the pod she comes to.
pub struct Again {
    pub source: Pod,
    pub target: Target,
    pub archive: PathBuf,
    pub trust: String,
}

impl Again {
    /// The pod knows nobody.
    pub async fn to_an_empty_pod(target: Target) -> Self {
        let source = Pod::sqlite().await;
        let place = "INSERT INTO locations (address, lat, lng, status_message_id, created_at, updated_at) SELECT 'Zürich', '47.4', \
                     '8.5', MAX(p.id), '2026-01-01', '2026-01-01' FROM posts p JOIN people a ON a.id = p.author_id \
                     WHERE a.diaspora_handle = 'ida@closing.example' AND p.public AND p.type = 'StatusMessage'";
        source.pool.execute(place).await.unwrap();
        source.export(&["ida"], "out", &[]);
        let archive = source.archive("out", "ida");
        let trust = fingerprint(&archive);
        Self { source, target, archive, trust }
    }

    /// The pod knows ida, jonas, and some of what they have said; nothing is imported yet.
    pub async fn to_a_pod_that_knows_her(target: Target) -> Self {
        let scene = Self::to_an_empty_pod(target).await;
        let document = json(&scene.archive, "diaspora.json");
        let key = json(&scene.archive, "manifest.json")["account"]["public_key"].clone();
        let people = &document["user"]["contacts"].as_array().unwrap();
        let jonas = people.iter().find(|person| person["account_id"] == "jonas@closing.example").unwrap();
        let mut sql = vec![
            "INSERT INTO pods (host, port, ssl, created_at, updated_at) VALUES ('closing.example', -1, (1 = 1), \
             '2026-01-01 00:00:00', '2026-01-01 00:00:00')"
                .to_owned(),
        ];
        for (name, guid, key) in [
            ("ida", "0123456789abcdef0123456789abcdef", key.as_str().unwrap()),
            ("jonas", jonas["person_guid"].as_str().unwrap(), jonas["public_key"].as_str().unwrap()),
        ] {
            sql.push(format!(
                "INSERT INTO people (guid, diaspora_handle, serialized_public_key, pod_id, created_at, updated_at) SELECT \
                 '{guid}', '{name}@closing.example', '{key}', MIN(id), '2026-01-01 00:00:00', '2026-01-01 00:00:00' FROM pods"
            ));
        }
        sql.push(
            "INSERT INTO profiles (person_id, full_name, created_at, updated_at) SELECT id, '', '2026-01-01 00:00:00', \
             '2026-01-01 00:00:00' FROM people"
                .to_owned(),
        );
        sql.extend(federated(&document, &json(&scene.archive, "extras.json")));
        for sql in sql {
            scene.target.pool.execute(&sql).await.unwrap();
        }
        scene
    }

    /// The same, with a copy of the pod.
    pub async fn copy(&self) -> Target {
        self.target.copy().await
    }

    /// Imports the archive into a pod.
    pub fn import(&self, target: &Target, more: &[&str]) -> Value {
        target.import(&self.archive, "ida", &[&["--trust-pod", &self.trust], more].concat())
    }
}

/// Statements for what has come by federation: posts of ida's and of those whom she has answered, a photo and two
/// comments.
fn federated(document: &Value, extras: &Value) -> Vec<String> {
    let own = document["user"]["posts"].as_array().unwrap();
    let data =
        |record: &Value, field: &str| record["entity_data"][field].as_str().unwrap_or_default().to_owned();
    let own: Vec<(String, &Value)> = own.iter().map(|post| (data(post, "guid"), post)).collect();
    let relayables = document["user"]["relayables"].as_array().unwrap();
    let on_posts = relayables.iter().filter(|record| record["entity_data"]["parent_type"] != "Comment");
    let on_posts: Vec<&Value> =
        on_posts.filter(|record| record["entity_type"] != "poll_participation").collect();
    let hidden = extras["hidden_posts"].as_array().unwrap().iter();
    let subscribed = document["user"]["post_subscriptions"].as_array().unwrap().iter();
    let mut parents: BTreeSet<String> = on_posts.iter().map(|record| data(record, "parent_guid")).collect();
    parents.extend(hidden.chain(subscribed).map(|guid| guid.as_str().unwrap().to_owned()));
    parents.retain(|parent| own.iter().all(|(guid, _)| guid != parent));

    let post = |id: i64, guid: &str, author: &str| {
        format!(
            "INSERT INTO posts (id, author_id, public, guid, type, text, created_at, updated_at, interacted_at) SELECT {id}, id, \
             (1 = 1), '{guid}', 'StatusMessage', 'federated', '2026-01-01 00:00:00', '2026-01-01 00:00:00', \
             '2026-01-01 00:00:00' FROM people WHERE diaspora_handle = '{author}@closing.example'"
        )
    };
    let comment = |id: i64, guid: &str, author: &str, parent: &str| {
        format!(
            "INSERT INTO comments (id, text, commentable_id, commentable_type, author_id, guid, created_at, updated_at) SELECT \
             {id}, 'federated', (SELECT id FROM posts WHERE guid = '{parent}'), 'Post', id, '{guid}', '2026-01-01 00:00:00', \
             '2026-01-01 00:00:00' FROM people WHERE diaspora_handle = '{author}@closing.example'"
        )
    };
    // A post with a photo, and one under which jonas has said something.
    let others = document["others_data"]["relayables"].as_array().unwrap();
    let of_jonas = |record: &&Value| {
        record["entity_type"] == "comment" && data(record, "author") == "jonas@closing.example"
    };
    let heard = others.iter().find(of_jonas).unwrap();
    let with_photo = |(guid, post): &&(String, &Value)| {
        *guid != data(heard, "parent_guid")
            && post["entity_data"]["photos"].as_array().is_some_and(|all| !all.is_empty())
    };
    let (shown, post_of_photo) = own.iter().find(with_photo).unwrap();
    let photo = &post_of_photo["entity_data"]["photos"][0];
    let mut sql = vec![post(KNOWN, shown, "ida"), post(KNOWN + 1, &data(heard, "parent_guid"), "ida")];
    sql.push(format!(
        "INSERT INTO photos (id, author_id, public, guid, pending, remote_photo_path, remote_photo_name, status_message_guid, \
         created_at, updated_at) SELECT {KNOWN}, id, (1 = 1), '{}', (1 = 0), '{}', '{}', '{shown}', '2026-01-01 00:00:00', \
         '2026-01-01 00:00:00' FROM people WHERE diaspora_handle = 'ida@closing.example'",
        data(photo, "guid"),
        data(photo, "remote_photo_path"),
        data(photo, "remote_photo_name")
    ));
    sql.extend((KNOWN + 10..).zip(&parents).map(|(id, guid)| post(id, guid, "jonas")));
    let answered = on_posts
        .iter()
        .find(|record| record["entity_type"] == "comment" && parents.contains(&data(record, "parent_guid")));
    let answered = answered.unwrap();
    sql.push(comment(KNOWN, &data(answered, "guid"), "ida", &data(answered, "parent_guid")));
    sql.push(comment(KNOWN + 1, &data(heard, "guid"), "jonas", &data(heard, "parent_guid")));
    sql
}
