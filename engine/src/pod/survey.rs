//! A look at a whole pod before anything is exported: how much there is, and what would be left out.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::TryStreamExt as _;
use serde::Serialize;

use super::config::PodUrl;
use super::database::{Cell as _, DatabaseError, Snapshot};
use crate::domain::PrivateKey;

/// What a pod holds, and what of it cannot be exported.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Survey {
    /// Accounts on the pod.
    pub accounts: u64,
    /// Accounts that were closed; they are exported too.
    pub closed: u64,
    /// Accounts that cannot sign in; they are exported too.
    pub locked: u64,
    /// Posts by the pod's accounts.
    pub posts: u64,
    /// Comments by the pod's accounts.
    pub comments: u64,
    /// Likes by the pod's accounts.
    pub likes: u64,
    /// Photos by the pod's accounts.
    pub photos: u64,
    /// Accounts whose private key is missing or broken; their archives are signed by the pod only.
    pub unusable_keys: Vec<String>,
    /// Accounts without a usable person; they cannot be exported.
    pub broken_accounts: Vec<String>,
    /// Accounts whose diaspora* ID names another host than the pod's address gives, by that host: the pod has changed
    /// its address, or the address is wrong. They keep their IDs.
    pub other_hosts: BTreeMap<String, u64>,
    /// Photos whose file is not there.
    pub missing_files: u64,
    /// Comments and likes by the pod's accounts whose post is gone.
    pub orphans: u64,
}

/// One account and how large it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountSize {
    /// Its username.
    pub username: String,
    /// Whether it was closed.
    pub closed: bool,
    /// Whether it cannot sign in.
    pub locked: bool,
    /// Its posts.
    pub posts: u64,
    /// Its comments.
    pub comments: u64,
    /// Its likes.
    pub likes: u64,
    /// Its contacts.
    pub contacts: u64,
    /// Its photos.
    pub photos: u64,
    /// Bytes of its photos' originals; `None` when the files could not be looked at.
    pub photo_bytes: Option<u64>,
}

/// Looks at the whole pod, with a few statements. `url` is its address; `photo_files` are the names of all originals,
/// where they could be read.
///
/// # Errors
/// The database's failure.
pub async fn survey(
    snapshot: &mut Snapshot,
    url: &PodUrl,
    photo_files: Option<&BTreeSet<String>>,
) -> Result<Survey, DatabaseError> {
    let mut survey = Survey::default();
    accounts(snapshot, &url.diaspora_host(), &mut survey).await?;
    for (table, count) in [
        ("posts", &mut survey.posts as &mut u64),
        ("comments", &mut survey.comments),
        ("likes", &mut survey.likes),
        ("photos", &mut survey.photos),
    ] {
        let sql = format!(
            "SELECT COUNT(*) FROM {table} r JOIN people p ON p.id = r.author_id WHERE p.owner_id IS NOT NULL"
        );
        *count = number(snapshot, "the size of the pod", sql).await?;
    }
    for (table, target, kind) in
        [("comments", "commentable_id", "commentable_type"), ("likes", "target_id", "target_type")]
    {
        let sql = format!(
            "SELECT COUNT(*) FROM {table} r JOIN people a ON a.id = r.author_id LEFT JOIN posts p ON p.id = r.{target} \
             WHERE a.owner_id IS NOT NULL AND r.{kind} = 'Post' AND p.id IS NULL"
        );
        survey.orphans += number(snapshot, "records whose post is gone", sql).await?;
    }
    if let Some(present) = photo_files {
        survey.missing_files = missing_files(snapshot, present).await?;
    }
    Ok(survey)
}

/// Every account with its size, by username. `photo_files` are the names of all originals with their sizes in bytes,
/// where they could be read.
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
    let count = |table: &str| format!("(SELECT COUNT(*) FROM {table} r WHERE r.author_id = p.id)");
    let sql = format!(
        "SELECT u.username, p.closed_account, u.locked_at, {}, {}, {}, {}, \
         (SELECT COUNT(*) FROM contacts c WHERE c.user_id = u.id), p.id FROM users u \
         LEFT JOIN people p ON p.owner_id = u.id WHERE u.username IS NOT NULL ORDER BY u.username",
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
            username: row.text(0).unwrap_or_default(),
            closed: row.boolean(1).unwrap_or(false),
            locked: !row.is_null(2),
            posts: size(row.integer(3)),
            comments: size(row.integer(4)),
            likes: size(row.integer(5)),
            photos: size(row.integer(6)),
            contacts: size(row.integer(7)),
            photo_bytes: bytes
                .as_ref()
                .map(|bytes| row.integer(8).and_then(|person| bytes.get(&person)).copied().unwrap_or(0)),
        })
        .collect())
}

/// Counts the accounts whose diaspora* ID names another host than the pod's address gives, by that host.
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
        count_other_host(&mut hosts, &row.text(0).unwrap_or_default(), &host);
    }
    Ok(hosts)
}

fn count_other_host(hosts: &mut BTreeMap<String, u64>, id: &str, expected: &str) {
    if let Some((_, host)) = id.split_once('@').filter(|(_, host)| *host != expected) {
        *hosts.entry(host.to_owned()).or_default() += 1;
    }
}

async fn accounts(snapshot: &mut Snapshot, host: &str, survey: &mut Survey) -> Result<(), DatabaseError> {
    let sql = "SELECT u.username, u.locked_at, p.closed_account, p.id, u.serialized_private_key, p.diaspora_handle \
               FROM users u LEFT JOIN people p ON p.owner_id = u.id ORDER BY u.username"
        .to_owned();
    let mut rows = snapshot.stream("the accounts", sql, &[]);
    while let Some(row) = rows.try_next().await? {
        let name = row.text(0).unwrap_or_default();
        survey.accounts += 1;
        survey.locked += u64::from(!row.is_null(1));
        survey.closed += u64::from(row.boolean(2).unwrap_or(false));
        count_other_host(&mut survey.other_hosts, &row.text(5).unwrap_or_default(), host);
        if row.is_null(3) {
            survey.broken_accounts.push(name);
        } else if PrivateKey::from_pem(row.text(4).unwrap_or_default()).signing_key().is_err() {
            survey.unusable_keys.push(name);
        }
    }
    Ok(())
}

/// Bytes of the originals of each local person, by `people.id`.
async fn photo_bytes(
    snapshot: &mut Snapshot,
    files: &BTreeMap<String, u64>,
) -> Result<BTreeMap<i64, u64>, DatabaseError> {
    let sql = "SELECT r.unprocessed_image, r.remote_photo_name, r.processed_image, p.id FROM photos r \
               JOIN people p ON p.id = r.author_id WHERE p.owner_id IS NOT NULL"
        .to_owned();
    let mut bytes = BTreeMap::new();
    let mut rows = snapshot.stream("the names of photo files", sql, &[]);
    while let Some(row) = rows.try_next().await? {
        let size = (0..3).filter_map(|column| row.filled(column)).find_map(|name| files.get(&name));
        if let (Some(person), Some(size)) = (row.integer(3), size) {
            *bytes.entry(person).or_insert(0) += size;
        }
    }
    Ok(bytes)
}

async fn missing_files(snapshot: &mut Snapshot, present: &BTreeSet<String>) -> Result<u64, DatabaseError> {
    let sql = "SELECT r.unprocessed_image, r.remote_photo_name, r.processed_image FROM photos r \
               JOIN people p ON p.id = r.author_id WHERE p.owner_id IS NOT NULL"
        .to_owned();
    let mut missing = 0;
    let mut rows = snapshot.stream("the names of photo files", sql, &[]);
    while let Some(row) = rows.try_next().await? {
        let found = (0..3).filter_map(|column| row.filled(column)).any(|name| present.contains(&name));
        missing += u64::from(!found);
    }
    Ok(missing)
}

async fn number(snapshot: &mut Snapshot, what: &'static str, sql: String) -> Result<u64, DatabaseError> {
    let row = snapshot.first(what, sql, &[]).await?;
    Ok(row.and_then(|row| row.integer(0)).and_then(|value| value.try_into().ok()).unwrap_or(0))
}
