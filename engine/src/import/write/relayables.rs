//! The rows of comments, likes and votes, and of their signatures.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::domain::{Relayable, RelayableEntity, Timestamp};
use crate::import::ImportError;
use crate::import::apply::BatchRows;
use crate::import::decide::relayables::{NewRelayable, RelayableRows, keeps_signature};
use crate::import::scan::text::{mentions, tags};
use crate::import::target::{Planned, PlannedRow, Target};
use crate::pod::database::OnConflict;
use crate::pod::tables::RelayableTable;
use crate::sql::Value;

impl BatchRows for RelayableRows<'_> {
    fn remember(&self, planned: &mut Planned) {
        for new in &self.new {
            if let RelayableEntity::Comment(comment) = &new.record.entity {
                let row = PlannedRow { number: planned.next_number(), is_own: true };
                planned.comments.insert(comment.guid.clone(), row);
            }
        }
    }

    async fn write(&self, target: &mut Target) -> Result<(), ImportError> {
        for table in RelayableTable::ALL {
            let unsigned = self.unsigned.iter().filter(|(row_table, ..)| *row_table == table);
            let signed: Vec<(i64, &Relayable)> = unsigned.map(|(_, id, record)| (*id, record)).collect();
            target.write_signatures(table, &signed).await?;
            let adopted = self.adopted.iter().filter(|(row_table, _)| *row_table == table);
            let adopted: Vec<i64> = adopted.map(|(_, id)| *id).collect();
            target.adopt(table.name(), self.account, &adopted).await?;
            let new = self.new.iter().filter(|new| RelayableTable::of(&new.record.entity) == table);
            self.write_new(target, table, &new.collect::<Vec<_>>()).await?;
        }
        Ok(())
    }
}

impl RelayableRows<'_> {
    async fn write_new(
        &self,
        target: &mut Target,
        table: RelayableTable,
        records: &[&NewRelayable],
    ) -> Result<(), ImportError> {
        if records.is_empty() {
            return Ok(());
        }
        let now = target.now;
        let rows = records.iter().map(|new| row(new, now)).collect();
        let columns: &[&str] = match table {
            RelayableTable::Comments => &[
                "guid",
                "author_id",
                "commentable_id",
                "commentable_type",
                "text",
                "created_at",
                "updated_at",
            ],
            RelayableTable::Likes => {
                &["guid", "author_id", "target_id", "target_type", "positive", "created_at", "updated_at"]
            }
            RelayableTable::PollParticipations => {
                &["guid", "author_id", "poll_id", "poll_answer_id", "created_at", "updated_at"]
            }
        };
        target.pod.insert(table.name(), columns, rows, OnConflict::Fail).await?;
        let guids: Vec<&str> = records.iter().map(|new| new.record.entity.guid().as_str()).collect();
        let ids = target.ids(table.name(), &guids).await?;
        let records: Vec<(i64, &Relayable)> = records
            .iter()
            .filter_map(|new| Some((*ids.get(new.record.entity.guid().as_str())?, &new.record)))
            .collect();
        let is_kept = |record: &Relayable| keeps_signature(self.people, &record.entity, None);
        let signed: Vec<(i64, &Relayable)> =
            records.iter().filter(|(_, record)| is_kept(record)).copied().collect();
        target.write_signatures(table, &signed).await?;
        let texts = || {
            records.iter().filter_map(|(id, record)| match &record.entity {
                RelayableEntity::Comment(comment) => Some((*id, comment.text.as_str())),
                _ => None,
            })
        };
        let tagged: Vec<(i64, Vec<String>)> = texts().map(|(id, text)| (id, tags(text))).collect();
        target.write_tags("Comment", &tagged).await?;
        let mentioned = texts().map(|(id, text)| (id, mentions(text))).collect();
        target.write_mentions("Comment", self.people, mentioned).await
    }
}

impl Target {
    async fn write_signatures(
        &mut self,
        table: RelayableTable,
        records: &[(i64, &Relayable)],
    ) -> Result<(), ImportError> {
        let signed: Vec<&(i64, &Relayable)> =
            records.iter().filter(|(_, record)| record.entity.author_signature().is_some()).collect();
        if signed.is_empty() {
            return Ok(());
        }
        let mut orders: Vec<String> =
            signed.iter().map(|(_, record)| record.property_order.join(" ")).collect();
        orders.sort_unstable();
        orders.dedup();
        let rows = orders.iter().map(|order| vec![Value::from(order.as_str())]).collect();
        self.pod.insert("signature_orders", &["order"], rows, OnConflict::Ignore).await?;
        let sql = "SELECT \"order\", id FROM signature_orders WHERE \"order\" IN ({})";
        let orders: HashMap<String, i64> = self
            .pod
            .rows_in("signature orders", sql, &orders)
            .await?
            .iter()
            .filter_map(|row| Some((row.text("order")?, row.integer("id")?)))
            .collect();
        let rows = signed
            .iter()
            .filter_map(|(id, record)| {
                let entity = &record.entity;
                Some(vec![
                    (*id).into(),
                    entity.author_signature()?.into(),
                    (*orders.get(&record.property_order.join(" "))?).into(),
                    additional_data(entity).into(),
                ])
            })
            .collect();
        let (signatures, key) = (table.signatures(), table.signature_key());
        let columns = [key, "author_signature", "signature_order_id", "additional_data"];
        self.pod.insert(signatures, &columns, rows, OnConflict::Ignore).await?;
        Ok(())
    }
}

/// Returns the row of a new record; likes and votes get the time `now`.
fn row(new: &NewRelayable, now: Timestamp) -> Vec<Value<'_>> {
    let guid: Value<'_> = new.record.entity.guid().as_str().into();
    let (author, parent, class): (Value<'_>, Value<'_>, Value<'_>) = (
        new.referenced_rows.author.into(),
        new.referenced_rows.parent.id.into(),
        new.referenced_rows.class.into(),
    );
    match &new.record.entity {
        RelayableEntity::Comment(comment) => vec![
            guid,
            author,
            parent,
            class,
            comment.text.as_str().into(),
            comment.created_at.into(),
            comment.created_at.into(),
        ],
        RelayableEntity::Like(like) => {
            vec![guid, author, parent, class, like.positive.into(), now.into(), now.into()]
        }
        RelayableEntity::PollParticipation(_) => {
            vec![guid, author, parent, new.referenced_rows.answer.into(), now.into(), now.into()]
        }
    }
}

/// Returns the signed values that have no column, as the YAML hash that Rails reads. `edited_at` is a timestamp there.
pub(in crate::import) fn additional_data(entity: &RelayableEntity) -> Option<String> {
    let mut yaml = String::new();
    let mut line = |name: &str, value: &str| _ = writeln!(yaml, "{name}: {value}");
    if let RelayableEntity::Comment(comment) = entity
        && let Some(edited) = &comment.edited_at
    {
        match chrono::NaiveDateTime::parse_from_str(edited, "%Y-%m-%d %H:%M:%S UTC")
            .or_else(|_| chrono::NaiveDateTime::parse_from_str(edited, "%Y-%m-%dT%H:%M:%SZ"))
        {
            Ok(time) => line("edited_at", &time.format("%Y-%m-%d %H:%M:%S.000000000 Z").to_string()),
            Err(_) => line("edited_at", &quoted(edited)),
        }
    }
    for (name, value) in entity.additional() {
        let text = match value {
            serde_json::Value::Null => continue,
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        line(&quoted(name), &quoted(&text));
    }
    (!yaml.is_empty()).then(|| format!("---\n{yaml}"))
}

/// Quotes a text for YAML. Ruby's parser rejects some characters and takes others for line ends (YAML 1.1), so
/// everything that is not plainly printable is escaped.
fn quoted(text: &str) -> String {
    let mut yaml = String::with_capacity(text.len() + 2);
    yaml.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => yaml.extend(['\\', c]),
            ' '..='\u{7E}'
            | '\u{A0}'..='\u{2027}'
            | '\u{202A}'..='\u{D7FF}'
            | '\u{E000}'..='\u{FEFE}'
            | '\u{FF00}'..='\u{FFFD}'
            | '\u{10000}'.. => yaml.push(c),
            c => _ = write!(yaml, "\\u{:04X}", u32::from(c)),
        }
    }
    yaml.push('"');
    yaml
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn ruby_reads_what_is_quoted() {
        assert_eq!(quoted("a\"b\\ü🎉"), "\"a\\\"b\\\\ü🎉\"");
        assert_eq!(quoted("\n\u{7F}\u{85}\u{2028}\u{FEFF}"), r#""\u000A\u007F\u0085\u2028\uFEFF""#);
    }
}
