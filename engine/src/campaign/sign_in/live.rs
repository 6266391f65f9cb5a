//! One person's sign-in data, read from the pod itself.

use std::collections::HashSet;

use tokio::sync::OnceCell;

use crate::campaign::sign_in::copy::{SignIn, normal};
use crate::campaign::sign_in::rows::{by_name, by_rows, read};
use crate::pod::config::PodConfig;
use crate::pod::database::{DatabaseError, Snapshot};
use crate::sql::DatabaseUrl;

/// The most people in one statement.
const CHUNK: usize = 1000;

/// The users of a pod whose database is available.
#[derive(Debug)]
pub struct LiveSignIn {
    database: DatabaseUrl,
    host: String,
    /// They do not change while a pod is in use.
    columns: OnceCell<HashSet<String>>,
}

impl LiveSignIn {
    /// The users of a pod; nothing is read yet.
    pub fn new(pod: &PodConfig) -> Self {
        Self { database: pod.database.clone(), host: pod.url.diaspora_host(), columns: OnceCell::new() }
    }

    /// Returns the person with this username, e-mail address or diaspora* ID, as they type it; none when there is
    /// none. Nothing is written to the pod.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn find(&self, name: &str) -> Result<Option<SignIn>, DatabaseError> {
        let (typed, name) = (name.trim(), normal(name));
        // No text in a database contains NUL.
        if name.is_empty() || name.contains('\0') {
            return Ok(None);
        }
        let mut snapshot = Snapshot::open(&self.database).await?;
        let columns = self.columns.get_or_try_init(|| crate::pod::schema::columns(&mut snapshot)).await?;
        let local = name.strip_suffix(&format!("@{}", self.host)).unwrap_or(&name);
        let sql = by_name(columns);
        // diaspora* stores lowercase names; names stored in another way are found as they are.
        let row = snapshot.first("a person who signs in", sql, &[local, typed, &name, typed]).await?;
        if let Some(person) = row.and_then(|row| read(&row, &self.host)) {
            return Ok(Some(person));
        }
        // On a pod that has changed its address, people keep their IDs.
        let Some((local, _)) = name.split_once('@') else { return Ok(None) };
        let row = snapshot.first("a person who signs in", by_name(columns), &[local, local, "", ""]).await?;
        Ok(row.and_then(|row| read(&row, &self.host)).filter(|person| person.account == name))
    }

    /// Returns the people with these row numbers, as far as they exist.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn by_rows(&self, user_ids: &[i64]) -> Result<Vec<SignIn>, DatabaseError> {
        let mut snapshot = Snapshot::open(&self.database).await?;
        let columns = self.columns.get_or_try_init(|| crate::pod::schema::columns(&mut snapshot)).await?;
        let mut people = Vec::with_capacity(user_ids.len());
        for chunk in user_ids.chunks(CHUNK) {
            let rows = snapshot.rows("accounts", by_rows(columns, chunk), &[]).await?;
            people.extend(rows.iter().filter_map(|row| read(row, &self.host)));
        }
        Ok(people)
    }
}
