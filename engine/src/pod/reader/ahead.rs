//! Reading many small accounts at once.
//!
//! An account takes some forty statements, most of which return no rows for most accounts of an old pod. For a whole
//! pod, each statement is sent once for many accounts, and the rows stay in memory until their account is read.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::TryStreamExt as _;

use super::account::{self, AccountRow};
use super::others::{PARTICIPANTS, PersonKey};
use super::signing::migrations::{Moves, list};
use super::source::{Scope, Statement, Whose, person_keys, pod_addresses, private_keys};
use super::{ReadError, contacts, conversations, extras, others, post_parts, posts, relayables};
use crate::domain::PrivateKey;
use crate::pod::config::PodUrl;
use crate::pod::database::{Cell as _, Row, Snapshot};

/// All modules' statements; one that is missing here would return no rows for an account read ahead.
static STATEMENTS: [&[&Statement]; 8] = [
    account::STATEMENTS,
    contacts::STATEMENTS,
    posts::STATEMENTS,
    post_parts::STATEMENTS,
    relayables::STATEMENTS,
    others::STATEMENTS,
    extras::STATEMENTS,
    conversations::STATEMENTS,
];

/// The rows of many accounts.
///
/// All of them are in memory: limit the accounts to, say, ten thousand records in total.
pub struct ReadAhead {
    accounts: HashMap<i64, Row>,
    rows: HashMap<(&'static str, i64), Vec<Row>>,
    pub(super) pods: Arc<HashMap<i64, String>>,
    pub(super) moves: Arc<Moves>,
    pub(super) private_keys: HashMap<i64, PrivateKey>,
    pub(super) person_keys: HashMap<i64, PersonKey>,
}

impl ReadAhead {
    /// Reads these accounts (`users.id`). Unknown IDs are skipped.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn read(snapshot: &mut Snapshot, users: &[i64]) -> Result<Self, ReadError> {
        let sql = format!("{} WHERE u.id IN ({}) ORDER BY p.id", account::ACCOUNT, list(users));
        let rows = snapshot.rows("the accounts", sql, &[]).await?;
        let persons: Vec<i64> = rows.iter().filter_map(|row| row.integer(1)).collect();
        let mut accounts = HashMap::new();
        for row in rows {
            if let Some(user) = row.integer(0) {
                accounts.entry(user).or_insert(row);
            }
        }
        let mut ahead = Self {
            accounts,
            rows: HashMap::new(),
            pods: pod_addresses(snapshot).await?,
            moves: Moves::read(snapshot).await?,
            private_keys: HashMap::new(),
            person_keys: HashMap::new(),
        };
        for statements in &STATEMENTS {
            for statement in *statements {
                let whose = if statement.whose == Whose::User { users } else { &persons };
                if !whose.is_empty() {
                    ahead.read_statement(snapshot, statement, whose).await?;
                }
            }
        }
        ahead.read_keys(snapshot).await?;
        Ok(ahead)
    }

    async fn read_statement(
        &mut self,
        snapshot: &mut Snapshot,
        statement: &'static Statement,
        accounts: &[i64],
    ) -> Result<(), ReadError> {
        let sql = (statement.sql)(&Scope::all_of(accounts));
        let mut rows = snapshot.stream(statement.what, sql, &[]);
        while let Some(row) = rows.try_next().await? {
            if let Some(account) = row.width().checked_sub(1).and_then(|last| row.integer(last)) {
                self.rows.entry((statement.what, account)).or_default().push(row);
            }
        }
        Ok(())
    }

    /// Reads the keys of everyone active on the accounts' posts, and of their earlier identities.
    async fn read_keys(&mut self, snapshot: &mut Snapshot) -> Result<(), ReadError> {
        let took_part = self.rows.iter().filter(|((what, _), _)| *what == PARTICIPANTS.what);
        let mut people: HashSet<i64> =
            took_part.flat_map(|(_, rows)| rows.iter().filter_map(|row| row.integer(0))).collect();
        people.extend(people.iter().flat_map(|person| self.moves.earlier(*person)).collect::<Vec<_>>());
        let mut people: Vec<i64> = people.into_iter().collect();
        people.sort_unstable();
        self.private_keys = private_keys(snapshot, &people).await?;
        self.person_keys =
            person_keys(snapshot, &people).await?.into_iter().map(|key| (key.person, key)).collect();
        Ok(())
    }

    /// Takes an account's rows of a statement; a second call returns none.
    pub(super) fn take(&mut self, statement: &'static Statement, account: i64) -> Vec<Row> {
        self.rows.remove(&(statement.what, account)).unwrap_or_default()
    }

    pub(super) fn account(&self, user: i64, pod: &PodUrl) -> Result<AccountRow, ReadError> {
        let row = self.accounts.get(&user);
        let unknown = || ReadError::UnknownAccount { name: user.to_string() };
        account::read(row.ok_or_else(unknown)?, pod)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_has_a_name_of_its_own_and_tells_whose_its_rows_are() {
        let mut names = HashSet::new();
        for statement in STATEMENTS.iter().copied().flatten() {
            assert!(names.insert(statement.what), "{}", statement.what);
            let sql = (statement.sql)(&Scope::all_of(&[5, 7]));
            assert!(sql.contains("IN (5,7)"), "{sql}");
            assert!((statement.sql)(&Scope::all_of(&[5])).contains("= 5"));
        }
    }
}
