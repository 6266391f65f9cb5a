//! Overview of the shutdown.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::NaiveDate;
use serde::Deserialize;

use super::closing::{Closing, Stage};
use super::numbers::Numbers;
use super::plot::{Plot, plot};
use super::shared::closing::{Decision, DecisionProblem};
use super::shared::{self, Actor};
use crate::app::App;
use crate::error::{WebError, keep_body};
use crate::pages::{CheckedForm, FieldProblems, Page, Question, Questions};
use crate::sessions::Podmin;
use crate::words::Words;

/// The plotted series, in the order of [`Numbers::days`].
const SERIES: [&str; 3] = ["archive", "downloaded", "moved"];

#[derive(Template)]
#[template(path = "board/overview.html")]
struct OverviewPage<'a> {
    page: &'a Page,
    figures: Vec<Figure>,
    drawing: Option<Drawing>,
    stages: Vec<(&'static str, String, &'static str)>,
    /// The selected stage, the days as typed, and whether the numbers are public.
    form: DecisionForm,
    problems: FieldProblems,
}

/// A number with its label.
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) number: String,
    pub(super) share: Option<String>,
}

/// The plot with its labels.
struct Drawing {
    plot: Plot,
    names: Vec<(&'static str, String)>,
    table: Vec<(String, Vec<String>)>,
    /// Height and value of the grid lines.
    grid_lines: Vec<(f64, String)>,
    first_day: String,
    last_day: String,
}

/// Shows the first page of the board.
pub(super) async fn show(State(app): State<App>, _: Podmin, page: Page) -> Result<Response, WebError> {
    if !app.config.closing.enabled {
        let other = if app.config.newcomers.enabled { "/board/newcomers" } else { "/board/log" };
        return Ok(Redirect::to(other).into_response());
    }
    present(&app, &page, None, FieldProblems::default()).await
}

/// Renders the page, with the form as typed.
async fn present(
    app: &App,
    page: &Page,
    form: Option<DecisionForm>,
    problems: FieldProblems,
) -> Result<Response, WebError> {
    let (numbers, closing) = (Numbers::of(app).await?, Closing::of(app).await?);
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let template = OverviewPage {
        figures: figures(page, &numbers),
        drawing: drawing(page, &numbers, app.now().date_naive()),
        stages: stages(page, closing.as_ref()),
        form: form.unwrap_or_else(|| closing.map(DecisionForm::from).unwrap_or_default()),
        problems,
        page,
    };
    Ok(keep_body(page.show(status, &template)?))
}

/// Returns the numbers with their labels and percentages.
pub(super) fn figures(page: &Page, numbers: &Numbers) -> Vec<Figure> {
    let words = &page.words;
    let figure = |key: &str, number: Option<u64>| Figure {
        name: words.say(key),
        number: number.map_or_else(|| "–".to_owned(), |number| words.number(number)),
        share: number.zip(numbers.accounts).filter(|(_, all)| *all > 0).map(|(number, all)| {
            words.one("board-share", "percent", percent_of(number.min(all), all).to_string())
        }),
    };
    let accounts = Figure { share: None, ..figure("board-accounts", numbers.accounts) };
    vec![
        accounts,
        figure("board-with-archive", Some(numbers.with_archive)),
        figure("board-downloaded", Some(numbers.downloaded)),
        figure("board-moved", Some(numbers.moved)),
        figure("board-untouched", numbers.untouched),
    ]
}

/// Returns a percentage, rounded to the nearest: 1 of 13 is 8. Only all of them are 100, and only none of them 0.
pub(super) fn percent_of(number: u64, all: u64) -> u64 {
    let share =
        number.saturating_mul(200).saturating_add(all).checked_div(all.saturating_mul(2)).unwrap_or(0);
    if number == 0 || number == all { share } else { share.clamp(1, 99) }
}

/// Returns the stages with their names, each past, current or upcoming.
pub(super) fn stages(page: &Page, closing: Option<&Closing>) -> Vec<(&'static str, String, &'static str)> {
    let current = closing.and_then(|closing| Stage::ALL.iter().position(|stage| *stage == closing.stage));
    let stages = Stage::ALL.into_iter().enumerate().map(|(position, stage)| {
        let status = match current {
            Some(current) if position < current => "done",
            Some(current) if position == current => "now",
            _ => "later",
        };
        (stage.as_str(), page.words.say(&format!("stage-{}", stage.as_str())), status)
    });
    stages.collect()
}

/// Returns a day in the reader's language.
fn format_day(words: &Words, day: NaiveDate) -> String {
    words.day(day.and_time(chrono::NaiveTime::MIN).and_utc())
}

fn drawing(page: &Page, numbers: &Numbers, today: NaiveDate) -> Option<Drawing> {
    let words = &page.words;
    let plot = plot(&numbers.days, today, numbers.accounts.unwrap_or(0))?;
    let day = |day| format_day(words, day);
    let row = |(at, values): &(NaiveDate, Vec<u64>)| {
        (day(*at), values.iter().map(|value| words.number(*value)).collect())
    };
    let names = ["board-with-archive", "board-downloaded", "board-moved"].map(|key| words.say(key));
    Some(Drawing {
        names: SERIES.into_iter().zip(names).collect(),
        table: plot.table.iter().map(row).collect(),
        grid_lines: plot.grid_lines.iter().map(|(height, value)| (*height, words.number(*value))).collect(),
        first_day: day(plot.first_day),
        last_day: day(plot.last_day),
        plot,
    })
}

/// The form for stage and days.
#[derive(Clone, Default, Deserialize)]
pub(super) struct DecisionForm {
    stage: String,
    #[serde(default)]
    read_only_on: String,
    #[serde(default)]
    switch_off_on: String,
    #[serde(default)]
    downloads_until: String,
    /// A checkbox.
    public: Option<String>,
    /// Set once the podmin has confirmed.
    confirmed: Option<String>,
}

impl From<Closing> for DecisionForm {
    fn from(closing: Closing) -> Self {
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        Self {
            stage: closing.stage.as_str().to_owned(),
            read_only_on: day(closing.read_only_on),
            switch_off_on: day(closing.switch_off_on),
            downloads_until: day(closing.downloads_until),
            public: closing.is_public.then(|| "yes".to_owned()),
            confirmed: None,
        }
    }
}

/// Saves the stage and the days; asks for confirmation before the end.
pub(super) async fn decide(
    State(app): State<App>,
    actor: Actor,
    page: Page,
    questions: Questions,
    CheckedForm(form): CheckedForm<DecisionForm>,
) -> Result<Response, WebError> {
    super::require_closing(&app)?;
    let decision = Decision {
        stage: form.stage.clone(),
        read_only_on: form.read_only_on.clone(),
        switch_off_on: form.switch_off_on.clone(),
        downloads_until: form.downloads_until.clone(),
        is_public: form.public.is_some(),
    };
    let current = Closing::of(&app).await?;
    let closing = match shared::closing::check(&decision, current.as_ref(), app.now().date_naive()) {
        Ok(closing) => closing,
        Err(problems) => {
            let field_problem = |problem: DecisionProblem| {
                // In the format of today's date next to it, if it is a date.
                let day =
                    problem.value.parse().map(|day| format_day(&page.words, day)).unwrap_or(problem.value);
                let values = vec![("day", day.into()), ("today", page.words.day(app.now()).into())];
                (problem.field, page.words.with(problem.key, values))
            };
            let problems = problems.into_iter().map(field_problem).collect();
            return present(&app, &page, Some(form), problems).await;
        }
    };
    if closing.stage == Stage::Closed
        && Closing::stage(&app).await? != Stage::Closed
        && !questions.is_confirmed(form.confirmed.as_deref()).await?
    {
        return questions.ask(&page, close_question(&app, &page, &closing, form).await?).await;
    }
    shared::closing::save(&app, &actor, &closing).await?;
    Ok(Redirect::to("/board?done=saved").into_response())
}

/// Returns the question whether to end the downloads, with the consequences in numbers.
async fn close_question(
    app: &App,
    page: &Page,
    closing: &Closing,
    form: DecisionForm,
) -> Result<Question, WebError> {
    let (words, numbers) = (&page.words, Numbers::of(app).await?);
    let count = |number: u64| words.number(number);
    let without_download = numbers.accounts.map(|all| all.saturating_sub(numbers.downloaded));
    let values = vec![
        ("without", without_download.map_or_else(|| "–".to_owned(), count).into()),
        ("accounts", numbers.accounts.map_or_else(|| "–".to_owned(), count).into()),
        ("archives", count(numbers.with_archive.saturating_sub(numbers.downloaded)).into()),
    ];
    let mut texts = vec![words.with("closing-sure-numbers", values)];
    if let Some(until) = closing.downloads_until.filter(|until| *until > app.now().date_naive()) {
        texts.push(words.one("closing-sure-early", "day", format_day(words, until)));
    }
    let mut fields = vec![
        ("stage", form.stage),
        ("read_only_on", form.read_only_on),
        ("switch_off_on", form.switch_off_on),
        ("downloads_until", form.downloads_until),
    ];
    fields.extend(form.public.map(|public| ("public", public)));
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(Question {
        title: words.say("closing-sure"),
        texts,
        button: words.say("closing-yes"),
        action: "/board/closing".to_owned(),
        fields,
        back: "/board".to_owned(),
        ..Question::default()
    })
}

#[cfg(test)]
mod tests {
    use super::percent_of;

    #[test]
    fn percentages_are_rounded_and_never_claim_all_or_nothing() {
        let shares =
            [(0, 13, 0), (1, 13, 8), (1, 1000, 1), (2, 3, 67), (999, 1000, 99), (13, 13, 100), (0, 0, 0)];
        for (number, all, share) in shares {
            assert_eq!(percent_of(number, all), share, "{number} of {all}");
        }
        assert_eq!(percent_of(u64::MAX / 400, u64::MAX / 200), 50);
    }
}
