//! Converts the times in the store's columns: milliseconds since 1970.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Converts the store's milliseconds to a time.
pub fn time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// Converts a duration to milliseconds; a quarter of the maximum value at most, so that sums do not overflow.
pub fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}
