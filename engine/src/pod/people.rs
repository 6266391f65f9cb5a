//! The pod's people for its podmin: counts, moved accounts, e-mail recipients.

use chrono::{DateTime, Months, Utc};

use super::database::{DatabaseError, Snapshot};
use crate::sql::Row;

/// Groups of accounts by the time of their last use. Closed accounts are in no group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Any time.
    Ever,
    /// Within a year.
    Year,
    /// Within six months.
    HalfYear,
    /// Within a month.
    Month,
}

/// A recipient of e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Row ID of the account.
    pub user_id: i64,
    /// Username.
    pub username: String,
    /// E-mail address.
    pub email: String,
    /// Language of the person on the pod, such as `de`.
    pub language: Option<String>,
    /// True when a podmin has locked the account, which prevents sign-in.
    pub locked: bool,
}

/// An account in a list of accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Row ID of the account.
    pub user_id: i64,
    /// Username.
    pub username: String,
    /// E-mail address; empty when there is none.
    pub email: String,
    /// True when the account is closed.
    pub closed: bool,
    /// True when a podmin has locked the account.
    pub locked: bool,
    /// Time of last use.
    pub last_seen: Option<DateTime<Utc>>,
}

/// An account that has moved to another pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedAway {
    /// Row ID of the account.
    pub user_id: i64,
    /// Time the pod learned of the move, if recorded.
    pub at: Option<DateTime<Utc>>,
}

/// Counts all accounts, including closed and moved ones, which have archives as well.
///
/// # Errors
/// [`DatabaseError`].
pub async fn count_accounts(snapshot: &mut Snapshot) -> Result<u64, DatabaseError> {
    let sql = "SELECT COUNT(*) AS amount FROM users u WHERE u.username IS NOT NULL AND u.username <> ''";
    let row = snapshot.first("the number of accounts", sql.to_owned(), &[]).await?;
    Ok(row.and_then(|row| row.integer("amount")).and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
}

/// Lists accounts that moved away. diaspora* stores each move it learns of (`account_migrations`).
///
/// # Errors
/// [`DatabaseError`].
pub async fn moved_away(snapshot: &mut Snapshot) -> Result<Vec<MovedAway>, DatabaseError> {
    let columns = super::schema::columns(snapshot).await?;
    if !columns.contains("account_migrations.old_person_id") {
        return Ok(Vec::new());
    }
    let at = if columns.contains("account_migrations.completed_at") { "m.completed_at" } else { "NULL" };
    let sql = format!(
        "SELECT p.owner_id, MIN({at}) AS moved_at FROM account_migrations m \
         JOIN people p ON p.id = m.old_person_id WHERE p.owner_id IS NOT NULL \
         GROUP BY p.owner_id ORDER BY p.owner_id"
    );
    let rows = snapshot.rows("accounts that have moved", sql, &[]).await?;
    let moved = |row: &Row| {
        let at = row.time("moved_at").map(|time| time.to_utc().and_utc());
        Some(MovedAway { user_id: row.integer("owner_id")?, at })
    };
    Ok(rows.iter().filter_map(moved).collect())
}

/// Lists at most `limit` e-mail recipients in order of row ID, starting after `after`.
///
/// # Errors
/// [`DatabaseError`].
pub async fn addressees(
    snapshot: &mut Snapshot,
    seen: Seen,
    now: DateTime<Utc>,
    after: i64,
    limit: u32,
) -> Result<Vec<Recipient>, DatabaseError> {
    let months = match seen {
        Seen::Ever => None,
        Seen::Year => Some(12),
        Seen::HalfYear => Some(6),
        Seen::Month => Some(1),
    };
    let since = months.and_then(|months| now.checked_sub_months(Months::new(months)));
    let seen = since.map_or_else(String::new, |since| {
        format!(" AND u.last_seen > '{}'", since.format("%Y-%m-%d %H:%M:%S"))
    });
    let sql = format!(
        "SELECT u.id, u.username, u.email, u.language, u.locked_at FROM users u JOIN people p ON p.owner_id = u.id \
         WHERE {IS_OPEN} AND u.email IS NOT NULL AND u.email <> '' AND u.id > {after}{seen} ORDER BY u.id LIMIT {limit}"
    );
    let rows = snapshot.rows("the recipients of e-mails", sql, &[]).await?;
    let recipient = |row: &Row| {
        Some(Recipient {
            user_id: row.integer("id")?,
            username: row.non_empty_text("username")?,
            email: row.non_empty_text("email")?,
            language: row.non_empty_text("language"),
            locked: !row.is_null("locked_at"),
        })
    };
    Ok(rows.iter().filter_map(recipient).collect())
}

/// Lists the pod's administrators who have an e-mail address.
///
/// # Errors
/// [`DatabaseError`].
pub async fn podmins(snapshot: &mut Snapshot) -> Result<Vec<Recipient>, DatabaseError> {
    let sql = format!(
        "SELECT u.id, u.username, u.email, u.language, u.locked_at FROM users u JOIN people p ON p.owner_id = u.id \
         JOIN roles r ON r.person_id = p.id WHERE {IS_OPEN} AND r.name = 'admin' AND u.email IS NOT NULL \
         AND u.email <> '' ORDER BY u.id"
    );
    let rows = snapshot.rows("the pod's administrators", sql, &[]).await?;
    let podmin = |row: &Row| {
        Some(Recipient {
            user_id: row.integer("id")?,
            username: row.non_empty_text("username")?,
            email: row.non_empty_text("email")?,
            language: row.non_empty_text("language"),
            locked: !row.is_null("locked_at"),
        })
    };
    Ok(rows.iter().filter_map(podmin).filter(|podmin| !podmin.locked).collect())
}

/// Lists at most `limit` accounts in order of row ID, starting after `after`. With `beginning`, lists only those whose
/// username or e-mail address starts with it, ignoring case.
///
/// # Errors
/// [`DatabaseError`].
pub async fn accounts(
    snapshot: &mut Snapshot,
    beginning: Option<&str>,
    after: i64,
    limit: u32,
) -> Result<Vec<AccountRow>, DatabaseError> {
    // `_` and `%` are escaped, since usernames contain underscores.
    let pattern = beginning.map(|text| {
        let text = text.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
        format!("{text}%")
    });
    let matches = if pattern.is_some() {
        " AND (LOWER(u.username) LIKE ? ESCAPE '!' OR LOWER(u.email) LIKE ? ESCAPE '!')"
    } else {
        ""
    };
    let sql = format!(
        "SELECT u.id, u.username, u.email, p.closed_account, u.locked_at, u.last_seen FROM users u \
         LEFT JOIN people p ON p.owner_id = u.id WHERE u.username IS NOT NULL AND u.username <> '' \
         AND u.id > {after}{matches} ORDER BY u.id LIMIT {limit}"
    );
    let values: Vec<_> = pattern.iter().flat_map(|text| [text.as_str(), text.as_str()]).collect();
    let rows = snapshot.rows("the pod's accounts", sql, &values).await?;
    let account = |row: &Row| {
        Some(AccountRow {
            user_id: row.integer("id")?,
            username: row.non_empty_text("username")?,
            email: row.text("email").unwrap_or_default(),
            closed: row.boolean("closed_account").unwrap_or(false),
            locked: !row.is_null("locked_at"),
            last_seen: row.time("last_seen").map(|time| time.to_utc().and_utc()),
        })
    };
    Ok(rows.iter().filter_map(account).collect())
}

/// SQL condition for open accounts, locked or not.
const IS_OPEN: &str = "u.username IS NOT NULL AND u.username <> '' AND NOT COALESCE(p.closed_account, FALSE)";
