//! Pods that answer over HTTP: WebFinger, hCard and fetched posts, out of the sample pod's own database.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use pappus_engine::domain::{
    DiasporaId, Entity, Photo, Poll, PollAnswer, Post, PrivateKey, Reshare, StatusMessage,
};
use pappus_engine::federation::MagicEnvelope;
use pappus_tests::program::pappus;
use pappus_tests::sample::{KeySize, PAIRS_1024, PAIRS_2048, PAIRS_4096, build};
use pappus_tests::schema::Pool;
use sqlx::Row as _;
use sqlx::sqlite::{SqlitePool, SqliteRow};
use tempfile::TempDir;

use super::TIME;

/// The sample pod and those its people know, each on a port of this machine.
pub struct LivingPods {
    pub folder: TempDir,
    pub database: SqlitePool,
    /// The closing pod, `127.0.0.1:PORT`.
    pub closing: String,
    /// The pod of the contacts.
    pub contacts: String,
    /// Every request: host, path and query.
    pub asked: Arc<Mutex<Vec<String>>>,
    /// Paths that are answered with other bytes.
    pub lies: Arc<Mutex<BTreeMap<String, String>>>,
    /// What was delivered: host and path, and the body.
    pub received: Arc<Mutex<Vec<(String, Bytes)>>>,
}

#[derive(Clone)]
struct Pods {
    database: SqlitePool,
    asked: Arc<Mutex<Vec<String>>>,
    lies: Arc<Mutex<BTreeMap<String, String>>>,
    received: Arc<Mutex<Vec<(String, Bytes)>>>,
}

impl LivingPods {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = format!("sqlite:{}", folder.path().join("db.sqlite3").display());
        let pool = Pool::connect(&path).await.unwrap();
        build(&pool, &folder.path().join("uploads"), KeySize::Small).await.unwrap();
        let mut hosts = Vec::new();
        let database = SqlitePool::connect(&path).await.unwrap();
        let (asked, lies, received) = (Arc::default(), Arc::default(), Arc::default());
        let pods = Pods { database: database.clone(), asked, lies, received };
        for name in ["closing.example", "contacts.example"] {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let host = format!("127.0.0.1:{port}");
            for sql in [
                format!("UPDATE people SET diaspora_handle = REPLACE(diaspora_handle, '@{name}', '@{host}')"),
                format!("UPDATE pods SET host = '127.0.0.1', port = {port}, ssl = 0 WHERE host = '{name}'"),
            ] {
                pool.execute(&sql).await.unwrap();
            }
            let service = Router::new().fallback(answer).with_state(pods.clone());
            tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
            hosts.push(host);
        }
        let (contacts, closing) = (hosts.pop().unwrap(), hosts.pop().unwrap());
        Self {
            folder,
            database,
            closing,
            contacts,
            asked: pods.asked,
            lies: pods.lies,
            received: pods.received,
        }
    }

    /// The archive of an account of the closing pod.
    pub fn export(&self, name: &str) -> std::path::PathBuf {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let (database, url) = (format!("sqlite:{}", path("db.sqlite3")), format!("http://{}/", self.closing));
        let mut arguments = vec!["export", name, "--database-url", &database, "--pod-url", &url];
        let (uploads, out, state) = (path("uploads"), path("out"), path("state"));
        arguments.extend(["--uploads", &uploads, "--out", &out, "--state", &state, "--created-at", TIME]);
        let ended = pappus(arguments).unwrap();
        assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
        let file = format!("{name}@{}-20261122T100000Z.zip", self.closing.replace(':', "_"));
        self.folder.path().join("out").join(file)
    }

    /// Requests whose path begins so.
    pub fn asked_for(&self, path: &str) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|request| request.contains(path)).cloned().collect()
    }
}

async fn answer(State(pods): State<Pods>, headers: HeaderMap, uri: Uri, body: Bytes) -> Response {
    let host = headers["host"].to_str().unwrap().to_owned();
    if uri.path().starts_with("/receive/") {
        // As diaspora* does, before it looks.
        pods.received.lock().unwrap().push((format!("{host}{}", uri.path()), body));
        return Response::builder().status(202).body(Body::empty()).unwrap();
    }
    pods.asked.lock().unwrap().push(format!("{host}{uri}"));
    if let Some(lie) = pods.lies.lock().unwrap().get(uri.path()) {
        return Response::new(Body::from(lie.clone()));
    }
    let path = uri.path();
    let found = if path == "/.well-known/webfinger" {
        web_finger(&pods.database, &host, uri.query().unwrap_or_default()).await
    } else if let Some(guid) = path.strip_prefix("/hcard/users/") {
        hcard(&pods.database, guid).await
    } else if let Some(guid) = path.strip_prefix("/fetch/post/") {
        fetch(&pods.database, &host, path, "p.guid = ?", guid).await
    } else if let Some(guid) = path.strip_prefix("/fetch/poll/") {
        fetch(
            &pods.database,
            &host,
            path,
            "p.id = (SELECT status_message_id FROM polls WHERE guid = ?)",
            guid,
        )
        .await
    } else {
        None
    };
    found.unwrap_or_else(|| Response::builder().status(404).body(Body::empty()).unwrap())
}

async fn web_finger(database: &SqlitePool, host: &str, query: &str) -> Option<Response> {
    let id = query.strip_prefix("resource=acct:")?;
    let sql =
        "SELECT guid FROM people WHERE diaspora_handle = ? AND diaspora_handle LIKE ? AND NOT closed_account";
    let guid: String =
        sqlx::query_scalar(sql).bind(id).bind(format!("%@{host}")).fetch_optional(database).await.unwrap()?;
    let document = serde_json::json!({ "subject": format!("acct:{id}"), "links": [
        { "rel": "http://microformats.org/profile/hcard", "href": format!("http://{host}/hcard/users/{guid}") },
        { "rel": "http://joindiaspora.com/seed_location", "href": format!("http://{host}/") },
    ]});
    Some(Response::new(Body::from(document.to_string())))
}

/// Everything that diaspora* tells of somebody: key, names apart, the photos in three sizes, its own default picture for
/// who has none, and whether the search may find them.
async fn hcard(database: &SqlitePool, guid: &str) -> Option<Response> {
    let sql = "SELECT p.serialized_public_key, f.* FROM people p JOIN profiles f ON f.person_id = p.id WHERE p.guid = ?";
    let row = sqlx::query(sql).bind(guid).fetch_optional(database).await.unwrap()?;
    let text = |column: &str| row.get::<Option<String>, _>(column).unwrap_or_default();
    let escaped = |column: &str| text(column).replace('&', "&amp;").replace('<', "&lt;");
    let (first, last) = (escaped("first_name"), escaped("last_name"));
    let photo = |class: &str, column: &str| {
        let address = Some(text(column)).filter(|address| !address.is_empty());
        let address = address.unwrap_or_else(|| "/assets/user/default-0123abcd.png".to_owned());
        format!("<p class=\"{class}\"><img class=\"photo avatar\" src=\"{address}\"></p>")
    };
    let page = format!(
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"></head><body><div class=\"vcard\">\
         <b class=\"uid\">{guid}</b> <h1 class=\"fn\">{first} {last}</h1> <b class=\"given_name\">{first}</b> \
         <b class=\"family_name\">{last}</b> <b class=\"searchable\">{}</b>\
         <pre class=\"key\">{}</pre>{}{}{}</div></body></html>",
        row.get::<bool, _>("searchable"),
        text("serialized_public_key"),
        photo("entity_photo", "image_url"),
        photo("entity_photo_medium", "image_url_medium"),
        photo("entity_photo_small", "image_url_small"),
    );
    Some(Response::new(Body::from(page)))
}

/// The private key to a public one of the sample.
pub fn private_key(public: &str) -> PrivateKey {
    let mut pairs = PAIRS_2048.iter().chain(&PAIRS_4096).chain(&PAIRS_1024);
    let pair = pairs.find(|pair| pair.public.trim() == public.trim()).unwrap();
    PrivateKey::from_pem(pair.private.to_owned())
}

/// As diaspora* answers: the pod of the author signs the post, any other that has it sends on to that pod.
async fn fetch(database: &SqlitePool, host: &str, path: &str, which: &str, guid: &str) -> Option<Response> {
    let sql = format!(
        "SELECT p.*, a.diaspora_handle, a.serialized_public_key FROM posts p JOIN people a ON a.id = p.author_id \
         WHERE p.public AND {which}"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(guid).fetch_optional(database).await.unwrap()?;
    let author: DiasporaId = row.get::<String, _>("diaspora_handle").parse().unwrap();
    if author.host() != host {
        let elsewhere = format!("http://{}{path}", author.host());
        return Some(
            Response::builder().status(302).header("location", elsewhere).body(Body::empty()).unwrap(),
        );
    }
    let post = post(database, &row, &author).await;
    let key = private_key(&row.get::<String, _>("serialized_public_key")).signing_key().unwrap();
    Some(Response::new(Body::from(MagicEnvelope::seal(&author, &key, &post.to_xml()).unwrap())))
}

async fn post(database: &SqlitePool, row: &SqliteRow, author: &DiasporaId) -> Post {
    let guid: String = row.get("guid");
    let created_at = time(row);
    if let Some(root) = row.get::<Option<String>, _>("root_guid") {
        let sql =
            "SELECT a.diaspora_handle FROM posts p JOIN people a ON a.id = p.author_id WHERE p.guid = ?";
        let root_author: String = sqlx::query_scalar(sql).bind(&root).fetch_one(database).await.unwrap();
        return Post::Reshare(Reshare {
            author: author.clone(),
            guid: guid.parse().unwrap(),
            created_at,
            root_author: Some(root_author.parse().unwrap()),
            root_guid: Some(root.parse().unwrap()),
        });
    }
    let photos = sqlx::query("SELECT * FROM photos WHERE status_message_guid = ?").bind(&guid);
    let photos = photos.fetch_all(database).await.unwrap();
    let poll = poll(database, row.get("id")).await;
    let photo = |row: &SqliteRow| {
        Entity(Photo {
            guid: row.get::<String, _>("guid").parse().unwrap(),
            author: author.clone(),
            public: true,
            created_at: time(row),
            remote_photo_path: row.get("remote_photo_path"),
            remote_photo_name: row.get("remote_photo_name"),
            text: row.get("text"),
            status_message_guid: Some(guid.parse().unwrap()),
            height: row.get("height"),
            width: row.get("width"),
        })
    };
    Post::StatusMessage(StatusMessage {
        author: author.clone(),
        guid: guid.parse().unwrap(),
        created_at,
        public: true,
        provider_display_name: row.get("provider_display_name"),
        text: row.get::<Option<String>, _>("text").unwrap_or_default(),
        photos: photos.iter().map(photo).collect(),
        location: None,
        poll,
    })
}

/// The poll of a post, by the ID of its row.
async fn poll(database: &SqlitePool, post: i64) -> Option<Entity<Poll>> {
    let poll = sqlx::query("SELECT * FROM polls WHERE status_message_id = ?").bind(post);
    let poll = poll.fetch_optional(database).await.unwrap()?;
    let answers = sqlx::query("SELECT * FROM poll_answers WHERE poll_id = ?").bind(poll.get::<i64, _>("id"));
    let answers = answers.fetch_all(database).await.unwrap();
    let answer = |row: &SqliteRow| {
        Entity(PollAnswer { guid: row.get::<String, _>("guid").parse().unwrap(), answer: row.get("answer") })
    };
    Some(Entity(Poll {
        guid: poll.get::<String, _>("guid").parse().unwrap(),
        question: poll.get("question"),
        poll_answers: answers.iter().map(answer).collect(),
    }))
}

fn time(row: &SqliteRow) -> pappus_engine::domain::Timestamp {
    let text: String = row.get("created_at");
    let text: String = text.replace(' ', "T").chars().take(19).collect();
    format!("{text}Z").parse().unwrap()
}
