//! The progress display: one bar that fits the window, redrawn in place, gone at the end.

use super::screen::Terminal;
use super::{export, words, write_posts};
use crate::support::target::Target;
use crate::support::{Pod, names, put_key};
use pappus_tests::program::pappus;

/// Rows of a frame that belong to a bar.
fn bars(frame: &str) -> Vec<&str> {
    frame.lines().filter(|line| line.contains('█') || line.contains('░')).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bar_fits_the_window_and_is_redrawn_in_place() {
    let pod = Pod::sqlite().await;
    write_posts(&pod, 20_000).await;
    for columns in [50, 80, 160] {
        let mut terminal = Terminal::start(columns, &export(&pod, &format!("out{columns}"), &[]));
        assert_eq!(terminal.code(), Some(0), "{}", terminal.text());
        let mut shown = 0;
        for frame in &terminal.frames {
            let bars = bars(frame);
            assert!(bars.len() <= 1, "{columns} columns: two rows for one bar:\n{frame}");
            shown += bars.len();
        }
        assert!(shown >= 3, "{columns} columns: it moves: {shown}");
        let moving: Vec<&str> = terminal.frames.iter().flat_map(|frame| bars(frame)).collect();
        assert!(moving.iter().any(|bar| bar.starts_with("nils") && bar.contains("records")), "{moving:?}");
        assert!(moving.first() != moving.last(), "{moving:?}");
        let end = terminal.text();
        assert!(bars(&end).is_empty(), "the bar is gone:\n{end}");
        assert!(end.starts_with("nils@closing.example: 20,"), "the result stands in its place:\n{end}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_weighs_accounts_by_their_records_in_its_bar() {
    let pod = Pod::sqlite().await;
    write_posts(&pod, 30_000).await;
    put_key(&pod.path("state"));
    let (out, state) = (pod.path("out").display().to_string(), pod.path("state").display().to_string());
    let mut arguments = words(&["export", "--all", "--plain", "--order", "smallest-first"]);
    arguments.extend(words(&["--workers", "1", "--out", &out, "--state", &state]));
    arguments.extend(pod.arguments());
    let mut terminal = Terminal::start(70, &arguments);
    assert!(matches!(terminal.code(), Some(0 | 10)), "{}", terminal.text());
    let frames: Vec<&String> =
        terminal.frames.iter().filter(|frame| frame.contains(" of 13 accounts")).collect();
    assert!(!frames.is_empty(), "{}", terminal.text());
    for frame in &frames {
        assert!(bars(frame).len() <= 1, "two rows for one bar:\n{frame}");
        assert!(!frame.contains(" 0 B"), "no numbers before there are any:\n{frame}");
    }
    // Twelve of thirteen accounts are stored soon; nearly all of the work is still to come.
    let late = frames.iter().find(|frame| frame.contains("12 of 13 accounts"));
    let late = late.unwrap_or_else(|| panic!("no frame with all but one: {frames:?}"));
    let percent = late.split(" %").next().and_then(|text| text.split_whitespace().last()).unwrap();
    assert!(percent.parse::<u8>().unwrap() <= 5, "{late}");
    assert!(bars(&terminal.text()).is_empty(), "the bar is gone:\n{}", terminal.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_verifications_and_imports_show_a_bar_too() {
    let pod = Pod::sqlite().await;
    write_posts(&pod, 20_000).await;
    assert_eq!(pappus(export(&pod, "out", &[])).unwrap().code, Some(0));
    let archive = pod.path("out").join(&names(&pod.path("out"))[0]).display().to_string();
    let mut check = words(&["check"]);
    check.extend(pod.arguments());
    let target = Target::sqlite().await;
    let mut import = words(&["import", &archive, "--as", "nils", "--offline", "--accept-unproven", "--hold"]);
    import.extend(words(&["--database-url", &target.database, "--pod-url", target.url]));
    import.extend(words(&["--uploads", &target.path("uploads"), "--state", &target.path("state")]));
    for (arguments, label) in
        [(check, "accounts"), (words(&["verify", &archive]), "verifying"), (import, "records")]
    {
        let mut terminal = Terminal::start(80, &arguments);
        let code = terminal.code();
        assert!(matches!(code, Some(0 | 10)), "{label}: {}", terminal.text());
        let shown: Vec<&str> = terminal.frames.iter().flat_map(|frame| bars(frame)).collect();
        assert!(shown.iter().any(|bar| bar.starts_with(label)), "{label}: {shown:?}");
        for frame in &terminal.frames {
            assert!(bars(frame).len() <= 1, "{label}: two rows for one bar:\n{frame}");
        }
        assert!(bars(&terminal.text()).is_empty(), "{label}: the bar is gone:\n{}", terminal.text());
    }
}
