//! An overview of a pod before the export: its size, and whether its database is ready. `export::Forecaster` predicts
//! the omissions.

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;
use serde::Serialize;

use super::config::PodUrl;
use super::database::{DatabaseError, Snapshot, VISIBLE};
use crate::sql::Dialect;

/// Counts of a pod's contents.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Survey {
    /// Accounts on the pod.
    pub accounts: u64,
    /// Accounts that were closed; they are exported too.
    pub closed: u64,
    /// Accounts that are open and cannot sign in; they are exported too.
    pub locked: u64,
    /// Posts by the pod's accounts.
    pub posts: u64,
    /// Comments by the pod's accounts.
    pub comments: u64,
    /// Likes by the pod's accounts.
    pub likes: u64,
    /// Photos by the pod's accounts.
    pub photos: u64,
    /// Accounts by the host in their diaspora* ID, where that differs from the pod's address: the pod has changed its
    /// address, or the address is wrong. They keep their IDs.
    pub other_hosts: BTreeMap<String, u64>,
    /// Large tables without statistics, as after a restore, for which the database plans statements badly; run
    /// `ANALYZE`. Always empty where the database collects statistics by itself.
    pub without_statistics: Vec<String>,
}

/// An account and its size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountSize {
    /// Row ID, `users.id`.
    #[serde(skip)]
    pub user_id: i64,
    /// Username.
    pub username: String,
    /// True when the account was closed.
    pub closed: bool,
    /// True when the account cannot sign in.
    pub locked: bool,
    /// Number of posts.
    pub posts: u64,
    /// Number of comments.
    pub comments: u64,
    /// Number of likes.
    pub likes: u64,
    /// Number of contacts.
    pub contacts: u64,
    /// Number of photos.
    pub photos: u64,
    /// Bytes of the photos' originals; `None` when the files could not be read.
    pub photo_bytes: Option<u64>,
}

impl AccountSize {
    /// Returns the approximate number of records and files.
    pub fn records(&self) -> u64 {
        self.posts + self.comments + self.likes + self.contacts + self.photos
    }
}

/// Surveys the whole pod with a few statements. `url` is the pod's address.
///
/// # Errors
/// The database's failure.
pub async fn survey(snapshot: &mut Snapshot, url: &PodUrl) -> Result<Survey, DatabaseError> {
    let mut survey = Survey::default();
    accounts(snapshot, &url.diaspora_host(), &mut survey).await?;
    for (table, count) in [
        ("posts", &mut survey.posts as &mut u64),
        ("comments", &mut survey.comments),
        ("likes", &mut survey.likes),
        ("photos", &mut survey.photos),
    ] {
        let sql = format!(
            "SELECT COUNT(*) AS amount FROM {table} r JOIN people p ON p.id = r.author_id \
             WHERE p.owner_id IS NOT NULL"
        );
        *count = count_rows(snapshot, "the size of the pod", sql).await?;
    }
    survey.without_statistics = without_statistics(snapshot).await?;
    Ok(survey)
}

/// Returns every account with its size, in order of username. `photo_files` are the names of all originals with their
/// sizes in bytes, if they could be read.
///
/// # Errors
/// The database's failure.
pub async fn account_sizes(
    snapshot: &mut Snapshot,
    photo_files: Option<&BTreeMap<String, u64>>,
) -> Result<Vec<AccountSize>, DatabaseError> {
    let bytes = match photo_files {
        Some(files) => Some(photo_bytes(snapshot, files).await?),
        None => None,
    };
    let count =
        |table: &str| format!("(SELECT COUNT(*) FROM {table} r WHERE r.author_id = p.id) AS own_{table}");
    let sql = format!(
        "SELECT u.username, p.closed_account, u.locked_at, {}, {}, {}, {}, \
         (SELECT COUNT(*) FROM contacts c WHERE c.user_id = u.id) AS own_contacts, p.id AS person_row, u.id \
         FROM users u LEFT JOIN people p ON p.owner_id = u.id \
         WHERE u.username IS NOT NULL AND u.username <> '' ORDER BY u.username, u.id",
        count("posts"),
        count("comments"),
        count("likes"),
        count("photos")
    );
    let rows = snapshot.rows("the accounts", sql, &[]).await?;
    let size = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0);
    Ok(rows
        .iter()
        .map(|row| AccountSize {
            user_id: row.integer("id").unwrap_or_default(),
            username: row.text("username").unwrap_or_default(),
            closed: row.boolean("closed_account").unwrap_or(false),
            locked: !row.is_null("locked_at"),
            posts: size(row.integer("own_posts")),
            comments: size(row.integer("own_comments")),
            likes: size(row.integer("own_likes")),
            photos: size(row.integer("own_photos")),
            contacts: size(row.integer("own_contacts")),
            photo_bytes: bytes.as_ref().map(|bytes| {
                row.integer("person_row").and_then(|person| bytes.get(&person)).copied().unwrap_or(0)
            }),
        })
        .collect())
}

/// Counts the accounts by the host in their diaspora* ID, where that differs from the pod's address.
///
/// # Errors
/// The database's failure.
pub async fn other_hosts(
    snapshot: &mut Snapshot,
    url: &PodUrl,
) -> Result<BTreeMap<String, u64>, DatabaseError> {
    let host = url.diaspora_host();
    let mut hosts = BTreeMap::new();
    let sql = "SELECT diaspora_handle FROM people WHERE owner_id IS NOT NULL".to_owned();
    let mut rows = snapshot.stream("the accounts", sql, &[]);
    while let Some(row) = rows.try_next().await? {
        count_other_host(&mut hosts, &row.text("diaspora_handle").unwrap_or_default(), &host);
    }
    Ok(hosts)
}

fn count_other_host(hosts: &mut BTreeMap<String, u64>, id: &str, expected: &str) {
    if let Some((_, host)) = id.split_once('@').filter(|(_, host)| *host != expected) {
        *hosts.entry(host.to_owned()).or_default() += 1;
    }
}

async fn accounts(snapshot: &mut Snapshot, host: &str, survey: &mut Survey) -> Result<(), DatabaseError> {
    let sql = "SELECT u.id, u.locked_at, p.closed_account, p.diaspora_handle \
               FROM users u LEFT JOIN people p ON p.owner_id = u.id WHERE u.username IS NOT NULL AND u.username <> ''"
        .to_owned();
    let mut rows = snapshot.stream("the accounts", sql, &[]);
    while let Some(row) = rows.try_next().await? {
        survey.accounts += 1;
        // Closing an account locks it, too.
        let is_closed = row.boolean("closed_account").unwrap_or(false);
        survey.closed += u64::from(is_closed);
        survey.locked += u64::from(!is_closed && !row.is_null("locked_at"));
        count_other_host(&mut survey.other_hosts, &row.text("diaspora_handle").unwrap_or_default(), host);
    }
    Ok(())
}

/// Returns the bytes of each local person's originals, by `people.id`.
async fn photo_bytes(
    snapshot: &mut Snapshot,
    files: &BTreeMap<String, u64>,
) -> Result<BTreeMap<i64, u64>, DatabaseError> {
    let sql = "SELECT r.unprocessed_image, r.remote_photo_name, r.processed_image, p.id AS person_id \
               FROM photos r JOIN people p ON p.id = r.author_id WHERE p.owner_id IS NOT NULL"
        .to_owned();
    let mut bytes = BTreeMap::new();
    let mut rows = snapshot.stream("the names of photo files", sql, &[]);
    while let Some(row) = rows.try_next().await? {
        let names = ["unprocessed_image", "remote_photo_name", "processed_image"];
        let size = names
            .into_iter()
            .filter_map(|column| row.non_empty_text(column))
            .find_map(|name| files.get(&name));
        if let (Some(person), Some(size)) = (row.integer("person_id"), size) {
            *bytes.entry(person).or_insert(0) += size;
        }
    }
    Ok(bytes)
}

/// Table size in bytes from which a bad plan is noticeable.
const LARGE_TABLE: u32 = 256 << 10;

async fn without_statistics(snapshot: &mut Snapshot) -> Result<Vec<String>, DatabaseError> {
    // MariaDB and MySQL update statistics by themselves, and SQLite plans well without them.
    if snapshot.dialect() != Dialect::PostgreSql {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT c.relname::text AS found_table FROM pg_class c WHERE {VISIBLE} \
         AND c.relkind = 'r' AND pg_relation_size(c.oid) >= {LARGE_TABLE} AND c.relname IN ({}) \
         AND NOT EXISTS (SELECT 1 FROM pg_stats s WHERE s.schemaname = ANY (current_schemas(false)) AND s.tablename = c.relname) \
         ORDER BY c.relname",
        super::schema::tables().map(|table| format!("'{table}'")).collect::<Vec<_>>().join(", ")
    );
    let rows = snapshot.rows("the statistics of its tables", sql, &[]).await?;
    Ok(rows.iter().filter_map(|row| row.text("found_table")).collect())
}

/// Returns the `amount` that a statement counts.
async fn count_rows(
    snapshot: &mut Snapshot,
    subject: &'static str,
    sql: String,
) -> Result<u64, DatabaseError> {
    let row = snapshot.first(subject, sql, &[]).await?;
    Ok(row.and_then(|row| row.integer("amount")).and_then(|value| value.try_into().ok()).unwrap_or(0))
}
