//! Changes to the stage and days of the shutdown.

use chrono::{Datelike as _, NaiveDate};
use serde_json::json;

use super::Actor;
use crate::app::App;
use crate::board::closing::{Closing, Stage};
use crate::error::WebError;

/// A podmin's decision, as typed. An empty day means none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decision {
    pub(crate) stage: String,
    pub(crate) read_only_on: String,
    pub(crate) switch_off_on: String,
    pub(crate) downloads_until: String,
    pub(crate) is_public: bool,
}

/// A problem with a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DecisionProblem {
    /// The field of the form.
    pub(crate) field: &'static str,
    /// The key of the translated text.
    pub(crate) key: &'static str,
    /// The value as typed.
    pub(crate) value: String,
    /// A sentence for API clients.
    pub(crate) sentence: String,
}

/// Years ahead up to which days are accepted: later ones are taken for typing errors.
const MAX_YEARS: i32 = 20;

/// Validates the stage, the days, and their order. Days in the past are valid only if they are `current`.
pub(crate) fn check(
    decision: &Decision,
    current: Option<&Closing>,
    today: NaiveDate,
) -> Result<Closing, Vec<DecisionProblem>> {
    let mut problems = Vec::new();
    let stage = Stage::parse(&decision.stage);
    if stage.is_none() {
        let sentence = "there is no such stage".to_owned();
        problems.push(DecisionProblem {
            field: "stage",
            key: "closing-stage-wrong",
            value: decision.stage.clone(),
            sentence,
        });
    }
    let values = [
        ("read_only_on", &decision.read_only_on, current.and_then(|current| current.read_only_on)),
        ("switch_off_on", &decision.switch_off_on, current.and_then(|current| current.switch_off_on)),
        ("downloads_until", &decision.downloads_until, current.and_then(|current| current.downloads_until)),
    ];
    let days = values.map(|(field, text, current)| {
        day(field, text, current, today).map_err(|problem| problems.push(problem))
    });
    let [read_only_on, switch_off_on, downloads_until] = days.map(|day| day.unwrap_or(None));
    let order = [
        (
            read_only_on,
            switch_off_on,
            "switch_off_on",
            "closing-off-before-read-only",
            "it is switched off before it is read-only",
        ),
        (
            read_only_on,
            downloads_until,
            "downloads_until",
            "closing-downloads-before",
            "downloads end before the pod is read-only",
        ),
        (
            switch_off_on,
            downloads_until,
            "downloads_until",
            "closing-downloads-before-off",
            "downloads end before the pod is switched off",
        ),
    ];
    for (first, second, field, key, sentence) in order {
        if let (Some(first), Some(second)) = (first, second)
            && second < first
            && problems.iter().all(|problem| problem.field != field)
        {
            let value = second.to_string();
            problems.push(DecisionProblem { field, key, value, sentence: format!("impossible: {sentence}") });
        }
    }
    match stage {
        Some(stage) if problems.is_empty() => {
            let is_public = decision.is_public;
            Ok(Closing { stage, read_only_on, switch_off_on, downloads_until, is_public })
        }
        _ => Err(problems),
    }
}

/// Saves the stage and the days.
///
/// # Errors
/// [`WebError::BadRequest`] for an invalid stage or day, or days in an impossible order.
pub(crate) async fn decide(app: &App, actor: &Actor, decision: &Decision) -> Result<Closing, WebError> {
    let current = Closing::of(app).await?;
    let checked = check(decision, current.as_ref(), app.now().date_naive());
    let closing = checked.map_err(|problems| {
        let sentences: Vec<String> = problems.into_iter().map(|problem| problem.sentence).collect();
        WebError::BadRequest(sentences.join("; "))
    })?;
    save(app, actor, &closing).await?;
    Ok(closing)
}

/// Saves a validated decision.
///
/// # Errors
/// [`WebError::Unavailable`].
pub(crate) async fn save(app: &App, actor: &Actor, closing: &Closing) -> Result<(), WebError> {
    closing.save(app).await?;
    let details = json!({ "days": [closing.read_only_on, closing.switch_off_on, closing.downloads_until],
        "public": closing.is_public });
    actor.log_action(app, "closing", closing.stage.as_str(), Some(&details)).await;
    Ok(())
}

fn day(
    field: &'static str,
    value: &str,
    current: Option<NaiveDate>,
    today: NaiveDate,
) -> Result<Option<NaiveDate>, DecisionProblem> {
    let text = value.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let problem = |key, sentence| DecisionProblem { field, key, value: text.to_owned(), sentence };
    // A five-digit year is a typing error.
    let day = text.parse().ok().filter(|day: &NaiveDate| (1..=9999).contains(&day.year()));
    let invalid = || problem("closing-day-wrong", format!("{text:?} is not a date; write it as 2027-01-31"));
    let day = day.ok_or_else(invalid)?;
    if (day.year() - today.year()).abs() > MAX_YEARS {
        let sentence = format!("{text} is more than {MAX_YEARS} years away");
        return Err(problem("closing-day-far", sentence));
    }
    if day < today && Some(day) != current {
        return Err(problem("closing-day-past", format!("{text} is in the past; today is {today}")));
    }
    Ok(Some(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(days: [&str; 3]) -> Decision {
        let [read_only_on, switch_off_on, downloads_until] = days.map(str::to_owned);
        let stage = "exporting".to_owned();
        Decision { stage, read_only_on, switch_off_on, downloads_until, is_public: false }
    }

    fn problems(days: [&str; 3]) -> Vec<(&'static str, &'static str)> {
        let today = "2026-11-29".parse().unwrap();
        let problems = check(&decision(days), None, today).err().unwrap_or_default();
        problems.iter().map(|problem| (problem.field, problem.key)).collect()
    }

    #[test]
    fn days_are_parsed() {
        let today = "2026-11-29".parse().unwrap();
        assert_eq!(day("switch_off_on", " 2027-01-31 ", None, today).unwrap(), "2027-01-31".parse().ok());
        assert_eq!(day("switch_off_on", " ", None, today).unwrap(), None);
        for text in ["soon", "2027-02-30", "31.1.2027", "+20270-01-31", "-0001-01-31"] {
            let problem = day("switch_off_on", text, None, today).unwrap_err();
            assert!(problem.sentence.contains("write it as 2027-01-31"), "{text}");
        }
    }

    #[test]
    fn current_days_may_be_in_the_past() {
        let [today, past]: [NaiveDate; 2] = ["2026-11-29", "2026-11-01"].map(|day| day.parse().unwrap());
        let read_only_on = Some(past);
        let current = Closing {
            stage: Stage::ReadOnly,
            read_only_on,
            switch_off_on: None,
            downloads_until: None,
            is_public: false,
        };
        let closing = check(&decision(["2026-11-01", "2027-01-31", ""]), Some(&current), today).unwrap();
        assert_eq!(closing.read_only_on, read_only_on);
        for (days, field) in
            [(["2026-11-02", "", ""], "read_only_on"), (["2026-11-01", "2026-11-01", ""], "switch_off_on")]
        {
            let problems = check(&decision(days), Some(&current), today).unwrap_err();
            assert_eq!((problems.len(), problems[0].field, problems[0].key), (1, field, "closing-day-past"));
        }
    }

    #[test]
    fn impossible_days_are_refused() {
        assert_eq!(problems(["2026-12-01", "2027-01-31", "2027-06-30"]), []);
        assert_eq!(problems(["2027-01-31", "2027-01-31", "2027-01-31"]), []);
        let past = "closing-day-past";
        assert_eq!(
            problems(["2025-12-01", "2026-11-29", "2026-11-28"]),
            [("read_only_on", past), ("downloads_until", past)]
        );
        let off = ("switch_off_on", "closing-off-before-read-only");
        assert_eq!(problems(["2027-02-01", "2027-01-31", ""]), [off]);
        let late = ("downloads_until", "closing-downloads-before-off");
        assert_eq!(problems(["", "2027-01-31", "2027-01-30"]), [late]);
        assert_eq!(
            problems(["2027-01-31", "", "2027-01-30"]),
            [("downloads_until", "closing-downloads-before")]
        );
        assert_eq!(problems(["2072-01-31", "", ""]), [("read_only_on", "closing-day-far")]);
    }
}
