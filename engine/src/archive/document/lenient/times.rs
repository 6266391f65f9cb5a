//! Points in time in the formats of various programs.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::Value;

use crate::domain::Timestamp;

/// The last second of the year 9999, since 1970.
const MAX_SECONDS: u64 = 253_402_300_799;

/// Formats with an offset or a zone.
const ZONED: [&str; 5] = [
    "%Y-%m-%d %H:%M:%S%.f %#z",
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%a %b %d %H:%M:%S %#z %Y",
    "%Y/%m/%d %H:%M:%S %#z",
];
/// Formats without an offset or a zone, read as UTC.
const PLAIN: [&str; 6] = [
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%a %b %d %H:%M:%S %Y",
    "%Y/%m/%d %H:%M:%S",
];

/// Parses a point in time: in the network's format, as databases and Ruby print it, as in e-mails, or in seconds
/// or milliseconds since 1970. Returns `None` for anything else, and for years that no archive can be from.
pub(super) fn timestamp(value: &Value) -> Option<Timestamp> {
    let time = match value {
        Value::String(text) => from_text(text.trim()).or_else(|| from_digits(text.trim()))?,
        Value::Number(seconds) => {
            #[expect(clippy::cast_possible_truncation, reason = "fractions of seconds are dropped")]
            let whole_seconds =
                seconds.as_i64().or_else(|| seconds.as_f64().map(|seconds| seconds as i64))?;
            from_number(whole_seconds)?
        }
        _ => return None,
    };
    let time = Timestamp::from_utc(time);
    // Only times that the network's format can represent are accepted.
    time.to_string().parse().ok()
}

/// Parses seconds since 1970, or milliseconds, as JavaScript counts them: as seconds these were after the year 9999.
fn from_number(number: i64) -> Option<NaiveDateTime> {
    let seconds = if number.unsigned_abs() > MAX_SECONDS { number / 1000 } else { number };
    DateTime::from_timestamp(seconds, 0).map(|time| time.naive_utc())
}

/// Parses seconds or milliseconds in a text. Fewer digits may be a date, and other numbers of digits a date with a time.
fn from_digits(text: &str) -> Option<NaiveDateTime> {
    let is_number = matches!(text.len(), 9 | 10 | 13) && text.bytes().all(|digit| digit.is_ascii_digit());
    if is_number { from_number(text.parse().ok()?) } else { None }
}

fn from_text(text: &str) -> Option<NaiveDateTime> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.to_utc());
    }
    let utc = ["UTC", "GMT", "Z"].iter().find_map(|zone| text.strip_suffix(zone)).map_or(text, str::trim_end);
    let with_zone = || ZONED.iter().find_map(|form| DateTime::parse_from_str(text, form).ok());
    let without_zone = || PLAIN.iter().find_map(|form| NaiveDateTime::parse_from_str(utc, form).ok());
    let rfc_2822 = || DateTime::parse_from_rfc2822(text).ok();
    let day = || NaiveDate::parse_from_str(utc, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0));
    with_zone().or_else(rfc_2822).map(|time| time.naive_utc()).or_else(without_zone).or_else(day)
}

/// Parses a day, such as a birthday: `2000-02-29`, or a point in time on that day.
pub(super) fn day(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y"]
        .iter()
        .find_map(|form| NaiveDate::parse_from_str(text, form).ok())
        .or_else(|| from_text(text).map(|time| time.date()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_forms_of_one_time_are_parsed() {
        for form in [
            json!("2014-03-02T10:11:12Z"),
            json!(" 2014-03-02T10:11:12Z\n"),
            json!("2014-03-02T11:11:12+01:00"),
            json!("2014-03-02T11:11:12+0100"),
            json!("2014-03-02T10:11:12.987654Z"),
            json!("2014-03-02T10:11:12"),
            json!("2014-03-02 10:11:12 UTC"),
            json!("2014-03-02 10:11:12.5 UTC"),
            json!("2014-03-02 10:11:12"),
            json!("2014-03-02 10:11:12Z"),
            json!("2014-03-02 10:11:12 +0000"),
            json!("2014-03-02 10:11:12.000000 +0000"),
            json!("2014-03-02 11:11:12+01"),
            json!("Sun, 02 Mar 2014 10:11:12 GMT"),
            json!("Sun, 2 Mar 2014 11:11:12 +0100"),
            json!("Sun Mar 02 10:11:12 +0000 2014"),
            json!("2014/03/02 10:11:12 +0000"),
            json!(1_393_755_072),
            json!(1_393_755_072.9),
            json!(1_393_755_072_987_i64),
            json!("1393755072"),
            json!("1393755072987"),
        ] {
            let read = timestamp(&form).map(|time| time.to_string());
            assert_eq!(read.as_deref(), Some("2014-03-02T10:11:12Z"), "{form}");
        }
        assert_eq!(timestamp(&json!("2014-03-02")).unwrap().to_string(), "2014-03-02T00:00:00Z");
        let minute = timestamp(&json!("2014-03-02T10:11Z"));
        assert_eq!(minute.unwrap().to_string(), "2014-03-02T10:11:00Z");
        for form in [
            json!("yesterday"),
            json!(""),
            json!(null),
            json!([]),
            json!(1e300),
            json!("2014-13-02"),
            json!("2014"),
            json!("20140302"),
            json!("20140302101112"),
        ] {
            assert_eq!(timestamp(&form), None, "{form}");
        }
    }

    #[test]
    fn days() {
        let leap = NaiveDate::from_ymd_opt(2000, 2, 29);
        for text in
            ["2000-02-29", "2000/02/29", "29.02.2000", "2000-02-29T00:00:00Z", "2000-02-29 00:00:00 UTC"]
        {
            assert_eq!(day(text), leap, "{text}");
        }
        assert_eq!(day("2001-02-29"), None);
        assert!(day("1004-05-06").is_some());
    }
}
