//! The current time.

use pappus_engine::domain::Timestamp;

use crate::error::Failure;
use crate::pod;

/// Returns the current time, or that of `SOURCE_DATE_EPOCH`, the standard variable for reproducible output.
#[expect(clippy::disallowed_methods, reason = "the only place that reads the clock")]
pub(crate) fn now() -> Result<Timestamp, Failure> {
    match pod::environment("SOURCE_DATE_EPOCH") {
        None => Ok(chrono::Utc::now().into()),
        Some(seconds) => seconds
            .parse()
            .ok()
            .and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0))
            .map(Timestamp::from)
            .ok_or_else(|| {
                Failure::message(format!(
                    "SOURCE_DATE_EPOCH is {seconds:?}, which is not a number of seconds"
                ))
            }),
    }
}
