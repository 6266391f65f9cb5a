//! How far the shutdown is, at a glance.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use chrono::NaiveDate;
use serde::Deserialize;

use super::closing::{Closing, Stage};
use super::numbers::Numbers;
use super::plot::{Plot, plot};
use super::shared::closing::Decision;
use super::shared::{self, Actor};
use crate::app::App;
use crate::error::WebError;
use crate::pages::{CheckedForm, Page};
use crate::sessions::Podmin;

/// What is drawn, in the order of [`Numbers::days`].
const SERIES: [&str; 3] = ["archive", "downloaded", "moved"];

#[derive(Template)]
#[template(path = "board/overview.html")]
struct Overview<'a> {
    page: &'a Page,
    figures: Vec<Figure>,
    drawing: Option<Drawing>,
    stages: Vec<(&'static str, String, &'static str)>,
    closing: Option<Closing>,
}

/// A number with its name.
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) number: String,
    pub(super) share: Option<String>,
}

/// The plot with its words.
struct Drawing {
    plot: Plot,
    names: Vec<(&'static str, String)>,
    table: Vec<(String, Vec<String>)>,
    steps: Vec<(f64, String)>,
    first: String,
    last: String,
}

/// The first page of the board.
pub(super) async fn show(State(app): State<App>, _: Podmin, page: Page) -> Result<Response, WebError> {
    let (numbers, closing) = (Numbers::of(&app).await?, Closing::of(&app).await?);
    let template = Overview {
        figures: figures(&page, &numbers),
        drawing: drawing(&page, &numbers, app.now().date_naive()),
        stages: stages(&page, closing.as_ref()),
        closing,
        page: &page,
    };
    page.show(StatusCode::OK, &template)
}

/// The numbers with their names and shares.
pub(super) fn figures(page: &Page, numbers: &Numbers) -> Vec<Figure> {
    let words = &page.words;
    let of = |key: &str, number: Option<u64>| Figure {
        name: words.say(key),
        number: number.map_or_else(|| "–".to_owned(), |number| words.number(number)),
        share: number.zip(numbers.accounts).filter(|(_, all)| *all > 0).map(|(number, all)| {
            words.one("board-share", "percent", rounded(number.min(all), all).to_string())
        }),
    };
    let accounts = Figure { share: None, ..of("board-accounts", numbers.accounts) };
    vec![
        accounts,
        of("board-with-archive", Some(numbers.with_archive)),
        of("board-downloaded", Some(numbers.downloaded)),
        of("board-moved", Some(numbers.moved)),
        of("board-untouched", numbers.untouched),
    ]
}

/// A share in hundredths, rounded as people do: 1 of 13 is 8 per cent. Only all is 100, and only nothing is 0.
pub(super) fn rounded(number: u64, all: u64) -> u64 {
    let share =
        number.saturating_mul(200).saturating_add(all).checked_div(all.saturating_mul(2)).unwrap_or(0);
    if number == 0 || number == all { share } else { share.clamp(1, 99) }
}

/// The stages with their names, and whether they are over, now, or to come.
pub(super) fn stages(page: &Page, closing: Option<&Closing>) -> Vec<(&'static str, String, &'static str)> {
    let now = closing.and_then(|closing| Stage::ALL.iter().position(|stage| *stage == closing.stage));
    let stages = Stage::ALL.into_iter().enumerate().map(|(position, stage)| {
        let place = match now {
            Some(now) if position < now => "done",
            Some(now) if position == now => "now",
            _ => "later",
        };
        (stage.as_str(), page.words.say(&format!("stage-{}", stage.as_str())), place)
    });
    stages.collect()
}

fn drawing(page: &Page, numbers: &Numbers, today: NaiveDate) -> Option<Drawing> {
    let words = &page.words;
    let plot = plot(&numbers.days, today, numbers.accounts.unwrap_or(0))?;
    let day = |day: NaiveDate| words.day(day.and_time(chrono::NaiveTime::MIN).and_utc());
    let row = |(at, values): &(NaiveDate, Vec<u64>)| {
        (day(*at), values.iter().map(|value| words.number(*value)).collect())
    };
    let names = ["board-with-archive", "board-downloaded", "board-moved"].map(|key| words.say(key));
    Some(Drawing {
        names: SERIES.into_iter().zip(names).collect(),
        table: plot.table.iter().map(row).collect(),
        steps: plot.steps.iter().map(|(height, value)| (*height, words.number(*value))).collect(),
        first: day(plot.first),
        last: day(plot.last),
        plot,
    })
}

/// What the podmin decides.
#[derive(Deserialize)]
pub(super) struct DecisionForm {
    stage: String,
    #[serde(default)]
    read_only_on: String,
    #[serde(default)]
    switch_off_on: String,
    #[serde(default)]
    downloads_until: String,
    /// A box that is ticked.
    public: Option<String>,
}

/// Keeps the stage and the days.
pub(super) async fn decide(
    State(app): State<App>,
    actor: Actor,
    CheckedForm(form): CheckedForm<DecisionForm>,
) -> Result<Redirect, WebError> {
    let decision = Decision {
        stage: form.stage,
        read_only_on: form.read_only_on,
        switch_off_on: form.switch_off_on,
        downloads_until: form.downloads_until,
        is_public: form.public.is_some(),
    };
    shared::closing::decide(&app, &actor, &decision).await?;
    Ok(Redirect::to("/board"))
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn shares_are_rounded_and_never_claim_all_or_nothing() {
        let shares =
            [(0, 13, 0), (1, 13, 8), (1, 1000, 1), (2, 3, 67), (999, 1000, 99), (13, 13, 100), (0, 0, 0)];
        for (number, all, share) in shares {
            assert_eq!(rounded(number, all), share, "{number} of {all}");
        }
        assert_eq!(rounded(u64::MAX / 400, u64::MAX / 200), 50);
    }
}
