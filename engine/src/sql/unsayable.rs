//! Times and dates in a database that the protocol cannot represent: infinity, years BC or after 9999, and day 0.
//!
//! PostgreSQL has infinite times and years from 4713 BC to 294276; MySQL and MariaDB have zero and partial dates,
//! unless their `sql_mode` forbids them; SQLite stores any text.

use chrono::NaiveDate;

use super::row::POSTGRES_EPOCH_DAYS;
use crate::domain::Timestamp;

/// The maximum length of a quotation from a text, in characters.
const MAX_QUOTED_CHARS: usize = 40;

/// A value of a time or date column that is not in the years 1 to 9999.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnrepresentableTime {
    /// A description of the value, for people.
    pub description: String,
    /// The start of the day, month or year, if known.
    pub start: Option<Timestamp>,
}

impl UnrepresentableTime {
    fn new(description: impl Into<String>) -> Self {
        Self { description: description.into(), start: None }
    }
}

/// Reads PostgreSQL's binary form: eight bytes of microseconds or four of days, since 2000-01-01.
pub(super) fn of_postgres(bytes: &[u8]) -> UnrepresentableTime {
    const DAY_MICROS: i64 = 86_400_000_000;
    let time = <[u8; 8]>::try_from(bytes).map(i64::from_be_bytes);
    let date = <[u8; 4]>::try_from(bytes).map(i32::from_be_bytes);
    let days = match (time, date) {
        (Ok(i64::MAX), _) | (_, Ok(i32::MAX)) => return UnrepresentableTime::new("infinity"),
        (Ok(i64::MIN), _) | (_, Ok(i32::MIN)) => return UnrepresentableTime::new("-infinity"),
        (Ok(micros), _) => micros.div_euclid(DAY_MICROS),
        (_, Ok(days)) => i64::from(days),
        _ => return UnrepresentableTime::new("bytes that are not a time"),
    };
    UnrepresentableTime::new(year_in_words(days + POSTGRES_EPOCH_DAYS))
}

/// Describes the year of a day, counted from 1970-01-01.
fn year_in_words(days: i64) -> String {
    // The calendar repeats every 400 years; chrono's range is smaller than PostgreSQL's.
    const CYCLE_DAYS: i64 = 146_097;
    let day = chrono::DateTime::from_timestamp(days.rem_euclid(CYCLE_DAYS) * 86_400, 0);
    let year_in_cycle = day.map_or(1970, |day| i64::from(chrono::Datelike::year(&day)));
    match year_in_cycle + days.div_euclid(CYCLE_DAYS) * 400 {
        year @ ..=0 => format!("a day of the year {} BC", 1 - year),
        year => format!("a day of the year {year}"),
    }
}

/// Reads MySQL's binary form: a length, then year (two bytes), month, day, hour, minute and second up to the last
/// nonzero part.
pub(super) fn of_mysql(bytes: &[u8]) -> UnrepresentableTime {
    let byte = |index: usize| bytes.get(index).copied().unwrap_or(0);
    let year = u16::from_le_bytes([byte(1), byte(2)]);
    let (month, day) = (byte(3), byte(4));
    let description = match bytes {
        [0 | 7.., ..] => {
            let (hour, minute, second) = (byte(5), byte(6), byte(7));
            format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
        }
        _ => format!("{year:04}-{month:02}-{day:02}"),
    };
    UnrepresentableTime { description, start: start_of(i32::from(year), month.into(), day.into()) }
}

/// Reads a text, SQLite's form of times.
pub(super) fn of_text(text: &str) -> UnrepresentableTime {
    let mut numbers = text.get(..10).unwrap_or_default().split('-').map(|part| part.parse::<u32>().ok());
    let mut next = || numbers.next().flatten();
    let start = match (next(), next(), next()) {
        (Some(year), Some(month), Some(day)) => {
            i32::try_from(year).ok().and_then(|year| start_of(year, month, day))
        }
        _ => None,
    };
    UnrepresentableTime { description: quoted(text), start }
}

/// Quotes the beginning of a text.
pub(super) fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(MAX_QUOTED_CHARS).collect::<String>())
}

/// Returns the start of the known part of a date: of the day, the month or the year.
fn start_of(year: i32, month: u32, day: u32) -> Option<Timestamp> {
    let year = Some(year).filter(|year| (1..=9999).contains(year))?;
    let day = NaiveDate::from_ymd_opt(year, month, day)
        .or_else(|| NaiveDate::from_ymd_opt(year, month, 1))
        .or_else(|| NaiveDate::from_ymd_opt(year, 1, 1))?;
    day.and_hms_opt(0, 0, 0).map(Timestamp::from_utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start_text(time: &UnrepresentableTime) -> Option<String> {
        time.start.map(|time| time.to_string())
    }

    #[test]
    fn postgresql_has_infinity_and_far_years() {
        let micros = |days: i64| of_postgres(&(days * 86_400_000_000).to_be_bytes()).description;
        assert_eq!(of_postgres(&i64::MAX.to_be_bytes()).description, "infinity");
        assert_eq!(of_postgres(&i32::MIN.to_be_bytes()).description, "-infinity");
        // 0044-03-15 BC and 12020-01-01, in days since 2000-01-01.
        assert_eq!(micros(-746_128), "a day of the year 44 BC");
        assert_eq!(micros(3_659_839), "a day of the year 12020");
        assert_eq!(of_postgres(&(-730_485_i32).to_be_bytes()).description, "a day of the year 1 BC");
        assert_eq!(micros(106_751_982), "a day of the year 294276");
        assert_eq!(of_postgres(b"?").description, "bytes that are not a time");
    }

    #[test]
    fn mysql_has_zero_and_partial_dates() {
        let zero = of_mysql(&[0]);
        assert_eq!((zero.description.as_str(), start_text(&zero)), ("0000-00-00 00:00:00", None));
        let partial = of_mysql(&[7, 0xe4, 0x07, 0, 0, 12, 30, 1]);
        assert_eq!(partial.description, "2020-00-00 12:30:01");
        assert_eq!(start_text(&partial).unwrap(), "2020-01-01T00:00:00Z");
        let partial = of_mysql(&[4, 0xe4, 0x07, 5, 0]);
        assert_eq!(partial.description, "2020-05-00");
        assert_eq!(start_text(&partial).unwrap(), "2020-05-01T00:00:00Z");
        assert_eq!(start_text(&of_mysql(&[4, 0xe4, 0x07, 2, 31])).unwrap(), "2020-02-01T00:00:00Z");
    }

    #[test]
    fn sqlite_has_any_text() {
        let text = of_text("some time in May");
        assert_eq!((text.description.as_str(), start_text(&text)), ("\"some time in May\"", None));
        assert_eq!(start_text(&of_text("2019-07-00 10:00:00")).unwrap(), "2019-07-01T00:00:00Z");
        assert_eq!(start_text(&of_text("0000-00-00 00:00:00")), None);
        assert!(of_text(&"🌼".repeat(99)).description.chars().count() < 45);
    }
}
