//! The accounts of a pod and their sizes.

use chrono::{DateTime, Months, Utc};
use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _};

use crate::campaign::ledger::records::Only;
use crate::pod::database::{DatabaseError, Snapshot};
use crate::sql::{Dialect, Row};

/// The maximum number of accounts in a chunk.
const CHUNK_ACCOUNTS: usize = 2000;

/// One account of the pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::campaign) struct PodAccount {
    pub(in crate::campaign) user_id: i64,
    pub(in crate::campaign) username: String,
    /// Its diaspora* ID.
    pub(in crate::campaign) account: String,
    /// The approximate number of its records.
    pub(in crate::campaign) size: i64,
    /// The reason it is not exported, if any.
    pub(in crate::campaign) skipped: Option<String>,
}

/// Reads all matching accounts with one statement that scans each table once.
pub(in crate::campaign) fn accounts<'a>(
    snapshot: &'a mut Snapshot,
    only: Only,
    now: DateTime<Utc>,
    host: &'a str,
) -> BoxStream<'a, Result<PodAccount, DatabaseError>> {
    let months_ago = |months| now.checked_sub_months(Months::new(months)).unwrap_or(now);
    let since = match only {
        Only::All | Only::NotClosed | Only::Listed => None,
        Only::ActiveMonth => Some(months_ago(1)),
        Only::ActiveHalfYear => Some(months_ago(6)),
        Only::ActiveYear => Some(months_ago(12)),
    };
    let condition = match (since, only) {
        (Some(since), _) => format!("u.last_seen > '{}'", since.format("%Y-%m-%d %H:%M:%S")),
        (None, Only::NotClosed) => "NOT COALESCE(p.closed_account, FALSE)".to_owned(),
        (None, _) => "1 = 1".to_owned(),
    };
    let integer_type = if snapshot.dialect() == Dialect::MySql { "SIGNED" } else { "BIGINT" };
    // A photo is a file, which takes longer than a record. Others' reactions to posts are in the posts' counters.
    let parts = [
        ("posts", "SUM(1 + COALESCE(r.comments_count, 0) + COALESCE(r.likes_count, 0))"),
        ("comments", "COUNT(*)"),
        ("likes", "COUNT(*)"),
        ("photos", "10 * COUNT(*)"),
    ];
    let joins = parts.map(|(table, size)| {
        format!(
            "LEFT JOIN (SELECT r.author_id AS id, CAST({size} AS {integer_type}) AS size FROM {table} r \
             JOIN people a ON a.id = r.author_id WHERE a.owner_id IS NOT NULL GROUP BY r.author_id) {table}_of \
             ON {table}_of.id = p.id"
        )
    });
    let sizes = parts.map(|(table, _)| format!("COALESCE({table}_of.size, 0)"));
    let sql = format!(
        "SELECT u.id, u.username, p.diaspora_handle, CAST({} + COALESCE(contacts_of.size, 0) AS {integer_type}) \
         AS whole_size FROM users u LEFT JOIN people p ON p.owner_id = u.id {} \
         LEFT JOIN (SELECT user_id AS id, COUNT(*) AS size FROM contacts GROUP BY user_id) contacts_of \
         ON contacts_of.id = u.id WHERE u.username IS NOT NULL AND u.username <> '' AND {condition}",
        sizes.join(" + "),
        joins.join(" ")
    );
    let account = move |row: Row| {
        let username = row.text("username")?;
        let diaspora_id =
            row.non_empty_text("diaspora_handle").unwrap_or_else(|| format!("{username}@{host}"));
        let size = row.integer("whole_size").unwrap_or(0);
        Some(PodAccount { user_id: row.integer("id")?, username, account: diaspora_id, size, skipped: None })
    };
    let rows = snapshot.stream("the accounts", sql, &[]);
    rows.try_filter_map(move |row| std::future::ready(Ok(account(row)))).boxed()
}

/// Groups the accounts into chunks.
pub(in crate::campaign) fn chunks(
    accounts: BoxStream<'_, Result<PodAccount, DatabaseError>>,
) -> BoxStream<'_, Result<Vec<PodAccount>, DatabaseError>> {
    accounts.try_chunks(CHUNK_ACCOUNTS).map_err(|error| error.1).boxed()
}
