//! Comments, likes and votes: the account's own, and the conversion of their rows.

use std::borrow::Cow;

use futures_util::TryStreamExt as _;
use serde_json::Map;

use super::notes::{Problem, identifier};
use super::source::{OwnerKey, Scope, Statement};
use super::stand_ins::Replacements;
use super::{AccountReader, AccountRow, ReadError, Sink, yaml};
use crate::domain::{
    Comment, CountKind, Like, OmissionCode, PollParticipation, RecordKind, Relayable, RelayableEntity,
    property_name,
};
use crate::pod::tables::RelayableTable;
use crate::sql::Row;

/// A kind of relayable and its tables.
pub(super) struct Kind {
    pub(super) record: RecordKind,
    pub(super) own: CountKind,
    pub(super) others: CountKind,
    pub(super) table: RelayableTable,
    /// Joins from the record `r` to its parent; the post is `p`.
    pub(super) parents: &'static str,
    /// Column of the parent's GUID.
    parent_guid: &'static str,
    /// Columns that only this kind has.
    values: &'static str,
}

pub(super) const STATEMENTS: &[&Statement] = OWN;

/// Statements for the account's own relayables, in the order of [`KINDS`].
pub(super) const OWN: &[&Statement] = &[
    &Statement {
        name: "the account's own comments",
        owner: OwnerKey::Person,
        sql: |scope| COMMENTS.own(scope),
    },
    &Statement { name: "the account's own likes", owner: OwnerKey::Person, sql: |scope| LIKES.own(scope) },
    &Statement { name: "the account's own votes", owner: OwnerKey::Person, sql: |scope| VOTES.own(scope) },
];

/// All kinds, in the order of the archive document.
pub(super) const KINDS: [&Kind; 3] = [&COMMENTS, &LIKES, &VOTES];

pub(super) const COMMENTS: Kind = Kind {
    record: RecordKind::Comment,
    own: CountKind::OwnComments,
    others: CountKind::OthersComments,
    table: RelayableTable::Comments,
    parents: "LEFT JOIN posts p ON p.id = r.commentable_id AND r.commentable_type = 'Post'",
    parent_guid: "p.guid",
    values: "r.text, r.created_at",
};

pub(super) const LIKES: Kind = Kind {
    record: RecordKind::Like,
    own: CountKind::OwnLikes,
    others: CountKind::OthersLikes,
    table: RelayableTable::Likes,
    parents: "LEFT JOIN posts p ON p.id = r.target_id AND r.target_type = 'Post' \
              LEFT JOIN comments t ON t.id = CASE WHEN r.target_type = 'Comment' THEN r.target_id END",
    parent_guid: "COALESCE(p.guid, t.guid)",
    values: "r.target_type, r.positive",
};

pub(super) const VOTES: Kind = Kind {
    record: RecordKind::PollParticipation,
    own: CountKind::OwnPollParticipations,
    others: CountKind::OthersPollParticipations,
    table: RelayableTable::PollParticipations,
    parents: "LEFT JOIN polls q ON q.id = r.poll_id LEFT JOIN posts p ON p.id = q.status_message_id \
              LEFT JOIN poll_answers w ON w.id = r.poll_answer_id",
    parent_guid: "q.guid",
    values: "w.guid AS answer_guid",
};

impl Kind {
    fn own(&self, scope: &Scope<'_>) -> String {
        self.select("", &scope.condition("r.author_id"), "r.author_id")
    }

    /// Selects other people's records under the account's posts.
    pub(super) fn others(&self, scope: &Scope<'_>) -> String {
        let condition = format!("{} AND r.author_id <> p.author_id", scope.condition("p.author_id"));
        self.select("", &condition, "p.author_id")
    }

    /// Selects the records that meet a condition, in order of row ID.
    ///
    /// `account` is the column that identifies the account; `join` is an additional join.
    pub(super) fn select(&self, join: &str, condition: &str, account: &str) -> String {
        let Self { parents, parent_guid, values, .. } = self;
        let (table, signatures) = (self.table.name(), self.table.signatures());
        let signature_key = self.table.signature_key();
        format!(
            "SELECT r.id, r.guid, {parent_guid} AS parent_guid, r.author_id, a.diaspora_handle AS author, \
             s.author_signature, so.\"order\" AS signature_order, s.additional_data, {values}, p.id AS post_id, \
             p.author_id AS post_author_id, {account} AS account_row FROM {table} r {parents} {join} \
             LEFT JOIN people a ON a.id = r.author_id LEFT JOIN {signatures} s ON s.{signature_key} = r.id \
             LEFT JOIN signature_orders so ON so.id = s.signature_order_id WHERE {condition} ORDER BY r.id"
        )
    }
}

/// A relayable from the database, with its signature and signing order still separate.
pub(super) struct RelayableRow {
    pub(super) row: i64,
    pub(super) author_row: i64,
    pub(super) entity: RelayableEntity,
    /// True when the author's diaspora* ID was normalized; a stored signature may be of the ID as the pod stores it.
    pub(super) author_normalized: bool,
    pub(super) signature: Option<String>,
    pub(super) order: Option<Vec<Cow<'static, str>>>,
}

impl RelayableRow {
    /// Reads a row of [`Kind::select`].
    pub(super) fn read(
        kind: &'static Kind,
        account: &AccountRow,
        row: &Row,
        replacements: &mut Replacements,
    ) -> Result<Self, Problem> {
        if row.is_null("parent_guid") {
            let reason = "its parent is no longer in the pod's database";
            return Err(Problem::new(OmissionCode::MissingParent, reason));
        }
        if row.is_null("author") {
            let reason = "its author is not in the pod's database";
            return Err(Problem::new(OmissionCode::MissingPerson, reason));
        }
        let is_signed = |name: &Cow<'_, str>| matches!(name, Cow::Borrowed(_)) || !name.contains("signature");
        let order = row
            .non_empty_text("signature_order")
            .map(|order| order.split_whitespace().map(property_name).filter(is_signed).collect());
        let entity = entity(kind, account, row, replacements)?;
        Ok(Self {
            row: row.integer("id").unwrap_or_default(),
            author_row: row.integer("author_id").unwrap_or_default(),
            author_normalized: row.text("author").as_deref() != Some(entity.author().as_str()),
            entity,
            signature: row.non_empty_text("author_signature"),
            order,
        })
    }
}

fn entity(
    kind: &'static Kind,
    account: &AccountRow,
    row: &Row,
    replacements: &mut Replacements,
) -> Result<RelayableEntity, Problem> {
    let guid = identifier(row.text("guid"), "GUID")?;
    let parent_guid = identifier(row.text("parent_guid"), "parent's GUID")?;
    let author = account.person_id_of(row.text("author"), "author's diaspora* ID")?;
    let mut additional = match row.non_empty_text("additional_data") {
        None => Map::new(),
        Some(yaml) => yaml::additional_data(&yaml).ok_or_else(|| {
            let reason = "its additional signed values cannot be parsed";
            Problem::new(OmissionCode::UnreadableAdditionalData, reason)
        })?,
    };
    let author_signature = None;
    Ok(match kind.record {
        RecordKind::Comment => RelayableEntity::Comment(Comment {
            author,
            guid,
            parent_guid,
            author_signature,
            // diaspora* creates no comments without a text, and a stock pod's import aborts at them.
            text: row.non_empty_text("text").ok_or_else(|| Problem::missing("text"))?,
            created_at: replacements.time(row, "created_at"),
            edited_at: additional.shift_remove("edited_at").and_then(|at| at.as_str().map(str::to_owned)),
            additional,
        }),
        RecordKind::Like => RelayableEntity::Like(Like {
            author,
            guid,
            parent_guid,
            author_signature,
            parent_type: row.text("target_type").unwrap_or_default(),
            positive: replacements.flag(row, "positive", "positive", true),
            additional,
        }),
        _ => RelayableEntity::PollParticipation(PollParticipation {
            author,
            guid,
            parent_guid,
            author_signature,
            poll_answer_guid: identifier(row.text("answer_guid"), "answer's GUID")?,
            additional,
        }),
    })
}

impl AccountReader<'_> {
    /// Reads the account's own comments, likes and votes. Their signatures are omitted, as in diaspora*'s archives:
    /// the account's key can recreate them.
    ///
    /// # Errors
    /// The database's failure, or [`ReadError::Stopped`].
    pub async fn own_relayables(&mut self, sink: &mut impl Sink<Relayable>) -> Result<(), ReadError> {
        let Self { source, account, notes, .. } = self;
        for (kind, statement) in KINDS.into_iter().zip(OWN) {
            let mut rows = source.stream(statement, account);
            while let Some(row) = rows.try_next().await? {
                let record = notes.record(kind.record, (&row, "id", "guid"), |replacements| {
                    RelayableRow::read(kind, account, &row, replacements)
                });
                if let Some(row) = record {
                    notes.count(kind.own);
                    sink.put(Relayable::new(row.entity, row.order)).await?;
                }
            }
        }
        Ok(())
    }
}
