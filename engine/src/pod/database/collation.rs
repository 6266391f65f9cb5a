//! Texts that the pod's database treats as equal.

use std::collections::HashMap;

use super::columns::Collation;
use super::{DatabaseError, PodWriter};
use crate::sql::Value;

impl PodWriter {
    /// Returns the texts that a column's collation treats as equal to an earlier one in the list, each with the first
    /// such text.
    ///
    /// # Errors
    /// [`DatabaseError::Statement`].
    pub(crate) async fn collation_duplicates(
        &mut self,
        table: &'static str,
        column: &str,
        texts: &[String],
    ) -> Result<HashMap<String, String>, DatabaseError> {
        let keys = self.collation_keys(table, column, texts).await?;
        let (mut first_by_key, mut duplicates) = (HashMap::<String, &String>::new(), HashMap::new());
        for (key, text) in keys.into_iter().zip(texts) {
            let first = *first_by_key.entry(key).or_insert(text);
            if first != text {
                duplicates.insert(text.clone(), first.clone());
            }
        }
        Ok(duplicates)
    }

    /// Returns the sort key of each text: the same for texts that a column's collation treats as equal.
    ///
    /// # Errors
    /// [`DatabaseError::Statement`].
    pub(crate) async fn collation_keys(
        &mut self,
        table: &'static str,
        column: &str,
        texts: &[String],
    ) -> Result<Vec<String>, DatabaseError> {
        /// Number of texts per statement.
        const CHUNK: usize = 100;
        let columns = self.columns().await?;
        let Some(collation) = columns.collation(table, column) else { return Ok(texts.to_vec()) };
        let text = if collation.ignores_trailing_spaces() { "TRIM(TRAILING ' ' FROM ?)" } else { "?" };
        let Collation { character_set, name } = collation;
        let key = format!("HEX(WEIGHT_STRING(CONVERT({text} USING {character_set}) COLLATE {name}))");
        let mut keys = Vec::with_capacity(texts.len());
        for chunk in texts.chunks(CHUNK) {
            let list: Vec<String> = (0..chunk.len()).map(|number| format!("{key} AS k{number}")).collect();
            let sql = format!("SELECT {}", list.join(", "));
            let values: Vec<Value<'_>> = chunk.iter().map(|text| text.as_str().into()).collect();
            let rows = self.rows(table, sql, &values).await?;
            let key = |number| {
                rows.first().and_then(|row| row.text(format!("k{number}").as_str())).unwrap_or_default()
            };
            keys.extend((0..chunk.len()).map(key));
        }
        Ok(keys)
    }
}
