//! Rows of the store.

use std::str::FromStr;

use sqlx::{Decode, Postgres, Sqlite, Type};

use super::StoreError;
use crate::sql::Row;

/// A type that a column of either database can be read as: `i64`, `String`, `Vec<u8>` and the `Option` of each.
pub trait Column<'r>: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres> {}

impl<'r, T> Column<'r> for T where T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{}

/// A row of the store. Pappus wrote it, so a value that cannot be read is an error.
pub struct StoreRow(pub(super) Row);

impl StoreRow {
    /// Returns the value of a column.
    ///
    /// # Errors
    /// [`StoreError::Column`] if the column does not exist or has a value of another type.
    pub fn get<'r, T: Column<'r>>(&'r self, column: &str) -> Result<T, StoreError> {
        self.0.strict(column).map_err(|reason| StoreError::Column { column: column.to_owned(), reason })
    }

    /// Returns the value of a column that contains the name of one of a type's variants.
    ///
    /// # Errors
    /// [`StoreError::Column`] if the column does not exist or has a value of another type.
    pub fn named<T: FromStr>(&self, column: &str) -> Result<T, StoreError> {
        let name: String = self.get(column)?;
        let unknown =
            |_| StoreError::Column { column: column.to_owned(), reason: format!("{name:?} is unknown") };
        name.parse().map_err(unknown)
    }
}
