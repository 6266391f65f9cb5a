//! Reading many small accounts at once.
//!
//! An account takes some forty statements, most of which return no rows for most accounts of an old pod. For a whole
//! pod, each statement is sent once for many accounts, and the rows stay in memory until their account is read.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::TryStreamExt as _;

use super::account::{self, AccountRow};
use super::notes::normalized_id;
use super::others::{LIKES_ON_COMMENTS, PersonKey};
use super::posts::{ByPost, Reply};
use super::relayables::OWN;
use super::signing::migrations::Moves;
use super::source::{OwnerKey, Scope, Statement, person_keys, pod_addresses, private_keys};
use super::{ReadError, contacts, conversations, extras, others, post_parts, posts, relayables};
use crate::domain::{PodAddress, PrivateKey};
use crate::pod::config::PodUrl;
use crate::pod::database::Snapshot;
use crate::sql::{Row, id_list};

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

/// The most people that stay in memory from one batch to the next; each takes some 1.5 kB.
const MAX_PEOPLE: usize = 10_000;

/// What a row takes in memory besides its values, in bytes.
const ROW_OVERHEAD: usize = 400;

/// The rows of many accounts.
///
/// All of them are in memory, up to a limit.
pub struct ReadAhead {
    /// The most bytes of rows.
    limit: usize,
    bytes: usize,
    accounts: HashMap<i64, Row>,
    rows: HashMap<(&'static str, i64), Vec<Row>>,
    /// Read with the first accounts.
    pub(super) network: Option<Network>,
    pub(super) private_keys: HashMap<i64, PrivateKey>,
    pub(super) people: HashMap<i64, Arc<PersonKey>>,
}

/// Data that all accounts share.
pub(super) struct Network {
    pub(super) pods: Arc<HashMap<i64, PodAddress>>,
    pub(super) moves: Arc<Moves>,
    /// False on most pods older than 0.8. Checked once, since the database may have to scan all likes.
    has_likes_on_comments: bool,
}

impl Network {
    async fn read(snapshot: &mut Snapshot) -> Result<Self, ReadError> {
        let sql = "SELECT 1 FROM likes WHERE target_type = 'Comment' LIMIT 1".to_owned();
        Ok(Self {
            pods: pod_addresses(snapshot).await?,
            moves: Moves::read(snapshot).await?,
            has_likes_on_comments: snapshot.first("likes on comments", sql, &[]).await?.is_some(),
        })
    }
}

impl ReadAhead {
    /// Creates one that keeps rows of at most this many bytes in memory.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            bytes: 0,
            accounts: HashMap::new(),
            rows: HashMap::new(),
            network: None,
            private_keys: HashMap::new(),
            people: HashMap::new(),
        }
    }

    /// Reads these accounts (`users.id`) in place of earlier ones; always from the same snapshot. Unknown IDs are
    /// skipped. Returns false if they do not fit: none is in memory then, and each has to be read by itself.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn read(&mut self, snapshot: &mut Snapshot, users: &[i64]) -> Result<bool, ReadError> {
        self.clear();
        let network = match self.network.take() {
            Some(network) => network,
            None => Network::read(snapshot).await?,
        };
        let network = self.network.insert(network);
        let (moves, has_likes_on_comments) = (Arc::clone(&network.moves), network.has_likes_on_comments);
        let sql = format!("{} WHERE u.id IN ({}) ORDER BY p.id", account::ACCOUNT, id_list(users));
        let rows = snapshot.rows("the accounts", sql, &[]).await?;
        let persons: Vec<i64> = rows.iter().filter_map(|row| row.integer("person_id")).collect();
        for row in rows {
            if let Some(user) = row.integer("user_id") {
                self.accounts.entry(user).or_insert(row);
            }
        }
        for statements in &STATEMENTS {
            for statement in *statements {
                let owners = if statement.owner == OwnerKey::User { users } else { &persons };
                let has_no_rows = statement.name == LIKES_ON_COMMENTS.name && !has_likes_on_comments;
                if owners.is_empty() || has_no_rows {
                    continue;
                }
                self.read_statement(snapshot, statement, owners).await?;
                if self.bytes > self.limit {
                    self.clear();
                    return Ok(false);
                }
            }
        }
        self.read_people(snapshot, &moves, persons).await?;
        Ok(true)
    }

    fn clear(&mut self) {
        self.accounts.clear();
        self.rows.clear();
        self.bytes = 0;
    }

    /// Reads the accounts' rows of a statement, until the limit is exceeded.
    async fn read_statement(
        &mut self,
        snapshot: &mut Snapshot,
        statement: &'static Statement,
        accounts: &[i64],
    ) -> Result<(), ReadError> {
        let sql = (statement.sql)(&Scope::all_of(accounts));
        let mut rows = snapshot.stream(statement.name, sql, &[]);
        while let Some(row) = rows.try_next().await? {
            self.bytes += ROW_OVERHEAD + row.size();
            if self.bytes > self.limit {
                break;
            }
            if let Some(account) = row.integer("account_row") {
                self.rows.entry((statement.name, account)).or_default().push(row);
            }
        }
        Ok(())
    }

    /// Reads the names and keys of everyone active on the accounts' posts, of their earlier identities, and of the
    /// accounts themselves. Also reads the private keys of the people whose relayables lack a signature.
    async fn read_people(
        &mut self,
        snapshot: &mut Snapshot,
        moves: &Moves,
        persons: Vec<i64>,
    ) -> Result<(), ReadError> {
        let (mut people, mut unsigned) = (HashSet::new(), HashSet::new());
        for row in persons.iter().flat_map(|person| self.others_relayables(*person)) {
            let Some(author) = row.integer("author_id") else { continue };
            people.insert(author);
            if row.non_empty_text("author_signature").is_none() {
                unsigned.insert(author);
            }
        }
        let with_earlier_identities = |people: HashSet<i64>| {
            let earlier: Vec<i64> =
                people.iter().flat_map(|person| moves.earlier_identities(*person)).collect();
            let mut people: Vec<i64> = people.into_iter().chain(earlier).collect();
            people.sort_unstable();
            people.dedup();
            people
        };
        self.private_keys = private_keys(snapshot, &with_earlier_identities(unsigned)).await?;
        people.extend(persons);
        if self.people.len() > MAX_PEOPLE {
            self.people.clear();
        }
        let mut missing = with_earlier_identities(people);
        missing.retain(|person| !self.people.contains_key(person));
        let keys = person_keys(snapshot, &missing).await?;
        self.people.extend(keys.into_iter().map(|key| (key.person, key)));
        Ok(())
    }

    fn rows(&self, statement: &'static Statement, account: i64) -> &[Row] {
        self.rows.get(&(statement.name, account)).map_or(&[], Vec::as_slice)
    }

    /// Returns other people's relayables on an account's posts and comments.
    fn others_relayables(&self, account: i64) -> impl Iterator<Item = &Row> {
        others::STATEMENTS.iter().flat_map(move |statement| self.rows(statement, account))
    }

    /// Returns the `people.id` of everyone active on an account's posts.
    pub(super) fn active_people(&self, account: i64) -> HashSet<i64> {
        self.others_relayables(account).filter_map(|row| row.integer("author_id")).collect()
    }

    /// Returns the comments under an account's posts, oldest first.
    pub(super) fn replies(&self, account: i64) -> ByPost<Vec<Reply>> {
        let own_comments = self.rows(OWN[0], account).iter();
        let own_comments = own_comments.filter(|row| row.integer("post_author_id") == Some(account));
        let mut rows: Vec<&Row> = self.rows(others::OTHERS[0], account).iter().chain(own_comments).collect();
        rows.sort_by_key(|row| row.integer("id"));
        let mut replies: ByPost<Vec<Reply>> = ByPost::new();
        for row in rows {
            let Some(post) = row.integer("post_id") else { continue };
            let author = row.integer("author_id").and_then(|person| self.people.get(&person));
            replies.entry(post).or_default().push(Reply {
                author_id: normalized_id(&row.text("author").unwrap_or_default()),
                author_name: author.map(|author| author.name.clone()).unwrap_or_default(),
                created_at: row.time("created_at"),
                text: row.text("text").unwrap_or_default(),
            });
        }
        replies
    }

    /// Takes an account's rows of a statement; a second call returns none.
    pub(super) fn take(&mut self, statement: &'static Statement, account: i64) -> Vec<Row> {
        self.rows.remove(&(statement.name, account)).unwrap_or_default()
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
    fn every_statement_has_a_unique_name_and_an_account_column() {
        let mut names = HashSet::new();
        for statement in STATEMENTS.iter().copied().flatten() {
            assert!(names.insert(statement.name), "{}", statement.name);
            let sql = (statement.sql)(&Scope::all_of(&[5, 7]));
            assert!(sql.contains("IN (5,7)") && sql.contains("AS account_row"), "{sql}");
            assert!((statement.sql)(&Scope::all_of(&[5])).contains("= 5"));
        }
    }
}
