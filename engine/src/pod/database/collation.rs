//! Texts that the pod's database treats as equal.

use std::collections::HashMap;

use super::columns::Collation;
use super::{DatabaseError, PodWriter};
use crate::sql::Value;

impl PodWriter {
    /// Finds texts that a column's collation treats as equal: maps each to the first equal text, if that is another.
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
        let (mut first, mut others) = (HashMap::<String, &String>::new(), HashMap::new());
        for (key, text) in keys.into_iter().zip(texts) {
            let same = *first.entry(key).or_insert(text);
            if same != text {
                others.insert(text.clone(), same.clone());
            }
        }
        Ok(others)
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
        /// Texts per statement.
        const CHUNK: usize = 100;
        let columns = self.columns().await?;
        let Some(folding) = columns.folding(table, column) else { return Ok(texts.to_vec()) };
        let text = if folding.pads() { "TRIM(TRAILING ' ' FROM ?)" } else { "?" };
        let Collation { set, collation } = folding;
        let key = format!("HEX(WEIGHT_STRING(CONVERT({text} USING {set}) COLLATE {collation}))");
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
