//! Other people's relayables on the account's posts, each under the name whose key signed it.

use std::collections::{HashMap, HashSet};

use futures_util::TryStreamExt as _;

use super::contacts::ContactBook;
use super::migrations::Migrations;
use super::notes::identifier;
use super::notes::{Notes, Problem};
use super::relayables::{COMMENTS, Found, KINDS, Kind, LIKES, VOTES};
use super::signers::{Job, SignatureId, SignatureMemory, Signers};
use super::source::{Scope, Statement, Whose};
use super::{AccountReader, PAGE, ReadError, Sink};
use crate::archive::manifest::CountKind;
use crate::domain::{NonContactAuthor, OmissionCode, PublicKey, RecordKind, Relayable};
use crate::pod::database::{Cell as _, Row};

pub(super) const STATEMENTS: &[&Statement] =
    &[&TOOK_PART, OTHERS[0], OTHERS[1], OTHERS[2], &LIKES_ON_COMMENTS];

/// Other people's, in the order of [`KINDS`].
const OTHERS: [&Statement; 3] = [
    &Statement { what: "other people's comments", whose: Whose::Person, sql: |scope| COMMENTS.others(scope) },
    &Statement { what: "other people's likes", whose: Whose::Person, sql: |scope| LIKES.others(scope) },
    &Statement { what: "other people's votes", whose: Whose::Person, sql: |scope| VOTES.others(scope) },
];

/// `people.id` of everybody who commented, liked or voted.
pub(super) const TOOK_PART: Statement = Statement {
    what: "the people who took part",
    whose: Whose::Person,
    sql: |scope| {
        let posts = scope.of("p.author_id");
        let parts = KINDS.iter().map(|Kind { table, parents, .. }| {
            format!(
                "SELECT r.author_id, p.author_id FROM {table} r {parents} \
                 WHERE {posts} AND r.author_id <> p.author_id UNION "
            )
        });
        format!(
            "{}SELECT r.author_id, x.account FROM likes r {} WHERE r.author_id <> x.account",
            parts.collect::<String>(),
            likes_on_comments(scope)
        )
    },
};

const LIKES_ON_COMMENTS: Statement = Statement {
    what: "other people's likes of comments",
    whose: Whose::Person,
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
        scope.of("c.author_id"),
        scope.of("o.author_id")
    )
}

/// Somebody's name and public key as the pod's tables have them.
#[derive(Clone)]
pub(super) struct PersonKey {
    pub(super) person: i64,
    id: Option<String>,
    guid: Option<String>,
    public_key: String,
}

impl PersonKey {
    /// Reads row number, diaspora* ID, GUID and key.
    pub(super) fn new(row: &Row) -> Option<Self> {
        let public_key = row.text(3).unwrap_or_default();
        Some(Self { person: row.integer(0)?, id: row.text(1), guid: row.text(2), public_key })
    }
}

/// Everything about other people's relayables that is gathered once for an account.
pub struct OthersRelayables {
    migrations: Migrations,
    signers: Signers,
    /// `people.id` of everybody who took part, and of everybody they were before they moved here: a
    /// signature may be by any of these keys.
    authors: HashSet<i64>,
    unsigned: Vec<Relayable>,
}

impl OthersRelayables {
    /// Relayables without a usable signature, for `extras.json`.
    pub fn take_unsigned(&mut self) -> Vec<Relayable> {
        std::mem::take(&mut self.unsigned)
    }

    /// Finds the signature of each record, or makes it, and says why it cannot be had.
    async fn sign_all(
        &mut self,
        found: Vec<Found>,
        memory: &mut impl SignatureMemory,
    ) -> Vec<(i64, Relayable, Option<Problem>)> {
        let mut bare = Vec::new();
        let mut records: Vec<(i64, Relayable, Option<Problem>)> = Vec::with_capacity(found.len());
        for found in found {
            let (row, author, signature) = (found.row, found.author_row, found.signature);
            let orderless = signature.is_some() && found.order.is_none();
            let mut relayable = Relayable::new(found.entity, found.order);
            let mut problem = None;
            if let Some(signature) = signature {
                self.name_whose_key_signed(author, &mut relayable, &signature);
                relayable.entity.set_author_signature(Some(signature));
                if orderless {
                    let reason = "the order of its signed values is gone; it is kept in extras.json";
                    problem = Some(Problem::new(OmissionCode::NoSignatureOrder, reason));
                }
            } else {
                bare.push((records.len(), author));
            }
            records.push((row, relayable, problem));
        }
        self.recall_signatures(&mut records, &mut bare, memory).await;
        self.make_signatures(&mut records, bare, memory).await;
        records
    }

    /// Puts in the signatures that an earlier export made. What is left in `bare`, positions and authors, has none.
    async fn recall_signatures(
        &mut self,
        records: &mut [(i64, Relayable, Option<Problem>)],
        bare: &mut Vec<(usize, i64)>,
        memory: &mut impl SignatureMemory,
    ) {
        let mut wanted = HashMap::new();
        for (position, author) in bare.iter() {
            let (_, relayable, _) = &mut records[*position];
            let name = relayable.entity.author().clone();
            let holder = self.chain(*author).into_iter().find(|person| self.signers.has_key(*person));
            if let Some(holder) = holder
                && self.name(holder, *author, relayable)
                && let Some(id) = self.signers.signature_id(holder, &relayable.signed_text())
            {
                wanted.insert(*position, (id, name));
            } else {
                relayable.entity.set_author(name);
            }
        }
        let ids: Vec<SignatureId> = wanted.values().map(|(id, _)| *id).collect();
        let known = if ids.is_empty() { HashMap::new() } else { memory.recall(&ids).await };
        bare.retain(|(position, _)| {
            let Some((id, name)) = wanted.remove(position) else { return true };
            let (_, relayable, _) = &mut records[*position];
            match known.get(&id) {
                Some(signature) => relayable.entity.set_author_signature(Some(signature.clone())),
                None => relayable.entity.set_author(name),
            }
            !known.contains_key(&id)
        });
    }

    /// Signs what has no signature, as far as the keys are here.
    async fn make_signatures(
        &mut self,
        records: &mut [(i64, Relayable, Option<Problem>)],
        bare: Vec<(usize, i64)>,
        memory: &mut impl SignatureMemory,
    ) {
        let mut jobs = Vec::new();
        let mut waiting = Vec::new();
        for (position, author) in bare {
            let (_, relayable, problem) = &mut records[position];
            let signer = self.chain(author).into_iter().find(|person| self.signers.can_sign(*person));
            match signer {
                Some(signer) if self.name(signer, author, relayable) => {
                    jobs.push(Job { person: signer, text: relayable.signed_text() });
                    waiting.push(position);
                }
                _ => *problem = Some(unsigned()),
            }
        }
        for (position, signature) in waiting.into_iter().zip(self.signers.sign(&jobs, memory).await) {
            let (_, relayable, problem) = &mut records[position];
            if signature.is_none() {
                *problem = Some(unsigned());
            }
            relayable.entity.set_author_signature(signature);
        }
    }

    /// diaspora* stores the new name of an author who has moved beside the signature of the old one. The
    /// record must carry the name whose key made the signature, or nobody can check it.
    fn name_whose_key_signed(&self, author: i64, relayable: &mut Relayable, signature: &str) {
        let earlier = self.migrations.earlier(author);
        if earlier.is_empty() {
            return;
        }
        let newest = relayable.entity.author().clone();
        for person in std::iter::once(author).chain(earlier) {
            let Some(identity) = self.migrations.identity(person) else { continue };
            relayable.entity.set_author(identity.id.clone());
            let text = relayable.signed_text();
            if identity.key.as_ref().is_some_and(|key| key.verifies_base64(text.as_bytes(), signature)) {
                return;
            }
        }
        relayable.entity.set_author(newest);
    }

    /// Who may hold the key to a record: the author, or who the author was before moving away.
    fn chain(&self, author: i64) -> Vec<i64> {
        std::iter::once(author).chain(self.migrations.earlier(author)).collect()
    }

    /// Puts the name of who signs into the record, if it is not the author's anyway.
    fn name(&self, signer: i64, author: i64, relayable: &mut Relayable) -> bool {
        if signer == author {
            return true;
        }
        let Some(identity) = self.migrations.identity(signer) else { return false };
        relayable.entity.set_author(identity.id.clone());
        true
    }
}

fn unsigned() -> Problem {
    let reason = "the pod has neither a signature nor the author's private key; it is kept in extras.json";
    Problem::new(OmissionCode::NoSignature, reason)
}

impl AccountReader<'_> {
    /// Gathers who took part in the account's posts, where they moved from, and the keys to sign for them.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn prepare_others(&mut self) -> Result<OthersRelayables, ReadError> {
        let mut authors = HashSet::new();
        let mut rows = self.source.stream(&TOOK_PART, &self.account);
        while let Some(row) = rows.try_next().await? {
            authors.extend(row.integer(0));
        }
        drop(rows);
        let migrations = Migrations::read(&mut self.source, &authors).await?;
        // diaspora* stores no signature for what its own people write here.
        let mut local: Vec<i64> = authors.iter().copied().chain(migrations.earlier_local(&authors)).collect();
        local.sort_unstable();
        local.dedup();
        let keys = self.source.private_keys(&local).await?;
        let earlier: Vec<i64> = authors.iter().flat_map(|author| migrations.earlier(*author)).collect();
        authors.extend(earlier);
        Ok(OthersRelayables { migrations, signers: Signers::new(keys), authors, unsigned: Vec::new() })
    }

    /// Other people's comments on, likes of and votes in the account's posts.
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

    /// Other people's likes on the account's comments and on comments under its posts, for `extras.json`.
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
            let last = row.is_none();
            if let Some(row) = row {
                match Found::read(kind, &row) {
                    Ok(found) => page.push(found),
                    Err(problem) => notes.omit(problem, kind.record, row.integer(0), row.text(1)),
                }
            }
            if last || page.len() == PAGE {
                for (row, relayable, problem) in others.sign_all(std::mem::take(&mut page), memory).await {
                    let Some(problem) = problem else {
                        notes.count(count);
                        sink.put(relayable).await?;
                        continue;
                    };
                    keep_unsigned(others, notes, kind.record, row, relayable, problem);
                }
            }
            if last {
                return Ok(());
            }
        }
    }

    /// Names and keys of everybody who signed something in the archive and is no contact.
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
            match author(&person) {
                Ok(author) => {
                    notes.count(CountKind::NonContactAuthors);
                    sink.put(author).await?;
                }
                Err(problem) => notes.omit(problem, RecordKind::Person, Some(person.person), person.id),
            }
        }
        Ok(())
    }
}

fn author(person: &PersonKey) -> Result<NonContactAuthor, Problem> {
    let PersonKey { id, guid, public_key, .. } = person;
    PublicKey::from_pem(public_key).map_err(|error| {
        Problem::new(OmissionCode::UnreadableKey, format!("the person's public key cannot be used: {error}"))
    })?;
    let account_id = identifier(id.clone(), "diaspora* ID")?;
    let public_key = public_key.clone();
    Ok(NonContactAuthor { account_id, guid: Some(identifier(guid.clone(), "GUID")?), public_key })
}

fn keep_unsigned(
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
