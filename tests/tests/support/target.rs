//! A pod that accounts come to.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "each test file uses its part"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pappus_tests::program::{Ended, pappus};
use pappus_tests::schema::{Pool, create, quote, tables};
use serde_json::Value;
use tempfile::TempDir;

use super::TIME;

pub const TARGET_URL: &str = "https://haven.example/";

/// An empty pod.
pub struct Target {
    pub folder: TempDir,
    pub database: String,
    pub pool: Pool,
}

impl Target {
    pub async fn on(folder: TempDir, database: String) -> Self {
        let pool = Pool::connect(&database).await.unwrap();
        create(&pool).await.unwrap();
        std::fs::create_dir_all(folder.path().join("uploads/images")).unwrap();
        Self { folder, database, pool }
    }

    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", folder.path().join("db.sqlite3").display());
        Self::on(folder, database).await
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub fn run(&self, command: &[&str]) -> Ended {
        let (uploads, state) = (self.path("uploads"), self.path("state"));
        let mut arguments = command.to_vec();
        arguments.extend(["--database-url", &self.database, "--pod-url", TARGET_URL]);
        arguments.extend(["--uploads", &uploads, "--state", &state, "--json"]);
        pappus(arguments).unwrap()
    }

    pub fn import(&self, archive: &Path, name: &str, more: &[&str]) -> Value {
        let archive = archive.display().to_string();
        let mut command = vec!["import", &archive, "--as", name, "--offline"];
        command.extend(more);
        let ended = self.run(&command);
        assert!(matches!(ended.code, Some(0 | 10)), "{name}: {ended:?}");
        serde_json::from_str(&ended.stdout).unwrap()
    }

    pub fn export(&self, name: &str) -> PathBuf {
        let out = self.path("out");
        let ended = self.run(&["export", name, "--out", &out, "--created-at", TIME]);
        assert!(matches!(ended.code, Some(0 | 10)), "{name}: {ended:?}");
        Path::new(&out).join(format!("{name}@haven.example-20261122T100000Z.zip"))
    }

    /// Rows of every table.
    pub async fn rows(&self) -> BTreeMap<&'static str, i64> {
        let mut rows = BTreeMap::new();
        for table in tables() {
            let sql = format!("SELECT COUNT(*) FROM {}", quote(self.pool.dialect(), table.name));
            rows.insert(table.name, self.pool.number(&sql).await.unwrap());
        }
        rows
    }

    /// What diaspora*'s models would not allow, or would have counted differently.
    pub async fn is_sound(&self) {
        for (what, sql) in UNSOUND {
            assert_eq!(self.pool.number(sql).await.unwrap(), 0, "{what}: {sql}");
        }
    }
}

/// Each must find nothing.
const UNSOUND: &[(&str, &str)] = &[
    (
        "comments count",
        "SELECT COUNT(*) FROM posts WHERE comments_count <> (SELECT COUNT(*) FROM comments c WHERE c.commentable_id = posts.id AND c.commentable_type = 'Post')",
    ),
    (
        "likes count",
        "SELECT COUNT(*) FROM posts WHERE likes_count <> (SELECT COUNT(*) FROM likes l WHERE l.target_id = posts.id AND l.target_type = 'Post')",
    ),
    (
        "reshares count",
        "SELECT COUNT(*) FROM posts p WHERE p.reshares_count <> (SELECT COUNT(*) FROM posts r WHERE r.root_guid = p.guid)",
    ),
    (
        "likes of comments",
        "SELECT COUNT(*) FROM comments WHERE likes_count <> (SELECT COUNT(*) FROM likes l WHERE l.target_id = comments.id AND l.target_type = 'Comment')",
    ),
    (
        "votes",
        "SELECT COUNT(*) FROM poll_answers WHERE vote_count <> (SELECT COUNT(*) FROM poll_participations v WHERE v.poll_answer_id = poll_answers.id)",
    ),
    (
        "tags",
        "SELECT COUNT(*) FROM tags WHERE taggings_count <> (SELECT COUNT(*) FROM taggings t WHERE t.tag_id = tags.id)",
    ),
    (
        "comments without post",
        "SELECT COUNT(*) FROM comments c LEFT JOIN posts p ON p.id = c.commentable_id WHERE p.id IS NULL",
    ),
    (
        "comments without author",
        "SELECT COUNT(*) FROM comments c LEFT JOIN people p ON p.id = c.author_id WHERE p.id IS NULL",
    ),
    (
        "people without profile",
        "SELECT COUNT(*) FROM people p LEFT JOIN profiles f ON f.person_id = p.id WHERE f.id IS NULL",
    ),
    (
        "users without person",
        "SELECT COUNT(*) FROM users u LEFT JOIN people p ON p.owner_id = u.id WHERE p.id IS NULL",
    ),
    ("people of no pod", "SELECT COUNT(*) FROM people WHERE owner_id IS NULL AND pod_id IS NULL"),
    (
        "signatures of local people only",
        "SELECT COUNT(*) FROM comments c JOIN people p ON p.id = c.author_id LEFT JOIN comment_signatures s ON s.comment_id = c.id WHERE p.owner_id IS NULL AND s.comment_id IS NULL",
    ),
    (
        "polls without answers",
        "SELECT COUNT(*) FROM polls q LEFT JOIN poll_answers a ON a.poll_id = q.id WHERE a.id IS NULL",
    ),
    (
        "votes for answers of other polls",
        "SELECT COUNT(*) FROM poll_participations v JOIN poll_answers a ON a.id = v.poll_answer_id WHERE a.poll_id <> v.poll_id",
    ),
    (
        "interacted before written",
        "SELECT COUNT(*) FROM posts WHERE interacted_at < created_at OR interacted_at IS NULL",
    ),
    ("photos without size", "SELECT COUNT(*) FROM photos WHERE pending"),
    (
        "public posts hidden in visibilities",
        "SELECT COUNT(*) FROM share_visibilities v JOIN posts p ON p.id = v.shareable_id AND v.shareable_type = 'Post' WHERE p.public",
    ),
    (
        "aspects of others",
        "SELECT COUNT(*) FROM aspect_visibilities v JOIN aspects a ON a.id = v.aspect_id JOIN posts p ON p.id = v.shareable_id AND v.shareable_type = 'Post' JOIN people o ON o.id = p.author_id WHERE o.owner_id <> a.user_id",
    ),
];

/// The archive key of the pod that made an archive.
pub fn fingerprint(archive: &Path) -> String {
    let ended = pappus(["verify", archive.to_str().unwrap(), "--json"]).unwrap();
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    report["origin"]["pod"]["signed_by"].as_str().unwrap().to_owned()
}
