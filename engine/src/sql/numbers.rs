//! Whole numbers from columns of any type. Pods that were changed by hand have unsigned and decimal columns, and
//! databases compute decimals from mixed types.

use sqlx::mysql::MySqlRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, TypeInfo as _, ValueRef as _};

/// The number of 16-bit words of a `numeric` before its digits: their count, the weight of the first digit, the sign
/// and the scale.
const NUMERIC_HEAD_WORDS: usize = 4;
/// The base of a `numeric`'s digits.
const NUMERIC_BASE: i64 = 10_000;

/// Reads a number from PostgreSQL.
pub(super) fn of_postgres(row: &PgRow, column: usize) -> Option<i64> {
    let value = row.try_get_raw(column).ok()?;
    match value.type_info().name() {
        "INT8" => row.try_get::<i64, _>(column).ok(),
        "INT4" => row.try_get::<i32, _>(column).ok().map(i64::from),
        "INT2" => row.try_get::<i16, _>(column).ok().map(i64::from),
        "BOOL" => row.try_get::<bool, _>(column).ok().map(i64::from),
        "FLOAT4" => row.try_get::<f32, _>(column).ok().and_then(|value| digits(&value.to_string())),
        "FLOAT8" => row.try_get::<f64, _>(column).ok().and_then(|value| digits(&value.to_string())),
        "NUMERIC" => numeric(value.as_bytes().ok()?),
        "TEXT" | "VARCHAR" | "BPCHAR" | "CHAR" => {
            digits(row.try_get_unchecked::<Option<&str>, _>(column).ok()??)
        }
        _ => None,
    }
}

/// Reads a number from MariaDB or MySQL.
pub(super) fn of_mysql(row: &MySqlRow, column: usize) -> Option<i64> {
    let value = row.try_get_raw(column).ok().filter(|value| !value.is_null())?;
    match value.type_info().name() {
        "FLOAT" | "DOUBLE" => {
            row.try_get_unchecked::<f64, _>(column).ok().and_then(|value| digits(&value.to_string()))
        }
        "BIT" => row.try_get_unchecked::<u64, _>(column).ok()?.try_into().ok(),
        name if name.ends_with("UNSIGNED") => row.try_get_unchecked::<u64, _>(column).ok()?.try_into().ok(),
        name if name.contains("INT") || matches!(name, "BOOLEAN" | "YEAR") => {
            row.try_get_unchecked::<i64, _>(column).ok()
        }
        // Decimals are sent as text.
        _ => digits(str::from_utf8(row.try_get_unchecked(column).ok()?).ok()?),
    }
}

/// Reads a number from SQLite, whose columns can contain values of any type.
pub(super) fn of_sqlite(row: &SqliteRow, column: usize) -> Option<i64> {
    let value = row.try_get_raw(column).ok().filter(|value| !value.is_null())?;
    match value.type_info().name() {
        "REAL" => row.try_get_unchecked::<f64, _>(column).ok().and_then(|value| digits(&value.to_string())),
        "TEXT" | "BLOB" => digits(str::from_utf8(row.try_get_unchecked(column).ok()?).ok()?),
        _ => row.try_get_unchecked::<i64, _>(column).ok(),
    }
}

/// Parses a whole number. A fraction may only consist of zeros.
fn digits(text: &str) -> Option<i64> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    fraction.bytes().all(|digit| digit == b'0').then(|| whole.parse().ok()).flatten()
}

/// Decodes PostgreSQL's `numeric`; `None` if it is not a whole number or too large.
fn numeric(bytes: &[u8]) -> Option<i64> {
    let word = |index: usize| {
        let word = bytes.get(index * 2..index * 2 + 2)?;
        Some(i16::from_be_bytes(word.try_into().ok()?))
    };
    let (count, weight, sign) = (usize::try_from(word(0)?).ok()?, word(1)?, word(2)?);
    let whole = usize::try_from(i32::from(weight) + 1).unwrap_or(0);
    let mut value = 0_i64;
    for index in 0..whole.max(count) {
        let digit = if index < count { i64::from(word(NUMERIC_HEAD_WORDS + index)?) } else { 0 };
        if index < whole {
            value = value.checked_mul(NUMERIC_BASE)?.checked_add(digit)?;
        } else if digit != 0 {
            return None;
        }
    }
    match sign {
        0 => Some(value),
        0x4000 => Some(-value),
        // Not a number, or infinity.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_are_read() {
        for (text, number) in [
            ("12", Some(12)),
            ("-7.000", Some(-7)),
            ("0.0", Some(0)),
            (" 5 ", Some(5)),
            ("9.5", None),
            ("", None),
            ("x", None),
            ("NaN", None),
        ] {
            assert_eq!(digits(text), number, "{text}");
        }
        let bytes = |words: &[u16]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
        let cases: [(&[u16], Option<i64>); 8] = [
            (&[0, 0, 0, 0], Some(0)),
            (&[1, 0, 0, 0, 12], Some(12)),
            (&[2, 1, 0x4000, 0, 1, 2], Some(-10_002)),
            (&[1, 1, 0, 0, 3], Some(30_000)),
            (&[2, 0, 0, 1, 9, 5000], None),
            (&[0, 0, 0xC000, 0], None),
            (&[1, 40, 0, 0, 1], None),
            (&[1], None),
        ];
        for (words, number) in cases {
            assert_eq!(numeric(&bytes(words)), number, "{words:?}");
        }
    }
}
