//! The source of an account's rows: the database itself, or rows read ahead for many accounts.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use super::account::AccountRow;
use super::ahead::ReadAhead;
use super::others::PersonKey;
use super::signing::migrations::Moves;
use super::{PAGE, ReadError};
use crate::domain::{PodAddress, PrivateKey};
use crate::pod::database::{DatabaseError, Snapshot};
use crate::sql::{Row, id_list};

/// The row ID that a statement selects by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnerKey {
    /// `users.id`
    User,
    /// `people.id`
    Person,
}

/// A part of an account: one statement, for one account or for many.
///
/// Its column `account_row` is the account's row ID, which assigns rows to accounts; no other column depends on the
/// number of accounts.
pub(super) struct Statement {
    /// Name for errors, unique among statements.
    pub(super) name: &'static str,
    pub(super) owner: OwnerKey,
    pub(super) sql: fn(&Scope<'_>) -> String,
}

/// Row IDs greater than `after`, up to and including `up_to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) after: i64,
    pub(super) up_to: i64,
}

/// The rows that a statement selects.
pub(super) struct Scope<'a> {
    /// Accounts, by user or by person as the statement requires.
    accounts: &'a [i64],
    /// Part of a large account.
    range: Option<Range>,
}

impl<'a> Scope<'a> {
    pub(super) fn all_of(accounts: &'a [i64]) -> Self {
        Self { accounts, range: None }
    }

    /// Builds the condition that this column names one of the accounts.
    pub(super) fn condition(&self, column: &str) -> String {
        match self.accounts {
            [one] => format!("{column} = {one}"),
            many => format!("{column} IN ({})", id_list(many)),
        }
    }

    /// Adds the condition that another column is in the requested range.
    pub(super) fn range_condition(&self, column: &str, range_column: &str) -> String {
        let condition = self.condition(column);
        match self.range {
            Some(Range { after, up_to }) => {
                format!("{condition} AND {range_column} > {after} AND {range_column} <= {up_to}")
            }
            None => condition,
        }
    }
}

/// The rows of one account after another.
pub(super) struct Source<'a> {
    pub(super) snapshot: &'a mut Snapshot,
    pub(super) ahead: Option<&'a mut ReadAhead>,
}

impl Source<'_> {
    /// Returns whether the account's rows are already in memory, so that ranges are pointless.
    pub(super) fn is_read_ahead(&self) -> bool {
        self.ahead.is_some()
    }

    /// Streams an account's rows.
    pub(super) fn stream<'s>(
        &'s mut self,
        statement: &'static Statement,
        account: &AccountRow,
    ) -> BoxStream<'s, Result<Row, DatabaseError>> {
        self.stream_range(statement, account, None)
    }

    /// Streams an account's rows within a range.
    pub(super) fn stream_range<'s>(
        &'s mut self,
        statement: &'static Statement,
        account: &AccountRow,
        range: Option<Range>,
    ) -> BoxStream<'s, Result<Row, DatabaseError>> {
        let id = match statement.owner {
            OwnerKey::User => account.user_id,
            OwnerKey::Person => account.person_id,
        };
        if let Some(ahead) = &mut self.ahead {
            return stream::iter(ahead.take(statement, id).into_iter().map(Ok)).boxed();
        }
        let sql = (statement.sql)(&Scope { accounts: &[id], range });
        self.snapshot.stream(statement.name, sql, &[])
    }

    /// Returns all of an account's rows, for few rows only.
    pub(super) async fn rows(
        &mut self,
        statement: &'static Statement,
        account: &AccountRow,
    ) -> Result<Vec<Row>, DatabaseError> {
        self.stream(statement, account).try_collect().await
    }

    /// Returns an account's rows within a range.
    pub(super) async fn rows_range(
        &mut self,
        statement: &'static Statement,
        account: &AccountRow,
        range: Option<Range>,
    ) -> Result<Vec<Row>, DatabaseError> {
        self.stream_range(statement, account, range).try_collect().await
    }

    /// Returns the first of an account's rows.
    pub(super) async fn first(
        &mut self,
        statement: &'static Statement,
        account: &AccountRow,
    ) -> Result<Option<Row>, DatabaseError> {
        Ok(self.rows(statement, account).await?.into_iter().next())
    }

    /// Returns the base addresses, without trailing slashes, of all pods in the database.
    pub(super) async fn pods(&mut self) -> Result<Arc<HashMap<i64, PodAddress>>, DatabaseError> {
        match &self.ahead {
            Some(ReadAhead { network: Some(network), .. }) => Ok(Arc::clone(&network.pods)),
            _ => pod_addresses(self.snapshot).await,
        }
    }

    /// Returns the earlier identities of everyone who has moved.
    pub(super) async fn moves(&mut self) -> Result<Arc<Moves>, ReadError> {
        match &self.ahead {
            Some(ReadAhead { network: Some(network), .. }) => Ok(Arc::clone(&network.moves)),
            _ => Moves::read(self.snapshot).await,
        }
    }

    /// Returns the private keys of those people who are, or were, on this pod.
    pub(super) async fn private_keys(
        &mut self,
        people: &[i64],
    ) -> Result<HashMap<i64, PrivateKey>, ReadError> {
        if let Some(ahead) = &self.ahead {
            let key_of = |person: &i64| Some((*person, ahead.private_keys.get(person)?.clone()));
            return Ok(people.iter().filter_map(key_of).collect());
        }
        private_keys(self.snapshot, people).await
    }

    /// Returns people's IDs, public keys and names, in the order of `people`, which must be ascending.
    pub(super) async fn person_keys(&mut self, people: &[i64]) -> Result<Vec<Arc<PersonKey>>, ReadError> {
        if let Some(ahead) = &self.ahead {
            return Ok(people.iter().filter_map(|person| ahead.people.get(person).cloned()).collect());
        }
        person_keys(self.snapshot, people).await
    }
}

pub(super) async fn pod_addresses(
    snapshot: &mut Snapshot,
) -> Result<Arc<HashMap<i64, PodAddress>>, DatabaseError> {
    let sql = "SELECT id, host, \"ssl\", port FROM pods".to_owned();
    let rows = snapshot.rows("the list of pods", sql, &[]).await?;
    let pods = rows
        .iter()
        .filter_map(|row| {
            let scheme = if row.boolean("ssl").unwrap_or(false) { "https" } else { "http" };
            // diaspora* stores -1, in older versions NULL, for the default port.
            let port = row.integer("port").filter(|port| *port > 0).map(|port| format!(":{port}"));
            let address = format!("{scheme}://{}{}", row.text("host")?, port.unwrap_or_default());
            Some((row.integer("id")?, address.into()))
        })
        .collect();
    Ok(Arc::new(pods))
}

pub(super) async fn private_keys(
    snapshot: &mut Snapshot,
    people: &[i64],
) -> Result<HashMap<i64, PrivateKey>, ReadError> {
    let mut keys = HashMap::new();
    for chunk in people.chunks(PAGE) {
        let sql = format!(
            "SELECT a.id, u.serialized_private_key FROM people a JOIN users u ON u.id = a.owner_id \
             WHERE a.id IN ({})",
            id_list(chunk)
        );
        for row in snapshot.rows("the signing keys", sql, &[]).await? {
            if let (Some(person), Some(pem)) =
                (row.integer("id"), row.non_empty_text("serialized_private_key"))
            {
                keys.insert(person, PrivateKey::from_pem(pem));
            }
        }
    }
    Ok(keys)
}

pub(super) async fn person_keys(
    snapshot: &mut Snapshot,
    people: &[i64],
) -> Result<Vec<Arc<PersonKey>>, ReadError> {
    let mut keys = Vec::with_capacity(people.len());
    for chunk in people.chunks(PAGE) {
        let sql = format!(
            "SELECT a.id, a.diaspora_handle, a.guid, a.serialized_public_key, f.first_name, f.last_name \
             FROM people a LEFT JOIN profiles f ON f.person_id = a.id WHERE a.id IN ({}) ORDER BY a.id, f.id",
            id_list(chunk)
        );
        let rows = snapshot.rows("the keys of other authors", sql, &[]).await?;
        keys.extend(rows.iter().filter_map(PersonKey::new).map(Arc::new));
    }
    // A person may have a second profile.
    keys.dedup_by_key(|key| key.person);
    Ok(keys)
}
