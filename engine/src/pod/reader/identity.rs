//! Finding an account by name, and choosing its diaspora* ID.
//!
//! Usernames and IDs are lowercase with a limited character set today. Earlier versions and manual edits of databases
//! have left others: uppercase, spaces, an ID unrelated to the username.

use std::collections::HashMap;

use super::account::{ACCOUNT, AccountRow, read};
use super::notes::{Notes, Problem, normalized_id, person_id};
use super::{DatabaseError, ReadError};
use crate::domain::{DiasporaId, OmissionCode, RecordKind};
use crate::pod::config::PodUrl;
use crate::pod::database::Snapshot;
use crate::sql::Row;

/// The longest ID in bytes.
const MAX_ID_BYTES: usize = 255;
/// The most characters of an invalid GUID that are shown.
const MAX_SHOWN_CHARS: usize = 80;

/// Finds an account by its username or its diaspora* ID: exactly as written, else ignoring case.
pub(super) async fn find(snapshot: &mut Snapshot, pod: &PodUrl, name: &str) -> Result<AccountRow, ReadError> {
    let unknown = || ReadError::UnknownAccount { name: name.to_owned() };
    let trimmed = name.trim();
    let lower = trimmed.to_lowercase();
    let (username, host) = match (trimmed.split_once('@'), lower.split_once('@')) {
        (Some((username, _)), Some((_, host))) => (username, Some(host)),
        _ => (trimmed, None),
    };
    if host.is_some()
        && let Some(row) =
            best_match(snapshot, "p.diaspora_handle IN (?, ?)", &[trimmed, &lower], "diaspora_handle").await?
    {
        return read(&row, pod);
    }
    let lower = username.to_lowercase();
    let mut row = best_match(snapshot, "u.username IN (?, ?)", &[username, &lower], "username").await?;
    if row.is_none() {
        row = best_match(snapshot, "LOWER(u.username) = ?", &[&lower], "username").await?;
    }
    let account = read(&row.ok_or_else(unknown)?, pod)?;
    // On a pod that has changed its address, people keep their IDs.
    match host {
        Some(host) if host != pod.diaspora_host() && host != account.id.host() => Err(unknown()),
        _ => Ok(account),
    }
}

/// Returns the row whose column equals the earliest possible of these values; else the oldest row, since a database
/// may ignore case.
async fn best_match(
    snapshot: &mut Snapshot,
    condition: &str,
    values: &[&str],
    column: &'static str,
) -> Result<Option<Row>, DatabaseError> {
    let sql = format!("{ACCOUNT} WHERE {condition} ORDER BY u.id, p.id");
    let mut rows = snapshot.rows("the account", sql, values).await?;
    let exact = values
        .iter()
        .find_map(|value| rows.iter().position(|row| row.text(column).as_deref() == Some(*value)));
    Ok((!rows.is_empty()).then(|| rows.swap_remove(exact.unwrap_or(0))))
}

/// Returns the account's ID: its own if the protocol allows it, else the nearest valid one.
pub(crate) fn usable_id(handle: &str, username: &str, user_id: i64, pod: &PodUrl) -> Option<DiasporaId> {
    let lower = normalized_id(handle);
    if let Ok(id) = handle.parse().or_else(|_| lower.parse()) {
        return Some(id);
    }
    let (user, host) = lower.split_once('@').unwrap_or((&lower, ""));
    let user = if user.is_empty() { username.trim().to_lowercase() } else { user.to_owned() };
    let pod_host = pod.diaspora_host();
    let host = if format!("a@{host}").parse::<DiasporaId>().is_ok() { host } else { &pod_host };
    let replace_invalid =
        |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c) { c } else { '_' };
    let max_chars = MAX_ID_BYTES.saturating_sub(host.len() + 1);
    let user: String = user.chars().map(replace_invalid).take(max_chars).collect();
    let user = if user.is_empty() { format!("account_{user_id}") } else { user };
    format!("{user}@{host}").parse().ok()
}

/// Returns the diaspora* IDs that accounts are exported with, by `users.id`.
pub(crate) async fn ids_of_users(
    snapshot: &mut Snapshot,
    pod: &PodUrl,
    users: &[i64],
) -> Result<HashMap<i64, DiasporaId>, DatabaseError> {
    let users: Vec<String> = users.iter().map(ToString::to_string).collect();
    let sql = format!(
        "SELECT u.id, u.username, p.diaspora_handle FROM users u LEFT JOIN people p ON p.owner_id = u.id \
         WHERE u.id IN ({}) ORDER BY p.id DESC",
        users.join(", ")
    );
    let rows = snapshot.rows("the accounts", sql, &[]).await?;
    let id = |row: &Row| {
        let (user, username) = (row.integer("id")?, row.text("username").unwrap_or_default());
        Some((user, usable_id(&row.text("diaspora_handle").unwrap_or_default(), &username, user, pod)?))
    };
    Ok(rows.iter().filter_map(id).collect())
}

impl AccountRow {
    /// Parses an ID from a column; `label` names it. The account's own ID is replaced if it is valid on this pod only.
    ///
    /// # Errors
    /// [`OmissionCode::MissingValue`] for NULL, [`OmissionCode::InvalidIdentifier`] for any invalid value.
    pub(super) fn person_id_of(&self, text: Option<String>, label: &str) -> Result<DiasporaId, Problem> {
        if text.as_ref() == Some(&self.handle) { Ok(self.id.clone()) } else { person_id(text, label) }
    }

    /// Notes that the account's GUID, ID or username was replaced, or that it has no person.
    pub(super) fn note_names(&self, notes: &mut Notes) {
        let Self { handle, id, username, guid, .. } = self;
        if let Some(invalid) = &self.invalid_guid {
            let invalid: String = invalid.chars().take(MAX_SHOWN_CHARS).collect();
            let reason = format!(
                "its GUID is {invalid:?} on the pod, which the network does not allow; {guid} replaces it in the archive"
            );
            let problem = Problem::new(OmissionCode::InvalidIdentifier, reason);
            notes.omit(problem, RecordKind::Account, Some(self.user_id), Some(id.to_string()));
        }
        if !self.has_person() {
            let reason = format!(
                "its row in the table people is missing, so its posts and its profile cannot be found; the archive \
                 contains its key, settings, aspects and contacts, under the ID {id}"
            );
            let problem = Problem::new(OmissionCode::MissingPerson, reason);
            notes.omit(problem, RecordKind::Account, Some(self.user_id), Some(id.to_string()));
            return;
        }
        let reason = if handle != id.as_str() {
            format!(
                "its diaspora* ID is {handle:?} on the pod, which the network does not allow; {id} replaces it"
            )
        } else if username != id.username() {
            let new_name = id.username();
            format!(
                "its username on the pod is {username:?} and its diaspora* ID is {id}: {new_name} replaces the username"
            )
        } else {
            return;
        };
        let problem = Problem::new(OmissionCode::InvalidIdentifier, reason);
        notes.omit(problem, RecordKind::Account, Some(self.user_id), Some(id.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(handle: &str, username: &str) -> String {
        let pod = PodUrl::parse("https://closing.example/").unwrap();
        usable_id(handle, username, 7, &pod).unwrap().to_string()
    }

    #[test]
    fn invalid_ids_become_the_nearest_valid_one() {
        assert_eq!(id("al.ice@closing.example", "al.ice"), "al.ice@closing.example");
        assert_eq!(id("Alice@Closing.Example", "Alice"), "alice@closing.example");
        assert_eq!(id("al ice@old.example", "al ice"), "al_ice@old.example");
        assert_eq!(id("älice@closing.example", "älice"), "_lice@closing.example");
        assert_eq!(id("alice", "alice"), "alice@closing.example");
        assert_eq!(id("a@b@c", "alice"), "a@closing.example");
        assert_eq!(id("", "Ruth"), "ruth@closing.example");
        assert_eq!(id("", ""), "account_7@closing.example");
        assert_eq!(id(&"X y".repeat(200), "x").len(), 255);
    }
}
