//! Points in time in the protocol's format.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, UTC, whole seconds, always written as `2016-02-19T02:13:41Z`.
///
/// Databases of some diaspora* versions store microseconds; diaspora*'s exporter truncates them, and other software
/// rejects fractions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(NaiveDateTime);

/// The reason a text is not a timestamp.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time like 2016-02-19T02:13:41Z")]
pub struct TimestampError(String);

impl Timestamp {
    /// Truncates a time to whole seconds.
    pub fn from_utc(time: NaiveDateTime) -> Self {
        // A leap second becomes the first of the next minute, like in Ruby: no other program writes `:60`.
        let leap = if time.nanosecond() >= 1_000_000_000 { TimeDelta::seconds(1) } else { TimeDelta::zero() };
        let truncated = time.with_nanosecond(0).unwrap_or(time);
        Self(truncated.checked_add_signed(leap).unwrap_or(truncated))
    }

    /// Returns the date and time in UTC.
    pub fn to_utc(self) -> NaiveDateTime {
        self.0
    }

    /// Formats the time for file names: `20160219T021341Z`.
    pub fn compact(self) -> String {
        self.0.format("%Y%m%dT%H%M%SZ").to_string()
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self::from_utc(time.naive_utc())
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Parses the protocol's format and, for archives of other software, fractions and offsets.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        DateTime::parse_from_rfc3339(text)
            .map(|time| Self::from_utc(time.naive_utc()))
            .map_err(|_| TimestampError(text.chars().take(40).collect()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // chrono's format strings would take a fifth of the time of a whole export.
        let (date, time) = (self.0.date(), self.0.time());
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            date.year(),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second()
        )
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "UTC, whole seconds: 2016-02-19T02:13:41Z.",
            "type": "string",
            "format": "date-time"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncates_fractions_and_converts_to_utc() {
        let time: Timestamp = "2016-02-19T03:13:41.999+01:00".parse().unwrap();
        assert_eq!(time.to_string(), "2016-02-19T02:13:41Z");
        assert_eq!(time.compact(), "20160219T021341Z");
        // Found by fuzzing: a leap second with a fraction.
        let leap: Timestamp = "2055-02-28T15:30:60.2Z".parse().unwrap();
        assert_eq!(leap.to_string(), "2055-02-28T15:31:00Z");
        assert_eq!(leap.to_string().parse::<Timestamp>().unwrap(), leap);
        assert!("yesterday".parse::<Timestamp>().is_err());
    }
}
