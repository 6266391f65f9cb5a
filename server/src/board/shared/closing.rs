//! Deciding how far the shutdown is.

use chrono::{Datelike as _, NaiveDate};
use serde_json::json;

use super::Actor;
use crate::app::App;
use crate::board::closing::{Closing, Stage};
use crate::error::WebError;

/// What a podmin decides, as they wrote it. Empty days are none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decision {
    pub(crate) stage: String,
    pub(crate) read_only_on: String,
    pub(crate) switch_off_on: String,
    pub(crate) downloads_until: String,
    pub(crate) is_public: bool,
}

/// Keeps the stage and the days.
///
/// # Errors
/// [`WebError::Bad`] for what is no stage or no day.
pub(crate) async fn decide(app: &App, actor: &Actor, decision: &Decision) -> Result<Closing, WebError> {
    let stage =
        Stage::parse(&decision.stage).ok_or_else(|| WebError::Bad("there is no such stage".to_owned()))?;
    let closing = Closing {
        stage,
        read_only_on: day(&decision.read_only_on)?,
        switch_off_on: day(&decision.switch_off_on)?,
        downloads_until: day(&decision.downloads_until)?,
        is_public: decision.is_public,
    };
    closing.keep(app).await?;
    let details = json!({ "days": [closing.read_only_on, closing.switch_off_on, closing.downloads_until],
        "public": closing.is_public });
    actor.has_done(app, "closing", stage.as_str(), Some(&details)).await;
    Ok(closing)
}

fn day(text: &str) -> Result<Option<NaiveDate>, WebError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    // Years of five digits are slips of the finger, and nobody's calendar shows them.
    let day = text.parse().ok().filter(|day: &NaiveDate| (1..=9999).contains(&day.year()));
    day.map(Some).ok_or_else(|| WebError::Bad(format!("{text:?} is no day; write it as 2027-01-31")))
}

#[cfg(test)]
mod tests {
    use super::day;

    #[test]
    fn days() {
        assert_eq!(day(" 2027-01-31 ").unwrap(), "2027-01-31".parse().ok());
        assert_eq!(day(" ").unwrap(), None);
        for text in ["soon", "2027-02-30", "31.1.2027", "+20270-01-31", "-0001-01-31"] {
            assert!(day(text).unwrap_err().to_string().contains("write it as 2027-01-31"), "{text}");
        }
    }
}
