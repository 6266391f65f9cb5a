//! One person's sign-in data, read from the pod itself.

use std::collections::HashSet;

use tokio::sync::OnceCell;

use crate::campaign::sign_in::copy::{SignIn, normalize};
use crate::campaign::sign_in::rows::{by_name, by_rows, read};
use crate::pod::config::PodConfig;
use crate::pod::database::{DatabaseError, Snapshot};
use crate::sql::DatabaseUrl;

/// The maximum number of people per statement.
const CHUNK_PEOPLE: usize = 1000;

/// The users of a pod whose database is available.
#[derive(Debug)]
pub struct LiveSignIn {
    database: DatabaseUrl,
    host: String,
    /// The columns of the pod's tables, as `table.column`. They do not change while the pod is in use.
    columns: OnceCell<HashSet<String>>,
}

impl LiveSignIn {
    /// Returns the users of a pod, without reading them.
    pub fn new(pod: &PodConfig) -> Self {
        Self { database: pod.database.clone(), host: pod.url.diaspora_host(), columns: OnceCell::new() }
    }

    /// Returns the person with this username, e-mail address or diaspora* ID, as they type it, or `None`.
    /// Nothing is written to the pod.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn find(&self, name: &str) -> Result<Option<SignIn>, DatabaseError> {
        let (typed, name) = (name.trim(), normalize(name));
        // No text in a database contains NUL.
        if name.is_empty() || name.contains('\0') {
            return Ok(None);
        }
        let mut snapshot = Snapshot::open(&self.database).await?;
        let columns = self.columns.get_or_try_init(|| crate::pod::schema::columns(&mut snapshot)).await?;
        let local = name.strip_suffix(&format!("@{}", self.host)).unwrap_or(&name);
        let sql = by_name(columns);
        // diaspora* stores names in lowercase; other names are found as they were typed.
        let row = snapshot.first("a person who signs in", sql, &[local, typed, &name, typed]).await?;
        if let Some(person) = row.and_then(|row| read(&row, &self.host)) {
            return Ok(Some(person));
        }
        // People keep their IDs when a pod changes its address.
        let Some((local, _)) = name.split_once('@') else { return Ok(None) };
        let row = snapshot.first("a person who signs in", by_name(columns), &[local, local, "", ""]).await?;
        Ok(row.and_then(|row| read(&row, &self.host)).filter(|person| person.account == name))
    }

    /// Returns the people with these row numbers (`users.id`), without those that do not exist.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn by_rows(&self, user_ids: &[i64]) -> Result<Vec<SignIn>, DatabaseError> {
        let mut snapshot = Snapshot::open(&self.database).await?;
        let columns = self.columns.get_or_try_init(|| crate::pod::schema::columns(&mut snapshot)).await?;
        let mut people = Vec::with_capacity(user_ids.len());
        for chunk in user_ids.chunks(CHUNK_PEOPLE) {
            let rows = snapshot.rows("accounts", by_rows(columns, chunk), &[]).await?;
            people.extend(rows.iter().filter_map(|row| read(row, &self.host)));
        }
        Ok(people)
    }
}
