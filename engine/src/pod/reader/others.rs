//! Other people's relayables on the account's posts.

use std::collections::HashSet;

use futures_util::TryStreamExt as _;

use super::contacts::{ContactBook, display_name};
use super::notes::{Notes, Problem, identifier, normalized_id, person_id};
use super::relayables::{COMMENTS, KINDS, Kind, LIKES, RelayableRow, VOTES};
use super::signing::migrations::Migrations;
use super::signing::signatures::SignedRecord;
use super::signing::signers::{SignatureMemory, Signers};
use super::source::{OwnerKey, Scope, Statement};
use super::{AccountReader, PAGE, ReadError, Sink};
use crate::domain::{CountKind, NonContactAuthor, OmissionCode, PublicKey, RecordKind, Relayable, SignedAs};
use crate::sql::Row;

pub(super) const STATEMENTS: &[&Statement] = &[OTHERS[0], OTHERS[1], OTHERS[2], &LIKES_ON_COMMENTS];

/// Statements for other people's relayables, in the order of [`KINDS`].
pub(super) const OTHERS: [&Statement; 3] = [
    &Statement {
        name: "other people's comments",
        owner: OwnerKey::Person,
        sql: |scope| COMMENTS.others(scope),
    },
    &Statement { name: "other people's likes", owner: OwnerKey::Person, sql: |scope| LIKES.others(scope) },
    &Statement { name: "other people's votes", owner: OwnerKey::Person, sql: |scope| VOTES.others(scope) },
];

/// Reads the `people.id` of everyone who commented, liked or voted. Used only when an account is read by itself; rows
/// read ahead contain them.
const PARTICIPANTS: Statement = Statement {
    name: "the participants",
    owner: OwnerKey::Person,
    sql: |scope| {
        let posts = scope.condition("p.author_id");
        let parts = KINDS.iter().map(|Kind { table, parents, .. }| {
            let table = table.name();
            format!(
                "SELECT r.author_id, p.author_id AS account_row FROM {table} r {parents} \
                 WHERE {posts} AND r.author_id <> p.author_id UNION "
            )
        });
        format!(
            "{}SELECT r.author_id, x.account AS account_row FROM likes r {} WHERE r.author_id <> x.account",
            parts.collect::<String>(),
            likes_on_comments(scope)
        )
    },
};

pub(super) const LIKES_ON_COMMENTS: Statement = Statement {
    name: "other people's likes on comments",
    owner: OwnerKey::Person,
    sql: |scope| LIKES.select(&likes_on_comments(scope), "r.author_id <> x.account", "x.account"),
};

/// Joins the likes `r` on a comment by the account, or on a comment under one of its posts.
fn likes_on_comments(scope: &Scope<'_>) -> String {
    format!(
        "JOIN (SELECT l.id AS liking, c.author_id AS account FROM likes l JOIN comments c ON c.id = l.target_id \
         AND l.target_type = 'Comment' WHERE {} \
         UNION SELECT l.id, o.author_id FROM likes l JOIN comments c ON c.id = l.target_id \
         AND l.target_type = 'Comment' JOIN posts o ON o.id = c.commentable_id AND c.commentable_type = 'Post' \
         WHERE {}) x ON x.liking = r.id",
        scope.condition("c.author_id"),
        scope.condition("o.author_id")
    )
}

/// A person's ID, GUID, public key and display name from the pod's tables.
pub(super) struct PersonKey {
    pub(super) person: i64,
    id: Option<String>,
    pub(super) name: String,
    /// The person as a signer, or the reason the person cannot be one. Checked once: parsing a key takes longer than
    /// reading the row, and many accounts list the same person.
    author: Result<NonContactAuthor, Problem>,
}

impl PersonKey {
    /// Reads a row of [`person_keys`](super::source::person_keys).
    pub(super) fn new(row: &Row) -> Option<Self> {
        let (person, id) = (row.integer("id")?, row.text("diaspora_handle"));
        let shown = normalized_id(id.as_deref().unwrap_or_default());
        let name = display_name(row.text("first_name"), row.text("last_name"), &shown);
        let author =
            author(id.clone(), row.text("guid"), row.text("serialized_public_key").unwrap_or_default());
        Some(Self { person, id, name, author })
    }
}

/// Data about other people's relayables that is read once per account.
pub struct OthersRelayables {
    pub(super) migrations: Migrations,
    pub(super) signers: Signers,
    /// `people.id` of all authors and of their earlier identities: any of these keys may have signed.
    authors: HashSet<i64>,
    unsigned: Vec<Relayable>,
    signed_as: Vec<SignedAs>,
}

impl OthersRelayables {
    /// Takes the relayables without a usable signature, for `extras.json`.
    pub fn take_unsigned(&mut self) -> Vec<Relayable> {
        std::mem::take(&mut self.unsigned)
    }

    /// Takes the relayables read so far whose authors signed them before moving, for `extras.json`.
    pub fn take_signed_as(&mut self) -> Vec<SignedAs> {
        std::mem::take(&mut self.signed_as)
    }
}

impl AccountReader<'_> {
    /// Reads the authors active on the account's posts, their earlier identities, and the keys to sign for them.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn prepare_others(&mut self) -> Result<OthersRelayables, ReadError> {
        let mut authors = self.active_people().await?;
        let migrations = Migrations::read(&mut self.source, &authors).await?;
        // diaspora* stores no signatures of its own users' relayables on local posts.
        let mut local: Vec<i64> =
            authors.iter().copied().chain(migrations.earlier_local_identities(&authors)).collect();
        local.sort_unstable();
        local.dedup();
        let keys = self.source.private_keys(&local).await?;
        let earlier: Vec<i64> =
            authors.iter().flat_map(|author| migrations.earlier_identities(*author)).collect();
        authors.extend(earlier);
        let signers = Signers::new(keys);
        Ok(OthersRelayables { migrations, signers, authors, unsigned: Vec::new(), signed_as: Vec::new() })
    }

    /// Reads the `people.id` of everyone active on the account's posts.
    async fn active_people(&mut self) -> Result<HashSet<i64>, ReadError> {
        if let Some(ahead) = &self.source.ahead {
            return Ok(ahead.active_people(self.account.person_id));
        }
        let mut authors = HashSet::new();
        let mut rows = self.source.stream(&PARTICIPANTS, &self.account);
        while let Some(row) = rows.try_next().await? {
            authors.extend(row.integer("author_id"));
        }
        Ok(authors)
    }

    /// Reads other people's comments, likes and votes on the account's posts.
    ///
    /// # Errors
    /// The database's failure, or [`ReadError::Stopped`].
    pub async fn others_relayables(
        &mut self,
        others: &mut OthersRelayables,
        memory: &mut impl SignatureMemory,
        sink: &mut impl Sink<Relayable>,
    ) -> Result<(), ReadError> {
        for (kind, statement) in KINDS.into_iter().zip(OTHERS) {
            self.signed_relayables(kind, kind.others, statement, others, memory, sink).await?;
        }
        Ok(())
    }

    /// Reads other people's likes on the account's comments and on comments under its posts, for `extras.json`.
    ///
    /// # Errors
    /// The database's failure, or [`ReadError::Stopped`].
    pub async fn likes_on_comments(
        &mut self,
        others: &mut OthersRelayables,
        memory: &mut impl SignatureMemory,
        sink: &mut impl Sink<Relayable>,
    ) -> Result<(), ReadError> {
        let statement = &LIKES_ON_COMMENTS;
        self.signed_relayables(&LIKES, CountKind::LikesOnComments, statement, others, memory, sink).await
    }

    async fn signed_relayables(
        &mut self,
        kind: &'static Kind,
        count: CountKind,
        statement: &'static Statement,
        others: &mut OthersRelayables,
        memory: &mut impl SignatureMemory,
        sink: &mut impl Sink<Relayable>,
    ) -> Result<(), ReadError> {
        let Self { source, account, notes, .. } = self;
        let mut rows = source.stream(statement, account);
        let mut page = Vec::with_capacity(PAGE);
        loop {
            let row = rows.try_next().await?;
            let is_last = row.is_none();
            if let Some(row) = row {
                page.extend(notes.record(kind.record, (&row, "id", "guid"), |replacements| {
                    RelayableRow::read(kind, account, &row, replacements)
                }));
            }
            if is_last || page.len() == PAGE {
                for signed in others.sign_all(std::mem::take(&mut page), memory).await {
                    let SignedRecord { row, relayable, signed_as, problem } = signed;
                    if let Some(signed_as) = signed_as {
                        let guid = relayable.entity.guid().clone();
                        others.signed_as.push(SignedAs { guid, signed_as });
                    }
                    let Some(problem) = problem else {
                        notes.count(count);
                        sink.put(relayable).await?;
                        continue;
                    };
                    add_unsigned(others, notes, kind.record, row, relayable, problem);
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Reads IDs and keys of all signers in the archive who are not contacts.
    ///
    /// # Errors
    /// The database's failure, or [`ReadError::Stopped`].
    pub async fn non_contact_authors(
        &mut self,
        others: &OthersRelayables,
        book: &ContactBook,
        sink: &mut impl Sink<NonContactAuthor>,
    ) -> Result<(), ReadError> {
        let Self { source, notes, .. } = self;
        let mut people: Vec<i64> = others.authors.difference(&book.people).copied().collect();
        people.sort_unstable();
        for person in source.person_keys(&people).await? {
            match &person.author {
                Ok(author) => {
                    notes.count(CountKind::NonContactAuthors);
                    if author.guid.is_none() {
                        let reason = "the person's key is exported without the GUID, which cannot be used";
                        let problem = Problem::new(OmissionCode::InvalidIdentifier, reason);
                        let name = Some(author.account_id.to_string());
                        notes.omit(problem, RecordKind::Person, Some(person.person), name);
                    }
                    sink.put(author.clone()).await?;
                }
                Err(problem) => {
                    let (row, id) = (Some(person.person), person.id.clone());
                    notes.omit(problem.clone(), RecordKind::Person, row, id);
                }
            }
        }
        Ok(())
    }
}

fn author(id: Option<String>, guid: Option<String>, public_key: String) -> Result<NonContactAuthor, Problem> {
    PublicKey::from_pem(&public_key).map_err(|error| {
        Problem::new(OmissionCode::UnreadableKey, format!("the person's public key cannot be used: {error}"))
    })?;
    let (account_id, guid) = (person_id(id, "diaspora* ID")?, identifier(guid, "GUID").ok());
    Ok(NonContactAuthor { account_id, guid, public_key })
}

fn add_unsigned(
    others: &mut OthersRelayables,
    notes: &mut Notes,
    kind: RecordKind,
    row: i64,
    relayable: Relayable,
    problem: Problem,
) {
    notes.count(CountKind::UnsignedRelayables);
    notes.omit(problem, kind, Some(row), Some(relayable.entity.guid().to_string()));
    others.unsigned.push(relayable);
}
