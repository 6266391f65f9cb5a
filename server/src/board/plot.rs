//! A plot over time, drawn on the server, so that no script is needed.

use chrono::{Days as Step, NaiveDate};

use super::numbers::Days;

/// Widths of the image for desktops and for phones, in SVG units: it scales with the page, and so do its labels.
const WIDTHS: [(&str, f64); 2] = [("wide", 720.0), ("narrow", 330.0)];
/// Height of the image.
const HEIGHT: f64 = 240.0;
/// Margins, with space for the numbers on the left and for the days at the bottom.
const MARGIN_LEFT: f64 = 56.0;
const MARGIN_BOTTOM: f64 = 28.0;
const MARGIN_TOP: f64 = 12.0;
const MARGIN_RIGHT: f64 = 12.0;

/// The lines in one width.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Image {
    /// The name of the width.
    pub(super) name: &'static str,
    pub(super) width: f64,
    /// The right end of the lines.
    pub(super) right: f64,
    /// The points of each line in SVG syntax.
    pub(super) lines: Vec<String>,
}

/// The whole plot.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plot {
    pub(super) images: [Image; 2],
    /// Height and value of the grid lines.
    pub(super) grid_lines: Vec<(f64, u64)>,
    pub(super) first_day: NaiveDate,
    pub(super) last_day: NaiveDate,
    /// The rows of the table: a day, and the totals up to it.
    pub(super) table: Vec<(NaiveDate, Vec<u64>)>,
}

/// Draws running totals over days, until `today`; `None` before the first event. The scale reaches at least `min_top`.
/// The plot begins with the first series that has events; earlier events of the others count from the start.
pub(super) fn plot(series: &[Days], today: NaiveDate, min_top: u64) -> Option<Plot> {
    // Stands for moves without a known time.
    let unknown = NaiveDate::default();
    let first = series.iter().find_map(|days| days.keys().find(|day| **day != unknown))?;
    let first = first.checked_sub_days(Step::new(1))?;
    let last = today.max(first.checked_add_days(Step::new(1))?);
    let span = number(u64::try_from((last - first).num_days()).unwrap_or(1));
    let sum = |days: &Days, until: NaiveDate| days.range(..=until).map(|(_, number)| number).sum::<u64>();
    let top = round_up(series.iter().map(|days| sum(days, last)).max().unwrap_or(0).max(min_top).max(1));
    let x = |day: NaiveDate, width: f64| {
        let passed = number(u64::try_from((day - first).num_days()).unwrap_or(0));
        MARGIN_LEFT + (width - MARGIN_LEFT - MARGIN_RIGHT) * passed / span
    };
    let y = |value: u64| {
        HEIGHT - MARGIN_BOTTOM - (HEIGHT - MARGIN_BOTTOM - MARGIN_TOP) * number(value) / number(top)
    };
    let line = |days: &Days, width: f64| {
        let mut points = vec![(first, sum(days, first))];
        for day in days.keys().filter(|day| **day > first && **day <= last) {
            // The value is constant until the day before.
            let before = day.pred_opt().unwrap_or(*day);
            points.push((before, sum(days, before)));
            points.push((*day, sum(days, *day)));
        }
        points.push((last, sum(days, last)));
        points.dedup();
        let text: Vec<String> =
            points.iter().map(|(day, value)| format!("{:.1},{:.1}", x(*day, width), y(*value))).collect();
        text.join(" ")
    };
    let images = WIDTHS.map(|(name, width)| Image {
        name,
        width,
        right: width - MARGIN_RIGHT,
        lines: series.iter().map(|days| line(days, width)).collect(),
    });
    let mut days: Vec<NaiveDate> = series
        .iter()
        .flat_map(|days| days.keys().copied())
        .filter(|day| *day >= first && *day <= last)
        .collect();
    days.sort_unstable();
    days.dedup();
    let table = days.into_iter().map(|day| (day, series.iter().map(|days| sum(days, day)).collect()));
    Some(Plot {
        images,
        grid_lines: (0..=4).map(|step| (y(top * step / 4), top * step / 4)).collect(),
        first_day: first,
        last_day: last,
        table: table.collect(),
    })
}

/// Returns the next round number that divides into four steps.
fn round_up(number: u64) -> u64 {
    let mut step = 1_u64;
    loop {
        for factor in [4, 8, 20] {
            if step.saturating_mul(factor) >= number {
                return step.saturating_mul(factor);
            }
        }
        step = step.saturating_mul(10);
    }
}

#[expect(clippy::cast_precision_loss, reason = "pixels need no more precision")]
fn number(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn sums_grow_from_day_to_day() {
        let days: Days = [(day("2026-11-01"), 3), (day("2026-11-05"), 2)].into();
        let plot = plot(&[days, Days::new()], day("2026-11-11"), 10).unwrap();
        assert_eq!((plot.first_day, plot.last_day), (day("2026-10-31"), day("2026-11-11")));
        assert_eq!(plot.table, [(day("2026-11-01"), vec![3, 0]), (day("2026-11-05"), vec![5, 0])]);
        // From 0 on the left to 5 on a scale of 20 on the right.
        for (image, end) in plot.images.iter().zip([" 708.0,162.0", " 318.0,162.0"]) {
            assert!(image.lines[0].starts_with("56.0,212.0 "), "{plot:?}");
            assert!(image.lines[0].ends_with(end), "{plot:?}");
        }
        assert_eq!(plot.grid_lines.iter().map(|(_, number)| *number).collect::<Vec<_>>(), [0, 5, 10, 15, 20]);
    }

    #[test]
    fn there_is_no_plot_before_the_first_event() {
        assert_eq!(plot(&[Days::new()], day("2026-11-11"), 10), None);
        let unknown: Days = [(NaiveDate::default(), 4)].into();
        assert_eq!(plot(&[unknown], day("2026-11-11"), 10), None);
    }

    #[test]
    fn scales_end_at_round_numbers() {
        let tops: Vec<u64> = [1, 4, 5, 9, 20, 21, 316_611].map(round_up).into();
        assert_eq!(tops, [4, 4, 8, 20, 20, 40, 400_000]);
    }
}
